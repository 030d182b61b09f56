package minidb

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// LeaseBeat is how often the holder of a lease, and whoever waits for it, is to call Claim.
	LeaseBeat = 2 * time.Second
	// leaseSilence is how long a holder has to be silent to lose its lease, by the clock of whoever takes it.
	leaseSilence = 10 * time.Second
	// leaseTrust is how long a holder believes that it is one after its last beat. It is shorter than the silence, so that
	// it has stopped before another begins.
	leaseTrust = 8 * time.Second
)

// Lease is the right to do what one process alone is to do of all that share the database. It belongs to whoever claims it
// first, until that one releases it or is silent for ten seconds. No clocks are compared: those who wait see the holder's
// count go on, or stand still for ten seconds of their own. On a database that no other process writes to (an SQLite file) it
// always belongs to whoever asks. Its methods may be called from many goroutines.
//
// A holder that was stopped in the middle of something, a virtual machine for instance, can go on with it after another one
// has begun: a lease saves double work, and is no lock.
type Lease struct {
	db          *DB
	name, owner string

	mu      sync.Mutex
	mine    bool
	beatAt  time.Time // of the last beat of our own
	seen    leaseRow  // what another holder's row was …
	seenAt  time.Time // … since when
	waiting bool      // seen counts
}

// leaseRow is a row of lt_lease.
type leaseRow struct {
	owner string
	beat  int64
}

// Lease is the lease of that name for an owner, whose name tells it from all other processes. Nothing is claimed yet.
func (db *DB) Lease(name, owner string) *Lease { return &Lease{db: db, name: name, owner: owner} }

// Shared reports whether other processes may write to the database while this one does, as on PostgreSQL.
func (db *DB) Shared() bool { return shared(db.store) }

// Mine reports whether the lease is held, without asking the database.
func (l *Lease) Mine() bool {
	if !l.db.Shared() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mine && time.Since(l.beatAt) < leaseTrust
}

// Claim takes the lease when it is free, and keeps it when it is held. It reports whether it is held now.
func (l *Lease) Claim(ctx context.Context) (bool, error) {
	if !l.db.Shared() {
		return true, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now() // before the beat is written: others count from when it is
	row, known, err := l.read(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case known && row.owner != l.owner:
		l.mine = false
		if !l.waiting || row != l.seen {
			l.waiting, l.seen, l.seenAt = true, row, now
			return false, nil
		}
		if now.Sub(l.seenAt) < leaseSilence {
			return false, nil
		}
	default:
		l.waiting = false
	}
	if l.mine, err = l.take(ctx, row, known); err != nil {
		l.mine = false
		return false, err
	}
	if l.mine {
		l.beatAt, l.waiting = now, false
	}
	return l.mine, nil
}

func (l *Lease) read(ctx context.Context) (row leaseRow, known bool, err error) {
	err = l.db.read(ctx, "read lease "+l.name, func(s session) (err error) {
		row, known, err = one(s, func(r record) leaseRow { return leaseRow{r.text(0), r.integer(1)} },
			`SELECT owner, beat FROM lt_lease WHERE name = ?`, argText(l.name))
		return err
	})
	return row, known, err
}

// take writes a beat in the place of what was read, unless somebody was quicker.
func (l *Lease) take(ctx context.Context, was leaseRow, known bool) (mine bool, err error) {
	err = l.db.write(ctx, "take lease "+l.name, Actor{}, func(u *unit) error {
		sql := `INSERT INTO lt_lease (name, owner, beat) VALUES (?, ?, 1) ON CONFLICT (name) DO NOTHING`
		if !known {
			n, err := u.exec(sql, argText(l.name), argText(l.owner))
			mine = n == 1
			return err
		}
		n, err := u.exec(`UPDATE lt_lease SET owner = ?, beat = beat + 1 WHERE name = ? AND owner = ? AND beat = ?`,
			argText(l.owner), argText(l.name), argText(was.owner), argInt(was.beat))
		mine = n == 1
		return err
	})
	return mine, err
}

// Release gives the lease back, so that another one need not wait.
func (l *Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mine {
		return nil
	}
	l.mine = false
	err := l.db.write(ctx, "release lease "+l.name, Actor{}, func(u *unit) error {
		_, err := u.exec(`DELETE FROM lt_lease WHERE name = ? AND owner = ?`, argText(l.name), argText(l.owner))
		return err
	})
	if err != nil {
		return fmt.Errorf("the lease ends by itself: %w", err)
	}
	return nil
}
