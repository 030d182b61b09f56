package lqp

import (
	"errors"
	"slices"
)

// source adds a source's columns to the block's rows. It is opened when its first row is wanted: by then the right sides
// of the joins have been read, and a source that is open does not wait for others.
func (r *runner) source(s *Source, in *shape) iterator {
	cols := s.Columns()
	in.add(s.Alias, cols)
	return &opener{run: r, source: s, width: len(cols)}
}

type opener struct {
	run    *runner
	source *Source
	width  int
	it     iterator
}

func (o *opener) next() ([]Value, error) {
	if o.it == nil {
		var err error
		if o.it, err = o.run.read(o.source, o.width); err != nil {
			return nil, err
		}
	}
	return o.it.next()
}

func (r *runner) read(s *Source, width int) (iterator, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := r.sources.Open(r.ctx, s)
	if errors.Is(err, ErrRunNested) && s.Query != nil {
		n := &runner{ctx: r.ctx, sources: r.sources, opt: r.opt, account: r.account}
		r.nested = append(r.nested, n)
		return n.block(s.Query, 0)
	}
	if err != nil {
		return nil, err
	}
	return r.scan(rows, s, width), nil
}

func (r *runner) scan(rows RowReader, s *Source, width int) iterator {
	sc := &scanner{run: r, rows: rows, buf: make([]Value, width), step: "scan " + s.Alias, tick: ticker{ctx: r.ctx}}
	if c, ok := rows.(interface{ Counted(*Budget) bool }); ok {
		sc.counted = c.Counted(r.account.budget)
	}
	r.open = append(r.open, sc)
	return sc
}

type scanner struct {
	run     *runner
	rows    RowReader
	buf     []Value
	step    string
	counted bool // by the Run that delivers the rows
	tick    ticker
	closed  bool
}

func (s *scanner) next() ([]Value, error) {
	if s.closed { // asked again after the end
		return nil, nil
	}
	if err := s.tick.tick(); err != nil {
		return nil, err
	}
	if !s.rows.Next() {
		err := s.rows.Err()
		s.close() // frees the source's connection for the rest of the plan
		return nil, err
	}
	if !s.counted {
		if err := s.run.account.read(s.step); err != nil {
			return nil, err
		}
	}
	for i := range s.buf {
		s.buf[i] = s.rows.Value(i)
	}
	return s.buf, nil
}

func (s *scanner) close() {
	if s.closed {
		return
	}
	s.closed = true
	if i := slices.Index(s.run.open, s); i >= 0 {
		s.run.open = slices.Delete(s.run.open, i, i+1)
	}
	_ = s.rows.Close() // its errors were reported by Err
}
