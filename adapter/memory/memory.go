package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var (
	_ adapter.Adapter   = (*Adapter)(nil)
	_ adapter.Explainer = (*Adapter)(nil)
	_ adapter.Estimator = (*Adapter)(nil)
)

// Table is a table and its rows, each with one canonical value for every column of Schema, in order. Neither may change
// once given to New.
type Table struct {
	Schema *lqp.Table
	Rows   [][]lqp.Value
}

// Options tune an adapter. The zero value plans nothing but scans: everything is left to the engine.
type Options struct {
	// Prover decides what Plan takes; nil takes whole tables only. See [Everything] and [Coin].
	Prover adapter.Prover
	// Name is Capabilities().Driver, default "memory".
	Name string
}

// Adapter answers queries over tables in memory. It is safe for concurrent use. It has no connection to lose; after Close
// it answers adapter.ErrUnavailable.
type Adapter struct {
	catalog lqp.Catalog
	rows    map[string][][]lqp.Value
	opts    Options
	closed  atomic.Bool
}

// New makes an adapter of the tables. It panics when two have the same name or a row has not one value per column:
// tables are given by programs, not by users.
func New(tables []Table, opts Options) *Adapter {
	if opts.Name == "" {
		opts.Name = "memory"
	}
	a := &Adapter{catalog: lqp.Catalog{Database: opts.Name}, rows: make(map[string][][]lqp.Value, len(tables)), opts: opts}
	for _, t := range tables {
		if _, ok := a.rows[t.Schema.Name]; ok {
			panic(fmt.Sprintf("memory: table %q is given twice", t.Schema.Name))
		}
		for i, r := range t.Rows {
			if len(r) != len(t.Schema.Columns) {
				panic(fmt.Sprintf("memory: row %d of table %q has %d values for %d columns", i, t.Schema.Name, len(r), len(t.Schema.Columns)))
			}
		}
		a.rows[t.Schema.Name] = t.Rows
		a.catalog.Tables = append(a.catalog.Tables, t.Schema)
	}
	slices.SortFunc(a.catalog.Tables, func(x, y *lqp.Table) int { return strings.Compare(x.Name, y.Name) })
	return a
}

func (a *Adapter) check(ctx context.Context, op string) error {
	if a.closed.Load() {
		return fmt.Errorf("%s: %w: adapter is closed", op, adapter.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Tables lists the tables that New was given.
func (a *Adapter) Tables(ctx context.Context) (lqp.Catalog, error) {
	if err := a.check(ctx, "discover tables"); err != nil {
		return lqp.Catalog{}, err
	}
	return lqp.Catalog{Database: a.catalog.Database, Tables: slices.Clone(a.catalog.Tables)}, nil
}

// Capabilities says that the adapter only reads.
func (a *Adapter) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: a.opts.Name, Version: "1"}
}

// Plan splits by the adapter's prover.
func (a *Adapter) Plan(q *lqp.Query) adapter.Split {
	if a.opts.Prover == nil {
		return adapter.ScanOnly(q)
	}
	return adapter.SplitWith(q, a.opts.Prover)
}

// Scan runs the pushed query by lqp.Run.
func (a *Adapter) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	if err := a.check(ctx, "scan"); err != nil {
		return nil, err
	}
	return adapter.Deliver(ctx, pushed, a.read)
}

// Native is the plan itself.
func (a *Adapter) Native(pushed *lqp.Query) (string, error) { return lqp.Format(pushed), nil }

// Estimate counts the rows of whole tables and knows nothing else.
func (a *Adapter) Estimate(ctx context.Context, pushed *lqp.Query) (int64, error) {
	if err := a.check(ctx, "estimate"); err != nil {
		return -1, err
	}
	rows, ok := a.rows[pushed.From.Table]
	if !ok || pushed.From.Query != nil || pushed.Where != nil || len(pushed.Joins)+len(pushed.GroupBy)+len(pushed.Aggregates) > 0 {
		return -1, nil
	}
	return int64(len(rows)), nil
}

// Ping fails only after Close.
func (a *Adapter) Ping(ctx context.Context) error { return a.check(ctx, "ping") }

// Close makes every later call fail.
func (a *Adapter) Close() error {
	a.closed.Store(true)
	return nil
}

// read delivers a table, whose columns never change.
func (a *Adapter) read(_ context.Context, t *lqp.Table) ([]lqp.Column, lqp.RowReader, error) {
	rows, ok := a.rows[t.Name]
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s", adapter.ErrNoTable, t.Name)
	}
	return a.catalog.Table(t.Name).Columns, &reader{rows: rows}, nil
}

type reader struct {
	rows [][]lqp.Value
	row  []lqp.Value
}

func (r *reader) Next() bool {
	if len(r.rows) == 0 {
		r.row = nil
		return false
	}
	r.row, r.rows = r.rows[0], r.rows[1:]
	return true
}

func (r *reader) Value(i int) lqp.Value { return r.row[i] }
func (r *reader) Err() error            { return nil }
func (r *reader) Close() error          { r.rows = nil; return nil }
