package lqp

import (
	"cmp"
	"slices"
)

// orderedAccumulator gives the values of a group to an accumulator in the order of sort keys.
type orderedAccumulator struct {
	order []Order
	inner Accumulator
	one   int // 1 to keep the first row that is not NULL only, -1 for the last, 0 for all
	rows  []sortedRow
	size  int
}

// add takes one row's value with the values of the sort keys, which it copies.
func (s *orderedAccumulator) add(keys []Value, v Value) {
	if v.kind == Null {
		return // the functions that look at the order leave NULL out
	}
	row := sortedRow{keys: slices.Clone(keys), row: []Value{v}, seq: int64(len(s.rows))}
	if s.one != 0 && len(s.rows) == 1 {
		if c := CompareKeys(s.order, keys, s.rows[0].keys) * s.one; c < 0 || c == 0 && s.one < 0 {
			s.rows[0], s.size = row, int(row.bytes())
		}
		return
	}
	s.rows = append(s.rows, row)
	s.size += int(row.bytes())
}

// Add implements [Accumulator] for a value without keys.
func (s *orderedAccumulator) Add(v Value) { s.add(nil, v) }

// Result implements [Accumulator].
func (s *orderedAccumulator) Result() Value {
	slices.SortFunc(s.rows, func(a, b sortedRow) int {
		if c := CompareKeys(s.order, a.keys, b.keys); c != 0 {
			return c
		}
		return cmp.Compare(a.seq, b.seq)
	})
	for _, r := range s.rows {
		s.inner.Add(r.row[0])
	}
	s.rows = nil
	return s.inner.Result()
}

// Size implements [Accumulator].
func (s *orderedAccumulator) Size() int { return 96 + s.size }
