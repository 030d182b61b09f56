package rewrite

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func randomTables(r *rand.Rand) []*plantest.Table {
	return []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 1 + r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 1 + r.IntN(12), Keyless: true}),
	}
}

func run(t *testing.T, q *lqp.Query, tables []*plantest.Table) [][]lqp.Value {
	t.Helper()
	res, err := lqp.Run(context.Background(), q, &plantest.Sources{Tables: tables}, lqp.RunOptions{})
	require.NoError(t, err, lqp.Format(q))
	defer res.Close()
	rows := [][]lqp.Value{}
	for res.Next() {
		row := make([]lqp.Value, len(q.Select))
		for i := range row {
			row[i] = res.Value(i)
		}
		rows = append(rows, row)
	}
	require.NoError(t, res.Err())
	return rows
}

func nesting(q *lqp.Query) int {
	if q.From.Query == nil {
		return 0
	}
	return 1 + nesting(q.From.Query)
}

// Merging a nested query into the block around it changes no answer.
func TestFlattenKeepsAnswers(t *testing.T) {
	seed := testseed.Of(t)
	flat := 0
	for n := range 4000 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		g := &plantest.Generator{R: r, Tables: tables, Nested: 3}
		written, ordered := g.Query()
		if written.From.Query == nil || len(written.Joins) > 0 {
			continue
		}
		q, err := lqp.Bind(written, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		before := lqp.Format(q)
		f := flatten(q)
		require.Equal(t, before, lqp.Format(q), "flatten changed its input")
		if nesting(f) < nesting(q) {
			flat++
		}
		want, got := plantest.Texts(run(t, q, tables)), plantest.Texts(run(t, f, tables))
		if !ordered { // the order of arrival is not kept: below another order or a group the nested order is no more
			require.ElementsMatch(t, want, got, "seed %d, query %d\n%s\nflattened:\n%s", seed, n, before, lqp.Format(f))
			continue
		}
		require.Equal(t, want, got, "seed %d, query %d\n%s\nflattened:\n%s", seed, n, before, lqp.Format(f))
		require.Equal(t, q.Columns(), withoutFacets(f.Columns(), q.Columns()), "seed %d, query %d", seed, n)
	}
	require.Greater(t, flat, 200)
}

// withoutFacets gives columns what flattening may know better of them.
func withoutFacets(cols, as []lqp.Column) []lqp.Column {
	for i := range cols {
		if cols[i].Type.Same(as[i].Type) {
			cols[i] = as[i]
		}
	}
	return cols
}

// Views whose formulas use the one below several times are not written out in full: that would grow exponentially.
func TestFlattenIsBounded(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	q := &lqp.Query{From: lqp.Source{Table: "one"}, Select: []lqp.Named{{Name: "x", Expr: lqp.Ref("", "n")}}}
	for range 7 {
		e := lqp.Expr(lqp.Ref("", "x"))
		for range 9 {
			e = lqp.NewCall("add", e, lqp.Ref("", "x"))
		}
		q = &lqp.Query{From: lqp.Source{Query: q}, Select: []lqp.Named{{Name: "x", Expr: e}}}
	}
	bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
	require.NoError(t, err)
	f := flatten(bound)
	require.Less(t, nesting(f), nesting(bound), "small views are merged")
	nodes := 0
	for b := f; b != nil; b = b.From.Query {
		lqp.Walk(b.Select[0].Expr, func(lqp.Expr) bool { nodes++; return true })
	}
	require.Less(t, nodes, 2*maxMerged)
	require.Equal(t, run(t, bound, tables), run(t, f, tables))
}

func TestFlattenKeepsAPosition(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	inner := &lqp.Query{From: lqp.Source{Table: "one"}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "id")}}, Page: lqp.Page{After: []lqp.Value{lqp.IntValue(3)}}}
	q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Query: inner}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "n"), Desc: true}}}, lqp.Env{Table: plantest.Find(tables)})
	require.NoError(t, err)
	require.Equal(t, run(t, q, tables), run(t, flatten(q), tables))
}

func TestInheritedOrder(t *testing.T) {
	tables := randomTables(rand.New(rand.NewPCG(1, 1)))
	by := func(keys ...string) (order []lqp.Order) {
		for _, k := range keys {
			order = append(order, lqp.Order{Expr: lqp.Ref("", k), Desc: k == "n"})
		}
		return order
	}
	one := lqp.Source{Table: "one", Alias: "a"}
	cols := func(names ...string) (list []lqp.Named) {
		for _, n := range names {
			list = append(list, lqp.Named{Expr: lqp.Ref("", n)})
		}
		return list
	}
	grouped := &lqp.Query{From: one, GroupBy: cols("n", "t"), OrderBy: by("n", "t"), Select: cols("n")}
	for _, tc := range []struct {
		name  string
		q     *lqp.Query
		order string
	}{
		{"of a plain view", &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: one, OrderBy: by("n", "t")}}}, "{a.n} desc, {a.t}"},
		{"by a column that is not shown", &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: one, OrderBy: by("n"), Select: cols("t")}}}, "{a.n} desc"},
		{"unless the reader has one", &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: one, OrderBy: by("n")}}, OrderBy: by("t")}, "{a.t}"},
		{"of a view of a view", &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: one, OrderBy: by("t")}}}}}, "{a.t}"},
		{"of groups, as far as shown", &lqp.Query{From: lqp.Source{Alias: "v", Query: grouped}}, "{v.n} desc"},
		{"none for groups over it", &lqp.Query{From: lqp.Source{Query: &lqp.Query{From: one, OrderBy: by("n")}}, GroupBy: cols("t")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, err := lqp.Bind(tc.q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			text := ""
			for i, o := range flatten(q).OrderBy {
				if i > 0 {
					text += ", "
				}
				text += lqp.FormatExpr(o.Expr)
				if o.Desc {
					text += " desc"
				}
			}
			require.Equal(t, tc.order, text, lqp.Format(flatten(q)))
		})
	}
}
