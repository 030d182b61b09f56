package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Rows iterates over a result in the binary protocol. A cell is decoded when it is asked for, into a value or straight
// into JSON; its bytes live in the connection's buffer until the next row.
type Rows struct {
	adapter   *Adapter
	session   *session
	rows      driver.Rows
	columns   []column
	cells     []driver.Value
	parent    context.Context // the caller's, for errors
	cut       context.CancelFunc
	interrupt *interrupt
	unwatch   func() bool // stop the watching of the caller's context
	ahead     bool        // the first row was read by Scan
	ended     bool        // the server has nothing more to say
	closed    bool
	err       error
}

var _ adapter.Rows = (*Rows)(nil)

// Next implements [adapter.Rows].
func (r *Rows) Next() bool {
	switch {
	case r.closed:
		return false
	case r.ahead:
		r.ahead = false
		return true
	case r.ended:
		r.finish(true)
		return false
	}
	err := r.next()
	switch {
	case err == nil:
		return true
	case errors.Is(err, io.EOF):
		r.finish(true)
	default:
		var my *mysql.MySQLError
		if r.adapter.isClosed() {
			err = adapter.ErrUnavailable
		}
		r.err = translate(r.parent, "read rows", err)
		r.finish(errors.As(err, &my))
	}
	return false
}

func (r *Rows) next() (err error) {
	defer guard(&err)
	return r.rows.Next(r.cells)
}

// Value implements [adapter.Rows].
func (r *Rows) Value(i int) lqp.Value { return r.columns[i].value(r.cells[i]) }

// AppendJSON implements [adapter.Rows].
func (r *Rows) AppendJSON(dst []byte, i int) []byte { return r.columns[i].appendJSON(dst, r.cells[i]) }

// Err implements [adapter.Rows].
func (r *Rows) Err() error { return r.err }

// Close implements [adapter.Rows]. What is left of a result is read if that is quickly done; otherwise its statement is
// killed at the server. Both happen in the background, Close does not wait for the server.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	if r.ended {
		r.finish(true)
		return nil
	}
	width := len(r.cells)
	r.closed, r.cells = true, nil
	over := r.adapter.begun()
	go func() {
		defer over()
		drain(r.rows, make([]driver.Value, width), r.interrupt)
		r.release(true)
	}()
	return nil
}

// finish gives the session back after the last message of the result; sound says that the connection can be used again.
func (r *Rows) finish(sound bool) {
	if r.closed {
		return
	}
	r.closed = true
	r.release(sound)
}

func (r *Rows) release(sound bool) {
	if r.unwatch != nil {
		r.unwatch()
	}
	r.adapter.forget(r.interrupt)
	sound = r.interrupt.spare() && sound
	if sound && r.rows != nil {
		sound = r.end() == nil
	}
	r.cut()
	r.adapter.pool.put(r.session, sound && r.session.conn.IsValid())
}

func (r *Rows) end() (err error) {
	defer guard(&err)
	return r.rows.Close()
}
