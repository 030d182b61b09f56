package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// TableReader opens one table for reading, from its first row. t is the table with the columns that the query wants. The
// answer's columns are those of the rows, in order, as they are at the source now, which may have changed since t was
// discovered: t.Columns if the reader fetches just those, else the table's columns. Deliver asks the rows for the values of
// the wanted ones and for no others.
//
// The rows are read by one goroutine, are not asked for more after their end, which Err may call io.EOF, and are closed
// exactly once. Every call opens the table anew, and several may be read at the same time.
type TableReader func(ctx context.Context, t *lqp.Table) (columns []lqp.Column, rows lqp.RowReader, err error)

// Deliver is Scan for a source that can only read its tables one after the other, such as files: it runs the pushed query
// by lqp.Run over the rows that open delivers. The author of an adapter writes the reading of a table; the rest is
// done here: the choice of columns, cells as JSON, the end of the context between two rows, closing at any time. A table that
// has lost a column that the query wants, or has it with another kind, is an ErrNoTable.
//
// Deliver answers every query exactly, so a Prover may take what its reader makes cheaper and leave the rest: what it
// does not take, the engine does under its own budget. Rows stream through filters; joins, groups and sorts would be held
// in memory here without a budget, and so are better left to the engine, as [ScanProver] leaves them.
func Deliver(ctx context.Context, pushed *lqp.Query, open TableReader) (Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("scan %s: %w", pushed.From.Alias, err)
	}
	r, err := lqp.Run(ctx, onlyWanted(pushed), delivered(open), lqp.RunOptions{})
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", pushed.From.Alias, err)
	}
	return &delivery{ctx: ctx, name: pushed.From.Alias, Result: r}, nil
}

// onlyWanted leaves the columns out of a query's tables that it does not name.
func onlyWanted(q *lqp.Query) *lqp.Query {
	wanted := map[colKey]bool{}
	nested := q.From.Query != nil
	for i := range q.Joins {
		nested = nested || q.Joins[i].Source.Query != nil
	}
	if nested { // whose inside names other sources
		return q
	}
	q.MapExprs(func(e lqp.Expr) lqp.Expr {
		for _, c := range lqp.Columns(e) {
			wanted[colKey{c.Source, c.Column}] = true
		}
		return e
	})
	out := *q
	out.From = narrowed(q.From, wanted)
	out.Joins = slices.Clone(q.Joins)
	for i := range out.Joins {
		out.Joins[i].Source = narrowed(q.Joins[i].Source, wanted)
	}
	return &out
}

func narrowed(s lqp.Source, wanted map[colKey]bool) lqp.Source {
	if s.Schema == nil {
		return s
	}
	t := *s.Schema
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c lqp.Column) bool { return !wanted[colKey{s.Alias, c.ID}] })
	s.Schema = &t
	return s
}

// delivered gives lqp.Run the tables of a TableReader.
type delivered TableReader

func (d delivered) Open(ctx context.Context, s *lqp.Source) (lqp.RowReader, error) {
	if s.Query != nil {
		return nil, lqp.ErrRunNested
	}
	columns, rows, err := d(ctx, s.Schema)
	if err != nil {
		return nil, err
	}
	m := mapped{RowReader: rows, at: make([]int, len(s.Schema.Columns))}
	for i, c := range s.Schema.Columns {
		m.at[i] = slices.IndexFunc(columns, func(now lqp.Column) bool { return now.ID == c.ID && now.Type.Same(c.Type) })
		if m.at[i] < 0 {
			return nil, errors.Join(fmt.Errorf("%w: %s has no column %s of kind %s any more", ErrNoTable, s.Schema.Name, c.ID, c.Type), rows.Close())
		}
	}
	return m, nil
}

// mapped reads some columns of a table, in another order.
type mapped struct {
	lqp.RowReader
	at []int
}

func (m mapped) Value(i int) lqp.Value { return m.RowReader.Value(m.at[i]) }

func (m mapped) Err() error {
	err := m.RowReader.Err()
	if err == io.EOF { //nolint:errorlint // wrapped, it is the end of something else
		return nil
	}
	return err
}

func (d delivered) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// delivery ends with its context at every row: lqp.Run looks at it only now and then.
type delivery struct {
	ctx    context.Context
	name   string
	ended  error
	closed bool
	*lqp.Result
}

func (d *delivery) Next() bool {
	if d.closed || d.ended != nil {
		return false
	}
	if err := d.ctx.Err(); err != nil {
		d.ended = fmt.Errorf("scan %s: %w", d.name, err)
		_ = d.Result.Close() // it has read nothing that could still fail
		return false
	}
	return d.Result.Next()
}

func (d *delivery) Err() error {
	if d.ended != nil {
		return d.ended
	}
	if err := d.Result.Err(); err != nil {
		return fmt.Errorf("scan %s: %w", d.name, err)
	}
	return nil
}

func (d *delivery) Close() error {
	d.closed = true
	return d.Result.Close()
}
