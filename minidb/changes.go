package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// maxEntries bounds what one reading of the log returns.
const maxEntries = 10_000

func entryLimit(limit int) lqp.Value {
	if limit <= 0 || limit > maxEntries {
		limit = maxEntries
	}
	return argInt(int64(limit))
}

// Changes lists the entries of all workspaces after a position, in the order of positions, at most limit and never more
// than 10,000 (0 means that many). They have their links, as only those of this method and of ChainedPage do. Positions follow each other without gaps as they are written; a gap met later is where
// a deleted workspace's entries were, or those that came with the archive of a workspace: what happened in another store is not
// among the changes of this one.
func (db *DB) Changes(ctx context.Context, after int64, limit int) (list []audit.Entry, err error) {
	err = db.read(ctx, "read change log", func(s session) (err error) {
		list, err = all(s, scanChained, `SELECT `+chainedColumns+` FROM lt_change
			WHERE position > ? AND origin = 0 AND workspace NOT IN (SELECT id FROM lt_purge) ORDER BY position LIMIT ?`,
			argInt(after), entryLimit(limit))
		return err
	})
	return list, err
}

// TableChanges lists the entries of one table (its rows, its columns and itself) after an offset, in the order of
// offsets, which are dense; limit is as in Changes. A table that never was has none. It is a *HistoryCutError when the entry that
// follows the offset was cut.
func (db *DB) TableChanges(ctx context.Context, table string, afterOffset int64, limit int) (list []audit.Entry, err error) {
	err = db.read(ctx, "read change log of "+table, func(s session) (err error) {
		list, err = all(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change
			WHERE table_id = ? AND table_id <> '' AND table_offset > ? ORDER BY table_offset LIMIT ?`,
			argText(table), argInt(afterOffset), entryLimit(limit))
		if err != nil || len(list) > 0 && list[0].Offset == afterOffset+1 {
			return err
		}
		floor, cut, err := s.tableFloor(table)
		if err == nil && cut && afterOffset < floor.offset {
			err = floor.refusal()
		}
		return err
	})
	return list, err
}

// TableOffset is the offset of the newest entry of a table, 0 when it has none.
func (db *DB) TableOffset(ctx context.Context, table string) (offset int64, err error) {
	err = db.read(ctx, "read offset of "+table, func(s session) (err error) {
		offset, _, err = one(s, func(r record) int64 { return r.integer(0) },
			`SELECT coalesce((SELECT table_offset FROM lt_change WHERE table_id = ? AND table_id <> '' ORDER BY table_id DESC, table_offset DESC LIMIT 1),
				(SELECT table_offset FROM lt_floor_table WHERE table_id = ?), 0)`, argText(table), argText(table))
		return err
	})
	return offset, err
}

// LastPosition is the position of the newest entry of the log, 0 for an empty log.
func (db *DB) LastPosition(ctx context.Context) (position int64, err error) {
	err = db.read(ctx, "read end of change log", func(s session) (err error) {
		position, _, err = one(s, func(r record) int64 { return r.integer(0) }, `SELECT coalesce((SELECT position FROM lt_change ORDER BY position DESC LIMIT 1), 0)`)
		return err
	})
	return position, err
}

// HistoryQuery selects entries of one workspace. Empty fields select everything; Workspace is required, except that a
// query without one answers the entries that belong to no workspace, such as logins.
type HistoryQuery struct {
	Workspace    string
	Actor        string
	Action       string
	ResourceType string
	// ResourceTypes are any of these; none is all.
	ResourceTypes []string
	Resource      string
	Table         string
	From, To      time.Time // From ≤ at < To; zero is open
	Before        int64     // only positions below it: the last one of the page before; 0 starts at the newest
	Limit         int       // as in Changes, default 100
}

// History lists entries newest first.
func (db *DB) History(ctx context.Context, q HistoryQuery) (list []audit.Entry, err error) {
	const defaultLimit = 100
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	// Within a table offsets have the order of positions, and an index. A table is of one workspace, so that this is asked of
	// what was found: the database is then not led to the index of the workspace, nor to the belief that so few entries are
	// right that reading and sorting all of them is best. A resource, such as an account, may be of several; the concatenation
	// keeps the database from the index of the workspace there.
	var where []string
	var args []lqp.Value
	order := "position"
	if q.Table != "" && q.Resource == "" {
		order = "table_offset"
	}
	if q.Table == "" {
		where, args = []string{"workspace = ?"}, []lqp.Value{argText(q.Workspace)}
		if q.Resource != "" {
			where[0] = "workspace || '' = ?"
		}
	}
	add := func(condition string, arg lqp.Value) {
		where = append(where, condition)
		args = append(args, arg)
	}
	for _, f := range []struct{ condition, value string }{
		{"actor = ?", q.Actor}, {"action = ?", q.Action}, {"resource_type = ?", q.ResourceType}, {"resource = ?", q.Resource},
		{"table_id = ? AND table_id <> ''", q.Table},
	} {
		if f.value != "" {
			add(f.condition, argText(f.value))
		}
	}
	if len(q.ResourceTypes) > 0 {
		where = append(where, "resource_type IN ("+inMarks(len(q.ResourceTypes))+")")
		args = append(args, argTexts(q.ResourceTypes)...)
	}
	if !q.From.IsZero() {
		add("at >= ?", argTime(q.From))
	}
	if !q.To.IsZero() {
		add("at < ?", argTime(q.To))
	}
	if q.Before > 0 {
		add("position < ?", argInt(q.Before))
	}
	sql := `SELECT ` + entryColumns + ` FROM lt_change WHERE ` + strings.Join(where, " AND ") + ` ORDER BY ` + order + ` DESC LIMIT ?`
	args = append(args, entryLimit(q.Limit))
	if q.Table != "" { // of what was found all stays or nothing
		sql = `SELECT ` + entryColumns + ` FROM (` + sql + `) AS found WHERE workspace = ? ORDER BY position DESC`
		args = append(args, argText(q.Workspace))
	}
	err = db.read(ctx, "read history", func(s session) (err error) {
		list, err = all(s, scanEntry, sql, args...)
		return err
	})
	return list, err
}

// Record adds an entry about something that is no change of the mini-DB's own data: a login, a connection that could not
// be opened. Position, ID, At, Offset, Batch and the actor's fields are filled in, the others taken as given; Action is
// required. Before and After are JSON objects or nil; the caller keeps secrets out of them.
func (db *DB) Record(ctx context.Context, actor Actor, e audit.Entry) error {
	if err := cleanEvent(&e); err != nil {
		return err
	}
	return db.write(ctx, "record "+e.Action, actor, func(u *unit) error { return u.event(e) })
}

// cleanEvent checks an entry from outside and makes its texts fit to be stored.
func cleanEvent(e *audit.Entry) error {
	if e.Action == "" {
		return invalid("action", CodeRequired, "an entry says what was done")
	}
	if e.Action == audit.CutAction {
		return invalid("action", CodeInvalid, "only a cut of the log is told of so")
	}
	for _, doc := range []json.RawMessage{e.Before, e.After} {
		if doc != nil {
			if _, err := cleanObject("image", doc); err != nil {
				return fmt.Errorf("record %s: %w", e.Action, err)
			}
		}
	}
	e.Action, e.ResourceType = cleanText(e.Action, maxActorText), cleanText(e.ResourceType, maxActorText)
	e.Resource, e.Table = cleanText(e.Resource, maxActorText), cleanText(e.Table, maxActorText)
	e.Reason = cleanText(e.Reason, maxReason)
	return nil
}

// event notes an entry from outside. One of a workspace that is gone would outlive the deletion of its data: ErrNotFound.
func (u *unit) event(e audit.Entry) error {
	if e.Workspace != "" {
		exists, err := u.taken(`SELECT 1 FROM lt_workspace WHERE id = ?`, argText(e.Workspace))
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("workspace %s: %w", e.Workspace, ErrNotFound)
		}
	}
	u.note(e)
	return nil
}

// Cursor is the position up to which a consumer has confirmed the log, 0 for one that never did.
func (db *DB) Cursor(ctx context.Context, consumer string) (position int64, err error) {
	err = db.read(ctx, "read cursor "+consumer, func(s session) (err error) {
		position, _, err = one(s, func(r record) int64 { return r.integer(0) },
			`SELECT position FROM lt_cursor WHERE consumer = ?`, argText(consumer))
		return err
	})
	return position, err
}

// SetCursor confirms the log up to a position for a consumer. A cursor never goes back: a lower position is ignored.
func (db *DB) SetCursor(ctx context.Context, consumer string, position int64) error {
	return db.write(ctx, "set cursor "+consumer, Actor{}, func(u *unit) error {
		_, err := u.exec(`INSERT INTO lt_cursor (consumer, position, updated_at) VALUES (?, ?, ?)
			ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
			WHERE excluded.position > lt_cursor.position`, argText(consumer), argInt(position), argTime(u.now))
		return err
	})
}
