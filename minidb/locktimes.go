package minidb

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// lockTimes remember until when rows of tables may be locked, so that a read of a row of a table without locks does not look for
// one. They are kept only where no other process writes to the database. A time may be too late, for a lock that was released or
// never committed, and never too early. The zero value knows of no lock; it is safe for use by many goroutines.
type lockTimes struct {
	mu    sync.RWMutex
	until map[string]time.Time // by table
	rest  time.Time            // of the tables for which there was no room
}

// maxLockTimes bounds the memory of lockTimes, in tables.
const maxLockTimes = 10_000

// any reports whether a row of a table may be locked at a time.
func (l *lockTimes) any(table string, now time.Time) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return now.Before(l.rest) || now.Before(l.until[table])
}

// note takes down a lock, before it is committed.
func (l *lockTimes) note(table string, until, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = make(map[string]time.Time)
	}
	if _, known := l.until[table]; !known && len(l.until) >= maxLockTimes {
		for t, u := range l.until {
			if !now.Before(u) {
				delete(l.until, t)
			}
		}
		if len(l.until) >= maxLockTimes {
			l.rest = later(l.rest, until)
			return
		}
	}
	l.until[table] = later(l.until[table], until)
}

// readLockTimes takes down the locks from before the database was opened.
func (db *DB) readLockTimes(ctx context.Context) error {
	now := db.now()
	return db.read(ctx, "read locks", func(s session) error {
		rows, err := s.tx.Query(s.ctx, `SELECT table_id, max(expires_at) FROM lt_lock WHERE expires_at > ? GROUP BY table_id`, argTime(now))
		if err != nil {
			return fmt.Errorf("list tables with locks: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			r := record{rows: rows}
			db.lockTimes.note(r.text(0), r.instant(1), now)
		}
		return rows.Err()
	})
}
