package exec

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// A source that fails, at once or in the middle, is named in the error, and everything is closed.
func TestFailuresNameTheirSource(t *testing.T) {
	on := call("eq", col("a", "id"), col("b", "id"))
	pair := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: col("a", "id")}},
		Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: on}}}
	hashed := *pair
	hashed.Joins = []lqp.Join{{Kind: lqp.Full, Source: pair.Joins[0].Source, On: on}}
	sorted := *pair
	sorted.OrderBy, sorted.Page.Limit = []lqp.Order{{Expr: col("b", "t")}}, 10
	alone := &lqp.Query{From: lqp.Source{Connection: "x", Table: "two"}}
	filtered := &lqp.Query{From: lqp.Source{Connection: "x", Table: "two"}, Page: lqp.Page{Limit: 5},
		Where: call("eq", call("upper", col("", "t")), lqp.Literal(lqp.TextValue("NONE")))}
	for _, q := range []struct {
		name string
		q    *lqp.Query
	}{{"looked up", pair}, {"hashed", &hashed}, {"sorted", &sorted}, {"alone", alone}, {"in chunks", filtered}} {
		for _, connection := range []string{"", "x"} {
			if connection == "" && len(q.q.Joins) == 0 {
				continue
			}
			for _, fail := range []func(*source){
				func(s *source) { s.failOpen = true },
				func(s *source) { s.failRow = true },
				func(s *source) { s.failRow, s.after = true, 7 },
			} {
				t.Run(q.name+", "+connection, func(t *testing.T) {
					r := rand.New(rand.NewPCG(1, 2))
					c := newCluster([]*plantest.Table{
						plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 40}),
						plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 40}),
					}, everythingBut("upper"))
					fail(c.sources[connection])
					_, err := c.answer(t, c.plan(t, q.q), Pushdown, Options{chunk: 5})
					require.ErrorIs(t, err, errDown)
					assert.Contains(t, err.Error(), map[string]string{"": "read one: ", "x": "read x/two: "}[connection])
					c.requireClosed(t)
				})
			}
		}
	}
}

func TestNoAdapter(t *testing.T) {
	c := newCluster(randomTables(rand.New(rand.NewPCG(1, 1))), everything)
	plan := c.plan(t, &lqp.Query{From: lqp.Source{Table: "one"}})
	_, err := Build(t.Context(), plan, func(context.Context, string) (adapter.Adapter, error) { return nil, errDown }, Pushdown)
	require.ErrorIs(t, err, errDown)
}

// The rows of a source are counted once and the memory of all steps together, whichever part they are in.
func TestBudgetIsOfTheWholeTree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 100}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 100}),
	}
	upper := call("ne", call("upper", col("b", "t")), lqp.Literal(lqp.TextValue("NONE")))
	q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: col("a", "id")}}, Where: upper,
		Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "id"), col("b", "id"))}}}
	c := newCluster(tables, everythingBut("upper"))
	plan := c.plan(t, q)
	for _, mode := range []Mode{Pushdown, ScansOnly} {
		_, err := c.answer(t, plan, mode, Options{MaxRows: 200, batch: 10})
		require.NoError(t, err, "mode %d", mode)
		_, err = c.answer(t, plan, mode, Options{MaxRows: 199, batch: 10})
		var b *lqp.BudgetError
		require.True(t, errors.As(err, &b), "mode %d: %v", mode, err)
		c.requireClosed(t)
	}
}

// Rows that are fetched ahead of look-ups are within the budget too, and give their memory back as they are used.
func TestFetchingAheadIsWithinTheBudget(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := newCluster([]*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 2000}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 2000}),
	}, everything)
	q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: col("a", "id")}},
		Joins: []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "id"), col("b", "id"))}}}
	plan := c.plan(t, q)
	_, err := c.answer(t, plan, Pushdown, Options{MaxBytes: 50_000})
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	assert.Equal(t, "fetch ahead of look-ups", b.Step)
	c.requireClosed(t)
	rows, err := c.answer(t, plan.WithPage(lqp.Page{Limit: 1500}), Pushdown, Options{MaxBytes: 400_000})
	require.NoError(t, err, "in chunks, the memory of one chunk is enough")
	assert.Len(t, rows, 1500)
	c.requireClosed(t)
}
