package faults

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
)

// look opens what a power failure has left and compares it with what the writers know. When it is what the campaign goes on
// with, it decides what became of writes of which that was not known.
func (c *campaign) look(ctx context.Context, dir string, decides bool) (err error) {
	s, err := sqlite.OpenStore(ctx, filepath.Join(dir, file), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		c.violation("after failure %d of the power the store does not open: %v", c.report.Cuts, err)
		return nil
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var found left
	if err := s.Read(ctx, func(tx adapter.Tx) error { return found.read(ctx, tx) }); err != nil {
		c.violation("after failure %d of the power the store cannot be read: %v", c.report.Cuts, err)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found.sound != "ok" {
		c.report.add("after failure %d of the power the file is damaged: %s", c.report.Cuts, found.sound)
	}
	c.compare(&found, decides)
	return nil
}

// compare finds what is lost, doubled, or there by half.
func (c *campaign) compare(found *left, decides bool) {
	if int64(len(found.entries)) != found.head {
		c.report.add("the log has %d entries, its head is at %d", len(found.entries), found.head)
	}
	seen := map[key]int{}
	for i, e := range found.entries {
		if e.position != int64(i)+1 {
			c.report.add("entry %d of the log has position %d", i+1, e.position)
		}
		seen[e.key]++
		o := c.writes[e.key]
		switch {
		case o == nil:
			c.report.add("the log has %v, which nobody wrote", e.key)
		case e.parts != int64(o.parts) || found.parts[e.key] != int64(o.parts):
			c.report.add("%v has %d of its %d parts, the log says %d", e.key, found.parts[e.key], o.parts, e.parts)
		case seen[e.key] > 1:
			c.report.add("%v stands in the log %d times", e.key, seen[e.key])
		}
		if at := found.last[e.key.writer]; at.life < e.key.life || at.life == e.key.life && at.n < e.key.n {
			c.report.add("writer %d has got to %v, and %v is there", e.key.writer, at, e.key)
		}
	}
	for k := range found.parts {
		if seen[k] == 0 {
			c.report.add("%v has parts and no entry", k)
		}
	}
	for k, o := range c.writes {
		switch {
		case o.end == acknowledged && seen[k] == 0:
			c.report.add("%v was acknowledged and is lost", k)
		case o.end == refused && seen[k] > 0:
			c.report.add("%v was refused and is there", k)
		case o.end == unknown && decides:
			o.end = refused // from now on it must stay as it is
			if seen[k] > 0 {
				o.end = acknowledged
				c.report.UnknownWhole++
			}
		}
	}
}

// left is what is in a store.
type left struct {
	sound   string // what the integrity check says
	head    int64
	entries []entry
	parts   map[key]int64
	last    map[int64]key // by writer
}

type entry struct {
	key
	position, parts int64
}

func (l *left) read(ctx context.Context, tx adapter.Tx) error {
	l.parts, l.last = map[key]int64{}, map[int64]key{}
	return errors.Join(
		each(ctx, tx, "PRAGMA integrity_check", func(r adapter.Rows) { l.sound = r.Value(0).Text() }),
		each(ctx, tx, "SELECT position FROM head", func(r adapter.Rows) { l.head = number(r, 0) }),
		each(ctx, tx, "SELECT position, life, writer, n, parts FROM entry ORDER BY position", func(r adapter.Rows) {
			l.entries = append(l.entries, entry{key{number(r, 1), number(r, 2), number(r, 3)}, number(r, 0), number(r, 4)})
		}),
		each(ctx, tx, "SELECT life, writer, n, count(DISTINCT part), count(*) FROM part GROUP BY life, writer, n", func(r adapter.Rows) {
			n := number(r, 3)
			if number(r, 4) != n {
				n = -1 // a part is there twice
			}
			l.parts[key{number(r, 0), number(r, 1), number(r, 2)}] = n
		}),
		each(ctx, tx, "SELECT writer, life, n FROM last", func(r adapter.Rows) { l.last[number(r, 0)] = key{number(r, 1), number(r, 0), number(r, 2)} }),
	)
}

func each(ctx context.Context, tx adapter.Tx, query string, row func(adapter.Rows)) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		row(rows)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func number(r adapter.Rows, i int) int64 {
	n, _ := r.Value(i).Decimal().Int64()
	return n
}
