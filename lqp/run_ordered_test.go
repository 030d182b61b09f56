package lqp_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// Aggregates that look at the order of rows see them by their record keys, whatever order sources deliver them in.
func TestOrderedAggregatesIgnoreTheArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 15}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: 15}),
		plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 12, Keyless: true}),
	}
	aggregates := func(arg lqp.Expr) (list []lqp.Aggregate) {
		for _, fn := range []string{"array_agg", "array_unique", "join", "first", "last"} {
			list = append(list, lqp.Aggregate{Name: fn, Func: fn, Arg: arg})
		}
		return list
	}
	table := func(name string) lqp.Source { return lqp.Source{Table: name, Alias: name} }
	inner := &lqp.Query{From: table("one"), OrderBy: []lqp.Order{{Expr: ref("one", "t"), Desc: true}}, Page: lqp.Page{},
		Select: []lqp.Named{{Name: "word", Expr: ref("one", "t")}, {Name: "number", Expr: ref("one", "n")}}}
	for name, q := range map[string]*lqp.Query{
		"key":    {From: table("one"), GroupBy: []lqp.Named{{Name: "b", Expr: ref("one", "b")}}, Aggregates: aggregates(ref("one", "t"))},
		"no key": {From: table("same"), Aggregates: aggregates(ref("same", "day"))},
		"join": {From: table("one"), Joins: []lqp.Join{{Kind: lqp.Left, Source: table("two"), On: call("eq", ref("one", "n"), ref("two", "n"))}},
			Aggregates: aggregates(ref("two", "id"))},
		"nested": {From: lqp.Source{Query: inner, Alias: "q"}, Aggregates: aggregates(ref("q", "word"))},
	} {
		t.Run(name, func(t *testing.T) {
			bound := bindTables(t, tables, q)
			want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
			for range 20 {
				for _, tb := range tables {
					r.Shuffle(len(tb.Rows), func(i, j int) { tb.Rows[i], tb.Rows[j] = tb.Rows[j], tb.Rows[i] })
				}
				rows, err := answer(bound, &plantest.Sources{Tables: tables}, lqp.RunOptions{})
				require.NoError(t, err)
				require.ElementsMatch(t, want, plantest.Texts(rows))
			}
		})
	}
}

func TestFirstAndLastAreByKey(t *testing.T) {
	schema := &lqp.Table{Name: "people", Key: []string{"id"}, Columns: []lqp.Column{
		{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 9, NotNull: true}}, {ID: "name", Name: "name", Type: lqp.Type{Kind: lqp.Text}}}}
	tables := []*plantest.Table{{Schema: schema}}
	for _, id := range []int64{3, 1, 4, 2, 5} {
		name := lqp.TextValue(string(rune('a' + id)))
		if id == 1 || id == 5 {
			name = lqp.NullValue
		}
		tables[0].Rows = append(tables[0].Rows, []lqp.Value{lqp.IntValue(id), name})
	}
	q := &lqp.Query{From: lqp.Source{Table: "people", Alias: "p"}, Aggregates: []lqp.Aggregate{
		{Name: "first", Func: "first", Arg: ref("p", "name")}, {Name: "last", Func: "last", Arg: ref("p", "name")},
		{Name: "all", Func: "join", Arg: ref("p", "name")}, {Name: "some", Func: "array_agg", Arg: ref("p", "name"), Filter: call("gt", ref("p", "id"), lqp.Literal(lqp.IntValue(2)))},
	}}
	bound := bindTables(t, tables, q)
	require.Contains(t, lqp.Format(bound), "first = first({p.name}) in the order of {p.id} nulls first")
	rows, err := answer(bound, &plantest.Sources{Tables: tables}, lqp.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{`"c"|"e"|"c, d, e"|["d","e"]`}, plantest.Texts(rows))
}

// What an aggregate keeps counts against the budget of the query.
func TestOrderedAggregatesAreWithinTheBudget(t *testing.T) {
	tables := large(5000)
	for _, fn := range []string{"array_agg", "join", "median", "count_unique", "stdev", "first"} {
		q := &lqp.Query{From: lqp.Source{Table: tables[0].Schema.Name, Alias: "t"}, Aggregates: []lqp.Aggregate{{Name: "a", Func: fn, Arg: ref("t", "id")}}}
		bound := bindTables(t, tables, q)
		_, err := answer(bound, &plantest.Sources{Tables: tables}, lqp.RunOptions{Budget: &lqp.Budget{MaxBytes: 20_000}})
		var over *lqp.BudgetError
		if fn == "stdev" || fn == "first" {
			require.NoError(t, err, fn)
		} else {
			require.ErrorAs(t, err, &over, fn)
		}
	}
}
