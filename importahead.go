package livetables

import (
	"context"
	"errors"
	"io"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

const (
	// aheadRows is how many rows are read at a time, fewer when their cells have aheadBytes; aheadPieces how many times that before
	// anybody asks.
	aheadRows   = 128
	aheadBytes  = 1 << 20
	aheadPieces = 2
)

// importRows are the rows of a file as values of their columns, read on another goroutine a little ahead of whoever stores them. Its methods
// belong to one goroutine.
type importRows struct {
	ctx    context.Context // of the import
	width  int             // columns
	pieces chan importPiece
	free   chan []lqp.Value // memory of pieces that were taken
	stop   context.CancelFunc

	now   importPiece // of which at rows were taken
	at    int
	taken int64     // rows in all
	lines fileLines // of those rows
}

// importPiece are some rows, or why there are no more.
type importPiece struct {
	values   []lqp.Value // of the rows, one behind the other
	lines    []int       // one for each row
	err      error
	panicked any
}

// readAhead begins to read. The reader may be used again, and the file closed, after close.
func (in *importing) readAhead(ctx context.Context, to *importTarget, r tabular.Reader) *importRows {
	s := &importRows{width: len(to.cells), pieces: make(chan importPiece, aheadPieces), free: make(chan []lqp.Value, aheadPieces+2)}
	s.ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.pieces)
		defer func() {
			if p := recover(); p != nil {
				s.send(importPiece{panicked: p})
			}
		}()
		for end := false; !end; {
			p := s.read(to, r)
			end = p.err != nil
			if !s.send(p) {
				return
			}
		}
	}()
	return s
}

func (s *importRows) send(p importPiece) bool {
	select {
	case s.pieces <- p:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// read reads a piece. What ends the file comes with the last rows before.
func (s *importRows) read(to *importTarget, r tabular.Reader) (p importPiece) {
	select {
	case p.values = <-s.free:
	default:
		p.values = make([]lqp.Value, s.width*aheadRows)
	}
	p.lines = make([]int, 0, aheadRows)
	for left := aheadBytes; len(p.lines) < aheadRows && left > 0; {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			p.err = io.EOF
			return p
		}
		if err == nil {
			at := len(p.lines) * s.width
			err = parseCells(p.values[at:at+s.width], to.cells, record)
		} else {
			err = importError(err)
		}
		if err == nil {
			err = s.ctx.Err()
		}
		if err != nil {
			p.err = err
			return p
		}
		p.lines = append(p.lines, r.Line())
		for i := range record {
			left -= len(record[i].Text)
		}
	}
	return p
}

// close ends the reading and waits for that.
func (s *importRows) close() {
	s.stop()
	for range s.pieces { // until it is closed
	}
}

// more reports whether there is another row.
func (s *importRows) more() (bool, error) {
	for s.at == len(s.now.lines) {
		if err := s.now.err; err != nil {
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		if s.now.values != nil {
			s.free <- s.now.values // there is room for all that were made
		}
		p, open := <-s.pieces
		if !open {
			return false, s.ctx.Err()
		}
		if p.panicked != nil {
			panic(p.panicked) // here, where whoever runs the import minds it
		}
		s.now, s.at = p, 0
	}
	return true, nil
}

// next are the values of the row that more has found.
func (s *importRows) next() []lqp.Value { return s.now.values[s.at*s.width : (s.at+1)*s.width] }

// take is next, and goes on to the row after it. The values are those of another row after the next call of more.
func (s *importRows) take() []lqp.Value {
	row := s.next()
	s.lines.add(s.now.lines[s.at])
	s.at++
	s.taken++
	return row
}

// some gives rows to an import, most of them or, with 0, all that are left. At the end the step of a job knows how many they were.
func (s *importRows) some(step *minidb.JobStep, most int) func() ([]lqp.Value, error) {
	first := s.taken
	return func() ([]lqp.Value, error) {
		more := most == 0 || s.taken-first < int64(most)
		if more {
			var err error
			if more, err = s.more(); err != nil {
				return nil, err
			}
		}
		if more {
			return s.take(), nil
		}
		if step != nil {
			step.To = step.From + s.taken - first
		}
		return nil, io.EOF
	}
}
