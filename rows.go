package livetables

import (
	"context"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// Rows iterates over one page of a query's result, which can have fewer rows than asked for when they are large
// (Limits.PageBytes): More says whether others follow. It is used by one goroutine and must be closed; after Next has
// returned false, Err says whether the page is complete and Next page's cursor is known. A read whose right is taken away while
// it runs ends with [ErrRevoked] within seconds.
type Rows struct {
	// Columns describes the output. It may be shared and must not be changed.
	Columns []lqp.Column

	rows    adapter.Rows
	cancel  context.CancelFunc
	right   *right
	permit  *permit
	turn    turns // to be given back, nil for none
	plan    *rewrite.Plan
	cursor  *cursorMaker
	limit   int   // rows of the page, below 0 for all
	room    int64 // bytes that the page may still have, when it has a limit
	seen    int
	keys    []lqp.Value // sort keys of the page's last row
	next    string
	more    bool
	done    bool
	err     error
	count   int64
	counted bool
	passed  func() // called for every row, may be nil
}

// Next moves to the next row; false at the end of the page or on an error.
func (r *Rows) Next() bool {
	if r.done {
		return false
	}
	if r.permit.lost.Load() {
		r.done, r.err = true, ErrRevoked
		return false
	}
	// Formulas make rows of any size out of nothing: a page that has grown too large ends early, and its cursor goes on.
	if r.seen == r.limit || r.limit > 0 && r.room < 0 {
		r.finish()
		return false
	}
	if !r.rows.Next() {
		r.done, r.err = true, r.rows.Err()
		if r.permit.lost.Load() { // which ended the read, whatever it makes of that
			r.err = ErrRevoked
		}
		return false
	}
	r.seen++
	if r.passed != nil {
		r.passed()
	}
	return true
}

// finish looks one row past the page.
func (r *Rows) finish() {
	r.done = true
	if r.limit > 0 && r.plan.Total() {
		r.keys = make([]lqp.Value, 0, len(r.plan.Query().OrderBy))
		for _, at := range r.plan.SortKeys() {
			r.keys = append(r.keys, r.rows.Value(at))
		}
	}
	if r.more = r.rows.Next(); !r.more {
		r.err = r.rows.Err()
		return
	}
	st := lqp.Cursor{After: r.keys}
	if !r.plan.Total() {
		st = lqp.Cursor{Offset: r.cursor.offset + r.seen}
	}
	r.next, r.err = r.cursor.seal(st)
}

// Value is column i of the current row.
func (r *Rows) Value(i int) lqp.Value { return r.rows.Value(i) }

// AppendJSON appends column i of the current row to dst as canonical JSON.
func (r *Rows) AppendJSON(dst []byte, i int) []byte {
	before := len(dst)
	dst = r.rows.AppendJSON(dst, i)
	r.room -= int64(len(dst) - before)
	return dst
}

// Err is the error that ended the iteration, nil after a complete page.
func (r *Rows) Err() error { return r.err }

// NextCursor is the cursor of the next page, empty when there is none. It is known after Next has returned false.
func (r *Rows) NextCursor() string { return r.next }

// More reports whether rows follow the page.
func (r *Rows) More() bool { return r.more }

// Count is the number of all rows of the query, pages aside; ok is false when the query did not ask for it.
func (r *Rows) Count() (n int64, ok bool) { return r.count, r.counted }

// Close ends the query at its sources. It is safe to call twice and at any time.
func (r *Rows) Close() error {
	r.done = true
	err := r.rows.Close()
	r.end()
	return err
}

func (r *Rows) end() {
	r.permit.end()
	r.cancel()
	if r.turn != nil {
		r.turn.give()
		r.turn = nil
	}
}

// peek fetches the first row, so that errors of starting a query are errors of the call and not of the iteration.
func peek(rows adapter.Rows) (adapter.Rows, error) {
	p := &peeked{Rows: rows, first: rows.Next()}
	if !p.first {
		if err := rows.Err(); err != nil {
			_ = rows.Close() // the first error is the one to report
			return nil, err
		}
		p.ended = true
	}
	return p, nil
}

type peeked struct {
	adapter.Rows
	first, ended bool
}

func (p *peeked) Next() bool {
	if p.first {
		p.first = false
		return true
	}
	return !p.ended && p.Rows.Next()
}
