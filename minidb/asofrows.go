package minidb

import (
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// pastRows merges the rows of the present that have not changed since with those that have, both in the same order.
type pastRows struct {
	now     adapter.Rows // whole rows of the present
	width   int
	changed map[string]bool
	old     []pastRow // in order, once they are all there
	out     []lqp.Expr
	order   []lqp.Order
	after   []lqp.Value // rows that do not sort after it are not wanted; nil for all
	limit   int         // rows to deliver, 0 for all
	skip    int         // rows to leave out before them

	next  *pastRow // the next row of the present, nil before it is read
	ended bool     // the present is at its end
	given int
	held  int // bytes of old
	row   []lqp.Value
	err   error
}

// pastRow is a row with the values that it is sorted by.
type pastRow struct {
	row, keys []lqp.Value
	size      int                         // bytes that it holds, about
	whole     func() ([]lqp.Value, error) // reads the row when it is its turn; nil when row is all of it
}

// maxGathered bounds the rows that are held: those of the past that are wanted, and of the present where the store does not
// bring them into the order. A page holds little more than its own.
const maxGathered = 200_000

// maxGatheredBytes bounds the bytes of these rows.
const maxGatheredBytes = 64 << 20

// spare is how many rows more than wanted are held before those that sort last are dropped.
const spare = 2_000

func (p *pastRows) keyed(row []lqp.Value) pastRow {
	r := pastRow{row: row}
	if len(p.order) > 0 {
		r.keys = make([]lqp.Value, len(p.order))
		for i := range p.order {
			r.keys[i] = lqp.Eval(p.order[i].Expr, row)
		}
	}
	return r
}

// keep holds a row of about size bytes that is to be merged. row need have no more than what it is filtered and sorted by when
// whole reads the rest.
func (p *pastRows) keep(row []lqp.Value, whole func() ([]lqp.Value, error), size int) error {
	r := p.keyed(row)
	r.size = size
	if r.whole = whole; whole != nil {
		r.row = nil
	}
	if p.after != nil && lqp.CompareKeys(p.order, r.keys, p.after) <= 0 {
		return nil
	}
	p.old = append(p.old, r)
	p.held += size
	if wanted := p.skip + p.limit; p.limit > 0 && len(p.old) > wanted && (len(p.old) > wanted+spare || p.held > maxGatheredBytes) {
		p.sort()
		for i := range p.old[wanted:] {
			p.held -= p.old[wanted+i].size
		}
		clear(p.old[wanted:])
		p.old = p.old[:wanted]
	}
	if p.held > maxGatheredBytes {
		return &LimitError{Name: "bytes_in_memory", Max: maxGatheredBytes}
	}
	if len(p.old) > maxGathered {
		return &LimitError{Name: "rows_in_memory", Max: maxGathered}
	}
	return nil
}

func (p *pastRows) sort() {
	if len(p.order) > 0 {
		slices.SortStableFunc(p.old, func(a, b pastRow) int { return lqp.CompareKeys(p.order, a.keys, b.keys) })
	}
}

// gather takes all of the present that satisfies the condition, to be put in order with the past.
func (p *pastRows) gather(where lqp.Expr) error {
	for p.now.Next() {
		row := p.present()
		if p.changed[row[idSlot].Text()] || !allows(where, row) {
			continue
		}
		size := 0
		for i := range row {
			size += row[i].Size()
		}
		if err := p.keep(row, nil, size); err != nil {
			return err
		}
	}
	p.ended = true
	return p.now.Err()
}

// present is the current row of the present.
func (p *pastRows) present() []lqp.Value {
	row := make([]lqp.Value, p.width)
	for i := range row {
		row[i] = p.now.Value(i)
	}
	return row
}

// Next implements adapter.Rows.
func (p *pastRows) Next() bool {
	for p.err == nil && (p.limit == 0 || p.given < p.limit) {
		if !p.advance() {
			return false
		}
		if p.skip > 0 {
			p.skip--
			continue
		}
		p.given++
		return true
	}
	return false
}

// advance takes the row that is first in the order.
func (p *pastRows) advance() bool {
	for p.next == nil && !p.ended {
		if !p.now.Next() {
			p.ended, p.err = true, p.now.Err()
			break
		}
		if p.changed[p.now.Value(idSlot).Text()] {
			continue
		}
		r := p.keyed(p.present())
		p.next = &r
	}
	switch {
	case p.err != nil || p.next == nil && len(p.old) == 0:
		p.row = nil
		return false
	case p.next == nil, len(p.old) > 0 && lqp.CompareKeys(p.order, p.old[0].keys, p.next.keys) <= 0:
		first := &p.old[0]
		if p.row = first.row; first.whole != nil {
			if p.row, p.err = first.whole(); p.err != nil {
				return false
			}
		}
		p.old[0] = pastRow{}
		p.old = p.old[1:]
	default:
		p.row, p.next = p.next.row, nil
	}
	return true
}

// Value implements adapter.Rows.
func (p *pastRows) Value(i int) lqp.Value { return lqp.Eval(p.out[i], p.row) }

// AppendJSON implements adapter.Rows.
func (p *pastRows) AppendJSON(dst []byte, i int) []byte { return p.Value(i).AppendJSON(dst) }

// Err implements adapter.Rows.
func (p *pastRows) Err() error { return p.err }

// Close implements adapter.Rows.
func (p *pastRows) Close() error { return p.now.Close() }
