package minidb_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestByFilter(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxRows: 50})
	g := f.table(goods)
	for i := range 3 {
		var rows []values
		for k := range 20 {
			rows = append(rows, values{"Name": text(fmt.Sprintf("n%d", i*20+k)), "Stock": num(int64(i*20 + k))})
		}
		g.add(rows...)
	}
	set := func(v values) []lqp.RowChange { return []lqp.RowChange{{Set: g.set(v)}} }

	_, err := g.try(&lqp.Mutation{Op: lqp.Update, Where: g.where("lt", "Stock", num(10)), MaxAffected: 9, Rows: set(values{"State": text("old")})}, minidb.Guard{})
	var limit *minidb.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "max_affected", limit.Name)

	r := g.do(&lqp.Mutation{Op: lqp.Update, Where: g.where("lt", "Stock", num(10)), MaxAffected: 10, Rows: set(values{"State": text("old")})})
	require.Equal(t, 10, r.Affected)
	for i := 1; i < len(r.Rows); i++ {
		require.Less(t, r.Rows[i-1].ID, r.Rows[i].ID)
	}
	r = g.do(&lqp.Mutation{Op: lqp.Update, Where: g.where("lt", "Stock", num(20)), Rows: set(values{"State": text("old")})})
	require.Len(t, r.Rows, 20)
	require.Equal(t, 10, r.Affected, "half of the rows have the value already")

	_, err = g.try(&lqp.Mutation{Op: lqp.Delete, AllRows: true}, minidb.Guard{})
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "rows", limit.Name)
	require.Len(t, g.stored(), 60)

	g.do(&lqp.Mutation{Op: lqp.Delete, Where: g.where("ge", "Stock", num(20))})
	g.do(&lqp.Mutation{Op: lqp.Delete, AllRows: true})
	require.Empty(t, g.stored())
	require.Equal(t, int64(1+60+20+60), f.count("SELECT max(table_offset) FROM lt_change WHERE table_id = ?", text(g.ID)))
}

func TestMalformedMutationsByFilter(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A")})
	where := g.where("eq", "Name", text("A"))
	for name, m := range map[string]*lqp.Mutation{
		"no rows named and no filter": {Op: lqp.Update, Rows: []lqp.RowChange{{Set: g.set(values{"Stock": num(1)})}}},
		"filter and all rows":         {Op: lqp.Delete, Where: where, AllRows: true},
		"insert by filter":            {Op: lqp.Insert, Where: where},
		"filter and a row id":         {Op: lqp.Delete, Where: where, Rows: []lqp.RowChange{{ID: []lqp.Value{text("row_x")}}}},
		"update without values":       {Op: lqp.Update, Where: where},
		"another table":               {Op: lqp.Delete, Table: "tbl_other", AllRows: true},
		"another connection":          {Op: lqp.Delete, Connection: "con_x", AllRows: true},
		"no operation":                {AllRows: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := g.try(m, minidb.Guard{})
			require.Error(t, err)
			require.Len(t, g.stored(), 1)
		})
	}
}

func TestUpsert(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(1)}, values{"Name": text("A"), "Code": text("b"), "Stock": num(2)})

	r := g.do(g.upsert([]string{"Code"}, values{"Code": text("c"), "Name": text("C")}, values{"Code": text("a"), "Stock": num(7)}))
	require.Equal(t, lqp.Insert, r.Rows[0].Op)
	require.Equal(t, lqp.Update, r.Rows[1].Op)
	require.Equal(t, ids[0], r.Rows[1].ID)
	require.Equal(t, "7", g.stored()[ids[0]]["Stock"].String())

	r = g.do(g.upsert([]string{"Name", "Stock"}, values{"Name": text("A"), "Stock": num(2), "State": text("old")}, values{"Name": text("A"), "Stock": num(3)}))
	require.Equal(t, ids[1], r.Rows[0].ID)
	require.Equal(t, lqp.Insert, r.Rows[1].Op)

	codes := func(m *lqp.Mutation) (list []string) {
		_, err := g.try(m, minidb.Guard{})
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v)
		for _, e := range v.Fields {
			list = append(list, e.Code)
		}
		return list
	}
	require.Equal(t, []string{minidb.CodeAmbiguousKey}, codes(g.upsert([]string{"Name"}, values{"Name": text("A"), "Stock": num(9)})))
	require.Contains(t, codes(g.upsert([]string{"Code"}, values{"Code": text("z"), "Name": text("Z")}, values{"Code": text("z"), "Name": text("Z")})),
		minidb.CodeDuplicateRow)
	require.Equal(t, []string{minidb.CodeRequired}, codes(g.upsert([]string{"Code"}, values{"Name": text("Z")})))
	require.Equal(t, []string{minidb.CodeUnknownColumn}, codes(g.upsert([]string{"_version"}, values{"Name": text("Z")})))

	// By row id: an unknown one becomes a row, the same again changes it.
	id := minidb.NewID("row")
	byID := func(v values) *lqp.Mutation {
		return &lqp.Mutation{Op: lqp.Upsert, Rows: []lqp.RowChange{{ID: []lqp.Value{text(id)}, Set: g.set(v)}}}
	}
	require.Equal(t, lqp.Insert, g.do(byID(values{"Name": text("Q")})).Rows[0].Op)
	require.Equal(t, int64(2), g.do(byID(values{"Name": text("R")})).Rows[0].Version)
	require.Equal(t, lqp.Insert, g.do(g.upsert(nil, values{"Name": text("S")})).Rows[0].Op)
}

func TestLargeBatchesAreLookedUpInChunks(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	const n = 1200
	rows := make([]values, n)
	for i := range rows {
		rows[i] = values{"Name": text("x"), "Code": text(strconv.Itoa(i)), "Stock": num(int64(i))}
	}
	ids := g.add(rows...)
	m := &lqp.Mutation{Op: lqp.Update}
	for i, id := range ids {
		m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(id)}, Version: 1, Set: g.set(values{"Code": text(strconv.Itoa((i + 1) % n))})})
	}
	require.Equal(t, n, g.do(m).Affected, "every unique value moves to the next row")
	r := g.do(g.upsert([]string{"Name", "Stock"}, rows...))
	require.Equal(t, lqp.Update, r.Rows[n-1].Op)
	require.Equal(t, n, g.do(g.delete(3, ids...)).Affected)
}
