package exec

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// What an analyzed plan did is what there was to do: the tables read whole, the rows that met the filter, the page.
func TestAnalyze(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 20}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 30}),
	}
	tables[1].Schema.Rows = 30 // small: hashed
	q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "t", Expr: col("a", "t")}},
		Joins: []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "n"), col("b", "n"))}},
		Where: call("ne", col("a", "t"), col("b", "t")), OrderBy: []lqp.Order{{Expr: col("b", "d")}}, Page: lqp.Page{Limit: 7}}
	c := newCluster(tables, everything)
	plan := c.plan(t, q)
	x, err := c.tree(t, plan, Pushdown).Analyze(t.Context(), Options{})
	require.NoError(t, err)

	joined, filtered := *q, *q
	joined.Where, joined.Page, filtered.Page = nil, lqp.Page{}, lqp.Page{}
	rows := func(q lqp.Query) int64 {
		bound, err := lqp.Bind(&q, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		return int64(len(plantest.Answer(bound, plantest.Rows(tables))))
	}
	limit := x.Tree
	sort := limit.Inputs[0]
	filter := sort.Inputs[0]
	join := filter.Inputs[0]
	for _, n := range []struct {
		node *Node
		step string
		rows int64
	}{{limit, "limit", 7}, {filter, "filter", rows(filtered)}, {join, "join", rows(joined)}, {join.Inputs[0], "read", 20}, {join.Inputs[1], "read", 30}} {
		assert.Equal(t, n.step, n.node.Step)
		if assert.NotNil(t, n.node.Actual, n.step) {
			assert.Equal(t, n.rows, n.node.Actual.Rows, n.step)
		}
	}
	assert.Equal(t, int64(7), x.Actual.Rows)
	assert.Equal(t, int64(1), join.Inputs[0].Actual.Requests)
	assert.GreaterOrEqual(t, limit.Actual.Micros, join.Actual.Micros, "the time of the inputs is counted too")
	assert.Contains(t, x.String(), "limit 7; actually 7 rows in ")
	assert.Contains(t, x.String(), "; actually 30 rows in ")
	assert.Contains(t, x.String(), " by 1 requests")
}

// Whatever the plan: the figures agree with the answer and with each other, and counting changes no answer.
func TestAnalyzeRandomly(t *testing.T) {
	seed := testseed.Of(t)
	for n := range 300 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := []*plantest.Table{
			plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 12}),
			plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 15}),
		}
		g := &plantest.Generator{R: r, Tables: tables, Nested: 1}
		q, _ := g.Query()
		c := newCluster(tables, everythingBut("upper"))
		plan := c.plan(t, q)
		want, err := c.answer(t, plan, Pushdown, Options{})
		require.NoError(t, err)
		for _, opt := range []Options{{}, {chunk: 2, batch: 3}} {
			x, err := c.tree(t, plan, Pushdown).Analyze(t.Context(), opt)
			require.NoError(t, err)
			where := func() string { return lqp.Format(plan.Query()) + "\n" + x.String() }
			require.Equal(t, int64(len(want)), x.Actual.Rows, where())
			if did := x.Tree.Actual; did != nil {
				require.Equal(t, int64(len(want)), did.Rows, where())
			}
			var visit func(n *Node)
			visit = func(n *Node) {
				for _, in := range n.Inputs {
					visit(in)
				}
				if n.Actual == nil || len(n.Inputs) == 0 || n.Inputs[0].Actual == nil {
					return
				}
				if in := n.Inputs[0].Actual.Rows; n.Step == "filter" || n.Step == "having" || n.Step == "limit" || n.Step == "sort" {
					require.LessOrEqual(t, n.Actual.Rows, in, where())
				}
			}
			visit(x.Tree)
		}
	}
}
