package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
)

// tables are what writers write to: rows of writes, one entry of a log with a position for each write, and the last write
// of each writer, which is updated.
var tables = []string{
	"CREATE TABLE part (life INTEGER, writer INTEGER, n INTEGER, part INTEGER, fill TEXT)",
	"CREATE INDEX part_of ON part (life, writer, n)",
	"CREATE TABLE entry (position INTEGER PRIMARY KEY, life INTEGER, writer INTEGER, n INTEGER, parts INTEGER)",
	"CREATE TABLE head (position INTEGER)",
	"INSERT INTO head VALUES (0)",
	"CREATE TABLE last (writer INTEGER PRIMARY KEY, life INTEGER, n INTEGER)",
}

// ending is what the caller of a write knows of it.
type ending int

const (
	unknown      ending = iota // it is there as a whole or not at all
	acknowledged               // it is there
	refused                    // nothing of it is there
)

// key names a write.
type key struct{ life, writer, n int64 }

// write is one function that was given to the store.
type write struct {
	parts int
	end   ending
}

// writer is one goroutine that writes.
type writer struct {
	c      *campaign
	s      *sqlite.Store
	number int
	life   int
	n      int
	random *rand.Rand
}

// errMind is the error of a function that has changed its mind.
var errMind = errors.New("changed its mind")

// one does one write, and notes what became of it.
func (w *writer) one(ctx context.Context) error {
	r := w.random
	if r.IntN(5) == 0 {
		w.read(ctx)
	}
	w.n++
	k := key{int64(w.life), int64(w.number), int64(w.n)}
	o := &write{parts: 1 + r.IntN(4)}
	w.c.mu.Lock()
	w.c.writes[k] = o
	w.c.mu.Unlock()
	size := []int{10, 300, 3000, 20_000}[r.IntN(4)]
	quits := r.IntN(12) == 0
	err := w.s.Write(ctx, func(tx adapter.Tx) error {
		if err := fill(ctx, tx, k, o.parts, size); err != nil || !quits {
			return err
		}
		return errMind
	})
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.report.Writes++
	switch {
	case err == nil:
		o.end = acknowledged
		w.c.report.Acknowledged++
	case errors.Is(err, adapter.ErrUncertain) && !errors.Is(err, adapter.ErrUnavailable):
		w.c.report.Unknown++
	case errors.Is(err, errMind), errors.Is(err, adapter.ErrUnavailable):
		o.end = refused
		w.c.report.Refused++
	default:
		w.c.report.add("%v: %v", k, err)
	}
	return err
}

// fill is the work of a write.
func fill(ctx context.Context, tx adapter.Tx, k key, parts, size int) error {
	life, writer, n := lqp.IntValue(k.life), lqp.IntValue(k.writer), lqp.IntValue(k.n)
	text := lqp.TextValue(strings.Repeat(fmt.Sprint(k, " "), 1+size/10))
	for part := range parts {
		if _, err := tx.Exec(ctx, "INSERT INTO part VALUES (?, ?, ?, ?, ?)", life, writer, n, lqp.IntValue(int64(part)), text); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE head SET position = position + 1"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO entry SELECT position, ?, ?, ?, ? FROM head", life, writer, n, lqp.IntValue(int64(parts))); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO last VALUES (?, ?, ?) ON CONFLICT (writer) DO UPDATE SET life = excluded.life, n = excluded.n", writer, life, n)
	return err
}

// read looks for the last write that was acknowledged to this writer.
func (w *writer) read(ctx context.Context) {
	k := key{int64(w.life), int64(w.number), int64(w.n)}
	w.c.mu.Lock()
	o := w.c.writes[k]
	w.c.mu.Unlock()
	if o == nil || o.end == unknown {
		return
	}
	found := -1
	err := w.s.Read(ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(ctx, "SELECT count(*) FROM part WHERE life = ? AND writer = ? AND n = ?", lqp.IntValue(k.life), lqp.IntValue(k.writer), lqp.IntValue(k.n))
		if err != nil {
			return err
		}
		defer rows.Close()
		if rows.Next() {
			n, _ := rows.Value(0).Decimal().Int64()
			found = int(n)
		}
		return rows.Err()
	})
	want := 0
	if o.end == acknowledged {
		want = o.parts
	}
	switch {
	case err == nil && found != want:
		w.c.violation("%v: a reader sees %d of %d parts", k, found, want)
	case err != nil && !errors.Is(err, adapter.ErrUnavailable):
		w.c.violation("%v: reading: %v", k, err)
	}
}
