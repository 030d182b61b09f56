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
	query  *lqp.Query // pushed, with its sort keys in Select
	keys   []int      // where the sort keys are
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
	c.OrderBy = slices.DeleteFunc(c.OrderBy, func(o lqp.Order) bool { return cut(o.Expr.Type()) })
	ordered, total := lqp.OrderKey(c)
	return total && len(ordered.OrderBy) == len(c.OrderBy) && len(q.OrderBy) > 0
}

// cut reports whether texts of type t may be longer than what sorting looks at.
func cut(t lqp.Type) bool { return t.Kind == lqp.Text && (t.MaxLen == 0 || t.MaxLen > lqp.OrderPrefix) }

// newChunks begins with chunks of the size that the run says, or so large that a page of limit rows may come of one.
func newChunks(ctx context.Context, p *part, limit int, run running) *chunks {
	q := *p.split.Pushed
	q.Select = slices.Clone(q.Select)
	size := run.chunk
	if size == 0 {
		size = max(firstChunk, limit)
	}
	c := &chunks{ctx: ctx, p: p, query: &q, run: run, size: min(size, maxChunk)}
	for _, o := range q.OrderBy {
		at := slices.IndexFunc(q.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, o.Expr) })
		if at < 0 {
			at = len(q.Select)
			q.Select = append(q.Select, lqp.Named{Name: fmt.Sprintf("\x00chunk%d", at), Expr: o.Expr})
		}
		c.keys = append(c.keys, at)
	}
	c.last = q.Page.After
	return c
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
				last := make([]lqp.Value, len(c.keys))
				for i, at := range c.keys {
					last[i] = c.rows.Value(at)
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
	return newBuffer(rows, len(q.Select), c.run.Budget)
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
