package minidb_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestRollupsThatFollowChangesEqualThoseOfAllRows changes rows that others add up, some at a time and at random, and holds every rollup
// against one over all linked rows. Numbers are at the edges of their range, too, where sums come and go.
func TestRollupsThatFollowChangesEqualThoseOfAllRows(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := newFixture(t, minidb.Options{})
	parts := f.table(minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Precision: 30, Scale: 10}},
		{Name: "S", Type: minidb.TextColumn}, {Name: "On", Type: minidb.BooleanColumn}}}).reload()
	aggregates := []struct{ name, target, filter string }{
		{"sum", "N", ""}, {"min", "N", ""}, {"max", "N", ""}, {"count", "N", ""}, {"counta", "S", ""}, {"min", "S", ""}, {"max", "S", ""},
		{"sum", "N", "{On}"}, {"max", "N", "{On}"}, {"average", "N", "{On}"}, {"", "", "{On}"},
	}
	spec := minidb.TableSpec{Name: "Wholes", Columns: []minidb.ColumnSpec{{Name: "L", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: parts.ID}}}}}
	for i, a := range aggregates {
		kind := minidb.RollupColumn
		if a.name == "" {
			kind = minidb.CountColumn
		}
		spec.Columns = append(spec.Columns, through(string(rune('A'+i)), kind, "L", a.target, a.name, a.filter))
	}
	wholes := f.table(spec).reload()
	value := func() values {
		v := values{"On": lqp.BoolValue(rnd.IntN(2) == 0), "S": lqp.Value{}, "N": lqp.Value{}}
		if rnd.IntN(4) > 0 {
			v["S"] = text([]string{"", "a", "b", "B", "zz"}[rnd.IntN(5)])
		}
		if rnd.IntN(4) > 0 {
			v["N"] = dec([]string{"0", "1.5", "-2.0000000001", "0.3", "99999999999999999999", "-99999999999999999999", "7"}[rnd.IntN(7)])
		}
		return v
	}
	var rows []values
	for range 12 {
		rows = append(rows, value())
	}
	ids := parts.add(rows...)
	some := func(n int) (list []string) {
		for _, i := range rnd.Perm(len(ids))[:n] {
			list = append(list, ids[i])
		}
		return list
	}
	owners := wholes.add(values{"L": rowsOf(some(6)...)}, values{"L": rowsOf(some(3)...)}, values{})
	for i := range 60 {
		switch rnd.IntN(6) {
		case 0:
			wholes.do(wholes.update(owners[rnd.IntN(3)], 0, values{"L": rowsOf(some(rnd.IntN(8))...)}))
		case 1: // both in one transaction
			_, err := f.Apply(f.ctx, alice, []minidb.Write{{Table: parts.Table, Mutation: parts.update(some(1)[0], 0, value())},
				{Table: wholes.Table, Mutation: wholes.update(owners[0], 0, values{"L": rowsOf(some(5)...)})}, {Table: parts.Table, Mutation: parts.update(some(1)[0], 0, value())}})
			require.NoError(t, err)
		default:
			m := &lqp.Mutation{Op: lqp.Update, Table: parts.ID}
			for _, id := range some(1 + rnd.IntN(4)) {
				m.Rows = append(m.Rows, parts.update(id, 0, value()).Rows...)
			}
			parts.do(m)
		}
		all, seen := parts.stored(), wholes.stored()
		for _, owner := range owners {
			for k, a := range aggregates {
				name := string(rune('A' + k))
				n := int64(0)
				fn, _ := lqp.LookupAggregate(a.name)
				var acc lqp.Accumulator
				if a.name != "" {
					acc = fn.NewAccumulator(parts.Schema().Column(parts.id(a.target)).Type)
				}
				for _, item := range seen[owner]["L"].Items() {
					row := all[item.Text()]
					if a.filter != "" && !lqp.Truth(row["On"]) {
						continue
					}
					if n++; acc != nil {
						acc.Add(row[a.target])
					}
				}
				want := num(n)
				if acc != nil {
					want = acc.Result()
				}
				if want.Kind() == lqp.Text && want.Text() == "" {
					want = lqp.Value{}
				}
				require.True(t, lqp.Equal(want, seen[owner][name]), "step %d: %s of %s where %q is %s, should be %s", i, a.name, a.target, a.filter, seen[owner][name], want)
			}
		}
	}
}
