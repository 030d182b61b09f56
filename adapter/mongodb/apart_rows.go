package mongodb

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// apartRows iterates over a page that is read in pieces, one command after another. Of rows that agree in the first sort
// key it holds a run at a time and sorts it by the other keys; a run that is too long, or that the end of a reply may have
// cut, is left to the server.
type apartRows struct {
	paged
	adapter    *Adapter
	parent     context.Context
	op         string
	skip, left int

	reading *Rows // of the first of steps, which has begun
	wanted  int   // rows that its command asked for
	got     int   // rows that it gave
	run     []held
	ahead   *held // the first row of the next run

	columns []output
	tree    node
	slots   []raw
	streams bool // the current row is the one of reading
	closed  bool
	err     error
}

var _ adapter.Rows = (*apartRows)(nil)

// held is a row with its sort keys.
type held struct {
	doc  []byte
	keys []lqp.Value
}

// apart is the rows of a pushed query that is read in pieces; not ok for others.
func (a *Adapter) apart(q *lqp.Query) (*apartRows, bool) {
	p, ok := readApart(q, a.apartFrom, a.facts.Load())
	if !ok {
		return nil, false
	}
	r := &apartRows{paged: p, adapter: a, skip: max(q.Page.Offset, 0), left: q.Page.Limit}
	return r, true
}

// begin sends the first command.
func (r *apartRows) begin(ctx context.Context, op string) error {
	r.parent, r.op = ctx, op
	r.open()
	return r.err
}

// open sends the command of the next step.
func (r *apartRows) open() {
	s := &r.steps[0]
	r.wanted, r.got = r.skip+r.left, 0
	if s.kind == stepValues {
		r.wanted++
		if s.inclusive && !s.key.IsNull() {
			r.wanted += slack
		}
	}
	if s.kind == stepNulls && r.first.telling() {
		s.noArrays = r.adapter.noArrays(r.parent, r.q.From.Schema.Path[0], r.first.name)
	}
	st, reason := r.statement(s, r.wanted, mode{facts: r.adapter.facts.Load()})
	if reason != "" {
		r.err = failure.New(r.op, adapter.ErrUnsupported, errors.New(reason))
		return
	}
	if s.kind == stepValues && r.columns == nil {
		r.columns = st.columns[:len(r.q.Select)]
		r.slots = make([]raw, len(r.columns))
		for i := range r.columns {
			r.tree.want(r.columns[i].path, i)
		}
	}
	r.reading, r.err = r.adapter.send(r.parent, r.op, &st, true)
}

// finished ends the current step.
func (r *apartRows) finished() {
	if r.err == nil {
		r.err = r.reading.Err()
	}
	_ = r.reading.Close()
	r.reading, r.ahead = nil, nil
	r.steps = r.steps[1:]
}

// Next implements [adapter.Rows].
func (r *apartRows) Next() bool {
	for !r.closed && r.err == nil && r.left > 0 {
		switch {
		case len(r.run) > 0:
			r.streams = false
			clear(r.slots)
			r.tree.fill(r.run[0].doc, r.slots)
			r.run = r.run[1:]
			if r.due() {
				return true
			}
		case r.reading == nil && len(r.steps) == 0:
			return false
		case r.reading == nil:
			r.open()
		case r.steps[0].kind == stepValues:
			r.fill()
		case r.reading.Next():
			r.streams = true
			if r.due() {
				return true
			}
		default:
			r.finished()
		}
	}
	return false
}

// due reports whether the current row is on the page, not before it.
func (r *apartRows) due() bool {
	if r.skip > 0 {
		r.skip--
		return false
	}
	r.left--
	return true
}

// fill reads the next run of values.
func (r *apartRows) fill() {
	s := r.steps[0]
	order := r.q.OrderBy
	var run []held
	if r.ahead != nil {
		run, r.ahead = append(run, *r.ahead), nil
	}
	size := 0
	var ended bool
	for {
		if ended = !r.reading.Next(); ended {
			break
		}
		r.got++
		h := r.hold()
		if s.inclusive && !s.key.IsNull() && lqp.CompareKeys(order, h.keys, r.q.Page.After) <= 0 {
			continue
		}
		if len(run) > 0 && lqp.CompareSort(run[0].keys[0], h.keys[0]) != 0 {
			r.ahead = &h
			break
		}
		run = append(run, h)
		if size += len(h.doc); len(run) > maxRun || size > maxRunBytes {
			break
		}
	}
	if ended && r.reading.Err() != nil {
		r.finished()
		return
	}
	if r.ahead != nil || ended && r.got < r.wanted { // the run is whole
		slices.SortFunc(run, func(a, b held) int { return lqp.CompareKeys(order[1:], a.keys[1:], b.keys[1:]) })
		r.run = run
		if ended {
			r.finished()
		}
		return
	}
	r.finished()
	tie := step{kind: stepTie, key: s.key}
	if len(run) > 0 {
		tie.key = run[0].keys[0]
	}
	if s.inclusive && !s.key.IsNull() && lqp.CompareSort(tie.key, s.key) == 0 {
		tie.after = r.q.Page.After[1:]
	}
	next := step{kind: stepValues, key: tie.key}
	if len(order) == 1 && tie.after != nil { // nothing says what comes after the position within its tie
		r.steps = append([]step{next}, r.steps...)
		return
	}
	r.steps = append([]step{tie, next}, r.steps...)
}

// hold copies the current row.
func (r *apartRows) hold() held {
	h := held{doc: bytes.Clone(r.reading.cursor.Current), keys: make([]lqp.Value, len(r.q.OrderBy))}
	for i := range h.keys {
		h.keys[i] = r.reading.Value(len(r.q.Select) + i)
	}
	return h
}

// Value implements [adapter.Rows].
func (r *apartRows) Value(i int) lqp.Value {
	if r.streams {
		return r.reading.Value(i)
	}
	return r.columns[i].value(r.slots[i])
}

// AppendJSON implements [adapter.Rows].
func (r *apartRows) AppendJSON(dst []byte, i int) []byte {
	if r.streams {
		return r.reading.AppendJSON(dst, i)
	}
	return r.columns[i].appendJSON(dst, r.slots[i])
}

// Err implements [adapter.Rows].
func (r *apartRows) Err() error { return r.err }

// Close implements [adapter.Rows].
func (r *apartRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.run, r.ahead = nil, nil
	clear(r.slots)
	if r.reading != nil {
		return r.reading.Close()
	}
	return nil
}
