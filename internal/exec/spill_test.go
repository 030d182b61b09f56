package exec

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/internal/spill"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Random queries over several sources answer the same when memory holds next to nothing, pages too, and leave nothing.
func TestFederatedQueriesThatSpill(t *testing.T) {
	seed := testseed.Of(t)
	dir := t.TempDir()
	place := spill.New(spill.Options{Dir: dir})
	used := 0
	for n := range 300 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		g := &plantest.Generator{R: r, Tables: tables, Nested: 2}
		q, ordered := g.Query()
		bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
		c := newCluster(tables, func(connection string) adapter.Prover { return memory.Coin(seed + uint64(n) + uint64(len(connection))) })
		plan := c.plan(t, q)
		for _, mode := range []Mode{Pushdown, ScansOnly} {
			opt := func() Options {
				return Options{MaxBytes: 1 + r.Int64N(3000), Spill: &counting{Scratch: place.Scratch(0), n: &used}, chunk: 1 + r.IntN(4), batch: 1 + r.IntN(4)}
			}
			where := fmt.Sprintf("mode %d: seed %d, query %d\n%s", mode, seed, n, lqp.Format(q))
			rows, err := c.answer(t, plan, mode, opt())
			require.NoError(t, err, where)
			if ordered {
				require.Equal(t, want, shown(plan, rows), where)
			} else {
				require.ElementsMatch(t, want, shown(plan, rows), where)
			}
			if plan.Total() && n%3 == 0 {
				whole, err := c.answer(t, plan.WithPage(lqp.Page{}), mode, Options{})
				require.NoError(t, err)
				require.Equal(t, plantest.Texts(whole), plantest.Texts(c.walk(t, plan, 1+r.IntN(7), mode, opt())), where)
			}
			c.requireClosed(t)
			require.Zero(t, place.Used(), "files are left: %s", where)
		}
	}
	require.Greater(t, used, 300)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func testSpill(t *testing.T) lqp.Spill { return spill.New(spill.Options{Dir: t.TempDir()}).Scratch(0) }

// counting counts the files.
type counting struct {
	*spill.Scratch
	n *int
}

func (c *counting) Create() (lqp.SpillFile, error) {
	*c.n++
	return c.Scratch.Create()
}

// The error of a limit names the step, the limit and the clause that no source took; not one that may be a row rule's.
func TestBudgetErrorsSayWhatBlocked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := newCluster([]*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 300}), plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 300}),
	}, everythingBut("upper"))
	upper := call("ne", call("upper", col("a", "t")), lqp.Literal(lqp.TextValue("A")))
	for _, tc := range []struct {
		name            string
		q               *lqp.Query
		opt             Options
		limit, step     string
		blocked, reason string
	}{
		{"a filter", &lqp.Query{Where: upper}, Options{MaxRows: 50}, lqp.LimitRows, "scan one", `filter UPPER({a.t}) <> "A"`, "upper"},
		{"a sort", &lqp.Query{OrderBy: []lqp.Order{{Expr: call("upper", col("a", "t"))}}}, Options{MaxBytes: 5000}, lqp.LimitBytes, "sort by UPPER({t})", "sort UPPER({a.t})", "upper"},
		{"two sources", &lqp.Query{Joins: []lqp.Join{{Kind: lqp.Full, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "id"), col("b", "id"))}}},
			Options{MaxBytes: 5000}, lqp.LimitBytes, "join b", "a query over several sources", "each"},
		{"temporary storage", &lqp.Query{OrderBy: []lqp.Order{{Expr: call("upper", col("a", "t"))}}},
			Options{MaxBytes: 5000, Spill: spill.New(spill.Options{Dir: t.TempDir()}).Scratch(1)}, lqp.LimitDisk, "sort by UPPER({t})", "sort UPPER({a.t})", "upper"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.q.From = lqp.Source{Table: "one", Alias: "a"}
			tc.q.Select = []lqp.Named{{Name: "x", Expr: col("a", "id")}}
			_, err := c.answer(t, c.plan(t, tc.q), Pushdown, tc.opt)
			var b *lqp.BudgetError
			require.ErrorAs(t, err, &b)
			assert.Equal(t, tc.limit, b.Limit)
			assert.Contains(t, b.Step, tc.step)
			assert.Equal(t, tc.blocked, b.Blocked)
			assert.Contains(t, b.Reason, tc.reason)
			for _, part := range []string{b.Step, tc.blocked, b.Help(), strconv.FormatInt(b.Max, 10)} {
				assert.Contains(t, b.Error(), part)
			}
			c.requireClosed(t)
		})
	}
	ruled := &rbac.Policy{Members: map[string]rbac.Role{"me": rbac.Viewer}, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{
		{Table: "one"}: {rbac.Viewer: {Read: call("ne", call("upper", lqp.Ref("", "t")), lqp.Literal(lqp.TextValue("A")))}}}}
	plan, err := rewrite.Rewrite(&lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}},
		rewrite.Input{Principal: rbac.Principal{ID: "me"}, Policy: ruled, Table: plantest.Find(c.tables)})
	require.NoError(t, err)
	require.NotEmpty(t, plan.Rules())
	_, err = c.answer(t, plan, Pushdown, Options{MaxRows: 50})
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	assert.NotContains(t, b.Error(), "upper")
}
