package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// chunks reads a sorted pushed query in growing chunks, each continuing after the last row of the one before. What reads
// it will probably stop once its page is full: a source asked for everything would have done all the work by then.
type chunks struct {
	ctx    context.Context
	p      *part
	query  *lqp.Query                    // pushed, with the columns of its sort keys in Select
	keys   []func([]lqp.Value) lqp.Value // the sort keys over what is selected
	run    running
	size   int
	rows   adapter.Rows
	inRows int // rows seen of the current chunk
	last   []lqp.Value
	err    error
	done   bool
}

const (
	firstChunk = 128
	maxChunk   = 8192
)

// resumable reports that no two rows of a sorted query agree in its sort keys, so that a chunk can begin after any row.
// Texts that may be longer than what sorting looks at tell no rows apart.
func resumable(q *lqp.Query) bool {
	c := q.Clone()
	c.OrderBy = slices.DeleteFunc(c.OrderBy, func(o lqp.Order) bool { return lqp.SortsCut(o.Expr.Type()) })
	ordered, total := lqp.OrderKey(c)
	return total && len(ordered.OrderBy) == len(c.OrderBy) && len(q.OrderBy) > 0
}

// newChunks begins with chunks of the size that the run says, or so large that a page of limit rows may come of one.
func newChunks(ctx context.Context, p *part, limit int, run running) *chunks {
	q := *p.split.Pushed
	q.Select = slices.Clone(q.Select)
	size := run.chunk
	switch {
	case size > 0:
	case p.want > 0 && p.split.Residual == nil: // joins drop few rows, a page needs no more
		size = p.want + p.want/8
	default:
		size = max(firstChunk, limit)
	}
	c := &chunks{ctx: ctx, p: p, query: &q, run: run, size: min(size, maxChunk)}
	for _, o := range q.OrderBy {
		c.keys = append(c.keys, compile(c.selected(o.Expr)))
	}
	c.last = q.Page.After
	return c
}

// selected is an expression over the columns of the query's result, to which the columns that it lacks are added. A source
// that sorts by a formula need not be able to show its value.
func (c *chunks) selected(e lqp.Expr) lqp.Expr {
	resolved, err := lqp.Resolve(e, func(col *lqp.Col) (int, error) {
		at := slices.IndexFunc(c.query.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, col) })
		if at < 0 {
			at = len(c.query.Select)
			c.query.Select = append(c.query.Select, lqp.Named{Name: fmt.Sprintf("\x00chunk%d", at), Expr: col})
		}
		return at, nil
	})
	if err != nil {
		panic(err) // only the function above fails, and it does not
	}
	return resolved
}

// Next implements adapter.Rows.
func (c *chunks) Next() bool {
	for !c.done {
		if c.rows == nil {
			page := *c.query
			page.Page = lqp.Page{After: c.last, Limit: c.size}
			if c.rows, c.err = c.open(&page); c.err != nil {
				c.rows, c.done = nil, true
				return false
			}
			c.inRows = 0
		}
		if c.rows.Next() {
			c.inRows++
			if c.inRows == c.size { // the row after which the next chunk begins
				row := make([]lqp.Value, len(c.query.Select))
				for i := range row {
					row[i] = c.rows.Value(i)
				}
				last := make([]lqp.Value, len(c.keys))
				for i, key := range c.keys {
					last[i] = key(row)
				}
				c.last = last
			}
			return true
		}
		c.err = c.rows.Err()
		_ = c.rows.Close() // its error was read by Err
		c.rows = nil
		if c.err != nil || c.inRows < c.size {
			c.done = true
			return false
		}
		c.size = min(2*c.size, maxChunk)
	}
	return false
}

func (c *chunks) open(q *lqp.Query) (adapter.Rows, error) {
	rows, err := c.p.scan(c.ctx, q, c.run)
	if err != nil || !c.run.buffer {
		return rows, err
	}
	return newBuffer(rows, len(q.Select), c.run.RunOptions)
}

// Value implements adapter.Rows.
func (c *chunks) Value(i int) lqp.Value { return c.rows.Value(i) }

// AppendJSON implements adapter.Rows.
func (c *chunks) AppendJSON(dst []byte, i int) []byte { return c.rows.AppendJSON(dst, i) }

// Err implements adapter.Rows.
func (c *chunks) Err() error { return c.err }

// Close implements adapter.Rows.
func (c *chunks) Close() error {
	c.done = true
	if c.rows == nil {
		return nil
	}
	err := c.rows.Close()
	c.rows = nil
	return err
}
