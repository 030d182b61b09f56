package plantest

import (
	"context"
	"errors"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Sources delivers tables to lqp.Run and keeps count of what is open. It is used by one goroutine.
type Sources struct {
	Tables []*Table
	// Lookups says that rows can be looked up by key.
	Lookups bool
	// FailOpen names the table that cannot be opened, FailRow the one whose rows end in an error after FailAfter of them.
	FailOpen, FailRow string
	FailAfter         int
	// Row, when set, is called before every row.
	Row func()

	Opened, Closed, Looked, Read int
	Peak                         int // most readers open at once
}

// ErrSource is the failure of a source that was told to fail.
var ErrSource = errors.New("the source failed")

// Open implements lqp.Sources.
func (s *Sources) Open(_ context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		return nil, lqp.ErrRunNested
	}
	if src.Table == s.FailOpen {
		return nil, ErrSource
	}
	return s.reader(src, Rows(s.Tables)(src)), nil
}

// Lookup implements lqp.Sources.
func (s *Sources) Lookup(_ context.Context, src *lqp.Source, on []lqp.Expr, keys [][]lqp.Value) (lqp.RowReader, error) {
	if !s.Lookups || src.Query != nil {
		return nil, lqp.ErrNoLookup
	}
	s.Looked++
	rel := source(src, Rows(s.Tables))
	var found [][]lqp.Value
	keyOf := rel.each(len(on), func(i int) lqp.Expr { return on[i] })
	for _, row := range rel.rows {
		key := keyOf(row)
		if slices.ContainsFunc(keys, func(k []lqp.Value) bool { return slices.EqualFunc(k, key, lqp.Equal) }) {
			found = append(found, row)
		}
	}
	return s.reader(src, found), nil
}

func (s *Sources) reader(src *lqp.Source, rows [][]lqp.Value) *reader {
	s.Opened++
	s.Peak = max(s.Peak, s.Opened-s.Closed)
	r := &reader{s: s, rows: rows, at: -1, fail: -1}
	if src.Table == s.FailRow {
		r.fail = s.FailAfter
	}
	return r
}

type reader struct {
	s      *Sources
	rows   [][]lqp.Value
	at     int
	fail   int // row that fails, below 0 for none
	closed bool
	err    error
}

func (r *reader) Next() bool {
	if r.closed {
		panic("plantest: Next of closed rows")
	}
	if r.at+1 == r.fail {
		r.err = ErrSource
		return false
	}
	if r.at++; r.at >= len(r.rows) {
		return false
	}
	if r.s.Row != nil {
		r.s.Row()
	}
	r.s.Read++
	return true
}

func (r *reader) Value(i int) lqp.Value { return r.rows[r.at][i] }
func (r *reader) Err() error            { return r.err }

func (r *reader) Close() error {
	if !r.closed {
		r.closed = true
		r.s.Closed++
	}
	return nil
}
