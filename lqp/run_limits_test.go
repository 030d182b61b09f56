package lqp_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// large is a table of n rows and another of the same size, with few different values.
func large(n int) []*plantest.Table {
	r := rand.New(rand.NewPCG(3, 4))
	return []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: n}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: n}),
	}
}

func ref(alias, column string) lqp.Expr { return lqp.Ref(alias, column) }

func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

func joined(kind lqp.JoinKind, on lqp.Expr) *lqp.Builder {
	return lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Join(kind, lqp.Source{Table: "two", Alias: "b"}, on).Column("id", ref("a", "id"))
}

func TestBudgets(t *testing.T) {
	tables := large(1000)
	byID := call("eq", ref("a", "id"), ref("b", "id"))
	one := func() *lqp.Builder { return lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}) }
	for _, tc := range []struct {
		name    string
		q       *lqp.Builder
		lookups bool
		budget  lqp.Budget
		limit   string
		step    string
	}{
		{"rows of a scan", one(), false, lqp.Budget{MaxRows: 999}, "rows", "scan a"},
		{"rows enough", one(), false, lqp.Budget{MaxRows: 1000}, "", ""},
		{"a page ends a scan", one().Limit(10), false, lqp.Budget{MaxRows: 10}, "", ""},
		{"rows of a join", joined(lqp.Inner, byID), false, lqp.Budget{MaxRows: 1999}, "rows", "scan a"},
		{"rows looked up", joined(lqp.Inner, byID), true, lqp.Budget{MaxRows: 1999}, "rows", "scan b"},
		{"bytes of a join", joined(lqp.Inner, byID), false, lqp.Budget{MaxBytes: 200_000}, "bytes", "join b"},
		{"bytes of look-ups", joined(lqp.Left, byID), true, lqp.Budget{MaxBytes: 50_000}, "bytes", "join b"},
		{"look-ups hold one batch", joined(lqp.Left, byID), true, lqp.Budget{MaxBytes: 400_000}, "", ""},
		{"bytes of a sort", one().Sort("t"), false, lqp.Budget{MaxBytes: 200_000}, "bytes", "sort by {a.t}"},
		{"a page is what a sort holds", one().Sort("t").Limit(100), false, lqp.Budget{MaxBytes: 100_000}, "", ""},
		{"bytes of groups", one().GroupBy("id").Aggregate("n", "countall", nil), false, lqp.Budget{MaxBytes: 50_000}, "bytes", "group"},
		{"few groups", one().GroupBy("n").Aggregate("n2", "countall", nil), false, lqp.Budget{MaxBytes: 50_000}, "", ""},
		{"distinct values", one().Aggregate("n", "count_unique", ref("a", "id")), false, lqp.Budget{MaxBytes: 20_000}, "bytes", "group"},
		{"few distinct values", one().Aggregate("n", "count_unique", ref("a", "n")), false, lqp.Budget{MaxBytes: 20_000}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := &plantest.Sources{Tables: tables, Lookups: tc.lookups}
			_, err := answer(bindTables(t, tables, tc.q.Query()), src, lqp.RunOptions{Budget: &tc.budget})
			assert.Equal(t, src.Opened, src.Closed, "readers are left open")
			if tc.limit == "" {
				require.NoError(t, err)
				return
			}
			var b *lqp.BudgetError
			require.ErrorAs(t, err, &b)
			assert.Equal(t, tc.limit, b.Limit)
			assert.Equal(t, tc.step, b.Step)
			assert.Contains(t, err.Error(), tc.step)
		})
	}
}

// nested are sources whose rows come from a Run of the same budget.
type nested struct {
	plantest.Sources
	inner *lqp.Query
	opt   lqp.RunOptions
}

func (n *nested) Open(ctx context.Context, s *lqp.Source) (lqp.RowReader, error) {
	return lqp.Run(ctx, n.inner, &n.Sources, n.opt)
}

func TestRunsShareABudget(t *testing.T) {
	tables := large(1000)
	q := bindTables(t, tables, lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Sort("t", "id").Query())
	inner := bindTables(t, tables, lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Sort("id").Query())
	budget := &lqp.Budget{MaxRows: 1000, MaxBytes: 700_000}
	opt := lqp.RunOptions{Budget: budget}
	rows, err := answer(q, &nested{Sources: plantest.Sources{Tables: tables}, inner: inner, opt: opt}, opt)
	require.NoError(t, err, "a row is counted once, and the inner sort gives its memory back row by row")
	require.Len(t, rows, 1000)
	_, err = answer(inner, &plantest.Sources{Tables: tables}, opt)
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	require.Equal(t, "rows", b.Limit, "a Run that is over gives back memory, not rows")
}

// A cancelled context ends a Run within 1024 rows, also where few rows make many pairs.
func TestCancellation(t *testing.T) {
	tables := large(3000)
	for name, q := range map[string]*lqp.Builder{
		"filter":  lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Filter(call("lt", ref("a", "id"), lqp.Literal(lqp.IntValue(0)))),
		"group":   lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Aggregate("n", "countall", nil),
		"sort":    lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Sort("t"),
		"product": joined(lqp.Inner, call("lt", call("add", ref("a", "id"), ref("b", "id")), lqp.Literal(lqp.IntValue(0)))),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			src := &plantest.Sources{Tables: tables}
			bound := bindTables(t, tables, q.Query())
			after := 500
			if name == "product" {
				after = 3100 // the right side is read, the left one has begun
			}
			at := 0
			src.Row = func() {
				if at++; at == after {
					cancel()
				}
			}
			pairs := 0
			res, err := lqp.Run(ctx, bound, src, lqp.RunOptions{Compile: func(e lqp.Expr) func([]lqp.Value) lqp.Value {
				return func(row []lqp.Value) lqp.Value {
					if ctx.Err() != nil {
						pairs++
					}
					return lqp.Eval(e, row)
				}
			}})
			require.NoError(t, err)
			for res.Next() {
			}
			require.ErrorIs(t, res.Err(), context.Canceled)
			assert.LessOrEqual(t, src.Read, after+1024)
			assert.LessOrEqual(t, pairs, 3*1024)
			assert.Equal(t, src.Opened, src.Closed, "readers are left open")
		})
	}
}

func TestReadersAreClosed(t *testing.T) {
	defer goleak.VerifyNone(t)
	tables := large(50)
	q := bindTables(t, tables, joined(lqp.Full, call("eq", ref("a", "n"), ref("b", "n"))).Sort("id").Query())
	for _, tc := range []struct {
		name string
		src  *plantest.Sources
	}{
		{"the first source does not open", &plantest.Sources{FailOpen: "one"}},
		{"the second source does not open", &plantest.Sources{FailOpen: "two"}},
		{"the first source fails", &plantest.Sources{FailRow: "one", FailAfter: 7}},
		{"the second source fails", &plantest.Sources{FailRow: "two", FailAfter: 7}},
		{"look-ups fail", &plantest.Sources{FailRow: "two", Lookups: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.src.Tables = tables
			q := q
			if tc.src.Lookups {
				q = bindTables(t, tables, joined(lqp.Inner, call("eq", ref("a", "n"), ref("b", "n"))).Query())
			}
			_, err := answer(q, tc.src, lqp.RunOptions{})
			require.ErrorIs(t, err, plantest.ErrSource)
			assert.Equal(t, tc.src.Opened, tc.src.Closed)
		})
	}
	t.Run("closed early", func(t *testing.T) {
		src := &plantest.Sources{Tables: tables}
		q := bindTables(t, tables, joined(lqp.Inner, call("eq", ref("a", "n"), ref("b", "n"))).Query())
		res, err := lqp.Run(t.Context(), q, src, lqp.RunOptions{})
		require.NoError(t, err)
		require.True(t, res.Next())
		require.NoError(t, res.Close())
		require.NoError(t, res.Close())
		require.False(t, res.Next())
		assert.Equal(t, src.Opened, src.Closed)
	})
	t.Run("as soon as they are read", func(t *testing.T) {
		on := call("eq", ref("a", "id"), ref("b", "id"))
		for _, lookups := range []bool{false, true} {
			src := &plantest.Sources{Tables: tables, Lookups: lookups}
			b := joined(lqp.Left, on).Join(lqp.Left, lqp.Source{Table: "two", Alias: "c"}, call("eq", ref("a", "id"), ref("c", "id")))
			_, err := answer(bindTables(t, tables, b.Query()), src, lqp.RunOptions{LookupBatch: 5})
			require.NoError(t, err)
			peak := map[bool]int{false: 1, true: 2}[lookups] // the left side waits for the look-ups of a batch
			assert.Equal(t, peak, src.Peak, "a source is still open while the next is read")
		}
	})
	t.Run("when a nested page is full", func(t *testing.T) {
		src := &plantest.Sources{Tables: tables}
		few := lqp.FromSource(lqp.Source{Table: "two", Alias: "c"}).Sort("id").Limit(3).Query()
		few.OrderBy = nil
		b := lqp.FromSource(lqp.Source{Table: "one", Alias: "a"}).Join(lqp.Inner, lqp.Source{Query: few, Alias: "b"}, call("eq", ref("a", "n"), ref("b", "n")))
		_, err := answer(bindTables(t, tables, b.Column("x", ref("b", "id")).Query()), src, lqp.RunOptions{})
		require.NoError(t, err)
		assert.Equal(t, 1, src.Peak)
	})
	t.Run("never read", func(t *testing.T) {
		src := &plantest.Sources{Tables: tables}
		res, err := lqp.Run(t.Context(), q, src, lqp.RunOptions{})
		require.NoError(t, err)
		require.NoError(t, res.Close())
		assert.Equal(t, src.Opened, src.Closed)
	})
}

func TestPageAfterMustFitTheOrder(t *testing.T) {
	tables := large(5)
	q := bindTables(t, tables, lqp.FromSource(lqp.Source{Table: "one"}).Sort("t", "id").Query()).Clone()
	q.Page.After = []lqp.Value{lqp.IntValue(1)}
	_, err := answer(q, &plantest.Sources{Tables: tables}, lqp.RunOptions{})
	require.ErrorContains(t, err, "after 1 values")
}

// A text key that differs beyond what sorting looks at ties; an equal join key does not.
func TestLongTexts(t *testing.T) {
	long := func(end string) lqp.Value {
		text := make([]byte, 300)
		for i := range text {
			text[i] = 'x'
		}
		return lqp.TextValue(string(text) + end)
	}
	tables := large(2)
	for _, tb := range tables {
		tb.Schema.Columns[4].Type.MaxLen = 0
		tb.Rows[0][0], tb.Rows[1][0] = lqp.IntValue(1), lqp.IntValue(2)
		tb.Rows[0][4], tb.Rows[1][4] = long("b"), long("a")
	}
	rows, err := answer(bindTables(t, tables, joined(lqp.Inner, call("eq", ref("a", "t"), ref("b", "t"))).SortBy(lqp.Order{Expr: ref("a", "t")}).Query()),
		&plantest.Sources{Tables: tables}, lqp.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, plantest.Texts(rows), "the order of arrival")
}
