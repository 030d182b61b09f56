package exec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func randomTables(r *rand.Rand) []*plantest.Table {
	return []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 1 + r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "same", Rows: 1 + r.IntN(12), Keyless: true}),
		plantest.NewTable(r, plantest.Spec{Connection: "y", Name: "three", Rows: 1 + r.IntN(20)}),
	}
}

// A query over several connections answers like the same query over all their tables at once, whatever the sources take
// of it, however large the chunks and look-ups are, and page by page as well as in one go.
func TestFederatedQueries(t *testing.T) {
	seed := testseed.Of(t)
	walked, streamed, looked, chunked, ties := 0, 0, 0, 0, 0
	for n := range 1200 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		for _, tb := range tables {
			tb.Schema.Rows = int64(r.IntN(2)*10 - 1) // small tables are not looked up
		}
		g := &plantest.Generator{R: r, Tables: tables, Nested: 2}
		q, ordered := g.Query()
		bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
		for _, prover := range []string{"scans", "everything", "coin", "weaker"} {
			c := newCluster(tables, func(connection string) adapter.Prover {
				s := seed + uint64(n) + uint64(len(connection))
				return map[string]adapter.Prover{"everything": memory.Everything, "coin": memory.Coin(s), "weaker": weaker{memory.Coin(s), s}}[prover]
			})
			plan := c.plan(t, q)
			opt := Options{chunk: 1 + r.IntN(4), batch: 1 + r.IntN(4)}
			for _, mode := range []Mode{Pushdown, ScansOnly} {
				where := fmt.Sprintf("%s, mode %d: seed %d, query %d\n%s", prover, mode, seed, n, lqp.Format(q))
				rows, err := c.answer(t, plan, mode, opt)
				require.NoError(t, err, where)
				if ordered {
					require.Equal(t, want, shown(plan, rows), "%s\n%s", where, c.tree(t, plan, mode).Explain(t.Context()))
				} else {
					require.ElementsMatch(t, want, shown(plan, rows), "%s\n%s", where, c.tree(t, plan, mode).Explain(t.Context()))
				}
				c.requireClosed(t)
			}
			tree := c.tree(t, plan, Pushdown)
			streamed += min(tree.sorted, 1)
			for _, p := range tree.order {
				if p.lookups {
					looked++
				}
			}
			if plan.Total() && n%2 == 0 {
				walked++
				whole, err := c.answer(t, plan.WithPage(lqp.Page{}), Pushdown, Options{})
				require.NoError(t, err)
				size := 1 + r.IntN(7)
				pages := c.walk(t, plan, size, Pushdown, opt)
				require.Equal(t, plantest.Texts(whole), plantest.Texts(pages), "%s: pages of %d: seed %d, query %d\n%s", prover, size, seed, n, lqp.Format(q))
				for _, p := range c.tree(t, plan.WithPage(lqp.Page{Limit: size}), Pushdown).order {
					if p.inChunks() {
						chunked++
					}
				}
				c.requireClosed(t)
			}
			ties += c.ties
		}
	}
	t.Logf("walked %d, streamed %d, looked up %d, in chunks %d, within ties %d", walked, streamed, looked, chunked, ties)
	require.Positive(t, ties) // which have a test of their own
	for _, n := range []int{walked, streamed, looked, chunked} {
		require.Greater(t, n, 5, "the generator asks too little")
	}
}
