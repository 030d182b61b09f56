package exec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

func col(source, column string) lqp.Expr { return lqp.Ref(source, column) }

func num(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }

func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

// without is a prover that takes everything but calls of one function.
type without struct {
	adapter.Prover
	fn string
}

func (w without) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	found := false
	lqp.Walk(e, func(e lqp.Expr) bool {
		if c, ok := e.(*lqp.Call); ok && c.Func == w.fn {
			found = true
		}
		return true
	})
	if found {
		return adapter.Proof{Reason: "this source has no " + w.fn + "()"}
	}
	return w.Prover.Expr(use, e)
}

func everythingBut(fn string) func(string) adapter.Prover {
	return func(string) adapter.Prover { return without{memory.Everything, fn} }
}

// A sorted source with a filter that it does not take is read in chunks: every row comes once, however large the chunks
// are, with ties and NULLs in the sort keys in both null orders.
func TestChunksDeliverEveryRowOnce(t *testing.T) {
	tables := []*plantest.Table{plantest.NewTable(rand.New(rand.NewPCG(1, 2)), plantest.Spec{Name: "one", Rows: 200})}
	for _, nulls := range []lqp.NullOrder{lqp.NullsFirst, lqp.NullsLast} {
		for _, desc := range []bool{false, true} {
			q := &lqp.Query{From: lqp.Source{Table: "one"}, Where: call("contains", call("upper", col("", "t")), lqp.Literal(lqp.TextValue(""))),
				OrderBy: []lqp.Order{{Expr: col("", "n"), Desc: desc, Nulls: nulls}, {Expr: col("", "d"), Desc: !desc, Nulls: nulls}},
				Select:  []lqp.Named{{Name: "id", Expr: col("", "id")}}, Page: lqp.Page{Limit: 1000}}
			bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, _ = lqp.OrderKey(bound)
			want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
			for _, size := range []int{1, 2, 3, 7, 64, 199, 200, 201, 0} {
				c := newCluster(tables, everythingBut("upper"))
				plan := c.plan(t, q)
				require.True(t, c.tree(t, plan, Pushdown).whole.inChunks())
				rows, err := c.answer(t, plan, Pushdown, Options{chunk: size})
				require.NoError(t, err)
				require.Equal(t, want, shown(plan, rows), "chunks of %d, nulls %d, desc %v", size, nulls, desc)
				require.Greater(t, len(want), 150)
				if size == 0 {
					require.Len(t, c.sources[""].scans, 1, "a page of 1000 rows begins with a chunk of 2000")
				}
				c.requireClosed(t)
			}
		}
	}
}

// Rows that no sort key tells apart cannot be continued from: their source is read in one go, and no row comes twice or
// not at all.
func TestNoChunksWithoutATotalOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keyless := plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 100, Keyless: true})
	long := plantest.NewTable(r, plantest.Spec{Name: "long", Rows: 100})
	long.Schema.Key = []string{"t"}
	long.Schema.Columns[4].Type = lqp.Type{Kind: lqp.Text, NotNull: true} // of any length
	for i, row := range long.Rows {
		row[4] = lqp.TextValue(fmt.Sprintf("%0300d%d", 0, i))
	}
	tables := []*plantest.Table{keyless, long}
	where := call("ne", call("upper", col("", "t")), lqp.Literal(lqp.TextValue("none")))
	for _, tc := range []struct {
		name  string
		q     *lqp.Query
		scans int
	}{
		{"no key and no order", &lqp.Query{From: lqp.Source{Table: "same"}}, 1},
		{"no key", &lqp.Query{From: lqp.Source{Table: "same"}, OrderBy: []lqp.Order{{Expr: col("", "n")}}}, 1},
		{"a key beyond what sorting looks at", &lqp.Query{From: lqp.Source{Table: "long"}}, 2}, // once more in the exact order
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.q.Where, tc.q.Page.Limit = where, 1000
			c := newCluster(tables, everythingBut("upper"))
			rows, err := c.answer(t, c.plan(t, tc.q), Pushdown, Options{chunk: 8})
			require.NoError(t, err)
			assert.Len(t, rows, 100)
			assert.Len(t, c.sources[""].scans, tc.scans)
		})
	}
}

// A page that is full ends the reading: of a large sorted source only the first chunks are asked for.
func TestPagesStopEarly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 5000}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 5000}),
	}
	join := []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "id"), col("b", "id"))}}
	for _, tc := range []struct {
		name  string
		q     *lqp.Query
		reads int64 // at most, of the first source
		looks int64 // at most, of the second
	}{
		{"a filter in memory", &lqp.Query{Where: call("ne", call("upper", col("a", "t")), lqp.Literal(lqp.TextValue("A")))}, 256, 0},
		{"a join", &lqp.Query{Joins: join}, 512, 512},
		{"a join, then a filter in memory", &lqp.Query{Joins: join, Where: call("ne", call("upper", col("b", "t")), lqp.Literal(lqp.TextValue("A")))}, 512, 512},
		{"a join, sorted also by its right side", &lqp.Query{Joins: join, OrderBy: []lqp.Order{{Expr: col("a", "id"), Desc: true}, {Expr: col("b", "n")}}}, 512, 512},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.q.From = lqp.Source{Table: "one", Alias: "a"}
			tc.q.Select = []lqp.Named{{Name: "x", Expr: col("a", "id")}}
			tc.q.Page.Limit = 20
			c := newCluster(tables, everythingBut("upper"))
			plan := c.plan(t, tc.q)
			rows, err := c.answer(t, plan, Pushdown, Options{MaxRows: 1100})
			require.NoError(t, err)
			require.Len(t, rows, 20)
			assert.LessOrEqual(t, c.sources[""].rows.Load(), tc.reads)
			assert.LessOrEqual(t, c.sources["x"].rows.Load(), tc.looks)
			bound, err := lqp.Bind(tc.q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, _ = lqp.OrderKey(bound)
			assert.Equal(t, plantest.Texts(plantest.Answer(bound, plantest.Rows(smaller(bound, tables)))), shown(plan, rows))
		})
	}
}

// smaller keeps the rows with the first or last ids, which are all that a page of few rows sorted by id can show: the
// oracle's nested loops take their time.
func smaller(q *lqp.Query, tables []*plantest.Table) (out []*plantest.Table) {
	for _, tb := range tables {
		c := *tb
		c.Rows = nil
		for _, row := range tb.Rows {
			id, _ := row[0].Decimal().Int64()
			if desc := len(q.OrderBy) > 0 && q.OrderBy[0].Desc; desc && id > 4900 || !desc && id <= 100 {
				c.Rows = append(c.Rows, row)
			}
		}
		out = append(out, &c)
	}
	return out
}

// A cursor inside rows that agree in the first source's sort keys, NULLs among them, goes on with the rest of them.
func TestPagesContinueWithinTies(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 60}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 60}),
	}
	long := lqp.TextValue(fmt.Sprintf("%0300d", 0))
	for i, row := range tables[0].Rows {
		if i%3 == 0 {
			row[4] = long
		}
	}
	tables[0].Schema.Columns[4].Type.MaxLen = 0
	for _, keys := range [][]string{{"n"}, {"t"}, {"d", "b"}, {"day"}, {"n", "t"}} {
		for _, nulls := range []lqp.NullOrder{lqp.NullsFirst, lqp.NullsLast} {
			q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"},
				Joins:  []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "n"), col("b", "n"))}},
				Select: []lqp.Named{{Name: "a", Expr: col("a", "id")}, {Name: "b", Expr: col("b", "id")}}}
			for i, k := range keys {
				q.OrderBy = append(q.OrderBy, lqp.Order{Expr: col("a", k), Desc: i == 0, Nulls: nulls})
			}
			// By the right side before the key of the left: rows of the left side that agree are mixed.
			q.OrderBy = append(q.OrderBy, lqp.Order{Expr: col("b", "id"), Desc: true})
			bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, total := lqp.OrderKey(bound)
			require.True(t, total)
			want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
			c := newCluster(tables, everythingBut("upper"))
			plan := c.plan(t, q)
			require.Equal(t, want, shown(plan, c.walk(t, plan, 11, Pushdown, Options{chunk: 5})), "by %v, nulls %d", keys, nulls)
			require.Greater(t, c.ties, 10)
			c.requireClosed(t)
		}
	}
}
