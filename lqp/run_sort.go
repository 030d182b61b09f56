package lqp

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
)

// CompareKeys compares two tuples of sort-key values under the bound sort keys: negative when a comes first.
func CompareKeys(order []Order, a, b []Value) int {
	for i := range order {
		if c := compareKey(&order[i], a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func compareKey(o *Order, a, b Value) int {
	if a.IsNull() || b.IsNull() {
		switch {
		case a.IsNull() && b.IsNull():
			return 0
		case a.IsNull() == (o.Nulls == NullsFirst):
			return -1
		}
		return 1
	}
	order := CompareSort
	if o.Whole {
		order = Compare
	}
	c := order(a, b)
	if o.Desc {
		return -c
	}
	return c
}

// sort orders the rows and applies Page.After. With a limit it keeps only as many rows as the page needs. Rows that come
// in the order of the first sorted keys are sorted run by run.
func (r *runner) sort(in iterator, q *Query, s *shape, sorted int) (iterator, error) {
	if n := len(q.Page.After); n > 0 && n != len(q.OrderBy) {
		return nil, fmt.Errorf("the page begins after %d values, but there are %d sort keys", n, len(q.OrderBy))
	}
	step := "sort by " + formatOrder(q.OrderBy)
	st := &sorter{in: in, order: q.OrderBy, prefix: min(sorted, len(q.OrderBy)), after: q.Page.After, share: share{account: r.account, step: step},
		files: runs{account: r.account, step: step, order: q.OrderBy, keys: len(q.OrderBy), values: s.width, tick: ticker{ctx: r.ctx}}}
	for i := range q.OrderBy {
		f, err := r.compile(q.OrderBy[i].Expr, s)
		if err != nil {
			return nil, err
		}
		st.keys = append(st.keys, f)
	}
	if q.Page.Limit > 0 {
		st.keep = q.Page.Limit + q.Page.Offset
	}
	if st.prefix == len(st.order) {
		return &sortedRows{st}, nil
	}
	return st, nil
}

// sortedRows are rows that arrive sorted by all keys. None is held: looking at the row behind the last of a page may cost
// a source another request.
type sortedRows struct{ *sorter }

func (s *sortedRows) next() ([]Value, error) {
	keys := make([]Value, len(s.keys))
	for {
		row, err := s.in.next()
		if row == nil || err != nil || len(s.after) == 0 {
			return row, err
		}
		for i, k := range s.keys {
			keys[i] = k(row)
		}
		if CompareKeys(s.order, keys, s.after) > 0 {
			s.after = nil // and so is every row from here on
			return row, nil
		}
	}
}

func formatOrder(order []Order) string {
	parts := make([]string, len(order))
	for i := range order {
		parts[i] = FormatExpr(order[i].Expr)
		if order[i].Desc {
			parts[i] += " desc"
		}
		if order[i].Whole {
			parts[i] += " whole"
		}
	}
	return strings.Join(parts, ", ")
}

type sortedRow = spillRow

type sorter struct {
	in     iterator
	order  []Order
	prefix int // leading keys in whose order the rows arrive
	keys   []func([]Value) Value
	after  []Value
	keep   int // rows wanted at most, 0 for all
	share  share
	files  runs // of the rows that agree in the leading keys, where memory does not hold all of them

	rows  []sortedRow // in memory, of the rows that agree in the leading keys, or all
	out   rowSource   // they in order, nil while they are read
	ahead *sortedRow  // the first row that does not agree with them
	seq   int64
	ended bool
}

// Len, Less, Swap, Push and Pop make the sorter a heap whose top is the last of the rows kept.
func (s *sorter) Len() int           { return len(s.rows) }
func (s *sorter) Less(i, j int) bool { return s.files.order.compare(&s.rows[i], &s.rows[j]) > 0 }
func (s *sorter) Swap(i, j int)      { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }
func (s *sorter) Push(x any)         { s.rows = append(s.rows, x.(sortedRow)) }
func (s *sorter) Pop() any {
	last := s.rows[len(s.rows)-1]
	s.rows = s.rows[:len(s.rows)-1]
	return last
}

func (s *sorter) next() ([]Value, error) {
	for {
		if s.out != nil {
			row, err := s.out.next()
			if err != nil {
				return nil, err
			}
			if row != nil {
				return row.row, nil
			}
			s.out = nil
		}
		if s.ended && s.ahead == nil {
			return nil, nil
		}
		if err := s.read(); err != nil {
			return nil, err
		}
		m := s.inMemory()
		s.out = m
		if len(s.files.files) > 0 {
			var err error
			if s.out, err = s.files.merge(m); err != nil {
				return nil, err
			}
		}
	}
}

// inMemory are the rows in memory in their order.
func (s *sorter) inMemory() *memoryRows {
	slices.SortFunc(s.rows, func(a, b sortedRow) int { return s.files.order.compare(&a, &b) })
	m := &memoryRows{rows: s.rows, share: &s.share}
	s.rows = nil
	return m
}

// read reads the rows that agree in the keys in whose order they arrive, or all of them.
func (s *sorter) read() error {
	var first []Value // the leading keys
	if s.ahead != nil {
		first = s.ahead.keys
		s.rows, s.ahead = append(s.rows, *s.ahead), nil
	}
	keys := make([]Value, len(s.keys))
	for !s.ended {
		row, err := s.in.next()
		if err != nil {
			return err
		}
		if row == nil {
			s.ended = true
			break
		}
		s.seq++
		for i, k := range s.keys {
			keys[i] = k(row)
		}
		if len(s.after) > 0 && CompareKeys(s.order, keys, s.after) <= 0 {
			continue
		}
		candidate := sortedRow{keys: keys, row: row, seq: s.seq}
		if s.prefix > 0 {
			switch {
			case first == nil:
				first = slices.Clone(keys)
			case CompareKeys(s.order[:s.prefix], keys, first) != 0:
				own(&candidate)
				s.ahead = &candidate
				_, err := s.share.take(candidate.bytes())
				return err
			}
		}
		if err := s.add(candidate); err != nil {
			return err
		}
	}
	return nil
}

// add takes a row unless it is beyond the page.
func (s *sorter) add(candidate sortedRow) error {
	crowded := s.keep > 0 && len(s.rows) == s.keep
	if crowded {
		if s.files.order.compare(&candidate, &s.rows[0]) > 0 {
			return nil
		}
		s.share.release(s.rows[0].bytes())
	}
	own(&candidate)
	full, err := s.share.take(candidate.bytes())
	if err != nil {
		return err
	}
	switch {
	case crowded:
		s.rows[0] = candidate
		heap.Fix(s, 0)
	case s.keep > 0:
		heap.Push(s, candidate)
	default:
		s.rows = append(s.rows, candidate)
	}
	if full {
		return s.files.write(s.inMemory())
	}
	return nil
}

// own copies a row that so far is valid only until the next one.
func own(r *sortedRow) {
	r.keys, r.row = slices.Clone(r.keys), slices.Clone(r.row)
}
