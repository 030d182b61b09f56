package exec

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What goes to which source, and what is left: filters of the nullable side of a join stay above it, those of its condition
// go down.
func TestExplain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 20}),
		plantest.NewTable(r, plantest.Spec{Connection: "x", Name: "two", Rows: 20}),
		plantest.NewTable(r, plantest.Spec{Connection: "y", Name: "three", Rows: 20}),
	}
	tables[2].Schema.Rows = 20
	one, two := lqp.Source{Table: "one", Alias: "a"}, lqp.Source{Connection: "x", Table: "two", Alias: "b"}
	three := lqp.Source{Connection: "y", Table: "three", Alias: "c"}
	out := []lqp.Named{{Name: "x", Expr: col("a", "t")}}
	ab := call("eq", col("a", "ref"), col("b", "id"))
	join := func(kind lqp.JoinKind, s lqp.Source, on ...lqp.Expr) lqp.Join {
		return lqp.Join{Kind: kind, Source: s, On: lqp.And(on...)}
	}
	gt := func(alias, column string) lqp.Expr { return call("gt", col(alias, column), num(1)) }
	upper := call("eq", call("upper", col("a", "t")), lqp.Literal(lqp.TextValue("A")))
	view := &lqp.Query{From: one, Joins: []lqp.Join{join(lqp.Inner, two, ab)}, Where: gt("a", "n"),
		Select: []lqp.Named{{Name: "t", Expr: col("a", "t")}, {Name: "k", Expr: col("b", "id")}}}
	for name, q := range map[string]*lqp.Query{
		"alone":   {From: one, Where: gt("a", "n"), Select: out, OrderBy: []lqp.Order{{Expr: col("a", "t"), Desc: true}}, Page: lqp.Page{Limit: 10}},
		"chunks":  {From: one, Where: lqp.And(gt("a", "n"), upper), Select: out, OrderBy: []lqp.Order{{Expr: col("a", "d")}}, Page: lqp.Page{Limit: 10}},
		"inner":   {From: one, Joins: []lqp.Join{join(lqp.Inner, two, ab, gt("b", "d"))}, Where: lqp.And(gt("a", "n"), gt("b", "n"), call("ne", col("a", "t"), col("b", "t"))), Select: out, OrderBy: []lqp.Order{{Expr: col("a", "n")}}, Page: lqp.Page{Limit: 10}},
		"left":    {From: one, Joins: []lqp.Join{join(lqp.Left, two, ab, gt("b", "d"), gt("a", "d"))}, Where: lqp.And(gt("a", "n"), call("is_null", col("b", "n"))), Select: out, OrderBy: []lqp.Order{{Expr: col("b", "n")}}},
		"full":    {From: one, Joins: []lqp.Join{join(lqp.Full, two, ab, gt("b", "d")), join(lqp.Left, three, call("eq", col("a", "n"), col("c", "n")), gt("c", "d"))}, Where: lqp.And(gt("a", "n"), gt("b", "n"), gt("c", "n")), Select: out},
		"grouped": {From: one, Joins: []lqp.Join{join(lqp.Inner, three, call("eq", col("a", "ref"), col("c", "id")))}, Where: upper, GroupBy: []lqp.Named{{Name: "t", Expr: col("c", "t")}}, Aggregates: []lqp.Aggregate{{Name: "sum", Func: "sum", Arg: col("a", "d")}}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "sum"), Desc: true}}},
		"nested":  {From: lqp.Source{Query: view, Alias: "v"}, Joins: []lqp.Join{join(lqp.Left, three, call("eq", col("v", "k"), col("c", "id")))}, Where: gt("v", "k"), Select: []lqp.Named{{Name: "x", Expr: col("v", "t")}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(tables, everythingBut("upper"))
			plan := c.plan(t, q)
			x := c.tree(t, plan, Pushdown).Explain(t.Context())
			got := x.String()
			file := filepath.Join("testdata", "explain", name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "run the test with -update")
			assert.Equal(t, string(want), got)
			assert.NotContains(t, got, "\x00")

			rows, err := c.answer(t, plan, Pushdown, Options{})
			require.NoError(t, err)
			bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err)
			bound, _ = lqp.OrderKey(bound)
			assert.ElementsMatch(t, plantest.Texts(plantest.Answer(bound, plantest.Rows(tables))), shown(plan, rows), "the explained plan is not right")
		})
	}
	t.Run("scans only", func(t *testing.T) {
		c := newCluster(tables, everything)
		x := c.tree(t, c.plan(t, view), ScansOnly).Explain(t.Context())
		for _, p := range x.Parts {
			for _, n := range p.Notes {
				assert.False(t, n.Clause != "source" && n.Placement == "pushed", "%s %s", n.Clause, n.Text)
			}
			assert.NotContains(t, strings.ToLower(p.Native), "where")
		}
	})
}
