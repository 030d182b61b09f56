package minidb

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Bounds of a retention policy.
const (
	MaxRetentionDays    = 36_500
	MaxRetentionEntries = 1_000_000_000
)

// Retention says how long the log of a workspace is kept. An entry may be cut when it is older than Days and is not one of the
// newest Entries; the zero value keeps everything.
type Retention struct {
	Days    int   `json:"days"`    // 0: no entry is kept for its age
	Entries int64 `json:"entries"` // 0: no entry is kept for being among the newest
	Hold    bool  `json:"hold"`    // nothing is cut, whatever the rest says
}

// Cuts reports whether the policy lets anything be cut at all.
func (r Retention) Cuts() bool { return !r.Hold && (r.Days > 0 || r.Entries > 0) }

func (r Retention) check() error {
	switch {
	case r.Days < 0 || r.Days > MaxRetentionDays:
		return invalid("days", CodeRange, "0 to %d days", MaxRetentionDays)
	case r.Entries < 0 || r.Entries > MaxRetentionEntries:
		return invalid("entries", CodeRange, "0 to %d entries", MaxRetentionEntries)
	}
	return nil
}

// RetentionSet is the policy of a workspace and who set it.
type RetentionSet struct {
	Workspace string
	Retention
	At time.Time // zero when it was never set
	By string
}

const retentionColumns = `workspace, days, entries, held, set_at, set_by`

// scanRetention reads retentionColumns.
func scanRetention(r record) RetentionSet {
	return RetentionSet{Workspace: r.text(0), Retention: Retention{Days: int(r.integer(1)), Entries: r.integer(2), Hold: r.flag(3)},
		At: r.instant(4), By: r.text(5)}
}

// Retention is the policy of a workspace; the zero policy when none was ever set.
func (db *DB) Retention(ctx context.Context, workspace string) (set RetentionSet, err error) {
	err = db.read(ctx, "read retention of "+workspace, func(s session) (err error) {
		set, err = s.retention(workspace)
		return err
	})
	return set, err
}

func (s session) retention(workspace string) (RetentionSet, error) {
	set, _, err := one(s, scanRetention, `SELECT `+retentionColumns+` FROM lt_retention WHERE workspace = ?`, argText(workspace))
	set.Workspace = workspace
	return set, err
}

// Retentions lists the policies by which something may be cut, in the order of their workspaces: those after a workspace, ""
// for the first, at most limit (as in Changes).
func (db *DB) Retentions(ctx context.Context, after string, limit int) (list []RetentionSet, err error) {
	err = db.read(ctx, "list retentions", func(s session) (err error) {
		list, err = all(s, scanRetention, `SELECT `+retentionColumns+` FROM lt_retention
			WHERE workspace > ? AND held = 0 AND (days > 0 OR entries > 0) ORDER BY workspace LIMIT ?`, argText(after), entryLimit(limit))
		return err
	})
	return list, err
}

// SetRetention sets the policy of a workspace. Nothing is cut by it: [DB.CutLog] does that.
func (db *DB) SetRetention(ctx context.Context, actor Actor, workspace string, r Retention) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("set retention: %w", err)
	}
	return db.write(ctx, "set retention", actor, func(u *unit) error {
		if err := u.touch(workspace, false); err != nil {
			return err
		}
		old, err := u.retention(workspace)
		if err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_retention (workspace, days, entries, held, set_at, set_by) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (workspace) DO UPDATE SET days = excluded.days, entries = excluded.entries, held = excluded.held,
				set_at = excluded.set_at, set_by = excluded.set_by`,
			argText(workspace), argInt(int64(r.Days)), argInt(r.Entries), argFlag(r.Hold), argTime(u.now), argText(u.actor.ID)); err != nil {
			return err
		}
		return u.resource(audit.Entry{Workspace: workspace, Action: "workspace.retention", ResourceType: "workspace", Resource: workspace},
			old.Retention, r)
	})
}

// Consumer is a consumer of the log whose place is kept.
type Consumer struct {
	Name     string
	Position int64     // up to which it has confirmed the log
	At       time.Time // when it confirmed it
}

// Consumers lists the consumers whose names begin with a prefix, by name.
func (db *DB) Consumers(ctx context.Context, prefix string) (list []Consumer, err error) {
	err = db.read(ctx, "list consumers", func(s session) (err error) {
		list, err = all(s, func(r record) Consumer { return Consumer{r.text(0), r.integer(1), r.instant(2)} },
			`SELECT consumer, position, updated_at FROM lt_cursor WHERE substr(consumer, 1, ?) = ? ORDER BY consumer`,
			argInt(int64(len(prefix))), argText(prefix))
		return err
	})
	return list, err
}

// ForgetConsumer drops the place of a consumer, with an entry of no workspace that says so. ErrNotFound when it has none.
func (db *DB) ForgetConsumer(ctx context.Context, actor Actor, name string) error {
	return db.write(ctx, "forget consumer "+name, actor, func(u *unit) error {
		n, err := u.exec(`DELETE FROM lt_cursor WHERE consumer = ?`, argText(name))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("consumer %s: %w", name, ErrNotFound)
		}
		u.note(audit.Entry{Action: "consumer.forget", ResourceType: "consumer", Resource: cleanText(name, maxActorText)})
		return nil
	})
}

// EntryAfter is the first entry of a workspace's log after a position; ok is false when there is none. Its link is set.
func (db *DB) EntryAfter(ctx context.Context, workspace string, position int64) (e audit.Entry, ok bool, err error) {
	err = db.read(ctx, "find entry", func(s session) (err error) {
		e, ok, err = one(s, scanChained, `SELECT `+chainedColumns+` FROM lt_change WHERE workspace = ? AND position > ? ORDER BY position LIMIT 1`,
			[]lqp.Value{argText(workspace), argInt(position)}...)
		return err
	})
	return e, ok, err
}
