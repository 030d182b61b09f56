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

func everything(string) adapter.Prover { return memory.Everything }

// Look-ups by batches of keys answer like a hash join: with keys that come often, that are NULL on either side, with an
// empty left side and with more keys than fit one batch.
func TestLookups(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, tc := range []struct {
		name         string
		left, right  int
		column       string
		scans, batch int
	}{
		{"empty left side", 0, 50, "id", 0, 0},
		{"empty right side", 50, 0, "id", 1, 0},
		{"keys that come often, some NULL", 60, 60, "n", 1, 0},
		{"texts", 60, 60, "t", 1, 0},
		{"days", 60, 60, "day", 1, 0},
		{"truth values", 20, 20, "b", 1, 0},
		{"decimals", 60, 60, "d", 6, 10},
		{"more keys than one batch", 600, 600, "id", 3, 0},
		{"batches of one", 30, 30, "ref", 30, 1},
	} {
		for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left} {
			t.Run(tc.name+", "+string(kind), func(t *testing.T) {
				tables := []*plantest.Table{
					plantest.NewTable(r, plantest.Spec{Name: "one", Rows: tc.left}),
					plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: tc.right}),
				}
				q := &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"},
					Joins: []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: lqp.And(
						call("eq", col("a", tc.column), col("b", tc.column)), call("ne", col("b", "n"), num(1)), call("ne", col("a", "n"), col("b", "ref")))}},
					OrderBy: []lqp.Order{{Expr: col("b", "id")}, {Expr: col("a", "id")}},
					Select:  []lqp.Named{{Name: "a", Expr: col("a", "id")}, {Name: "b", Expr: col("b", "id")}}}
				bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
				require.NoError(t, err)
				c := newCluster(tables, everything)
				plan := c.plan(t, q)
				require.True(t, c.tree(t, plan, Pushdown).order[1].lookups)
				rows, err := c.answer(t, plan, Pushdown, Options{batch: tc.batch})
				require.NoError(t, err)
				require.Equal(t, plantest.Texts(plantest.Answer(bound, plantest.Rows(tables))), shown(plan, rows))
				assert.Len(t, c.sources["x"].scans, tc.scans)
				c.requireClosed(t)
			})
		}
	}
}

func TestWhenToLookUp(t *testing.T) {
	byID := call("eq", col("a", "id"), col("b", "id"))
	for _, tc := range []struct {
		name   string
		kind   lqp.JoinKind
		on     lqp.Expr
		rows   int64
		prover adapter.Prover
		want   bool
	}{
		{"size unknown", lqp.Inner, byID, -1, memory.Everything, true},
		{"large", lqp.Left, byID, 10_000, memory.Everything, true},
		{"small", lqp.Inner, byID, 2000, memory.Everything, false},
		{"full join", lqp.Full, byID, -1, memory.Everything, false},
		{"right join", lqp.Right, byID, -1, memory.Everything, false},
		{"no equality", lqp.Inner, call("lt", col("a", "id"), col("b", "id")), -1, memory.Everything, false},
		{"an equality within one side", lqp.Inner, call("eq", col("b", "n"), col("b", "id")), -1, memory.Everything, false},
		{"of other kinds", lqp.Inner, call("eq", col("a", "day"), col("b", "at")), -1, memory.Everything, false},
		{"the source cannot find keys", lqp.Inner, byID, -1, without{memory.Everything, "in"}, false},
		{"another filter is left", lqp.Inner, lqp.And(byID, call("eq", call("upper", col("b", "t")), lqp.Literal(lqp.TextValue("A")))), -1, without{memory.Everything, "upper"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tables := randomTables(rand.New(rand.NewPCG(1, 1)))
			tables[1].Schema.Rows = tc.rows
			c := newCluster(tables, func(string) adapter.Prover { return tc.prover })
			plan := c.plan(t, &lqp.Query{From: lqp.Source{Table: "one", Alias: "a"}, Select: []lqp.Named{{Name: "x", Expr: num(1)}},
				Joins: []lqp.Join{{Kind: tc.kind, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: tc.on}}})
			assert.Equal(t, tc.want, c.tree(t, plan, Pushdown).order[1].lookups)
		})
	}
}
