package minidb_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestWriteByFilter(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods)
	const rows = 1_700 // several chunks
	m := &lqp.Mutation{Op: lqp.Insert}
	for i := range rows {
		m.Rows = append(m.Rows, lqp.RowChange{Set: g.set(values{"Name": text(fmt.Sprint("n", i)), "Stock": num(int64(i))})})
	}
	g.do(m)
	set := []lqp.RowChange{{Set: g.set(values{"Price": dec("1.5")})}}
	some := g.where("lt", "Stock", num(1_600))

	r, err := g.try(dry(&lqp.Mutation{Op: lqp.Update, Where: some, Rows: set, MaxAffected: rows}), minidb.Guard{})
	require.NoError(t, err)
	require.Equal(t, []int{1_600, 1_600, 1_000}, []int{r.Matched, r.Affected, len(r.Rows)})
	require.Zero(t, g.count(`SELECT count(*) FROM lt_change WHERE action = 'row.update'`))

	var limit *minidb.LimitError
	_, err = g.try(&lqp.Mutation{Op: lqp.Update, Where: some, Rows: set, MaxAffected: 1_599}, minidb.Guard{})
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "max_affected", limit.Name)
	_, err = g.try(&lqp.Mutation{Op: lqp.Update, Where: some, Rows: set, MaxAffected: minidb.MaxFiltered + 1}, minidb.Guard{})
	require.ErrorAs(t, err, &limit)

	// Rows out of sight are left alone; one that may not be changed, in the last chunk too, refuses all.
	sees := minidb.Guard{Read: g.where("ge", "Stock", num(100)), Update: g.where("ne", "Stock", num(1_599))}
	_, err = g.try(&lqp.Mutation{Op: lqp.Update, Where: some, Rows: set, MaxAffected: rows}, sees)
	require.ErrorIs(t, err, minidb.ErrForbidden)
	require.Zero(t, g.count(`SELECT count(*) FROM lt_change WHERE action = 'row.update'`))
	sees.Update = nil
	r, err = g.try(&lqp.Mutation{Op: lqp.Update, Where: some, Rows: set, MaxAffected: rows}, sees)
	require.NoError(t, err)
	require.Equal(t, 1_500, r.Affected)
	require.Equal(t, int64(1_500), g.count(`SELECT count(*) FROM lt_change WHERE action = 'row.update'`))
	require.Equal(t, int64(1), g.count(`SELECT count(DISTINCT batch) FROM lt_change WHERE action = 'row.update'`))

	// Bad values refuse it, also when no row is selected; values that would be shared by several rows too.
	bad := []lqp.RowChange{{Set: g.set(values{"Stock": text("many")})}}
	for _, where := range []lqp.Expr{some, g.where("lt", "Stock", num(-1))} {
		_, err = g.try(&lqp.Mutation{Op: lqp.Update, Where: where, Rows: bad, MaxAffected: rows}, minidb.Guard{})
		require.Equal(t, minidb.CodeType, faultsOf(t, err)[0].Code)
	}
	_, err = g.try(&lqp.Mutation{Op: lqp.Update, AllRows: true, Rows: []lqp.RowChange{{Set: g.set(values{"Code": text("same")})}}}, minidb.Guard{})
	require.Equal(t, minidb.CodeUnique, faultsOf(t, err)[0].Code)
	r, err = g.try(&lqp.Mutation{Op: lqp.Delete, AllRows: true}, minidb.Guard{})
	require.NoError(t, err)
	require.Equal(t, rows, r.Affected)
	require.Empty(t, g.stored())
}
