package sqlite

import (
	"context"
	"maps"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// SQLite finds no place in an index from "c < 5 OR c IS NULL". A page that continues before NULLs which come last, or
// among NULLs which come first, is therefore two statements in one read transaction: the rows with a value and those
// without one. The second runs only when the first does not fill the page.

// statements writes a query: one statement, or two whose rows follow each other.
func (a *Adapter) statements(q *lqp.Query, known map[columnName]trust) ([]sqlgen.Statement, error) {
	if first, second, filled := halves(q, known); first != nil {
		one, err1 := a.compile(first, filled)
		two, err2 := a.compile(second, known)
		if err1 == nil && err2 == nil {
			return []sqlgen.Statement{one, two}, nil
		}
	}
	st, err := a.compile(q, known)
	return []sqlgen.Statement{st}, err
}

// halves takes a page apart by the NULLs of its first sort key; first is nil for a page that is better left whole. What is
// known for the first half has no NULL in a key that continues from a value: nothing but values lies beyond one.
func halves(q *lqp.Query, known map[columnName]trust) (first, second *lqp.Query, filled map[columnName]trust) {
	after := q.Page.After
	if len(known) == 0 || len(after) == 0 || len(after) != len(q.OrderBy) || q.Page.Limit <= 0 || q.Page.Offset > 0 || len(q.GroupBy)+len(q.Aggregates) > 0 {
		return nil, nil, nil
	}
	key := &q.OrderBy[0]
	col, ok := baseColumn(q, key.Expr)
	if !ok || key.Expr.(*lqp.Col).Source != q.From.Alias {
		return nil, nil, nil
	}
	name := columnName{col.table.Path[0], col.column.ID}
	trusted, ok := known[name]
	if !ok || trusted.filled {
		return nil, nil, nil
	}
	nullsFirst := key.Nulls == lqp.NullsFirst || key.Nulls == lqp.NullsDefault && !key.Desc
	null := lqp.NewCall("is_null", key.Expr)
	values, nulls := *q, *q
	nulls.OrderBy = q.OrderBy[1:]
	nulls.Where = lqp.And(q.Where, null)
	nulls.Page.After = nil
	switch {
	case nullsFirst && after[0].IsNull() && len(after) > 1:
		nulls.Page.After = after[1:]
		values.Where = lqp.And(q.Where, lqp.NewCall("not", null))
		values.Page.After = nil
		return &nulls, &values, known
	case !nullsFirst && !after[0].IsNull() && once(q, col.table):
		filled = maps.Clone(known)
		trusted.filled = true
		filled[name] = trusted
		return &values, &nulls, filled
	}
	return nil, nil, nil
}

// once reports that a query reads a table in one place only.
func once(q *lqp.Query, table *lqp.Table) bool {
	n := 0
	for _, t := range tablesOf(q, nil) {
		if t.Path[0] == table.Path[0] {
			n++
		}
	}
	return n == 1
}

// chain delivers the rows of one statement after those of another, as many as a page has.
type chain struct {
	*rows // of the current statement
	then  func() (*rows, error)
	left  int
	end   func()
	fault error
}

// chained starts the rows of both statements; end is called once, after the last row or by Close.
func (c *conn) chained(ctx context.Context, op string, r *rows, second *sqlgen.Statement, limit int, end func()) *chain {
	return &chain{rows: r, left: limit, end: end, then: func() (*rows, error) { return c.scan(ctx, op, second) }}
}

// Next moves to the next row.
func (p *chain) Next() bool {
	for p.left > 0 {
		if p.rows.Next() {
			p.left--
			return true
		}
		if p.rows.Err() != nil || p.then == nil {
			break
		}
		r, err := p.then()
		if p.then = nil; err != nil {
			p.fault = err
			break
		}
		p.rows = r
	}
	_ = p.Close()
	return false
}

// Err is the error that ended the iteration.
func (p *chain) Err() error {
	if p.fault != nil {
		return p.fault
	}
	return p.rows.Err()
}

// Close ends the statements and the transaction.
func (p *chain) Close() error {
	p.then, p.left = nil, 0
	_ = p.rows.Close()
	if p.end != nil {
		p.end()
		p.end = nil
	}
	return nil
}
