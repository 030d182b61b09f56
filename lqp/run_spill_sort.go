package lqp

import (
	"cmp"
	"slices"
)

// spillOrder is the order of rows in temporary storage: by their keys, then by arrival.
type spillOrder []Order

func (o spillOrder) compare(a, b *spillRow) int {
	if c := CompareKeys(o, a.keys, b.keys); c != 0 {
		return c
	}
	if c := cmp.Compare(a.seq, b.seq); c != 0 {
		return c
	}
	return cmp.Compare(a.sub, b.sub)
}

// rowSource yields rows until a nil one. A row is valid until the next call.
type rowSource interface{ next() (*spillRow, error) }

// memoryRows are rows in memory, which is given back row by row.
type memoryRows struct {
	rows  []spillRow
	share *share
	given int64
}

func (m *memoryRows) next() (*spillRow, error) {
	m.share.release(m.given)
	m.given = 0
	if len(m.rows) == 0 {
		m.rows = nil
		return nil, nil
	}
	r := &m.rows[0]
	m.rows, m.given = m.rows[1:], r.bytes()
	return r, nil
}

// mergeWidth is how many runs are merged at once. More are first made into fewer: every run that is read takes a buffer.
const mergeWidth = 16

// merger yields the rows of sorted sources in their order.
type merger struct {
	order spillOrder
	heads []mergeHead // a heap, the least row on top
	last  rowSource   // whose row was given out and is still in use
	done  func()
}

type mergeHead struct {
	row *spillRow
	src rowSource
}

func newMerger(order spillOrder, sources []rowSource, done func()) (*merger, error) {
	m := &merger{order: order, done: done}
	for _, s := range sources {
		if err := m.pull(s); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// pull puts the next row of a source into the heap.
func (m *merger) pull(s rowSource) error {
	row, err := s.next()
	if row == nil || err != nil {
		return err
	}
	m.heads = append(m.heads, mergeHead{row, s})
	for i := len(m.heads) - 1; i > 0; {
		up := (i - 1) / 2
		if m.order.compare(m.heads[i].row, m.heads[up].row) >= 0 {
			break
		}
		m.heads[i], m.heads[up] = m.heads[up], m.heads[i]
		i = up
	}
	return nil
}

// sink moves the top of the heap down to its place.
func (m *merger) sink() {
	h := m.heads
	for i := 0; ; {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if r := least + 1; r < len(h) && m.order.compare(h[r].row, h[least].row) < 0 {
			least = r
		}
		if m.order.compare(h[i].row, h[least].row) <= 0 {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func (m *merger) next() (*spillRow, error) {
	if m.last != nil { // the row on top was given out: its source may now overwrite it
		m.last = nil
		row, err := m.heads[0].src.next()
		if err != nil {
			return nil, err
		}
		if row == nil {
			end := len(m.heads) - 1
			m.heads[0] = m.heads[end]
			m.heads = m.heads[:end]
		} else {
			m.heads[0].row = row
		}
		m.sink()
	}
	if len(m.heads) == 0 {
		if m.done != nil {
			m.done()
			m.done = nil
		}
		return nil, nil
	}
	m.last = m.heads[0].src
	return m.heads[0].row, nil
}

// runs are sorted files of rows with the same counts of keys and values.
type runs struct {
	account      *account
	step         string
	order        spillOrder
	keys, values int
	files        []*spillWriter
	tick         ticker
}

// write makes a run of sorted rows, none of no rows.
func (r *runs) write(rows rowSource) error {
	row, err := rows.next()
	if row == nil || err != nil {
		return err
	}
	w, err := r.account.newWriter(r.step)
	if err != nil {
		return err
	}
	for row != nil {
		if err := r.tick.tick(); err != nil {
			return err
		}
		if err := w.add(row); err != nil {
			return err
		}
		if row, err = rows.next(); err != nil {
			return err
		}
	}
	r.files = append(r.files, w)
	return w.flush()
}

// merge reads all runs, and more if given, as one.
func (r *runs) merge(more ...rowSource) (*merger, error) {
	for len(r.files) > mergeWidth {
		first := r.files[:mergeWidth]
		m, err := r.open(first, nil)
		if err != nil {
			return nil, err
		}
		r.files = slices.Clone(r.files[mergeWidth:])
		if err := r.write(m); err != nil {
			return nil, err
		}
	}
	files := r.files
	r.files = nil
	return r.open(files, more)
}

func (r *runs) open(files []*spillWriter, more []rowSource) (*merger, error) {
	sources := slices.Clone(more)
	for _, f := range files {
		s, err := f.read(r.keys, r.values)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return newMerger(r.order, sources, func() {
		for _, f := range files {
			f.close()
		}
	})
}

// external sorts rows of any number: in memory while the share of its step lasts, else in sorted runs that are merged.
// The order is that of a stable sort.
type external struct {
	runs  runs
	share share
	rows  []spillRow
}

func newExternal(a *account, tick ticker, step string, order []Order, values int) *external {
	return &external{share: share{account: a, step: step},
		runs: runs{account: a, step: step, order: order, keys: len(order), values: values, tick: tick}}
}

// add takes a row, which it copies.
func (x *external) add(r *spillRow) error {
	own := spillRow{keys: slices.Clone(r.keys), row: slices.Clone(r.row), seq: r.seq, sub: r.sub}
	x.rows = append(x.rows, own)
	full, err := x.share.take(own.bytes())
	if err != nil || !full {
		return err
	}
	return x.flush()
}

// flush writes the rows in memory as a run.
func (x *external) flush() error {
	if len(x.rows) == 0 {
		return nil
	}
	err := x.runs.write(x.inMemory())
	x.rows = nil
	return err
}

func (x *external) inMemory() *memoryRows {
	slices.SortFunc(x.rows, func(a, b spillRow) int { return x.runs.order.compare(&a, &b) })
	return &memoryRows{rows: x.rows, share: &x.share}
}

// sorted ends the adding and yields the rows in order.
func (x *external) sorted() (rowSource, error) {
	if len(x.runs.files) == 0 {
		m := x.inMemory()
		x.rows = nil
		return m, nil
	}
	// What is in memory is merged with the runs as it is, unless so many of them are to be merged first that the memory
	// is of better use elsewhere.
	if len(x.runs.files) > mergeWidth {
		if err := x.flush(); err != nil {
			return nil, err
		}
	}
	m := x.inMemory()
	x.rows = nil
	return x.runs.merge(m)
}
