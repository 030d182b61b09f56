package exec

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a connection in memory that pushes what its prover says, counts what is open and fails when told to.
type source struct {
	*memory.Adapter
	cluster           *cluster
	failOpen, failRow bool
	after             int // rows before failRow
	opened, closed    atomic.Int64
	rows              atomic.Int64 // delivered
	scans             []*lqp.Query
}

// Native is free of the names that the engine gives to hidden columns: sources need no names for their outputs.
func (s *source) Native(q *lqp.Query) (string, error) {
	return strings.ReplaceAll(lqp.Format(q), "\x00", ""), nil
}

var errDown = errors.New("the server is gone")

func (s *source) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	s.scans = append(s.scans, q)
	if s.failOpen {
		return nil, errDown
	}
	if len(q.Page.After) > 0 && len(q.Page.After) != len(q.OrderBy) {
		return nil, fmt.Errorf("a position of %d values for %d sort keys", len(q.Page.After), len(q.OrderBy))
	}
	for name, other := range s.cluster.sources {
		if other.opened.Load() > other.closed.Load() {
			return nil, fmt.Errorf("a connection is asked while rows of %q are open: enough such queries wait for each other", name)
		}
	}
	rows, err := s.Adapter.Scan(ctx, q)
	if err != nil {
		return nil, err
	}
	s.opened.Add(1)
	return &counted{Rows: rows, s: s}, nil
}

type counted struct {
	adapter.Rows
	s      *source
	n      int
	closed bool
	err    error
}

func (c *counted) Next() bool {
	if c.closed {
		panic("Next of closed rows")
	}
	if c.s.failRow && c.n == c.s.after {
		c.err = errDown
		return false
	}
	c.n++
	if !c.Rows.Next() {
		return false
	}
	c.s.rows.Add(1)
	return true
}

func (c *counted) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.Rows.Err()
}

func (c *counted) Close() error {
	if !c.closed {
		c.closed = true
		c.s.closed.Add(1)
	}
	return c.Rows.Close()
}

// weaker is a prover that for some of the filters that another does not take offers something weaker.
type weaker struct {
	adapter.Prover
	seed uint64
}

func (w weaker) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	p := w.Prover.Expr(use, e)
	if cols := lqp.Columns(e); use == adapter.UseFilter && !p.Exact && len(cols) > 0 {
		h := fnv.New64a()
		fmt.Fprint(h, w.seed, lqp.FormatExpr(e))
		if h.Sum64()&1 == 0 {
			p.Superset = lqp.NewCall("or", e, lqp.NewCall("is_null", cols[0]))
		}
	}
	return p
}

// cluster is tables spread over connections.
type cluster struct {
	tables  []*plantest.Table
	sources map[string]*source
	ties    int // runs that began within rows that agree in the sort keys of the first source
}

func newCluster(tables []*plantest.Table, prover func(connection string) adapter.Prover) *cluster {
	c := &cluster{tables: tables, sources: map[string]*source{}}
	held := map[string][]memory.Table{}
	for _, t := range tables {
		held[t.Connection] = append(held[t.Connection], memory.Table{Schema: t.Schema, Rows: t.Rows})
	}
	for conn, h := range held {
		c.sources[conn] = &source{cluster: c, Adapter: memory.New(h, memory.Options{Prover: prover(conn)})}
	}
	return c
}

func (c *cluster) adapters(_ context.Context, connection string) (adapter.Adapter, error) {
	return c.sources[connection], nil
}

var policy = &rbac.Policy{Members: map[string]rbac.Role{"me": rbac.Viewer}}

func (c *cluster) plan(t *testing.T, q *lqp.Query) *rewrite.Plan {
	t.Helper()
	plan, err := rewrite.Rewrite(q, rewrite.Input{Principal: rbac.Principal{ID: "me"}, Policy: policy, Table: plantest.Find(c.tables), Now: time.Unix(0, 0)})
	require.NoError(t, err, lqp.Format(q))
	return plan
}

func (c *cluster) tree(t *testing.T, plan *rewrite.Plan, mode Mode) *Tree {
	t.Helper()
	tree, err := Build(t.Context(), plan, c.adapters, mode)
	require.NoError(t, err, lqp.Format(plan.Query()))
	return tree
}

// answer runs a plan to its end, every column of it.
func (c *cluster) answer(t *testing.T, plan *rewrite.Plan, mode Mode, opt Options) ([][]lqp.Value, error) {
	t.Helper()
	tree := c.tree(t, plan, mode)
	if tree.order[0].ties != nil {
		c.ties++
	}
	return c.answerOf(t, tree, plan, opt)
}

func (c *cluster) answerOf(t *testing.T, tree *Tree, plan *rewrite.Plan, opt Options) ([][]lqp.Value, error) {
	t.Helper()
	rows, err := tree.Run(t.Context(), opt)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := [][]lqp.Value{}
	for rows.Next() {
		row := make([]lqp.Value, len(plan.Query().Select))
		for i := range row {
			row[i] = rows.Value(i)
			require.Equal(t, string(row[i].AppendJSON(nil)), string(rows.AppendJSON(nil, i)))
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// walk reads all pages of a plan as the engine does: each with one row more than shown, to know whether there is another
// page, which then begins after the last row shown.
func (c *cluster) walk(t *testing.T, plan *rewrite.Plan, size int, mode Mode, opt Options) (all [][]lqp.Value) {
	t.Helper()
	at := plan.SortKeys()
	page := lqp.Page{Limit: size + 1}
	for range 2000 {
		rows, err := c.answer(t, plan.WithPage(page), mode, opt)
		require.NoError(t, err)
		all = append(all, rows[:min(size, len(rows))]...)
		if len(rows) <= size {
			return all
		}
		page.After = nil
		for _, i := range at {
			page.After = append(page.After, rows[size-1][i])
		}
	}
	t.Fatalf("the walk does not end\n%s", c.tree(t, plan.WithPage(page), mode).Explain(t.Context()))
	return nil
}

func (c *cluster) requireClosed(t *testing.T) {
	t.Helper()
	for name, s := range c.sources {
		require.Equal(t, s.opened.Load(), s.closed.Load(), "rows of connection %q are left open", name)
	}
}

// shown cuts rows to the columns that the query's author sees, as text.
func shown(plan *rewrite.Plan, rows [][]lqp.Value) []string {
	var cells [][]lqp.Value
	for _, r := range rows {
		cells = append(cells, r[:plan.Visible()])
	}
	return plantest.Texts(cells)
}
