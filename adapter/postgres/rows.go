package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Rows iterates over a result in PostgreSQL's binary format. A cell is decoded when it is asked for, into a value or
// straight into JSON; the raw bytes live in the connection's buffer until the next row.
type Rows struct {
	adapter *Adapter
	conn    *pgxpool.Conn
	result  *pgconn.ResultReader
	columns []column
	parent  context.Context // the caller's, for errors
	ctx     context.Context // ours, cancelled by Close
	cancel  context.CancelFunc
	detach  func() bool // from the adapter's end
	row     [][]byte
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
	case !r.result.NextRow():
		r.row, r.done = nil, true
		if _, err := r.result.Close(); err != nil {
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
		return &failure{op: "read rows", is: adapter.ErrUnavailable, cause: err}
	}
	return translate(r.parent, "read rows", err)
}

// Value implements [adapter.Rows].
func (r *Rows) Value(i int) lqp.Value { return r.columns[i].value(r.row[i]) }

// AppendJSON implements [adapter.Rows].
func (r *Rows) AppendJSON(dst []byte, i int) []byte { return r.columns[i].appendJSON(dst, r.row[i]) }

// Err implements [adapter.Rows].
func (r *Rows) Err() error { return r.err }

// Close implements [adapter.Rows]. A result that was not read to its end is cancelled at the server instead of being read;
// that happens in the background, Close does not wait for the server.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	if r.done {
		r.release()
		return nil
	}
	r.closed, r.row = true, nil
	r.end()
	go func() { // the pool, and with it Adapter.Close, waits for the connection
		_, _ = r.result.Close() // ends with the cancellation that was asked for
		r.conn.Release()
	}()
	return nil
}

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
	r.detach()
	r.cancel()
}
