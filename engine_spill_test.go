package livetables_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Joins across databases that hold more than the memory of a query answer as with all the memory they want, in one go and
// page by page; what they wrote is gone, and limits and failures of temporary storage have codes.
func TestQueriesThatOutgrowTheirMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	w := newWorld(t)
	tables := copies(t, w, []*plantest.Table{plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 600, NoEmpty: true})})
	from, to := tables[0], tables[len(tables)-1]
	require.NotEqual(t, from.Connection, to.Connection)
	queries := map[string]*lqp.Query{}
	for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left, lqp.Right, lqp.Full} {
		queries[string(kind)] = &lqp.Query{
			From: lqp.Source{Connection: from.Connection, Table: from.Schema.Name, Alias: "a"},
			Joins: []lqp.Join{{Kind: kind, Source: lqp.Source{Connection: to.Connection, Table: to.Schema.Name, Alias: "b"},
				On: expr(t, `a.id = b.ref AND a.n <> b.n`)}},
			Select: cols(t, "a=a.id", "b=b.id", "t=b.t"), OrderBy: order(t, "-b.t", "a.d"),
		}
	}
	grouped := *queries["inner"]
	grouped.Select, grouped.OrderBy = nil, order(t, "-s")
	grouped.GroupBy = []lqp.Named{{Name: "k", Expr: lqp.Ref("a", "id")}}
	grouped.Aggregates = []lqp.Aggregate{{Name: "s", Func: "sum", Arg: expr(t, "b.d")}, {Name: "u", Func: "count_unique", Arg: expr(t, "b.t")}, {Name: "m", Func: "median", Arg: expr(t, "b.n")}}
	queries["grouped"] = &grouped

	want := map[string][]string{}
	for name, q := range queries {
		rows, err := w.viewer.Export(t.Context(), w.workspace, q)
		want[name] = all(t, rows, err)
		require.Greater(t, len(want[name]), 200, name)
	}
	dir := filepath.Join(w.dir, "spill")
	w.limitedIn(livetables.Limits{ScanBytes: 20_000}, dir)
	for name, q := range queries {
		rows, err := w.viewer.Export(t.Context(), w.workspace, q)
		require.Equal(t, want[name], all(t, rows, err), name)
		require.Equal(t, want[name], walk(t, w.viewer, w.workspace, *q, 150), name)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err, "the directory was used")
	assert.Empty(t, left)

	w.limitedIn(livetables.Limits{ScanBytes: 20_000, SpillBytes: 40_000}, dir)
	_, err = readAll(t, w, queries["full"])
	assert.Equal(t, livetables.CodeBudget, livetables.Code(err))
	var b *lqp.BudgetError
	require.ErrorAs(t, err, &b)
	assert.Equal(t, lqp.LimitDisk, b.Limit)
	assert.Equal(t, int64(40_000), b.Max)

	w.limitedIn(livetables.Limits{ScanBytes: 20_000, SpillBytes: -1}, dir)
	_, err = readAll(t, w, queries["full"])
	require.ErrorAs(t, err, &b)
	assert.Equal(t, lqp.LimitBytes, b.Limit, "without temporary storage memory is the limit")
	assert.NotEmpty(t, b.Blocked)

	blocked := filepath.Join(w.dir, "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	w.limitedIn(livetables.Limits{ScanBytes: 20_000}, blocked)
	_, err = readAll(t, w, queries["full"])
	assert.Equal(t, livetables.CodeStorage, livetables.Code(err))
}

func readAll(t *testing.T, w *world, q *lqp.Query) (n int, err error) {
	rows, err := w.viewer.Export(t.Context(), w.workspace, q)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

// A connection that breaks in the middle of a join is named, whichever side it is.
func TestCutInTheMiddleOfAJoin(t *testing.T) {
	onFrail(t, livetables.Limits{}, func(t *testing.T, f *frail) {
		numbers := f.table("Numbers", minidb.ColumnSpec{Name: "Number", Type: minidb.IntegerColumn})
		f.insert(f.owner, numbers, []string{"1"}, []string{"2"}, []string{"3999"})
		here, there := lqp.Source{Table: numbers.ID, Alias: "a"}, lqp.Source{Connection: "shop", Table: "big", Alias: "b"}
		for _, sides := range [][2]lqp.Source{{here, there}, {there, here}} {
			q := &lqp.Query{From: sides[0], Joins: []lqp.Join{{Kind: lqp.Full, Source: sides[1], On: expr(t, `a.Number = b.id`)}}, Select: cols(t, "n=a.Number", "s=b.s")}
			n, err := readAll(t, f.world, q)
			require.NoError(t, err)
			require.Equal(t, bigRows, n)
			f.proxy.Cut(3 << 20)
			_, err = readAll(t, f.world, q)
			require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err), "%v", err)
			var source *livetables.SourceError
			require.ErrorAs(t, err, &source)
			require.Equal(t, "shop", source.Name)
		}
	})
}
