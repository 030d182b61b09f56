package lqp_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func randomTables(r *rand.Rand) []*plantest.Table {
	return []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 1 + r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: r.IntN(20)}),
		plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 1 + r.IntN(12), Keyless: true}),
	}
}

func bindTables(t *testing.T, tables []*plantest.Table, q *lqp.Query) *lqp.Query {
	t.Helper()
	bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
	require.NoError(t, err, lqp.Format(q))
	return bound
}

// answer reads a Run to its end.
func answer(q *lqp.Query, sources lqp.Sources, opt lqp.RunOptions) ([][]lqp.Value, error) {
	res, err := lqp.Run(context.Background(), q, sources, opt)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	rows := [][]lqp.Value{}
	for res.Next() {
		row := make([]lqp.Value, len(q.Select))
		for i := range row {
			row[i] = res.Value(i)
		}
		rows = append(rows, row)
	}
	return rows, res.Err()
}

func compiled(e lqp.Expr) func([]lqp.Value) lqp.Value {
	p, err := formula.Compile(e)
	if err != nil {
		return func(row []lqp.Value) lqp.Value { return lqp.Eval(e, row) }
	}
	return p.Eval
}

// Run answers random queries like the naive oracle, rows in the same order, however it is tuned.
func TestRunAgreesWithTheOracle(t *testing.T) {
	seed := testseed.Of(t)
	for n := range 1500 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		g := &plantest.Generator{R: r, Tables: tables, Nested: 2}
		written, _ := g.Query()
		q := bindTables(t, tables, written)
		want := plantest.Texts(plantest.Answer(q, plantest.Rows(tables)))
		if len(q.OrderBy) > 0 && r.IntN(3) == 0 {
			q, want = continued(q, tables)
		}
		for _, v := range []struct {
			name    string
			lookups bool
			opt     lqp.RunOptions
		}{
			{"by hash", false, lqp.RunOptions{}},
			{"compiled", false, lqp.RunOptions{Compile: compiled}},
			{"look-ups of 1", true, lqp.RunOptions{LookupBatch: 1}},
			{"look-ups of 2", true, lqp.RunOptions{LookupBatch: 2, Budget: &lqp.Budget{}}},
			{"look-ups of 3", true, lqp.RunOptions{LookupBatch: 3}},
			{"look-ups", true, lqp.RunOptions{}},
		} {
			src := &plantest.Sources{Tables: tables, Lookups: v.lookups}
			got, err := answer(q, src, v.opt)
			require.NoError(t, err)
			require.Equal(t, want, plantest.Texts(got), "%s: seed %d, query %d\n%s", v.name, seed, n, lqp.Format(q))
			require.Equal(t, src.Opened, src.Closed, "readers are left open: %s", v.name)
		}
	}
}

// continued is the query after one of its rows, with its answer.
func continued(q *lqp.Query, tables []*plantest.Table) (*lqp.Query, []string) {
	keys := q.Clone()
	keys.Page = lqp.Page{}
	keys.Select = nil
	for i, o := range q.OrderBy {
		keys.Select = append(keys.Select, lqp.Named{Name: strconv.Itoa(i), Expr: o.Expr})
	}
	rows := plantest.Answer(keys, plantest.Rows(tables))
	after := q.Clone()
	if len(rows) > 0 {
		after.Page.After = rows[len(rows)/2]
	}
	return after, plantest.Texts(plantest.Answer(after, plantest.Rows(tables)))
}

// Rows that arrive in the order of leading sort keys are sorted run by run, with the same answer.
func TestRunKeepsASortedPrefix(t *testing.T) {
	seed := testseed.Of(t)
	used := 0
	for n := range 1500 {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		tables := randomTables(r)
		g := &plantest.Generator{R: r, Tables: tables, Kinds: []lqp.JoinKind{lqp.Inner, lqp.Left}}
		written, _ := g.Query()
		q := bindTables(t, tables, written)
		if q.Grouped() || len(q.OrderBy) == 0 {
			continue
		}
		prefix := 0
		for prefix < len(q.OrderBy) && onlyColumnsOf(q.OrderBy[prefix].Expr, q.From.Alias) {
			prefix++
		}
		if prefix == 0 {
			continue
		}
		used++
		want := plantest.Texts(plantest.Answer(q, plantest.Rows(tables)))
		if r.IntN(2) == 0 {
			q, want = continued(q, tables)
		}
		first := q.Clone()
		first.From.Query = &lqp.Query{From: q.From, OrderBy: q.OrderBy[:prefix]}
		for _, c := range q.From.Schema.Columns {
			first.From.Query.Select = append(first.From.Query.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(q.From.Alias, c.ID, c.Type)})
		}
		first.From.Table, first.From.Schema = "", nil
		sorted := 1 + r.IntN(prefix)
		got, err := answer(first, &plantest.Sources{Tables: tables, Lookups: r.IntN(2) == 0}, lqp.RunOptions{Sorted: sorted})
		require.NoError(t, err)
		// Rows that agree in all keys may come in another order: the first source was sorted by more of them.
		require.ElementsMatch(t, want, plantest.Texts(got), "seed %d, query %d\n%s", seed, n, lqp.Format(q))
	}
	require.Greater(t, used, 300)
}

func onlyColumnsOf(e lqp.Expr, alias string) bool {
	cols := lqp.Columns(e)
	for _, c := range cols {
		if c.Source != alias {
			return false
		}
	}
	return len(cols) > 0
}
