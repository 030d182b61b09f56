package exec

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

// A large left side is asked only for the rows that a small right side has partners for, where rows without are dropped.
func TestTheSmallSideNarrowsTheLargeOne(t *testing.T) {
	byRef := call("eq", col("a", "ref"), col("b", "id"))
	few := func(kind lqp.JoinKind, on lqp.Expr) []lqp.Join {
		return []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: "x", Table: "few", Alias: "b"}, On: on}}
	}
	for _, tc := range []struct {
		name   string
		q      *lqp.Query
		prover adapter.Prover
		most   int64 // rows of the large side that are read
	}{
		{"inner join", &lqp.Query{Joins: few(lqp.Inner, byRef)}, memory.Everything, 40},
		{"right join", &lqp.Query{Joins: few(lqp.Right, byRef)}, memory.Everything, 40},
		{"left join", &lqp.Query{Joins: few(lqp.Left, byRef)}, memory.Everything, 3000},
		{"full join", &lqp.Query{Joins: few(lqp.Full, byRef)}, memory.Everything, 3000},
		{"sorted by the large side", &lqp.Query{Joins: few(lqp.Inner, byRef), OrderBy: []lqp.Order{{Expr: col("a", "n"), Desc: true}}}, memory.Everything, 40},
		{"a page", &lqp.Query{Joins: few(lqp.Inner, byRef), OrderBy: []lqp.Order{{Expr: col("a", "n")}}, Page: lqp.Page{Limit: 3}}, memory.Everything, 40},
		{"a further condition", &lqp.Query{Joins: few(lqp.Inner, lqp.And(byRef, call("ne", col("a", "n"), col("b", "n"))))}, memory.Everything, 40},
		{"behind a left join", &lqp.Query{Joins: append([]lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Connection: "x", Table: "few", Alias: "c"}, On: call("eq", col("a", "id"), col("c", "id"))}}, few(lqp.Inner, byRef)...)}, memory.Everything, 40},
		{"behind a full join", &lqp.Query{Joins: append([]lqp.Join{{Kind: lqp.Full, Source: lqp.Source{Connection: "x", Table: "few", Alias: "c"}, On: call("eq", col("a", "id"), col("c", "id"))}}, few(lqp.Inner, byRef)...)}, memory.Everything, 3000},
		{"the source cannot find keys", &lqp.Query{Joins: few(lqp.Inner, byRef)}, without{memory.Everything, "in"}, 3000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			tables := []*plantest.Table{
				plantest.NewTable(r, plantest.Spec{Name: "many", Rows: 3000}),
				plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "few", Rows: 12}),
			}
			tables[0].Schema.Rows, tables[1].Schema.Rows = 3000, 12
			tc.q.From = lqp.Source{Table: "many", Alias: "a"}
			tc.q.Select = []lqp.Named{{Name: "a", Expr: col("a", "id")}, {Name: "b", Expr: col("b", "id")}}
			bound, err := lqp.Bind(tc.q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, _ = lqp.OrderKey(bound)
			c := newCluster(tables, func(string) adapter.Prover { return tc.prover })
			plan := c.plan(t, tc.q)
			rows, err := c.answer(t, plan, Pushdown, Options{})
			require.NoError(t, err)
			require.Equal(t, plantest.Texts(plantest.Answer(bound, plantest.Rows(tables))), shown(plan, rows))
			read := c.sources[""].rows.Load()
			assert.LessOrEqual(t, read, tc.most)
			if tc.most == 3000 {
				assert.Equal(t, tc.most, read)
			}
			c.requireClosed(t)
		})
	}
}

// Without any row on the right nothing has a partner, and the left side is not read.
func TestAnEmptySideEndsTheJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{plantest.NewTable(r, plantest.Spec{Name: "many", Rows: 100}), plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "none"})}
	tables[1].Schema.Rows = 0
	for kind, scans := range map[lqp.JoinKind]int{lqp.Inner: 0, lqp.Right: 0, lqp.Left: 1, lqp.Full: 1} {
		c := newCluster(tables, everything)
		rows, err := c.answer(t, c.plan(t, &lqp.Query{From: lqp.Source{Table: "many", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: col("a", "id")}},
			Joins: []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: "x", Table: "none", Alias: "b"}, On: call("eq", col("a", "id"), col("b", "id"))}}}), Pushdown, Options{})
		require.NoError(t, err)
		assert.Len(t, rows, 100*scans)
		assert.Len(t, c.sources[""].scans, scans, "%s join", kind)
	}
}

func TestWhichSideDrives(t *testing.T) {
	for _, tc := range []struct {
		name        string
		left, right int64
		want        bool
	}{
		{"a page of a large table with a small one", 101, 100, false},
		{"a page of a large table with a middling one", 101, 2000, true},
		{"both unknown", unknown, unknown, true},
		{"a small table on the right", unknown, 2000, false},
		{"a large table on the right", unknown, 2001, true},
		{"a large table with one as large", 100_000, 100_000, false},
		{"a large table with one that is much larger", 100_000, 1_000_000, true},
		{"some rows with a table of unknown size", 1000, unknown, true},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, lookupsPay(tc.left, tc.right)) })
	}
}

// Look-ups that turn out to be as many as the table has rows end, and the rest of the table is read at once.
func TestLookupsEndWhenTheyCostTooMuch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 900}), plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 900}),
	}
	tables[1].Schema.Rows = 3000 // by a stale estimate
	for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left} {
		q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: col("a", "id")}, {Name: "y", Expr: col("b", "id")}},
			Joins:   []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "ref"), col("b", "id"))}},
			OrderBy: []lqp.Order{{Expr: col("a", "id")}}}
		for _, opt := range []Options{{}, {MaxBytes: 1000}} {
			if opt.MaxBytes > 0 {
				opt.Spill = testSpill(t)
			}
			bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, _ = lqp.OrderKey(bound)
			c := newCluster(tables, everything)
			plan := c.plan(t, q)
			tables[1].Schema.Rows = 3000
			tree := c.tree(t, plan, Pushdown)
			require.True(t, tree.order[1].lookups)
			tables[1].Schema.Rows = 600
			rows, err := c.answerOf(t, tree, plan, opt)
			require.NoError(t, err)
			require.Equal(t, plantest.Texts(plantest.Answer(bound, plantest.Rows(tables))), shown(plan, rows))
			if opt.Spill == nil { // else batches end with the memory
				assert.Len(t, c.sources["x"].scans, 2, "one look-up, then all of it")
			}
			c.requireClosed(t)
		}
	}
}
