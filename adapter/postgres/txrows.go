package postgres

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// txRows are the rows of a statement in a transaction. They come off the connection one by one until the transaction sends
// another statement, for which the rest is put aside.
type txRows struct {
	t       *tx
	ctx     context.Context // of the statement, for errors
	op      string
	sent    *sent
	columns []column
	row     [][]byte
	aside   [][][]byte // rows that were put aside
	first   bool       // the first row was read already
	live    bool       // the connection is busy with this result
	closed  bool
	err     error
}

var _ adapter.Rows = (*txRows)(nil)

// rows makes the result part of the transaction and moves to its first row, so that an error of the statement is known.
func (t *tx) rows(ctx context.Context, op string, s *sent, columns []column) (*txRows, error) {
	r := &txRows{t: t, ctx: ctx, op: op, sent: s, columns: columns, live: true}
	t.ses.open = r
	if t.open == nil {
		t.open = make(map[*txRows]struct{}, 1)
	}
	t.open[r] = struct{}{}
	if r.read() {
		r.first = true
	} else if r.err != nil {
		_ = r.Close()
		return nil, r.err
	}
	return r, nil
}

// read takes a row off the connection.
func (r *txRows) read() bool {
	if r.sent.result.NextRow() {
		r.row = r.sent.result.Values()
		return true
	}
	r.row = nil
	r.end()
	return false
}

// end reads what the server has to say after the last row.
func (r *txRows) end() {
	if !r.live {
		return
	}
	r.live = false
	r.t.ses.open = nil
	tag, err := r.sent.finish()
	if err != nil {
		r.err = r.t.fail(r.ctx, r.op, err)
		return
	}
	r.t.note(tag)
}

// Next implements [adapter.Rows].
func (r *txRows) Next() bool {
	switch {
	case r.closed || r.err != nil:
		return false
	case r.first:
		r.first = false
		return true
	case len(r.aside) > 0:
		r.row, r.aside = r.aside[0], r.aside[1:]
		r.t.ses.held -= size(r.row)
		return true
	case r.live && r.read():
		return true
	}
	r.row = nil
	_ = r.Close()
	return false
}

// detach puts the rest of the result aside. The current row moves out of the connection's buffer, too.
func (r *txRows) detach() error {
	if !r.live {
		return nil
	}
	r.row = clone(r.row)
	for r.sent.result.NextRow() {
		row := clone(r.sent.result.Values())
		if err := r.t.ses.hold(size(row)); err != nil {
			r.end()
			r.err = r.t.fail(r.ctx, r.op, err)
			return err
		}
		r.aside = append(r.aside, row)
	}
	r.end()
	return r.err
}

// clone copies a row into one piece of memory.
func clone(row [][]byte) [][]byte {
	if row == nil {
		return nil
	}
	buf := make([]byte, 0, size(row))
	out := make([][]byte, len(row))
	for i, cell := range row {
		if cell != nil {
			start := len(buf)
			buf = append(buf, cell...)
			out[i] = buf[start:len(buf):len(buf)]
		}
	}
	return out
}

func size(row [][]byte) (n int) {
	for _, cell := range row {
		n += len(cell)
	}
	return n
}

// Value implements [adapter.Rows].
func (r *txRows) Value(i int) lqp.Value {
	if r.closed || i >= len(r.row) {
		return lqp.NullValue
	}
	return r.columns[i].value(r.row[i])
}

// AppendJSON implements [adapter.Rows].
func (r *txRows) AppendJSON(dst []byte, i int) []byte {
	if r.closed || i >= len(r.row) {
		return append(dst, "null"...)
	}
	return r.columns[i].appendJSON(dst, r.row[i])
}

// Err implements [adapter.Rows].
func (r *txRows) Err() error { return r.err }

// Close implements [adapter.Rows]. The rest of the result is read and forgotten.
func (r *txRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.end()
	for _, row := range r.aside {
		r.t.ses.held -= size(row)
	}
	r.row, r.aside = nil, nil
	delete(r.t.open, r)
	return nil
}

// typed are the decoders of a result as the server types it. Every type that is not ours arrives as its text.
func typed(fields []pgconn.FieldDescription, a *Adapter) []column {
	cols := make([]column, len(fields))
	for i := range fields {
		oid := fields[i].DataTypeOID
		cols[i] = column{codec: codecs[oid], zone: a.zone}
		if cols[i].codec == noCodec {
			if cols[i].codec = arrays[oid]; cols[i].codec != noCodec {
				cols[i].list = true
			} else {
				cols[i].codec = textCodec
			}
		}
	}
	return cols
}

// wrote reports that a statement with this tag has changed something.
func wrote(tag pgconn.CommandTag) bool {
	text := tag.String()
	for _, word := range []string{"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"} {
		if len(text) >= len(word) && text[:len(word)] == word {
			return tag.RowsAffected() > 0
		}
	}
	return !bytes.HasPrefix([]byte(text), []byte("SELECT"))
}
