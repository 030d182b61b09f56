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
	c := CompareSort(a, b)
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
	st := &sorter{in: in, order: q.OrderBy, prefix: min(sorted, len(q.OrderBy)), after: q.Page.After, account: r.account,
		step: "sort by " + formatOrder(q.OrderBy)}
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
	return st, nil
}

func formatOrder(order []Order) string {
	parts := make([]string, len(order))
	for i := range order {
		parts[i] = FormatExpr(order[i].Expr)
		if order[i].Desc {
			parts[i] += " desc"
		}
	}
	return strings.Join(parts, ", ")
}

type sortedRow struct {
	keys []Value
	row  []Value
	seq  int // arrival, so that equal keys keep their order
}

func (r *sortedRow) bytes() int64 { return rowBytes(r.keys) + rowBytes(r.row) }

type sorter struct {
	in      iterator
	order   []Order
	prefix  int // leading keys in whose order the rows arrive
	keys    []func([]Value) Value
	after   []Value
	keep    int // rows wanted at most, 0 for all
	account *account
	step    string

	rows  []sortedRow // of the run being read or given out
	ahead *sortedRow  // first row of the next run
	seq   int
	given int64 // bytes of the row given out last
	ended bool
}

func (s *sorter) compare(a, b sortedRow) int {
	if c := CompareKeys(s.order, a.keys, b.keys); c != 0 {
		return c
	}
	return a.seq - b.seq
}

// Len, Less, Swap, Push and Pop make the sorter a heap whose top is the last of the rows kept.
func (s *sorter) Len() int           { return len(s.rows) }
func (s *sorter) Less(i, j int) bool { return s.compare(s.rows[i], s.rows[j]) > 0 }
func (s *sorter) Swap(i, j int)      { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }
func (s *sorter) Push(x any)         { s.rows = append(s.rows, x.(sortedRow)) }
func (s *sorter) Pop() any {
	last := s.rows[len(s.rows)-1]
	s.rows = s.rows[:len(s.rows)-1]
	return last
}

func (s *sorter) next() ([]Value, error) {
	s.account.release(s.given)
	s.given = 0
	for len(s.rows) == 0 {
		if s.ended && s.ahead == nil {
			return nil, nil
		}
		if err := s.read(); err != nil {
			return nil, err
		}
		slices.SortFunc(s.rows, s.compare)
	}
	first := &s.rows[0]
	s.rows, s.given = s.rows[1:], first.bytes()
	return first.row, nil
}

// read reads one run: the rows that agree in the keys in whose order they arrive, or all of them.
func (s *sorter) read() error {
	s.rows = nil
	if s.ahead != nil {
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
		if s.prefix > 0 && len(s.rows) > 0 && CompareKeys(s.order[:s.prefix], keys, s.rows[0].keys) != 0 {
			s.ahead = &candidate
			return s.own(s.ahead)
		}
		if err := s.add(candidate); err != nil {
			return err
		}
	}
	return nil
}

// add takes a row into the run unless it is beyond the page.
func (s *sorter) add(candidate sortedRow) error {
	full := s.keep > 0 && len(s.rows) == s.keep
	if full {
		if s.compare(candidate, s.rows[0]) > 0 {
			return nil
		}
		s.account.release(s.rows[0].bytes())
	}
	if err := s.own(&candidate); err != nil {
		return err
	}
	switch {
	case full:
		s.rows[0] = candidate
		heap.Fix(s, 0)
	case s.keep > 0:
		heap.Push(s, candidate)
	default:
		s.rows = append(s.rows, candidate)
	}
	return nil
}

// own copies a row that so far is valid only until the next one.
func (s *sorter) own(r *sortedRow) error {
	r.keys, r.row = slices.Clone(r.keys), slices.Clone(r.row)
	return s.account.hold(r.bytes(), s.step)
}
