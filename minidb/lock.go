package minidb

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// RowLock says that somebody keeps others from changing a row for a while. Readers are not concerned.
type RowLock struct {
	Table     string    `json:"table_id"`
	Row       string    `json:"row_id"`
	Holder    string    `json:"holder"`
	TakenAt   time.Time `json:"taken_at"`
	ExpiresAt time.Time `json:"expires_at"` // by the clock of the mini-DB; from then on the lock counts for nothing
}

// LockedError reports that somebody else has locked a row. It is told only of rows that the guard lets the writer change.
type LockedError struct {
	Write int // of the mutation in its Apply
	Index int // of the row change in its mutation
	RowLock
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("row %s is locked by %s until %s", e.Row, e.Holder, e.ExpiresAt.Format(time.RFC3339))
}

// The bounds of a lock's life.
const (
	MinLock = time.Second
	MaxLock = time.Hour
)

func scanLock(r record) RowLock {
	return RowLock{Row: r.text(0), Holder: r.text(1), TakenAt: r.instant(2), ExpiresAt: r.instant(3), Table: r.text(4)}
}

const lockColumns = `row_id, holder, taken_at, expires_at, table_id`

// liveLock reads the lock of a row unless it has expired.
func (s session) liveLock(table, row string, now time.Time) (RowLock, bool, error) {
	return one(s, scanLock, `SELECT `+lockColumns+` FROM lt_lock WHERE table_id = ? AND row_id = ? AND expires_at > ?`,
		argText(table), argText(row), argTime(now))
}

// LockRow keeps everybody but the actor from changing a row, for a time from MinLock to MaxLock. The actor must have an id
// and the guard must let them change the row. A lock of their own is renewed; one of somebody else is a *LockedError.
// Changes of the table's definition do not ask for locks. The log gets an entry for a lock that is taken, none for a renewal.
func (db *DB) LockRow(ctx context.Context, actor Actor, t *Table, row string, g Guard, life time.Duration) (*RowLock, error) {
	if actor.ID == "" {
		return nil, fmt.Errorf("lock row: %w", invalid("holder", CodeRequired, "a lock needs somebody who holds it"))
	}
	if life < MinLock || life > MaxLock {
		return nil, fmt.Errorf("lock row: %w", invalid("seconds", CodeRange, "a lock lasts %d to %d seconds", int(MinLock/time.Second),
			int(MaxLock/time.Second)))
	}
	p, err := db.planRows(&Write{Table: t, Guard: g, Mutation: &lqp.Mutation{Op: lqp.Update, Table: t.ID,
		Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(row)}}}}}, 0)
	if err != nil {
		return nil, fmt.Errorf("lock row: %w", err)
	}
	p.guard.requireVersion = false // a lock changes nothing
	var lock RowLock
	err = db.write(ctx, "lock row "+cleanText(row, maxName), actor, func(u *unit) error {
		if err := u.checkCurrent(t, p.policyVersion); err != nil {
			return err
		}
		if _, err := u.gather(p); err != nil {
			return err
		}
		lock = RowLock{Table: t.ID, Row: row, Holder: u.actor.ID, TakenAt: u.now, ExpiresAt: u.now.Add(life)}
		held, ok, err := u.liveLock(t.ID, row, u.now)
		switch {
		case err != nil:
			return err
		case ok && held.Holder != u.actor.ID:
			return &LockedError{RowLock: held}
		case ok:
			lock.TakenAt = held.TakenAt
		default:
			if _, err := u.exec(`DELETE FROM lt_lock WHERE table_id = ? AND expires_at <= ?`, argText(t.ID), argTime(u.now)); err != nil {
				return fmt.Errorf("remove expired locks: %w", err)
			}
			if err := u.resource(t.lockEntry("lock.take", row), nil, lock); err != nil {
				return err
			}
		}
		if db.revisions == nil {
			db.lockTimes.note(t.ID, lock.ExpiresAt, u.now)
		}
		_, err = u.exec(`INSERT INTO lt_lock (`+lockColumns+`, workspace) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (table_id, row_id) DO UPDATE SET holder = excluded.holder, taken_at = excluded.taken_at, expires_at = excluded.expires_at`,
			argText(row), argText(lock.Holder), argTime(lock.TakenAt), argTime(lock.ExpiresAt), argText(t.ID), argText(t.Workspace))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lock, nil
}

// lockEntry is about a lock. It has no place in the table's own log, which tells of changes of data.
func (t *Table) lockEntry(action, row string) audit.Entry {
	return audit.Entry{Workspace: t.Workspace, Action: action, ResourceType: "lock", Resource: row}
}

// UnlockRow ends the lock of a row. A lock of somebody else is a *LockedError unless force breaks it. A row that is not
// locked stays so.
func (db *DB) UnlockRow(ctx context.Context, actor Actor, t *Table, row string, force bool) error {
	return db.write(ctx, "unlock row "+cleanText(row, maxName), actor, func(u *unit) error {
		held, ok, err := u.liveLock(t.ID, row, u.now)
		if err != nil || !ok {
			return err
		}
		action := "lock.release"
		if held.Holder != u.actor.ID {
			if !force {
				return &LockedError{RowLock: held}
			}
			action = "lock.break"
		}
		if _, err := u.exec(`DELETE FROM lt_lock WHERE table_id = ? AND row_id = ?`, argText(t.ID), argText(row)); err != nil {
			return err
		}
		return u.resource(t.lockEntry(action, row), held, nil)
	})
}

// Lock is the lock of a row, nil when nobody holds it.
func (db *DB) Lock(ctx context.Context, table, row string) (*RowLock, error) {
	if db.revisions == nil && !db.lockTimes.any(table, db.now()) {
		return nil, nil
	}
	var lock *RowLock
	err := db.read(ctx, "read lock", func(s session) error {
		held, ok, err := s.liveLock(table, row, db.now())
		if ok {
			lock = &held
		}
		return err
	})
	return lock, err
}

// checkLocks refuses changes of rows that somebody else has locked.
func (u *unit) checkLocks(p *rowPlan, list []rowWrite) error {
	if !u.locked {
		return nil
	}
	locks, err := all(u.session, scanLock, `SELECT `+lockColumns+` FROM lt_lock WHERE table_id = ? AND expires_at > ?`,
		argText(p.t.ID), argTime(u.now))
	if err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	held := make(map[string]RowLock, len(locks))
	for _, l := range locks {
		held[l.Row] = l
	}
	for i := range list {
		w := &list[i]
		if l, ok := held[w.id]; ok && w.before != nil && w.changed && l.Holder != u.actor.ID {
			return &LockedError{Write: p.index, Index: w.index, RowLock: l}
		}
	}
	return nil
}

// endLocks lets the locks of deleted rows go with them.
func (u *unit) endLocks(p *rowPlan, list []rowWrite) error {
	if !u.locked {
		return nil
	}
	for i := range list {
		if list[i].op != lqp.Delete {
			continue
		}
		if _, err := u.exec(`DELETE FROM lt_lock WHERE table_id = ? AND row_id = ?`, argText(p.t.ID), argText(list[i].id)); err != nil {
			return fmt.Errorf("end lock of row %s: %w", list[i].id, err)
		}
	}
	return nil
}
