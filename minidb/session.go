package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// session runs statements of one transaction. It lives as long as the function the store gave the transaction to, which
// is why it may hold the context.
type session struct {
	ctx context.Context
	tx  adapter.Tx
}

// exec runs a statement and reports the affected rows.
func (s session) exec(sql string, args ...lqp.Value) (int64, error) {
	return s.tx.Exec(s.ctx, sql, args...)
}

// all reads every row of a statement.
func all[T any](s session, scan func(record) T, sql string, args ...lqp.Value) (list []T, err error) {
	rows, err := s.tx.Query(s.ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r := record{rows: rows, session: s, failed: new(error)}
	for rows.Next() {
		list = append(list, scan(r))
	}
	return list, orElse(rows.Err(), *r.failed)
}

// one reads the first row of a statement; ok is false when there is none.
func one[T any](s session, scan func(record) T, sql string, args ...lqp.Value) (v T, ok bool, err error) {
	rows, err := s.tx.Query(s.ctx, sql, args...)
	if err != nil {
		return v, false, err
	}
	defer rows.Close()
	r := record{rows: rows, session: s, failed: new(error)}
	if rows.Next() {
		v, ok = scan(r), true
	}
	return v, ok, orElse(rows.Err(), *r.failed)
}

// must is one, with ErrNotFound for a row that is not there.
func must[T any](s session, what string, scan func(record) T, sql string, args ...lqp.Value) (T, error) {
	v, ok, err := one(s, scan, sql, args...)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return v, err
}

// record is the current row of a statement on the mini-DB's own tables, whose column types the migrations fix. With a session it
// makes images of rows whole, and notes in failed what went wrong with that.
type record struct {
	rows    adapter.Rows
	session session
	failed  *error
}

func (r record) text(i int) string { return r.rows.Value(i).Text() }

func (r record) integer(i int) int64 {
	n, _ := r.rows.Value(i).Decimal().Int64()
	return n
}

// flag is an integer that is 0 or not, or a condition, which some databases give a type of its own.
func (r record) flag(i int) bool {
	if v := r.rows.Value(i); v.Kind() == lqp.Bool {
		return v.Bool()
	}
	return r.integer(i) != 0
}

func (r record) instant(i int) time.Time { return time.UnixMilli(r.integer(i)).UTC() }

// optional is an instant that may be missing.
func (r record) optional(i int) *time.Time {
	if r.rows.Value(i).IsNull() {
		return nil
	}
	t := r.instant(i)
	return &t
}

// document is a JSON document, nil for NULL.
func (r record) document(i int) json.RawMessage {
	v := r.rows.Value(i)
	if v.IsNull() {
		return nil
	}
	return json.RawMessage(v.Text())
}

// image is the image of a row, whole, however it is stored.
func (r record) image(i int) json.RawMessage { return r.whole(&readShapes, r.document(i)) }

func (r record) whole(book *shapeBook, doc []byte) []byte {
	if r.failed == nil {
		return doc
	}
	out, err := book.whole(r.session, doc)
	if err != nil && *r.failed == nil {
		*r.failed = fmt.Errorf("read the shape of an image: %w", err)
	}
	return out
}

func (r record) bytes(i int) []byte {
	v := r.rows.Value(i)
	if v.IsNull() {
		return nil
	}
	return []byte(v.Text())
}

// The arguments of statements.

func argText(s string) lqp.Value { return lqp.TextValue(s) }

func argInt(n int64) lqp.Value { return lqp.IntValue(n) }

func argFlag(b bool) lqp.Value {
	if b {
		return lqp.IntValue(1)
	}
	return lqp.IntValue(0)
}

// argTime keeps instants as milliseconds, which every database compares alike.
func argTime(t time.Time) lqp.Value { return lqp.IntValue(t.UnixMilli()) }

func argOptional(t *time.Time) lqp.Value {
	if t == nil {
		return lqp.Value{}
	}
	return argTime(*t)
}

func argDocument(doc json.RawMessage) lqp.Value {
	if doc == nil {
		return lqp.Value{}
	}
	return lqp.JSONValue(string(doc))
}

func argBytes(b []byte) lqp.Value {
	if b == nil {
		return lqp.Value{}
	}
	return lqp.BytesValue(b)
}
