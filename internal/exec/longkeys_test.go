package exec

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// longKeyed is a table whose key is its text, of any length: some agree in all that sorting looks at.
func longKeyed(r *rand.Rand, connection, name string, rows int, long int) *plantest.Table {
	t := plantest.NewTable(r, plantest.Spec{Connection: connection, Name: name, Rows: rows})
	t.Schema.Key = []string{"t"}
	t.Schema.Columns[4].Type = lqp.Type{Kind: lqp.Text, NotNull: true}
	for i, row := range t.Rows {
		text := fmt.Sprintf("%c%d", 'a'+rune(r.IntN(4)), i)
		if r.IntN(100) < long {
			text = strings.Repeat([]string{"a", "é"}[r.IntN(2)], lqp.OrderPrefix-r.IntN(2)) + text
		}
		row[4] = lqp.TextValue(text)
	}
	return t
}

// Walks through tables whose keys agree in all that sorting looks at meet every row once, in the exact order, alone and
// joined, whatever the source sorts and filters itself.
func TestLongKeysAreWalked(t *testing.T) {
	seed := testseed.Of(t)
	upper := call("ne", call("upper", col("a", "t")), lqp.Literal(lqp.TextValue("A1")))
	join := []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Connection: "x", Table: "two", Alias: "b"}, On: call("eq", col("a", "n"), col("b", "n"))}}
	same := []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Table: "three", Alias: "b"}, On: call("eq", col("a", "t"), col("b", "t"))}}
	for n := range 16 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := []*plantest.Table{longKeyed(r, "", "one", 60, []int{0, 3, 40, 100}[n%4]), longKeyed(r, "x", "two", 12, 40), longKeyed(r, "", "three", 30, 40)}
		for name, q := range map[string]*lqp.Query{
			"alone":              {},
			"sorted":             {OrderBy: []lqp.Order{{Expr: col("a", "n"), Desc: true}}},
			"sorted by the key":  {OrderBy: []lqp.Order{{Expr: col("a", "t"), Desc: true}}},
			"filtered in memory": {Where: upper, OrderBy: []lqp.Order{{Expr: col("a", "b")}}},
			"joined":             {Joins: join, OrderBy: []lqp.Order{{Expr: col("a", "b")}}},
			"joined at a source": {Joins: same},
			"grouped":            {GroupBy: []lqp.Named{{Name: "g", Expr: col("a", "t")}}, Aggregates: []lqp.Aggregate{{Name: "s", Func: "sum", Arg: col("a", "n")}}},
		} {
			q := q.Clone()
			q.From = lqp.Source{Table: "one", Alias: "a"}
			if name != "grouped" {
				q.Select = []lqp.Named{{Name: "x", Expr: col("a", "id")}}
			}
			where := fmt.Sprintf("%s: seed %d, tables %d", name, seed, n)
			bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
			require.NoError(t, err, where)
			bound, total := lqp.OrderKey(bound)
			require.True(t, total, where)
			want := plantest.Texts(plantest.Answer(bound, plantest.Rows(tables)))
			for _, prover := range []adapter.Prover{memory.Everything, memory.Coin(seed + uint64(n)), without{memory.Everything, "upper"}} {
				c := newCluster(tables, func(string) adapter.Prover { return prover })
				plan := c.plan(t, q)
				for _, mode := range []Mode{Pushdown, ScansOnly} {
					rows, err := c.answer(t, plan, mode, Options{})
					require.NoError(t, err, where)
					require.Equal(t, want, shown(plan, rows), where)
					size := 1 + r.IntN(12)
					require.Equal(t, want, shown(plan, c.walk(t, plan, size, mode, Options{chunk: 1 + r.IntN(8)})), "%s, pages of %d", where, size)
				}
				c.requireClosed(t)
			}
		}
	}
}

// A source that sorts rows with long keys has them read to the end whatever the limit of rows for work here.
func TestLongKeysAreNotWorkHere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := newCluster([]*plantest.Table{longKeyed(r, "", "one", 300, 20)}, everything)
	rows, err := c.answer(t, c.plan(t, &lqp.Query{From: lqp.Source{Table: "one"}}), Pushdown, Options{MaxRows: 50})
	require.NoError(t, err)
	require.Len(t, rows, 300)
	c.requireClosed(t)
}

// As long as no long text is met the source does all of it, pages included.
func TestOrdinaryKeysAreSortedAtTheSource(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := []*plantest.Table{longKeyed(r, "", "one", 500, 0)}
	c := newCluster(tables, everything)
	plan := c.plan(t, &lqp.Query{From: lqp.Source{Table: "one"}})
	require.Len(t, c.walk(t, plan, 50, Pushdown, Options{}), 500)
	s := c.sources[""]
	require.Len(t, s.scans, 10)
	for i, q := range s.scans {
		assert.Equal(t, 51, q.Page.Limit)
		assert.Len(t, q.OrderBy, 1)
		assert.Equal(t, i > 0, len(q.Page.After) == 1)
	}
	assert.LessOrEqual(t, s.rows.Load(), int64(510))
}
