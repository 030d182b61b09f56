package minidb

import (
	"context"
	"fmt"
	"time"
)

// archiving is what the log keeps of a table that is archived or restored.
type archiving struct {
	ArchivedAt *time.Time `json:"archived_at"`
}

// ArchiveTable puts a table away: it keeps its rows, rules, views and name, but it is neither read nor written nor changed
// until RestoreTable brings it back. version is the one the caller has seen, 0 for any. A table that is archived already
// stays as it is.
func (db *DB) ArchiveTable(ctx context.Context, actor Actor, id string, version int64) (*Table, error) {
	return db.setArchived(ctx, actor, id, version, true)
}

// RestoreTable brings an archived table back with everything it had. version is the one the caller has seen, 0 for any. A
// table that is not archived stays as it is.
func (db *DB) RestoreTable(ctx context.Context, actor Actor, id string, version int64) (*Table, error) {
	return db.setArchived(ctx, actor, id, version, false)
}

func (db *DB) setArchived(ctx context.Context, actor Actor, id string, version int64, archived bool) (*Table, error) {
	op, action := "restore table "+id, "table.restore"
	if archived {
		op, action = "archive table "+id, "table.archive"
	}
	var t *Table
	err := db.write(ctx, op, actor, func(u *unit) (err error) {
		if t, err = u.table(id); err != nil {
			return err
		}
		if err := checkVersion(version, t.Version); err != nil {
			return err
		}
		if t.Archived() == archived {
			return nil
		}
		before := archiving{t.ArchivedAt}
		t.Version++
		t.ArchivedAt = nil
		if archived {
			t.ArchivedAt = &u.now
		}
		if _, err := u.exec(`UPDATE lt_table SET version = ?, archived_at = ? WHERE workspace = ? AND id = ?`, argInt(t.Version),
			argOptional(t.ArchivedAt), argText(t.Workspace), argText(id)); err != nil {
			return err
		}
		if _, err := u.exec(`DELETE FROM lt_lock WHERE workspace = ? AND table_id = ?`, argText(t.Workspace), argText(id)); err != nil {
			return fmt.Errorf("remove locks: %w", err)
		}
		if err := u.touch(t.Workspace, false); err != nil {
			return err
		}
		return u.resource(t.entry(action), before, archiving{t.ArchivedAt})
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}
