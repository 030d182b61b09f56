package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// Rows iterates over a result in PostgreSQL's binary format. A cell is decoded when it is asked for, into a value or
// straight into JSON; the raw bytes live in the connection's buffer until the next row.
type Rows struct {
	adapter *Adapter
	conn    *pgxpool.Conn
	result  *pgconn.ResultReader
	pipe    *pgconn.Pipeline // that the result is part of, nil when the statement went alone
	columns []column
	parent  context.Context // the caller's, for errors
	ctx     context.Context // ours, cancelled by Close
	cancel  context.CancelFunc
	leave   func() bool // the caller's context, whose end is no longer ours
	detach  func() bool // from the adapter's end
	row     [][]byte
	left    int  // rows that the statement's limit still allows, below 0 for any number
	ahead   bool // the first row was read by Scan
	done    bool // the server has nothing more to say
	closed  bool
	err     error
}

var _ adapter.Rows = (*Rows)(nil)

// Next implements [adapter.Rows].
func (r *Rows) Next() bool {
	switch {
	case r.closed, r.done && !r.ahead:
		r.row = nil
		return false
	case r.ahead:
		r.ahead = false
	case !r.read():
		r.row, r.done = nil, true
		if err := r.finish(); err != nil {
			r.err = r.failure(err)
		}
		r.release()
		return false
	}
	r.row = r.result.Values()
	if len(r.row) != len(r.columns) && len(r.columns) > 0 {
		r.err = r.failure(adapter.ErrUnavailable)
		_ = r.Close()
		return false
	}
	return true
}

// failure translates an error of reading. A statement that ended with the adapter was not too slow.
func (r *Rows) failure(err error) error {
	if r.adapter.closed.Load() && r.parent.Err() == nil {
		return failure.New("read rows", adapter.ErrUnavailable, err)
	}
	return translate(r.parent, "read rows", err)
}

// read moves to the next row that the server sends.
func (r *Rows) read() bool {
	if !r.result.NextRow() {
		return false
	}
	if r.left > 0 {
		r.left--
	}
	return true
}

// finish reads what the server has to say after the last row.
func (r *Rows) finish() error {
	_, err := r.result.Close()
	if r.pipe != nil {
		err = errors.Join(err, r.pipe.Close())
	}
	return err
}

// Value implements [adapter.Rows].
func (r *Rows) Value(i int) lqp.Value { return r.columns[i].value(r.row[i]) }

// AppendJSON implements [adapter.Rows].
func (r *Rows) AppendJSON(dst []byte, i int) []byte { return r.columns[i].appendJSON(dst, r.row[i]) }

// Err implements [adapter.Rows].
func (r *Rows) Err() error { return r.err }

// Close implements [adapter.Rows]. A result that was not read to its end is ended at the server instead of being read;
// that happens in the background, Close does not wait for the server.
//
// Only the last resort is a cancellation: it costs the server a new process and us the connection for a tenth of a second,
// since nobody can tell when it arrives. A page whose last row was read has nothing left but the server's word that it is
// done, and a page that was left early comes to its limit by itself, mostly before it could be cancelled.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	if !r.done && r.left == 0 {
		r.done = true
		_ = r.finish() // no row is missing, whatever it says
	}
	if r.done {
		r.release()
		return nil
	}
	r.closed, r.row = true, nil
	r.leave()
	if r.left < 0 {
		r.cancel()
	}
	go func() { // the pool, and with it Adapter.Close, waits for the connection
		patience := time.AfterFunc(drainTime, r.cancel)
		_ = r.finish() // its error is that of the cancellation, if anything
		patience.Stop()
		r.end()
		r.conn.Release()
	}()
	return nil
}

// drainTime is how long a page that was left early may take to end by itself.
const drainTime = 20 * time.Millisecond

// release gives the connection back after the last message of the result.
func (r *Rows) release() {
	if r.closed {
		return
	}
	r.closed, r.row = true, nil
	r.end()
	r.conn.Release()
}

// end cancels what still runs of the statement.
func (r *Rows) end() {
	r.leave()
	r.detach()
	r.cancel()
}
