package sqlite

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// rows iterates over the result of one statement. The statement's connection is its own until Close.
type rows struct {
	ctx     context.Context
	c       *conn
	stmt    *statement
	columns []storage
	op      string // what is being read, for errors
	// finish gives back what the rows hold besides the statement: the connection, the timer.
	finish func()
	err    error
	closed bool
	first  bool // the first row is there already, see start
}

// start runs the statement up to its first row. Only running it finds out whether what was compiled against a schema that
// the connection remembers still fits the file; whoever asked for the rows should hear of that at once.
func (r *rows) start() error {
	if r.Next() {
		r.first = true
		return nil
	}
	return r.err
}

// Next moves to the next row.
func (r *rows) Next() (ok bool) {
	if r.closed || r.err != nil {
		return false
	}
	if r.first {
		if err := r.ctx.Err(); err != nil {
			r.err = interrupted(r.ctx, r.op)
			_ = r.Close()
			return false
		}
		r.first = false
		return true
	}
	defer func() {
		if !ok {
			// The rest cannot be asked for any more: the statement lets go of its snapshot at once.
			_ = r.Close()
		}
	}()
	defer r.c.guard(&r.err)
	// Several rows of one transaction may be open with contexts of their own.
	r.c.db.SetInterrupt(r.ctx)
	if r.stmt.Step() {
		return true
	}
	if err := r.stmt.Err(); err != nil {
		r.err = translate(r.ctx, r.op, stepError(err))
	}
	return false
}

// Value decodes column i of the current row.
func (r *rows) Value(i int) lqp.Value {
	if r.closed {
		return lqp.NullValue
	}
	return cell(r.stmt.ColumnValue(i), r.columns[i], false)
}

// AppendJSON appends column i of the current row without a copy of its text.
func (r *rows) AppendJSON(dst []byte, i int) []byte {
	if r.closed {
		return lqp.NullValue.AppendJSON(dst)
	}
	return appendCell(dst, r.stmt.ColumnValue(i), r.columns[i])
}

// Err is the error that ended the iteration.
func (r *rows) Err() error { return r.err }

// Close ends the statement and returns its connection.
func (r *rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	func() {
		var err error
		defer r.c.guard(&err)
		r.stmt.release()
	}()
	if r.finish != nil {
		r.finish()
	}
	return nil
}
