package minidb

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// A deleted workspace goes in two steps. The first is one transaction after which nothing leads to the workspace any more:
// its catalogue is gone, and what is left of its rows and its part of the log is listed to be removed. The second removes
// that in portions, so that other writers wait for none of them long, tells those who keep something of the workspace
// elsewhere, and has the store overwrite what it still holds of it. A process that ends in between begins the second step
// again; it ends when all of it was done.

// purgePortion is how many rows or entries one transaction removes.
const purgePortion = 2_000

// Scrubber is a store that can be asked to overwrite what was deleted from it, in its file and in every file beside it. An
// error says that it could not for now, for example because a reader still needs an older state.
type Scrubber interface {
	Scrub(ctx context.Context) error
}

// tenantTables are the mini-DB's own tables whose rows belong to a workspace, apart from the log. A test keeps the list
// complete.
var tenantTables = []string{"lt_member", "lt_base", "lt_table", "lt_column", "lt_view", "lt_share", "lt_share_key",
	"lt_connection", "lt_schema", "lt_lock", "lt_index", "lt_rule", "lt_role", "lt_cap", "lt_project", "lt_chain", "lt_head", "lt_job", "lt_operation",
	"lt_trash", "lt_trash_record", "lt_trash_table", "lt_link", "lt_attachment", "lt_retention", "lt_floor", "lt_floor_table", "lt_shape"}

// DeleteWorkspace removes a workspace with all that belongs to it. When it returns, nothing of the workspace can be found;
// [DB.Purge] then removes its rows and its part of the log. What remains is one entry of no workspace that says by whom and
// when the workspace of that id was deleted, so that consumers of the log learn of it.
func (db *DB) DeleteWorkspace(ctx context.Context, actor Actor, id string, version int64) error {
	defer db.recent.forget()
	return db.write(ctx, "delete workspace "+id, actor, func(u *unit) error {
		old, err := u.workspace(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		if err := u.touch(id, true); err != nil {
			return err
		}
		if err := u.noteEnd(audit.Entry{Action: audit.DeleteAction, ResourceType: "workspace", Resource: id, Version: old.Version}); err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_purge (id, deleted_at, deleted_by) VALUES (?, ?, ?)`, argText(id), argTime(u.now), argText(u.actor.ID)); err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_purge_table (purge, physical)
			SELECT workspace, CASE physical WHEN '' THEN id ELSE physical END FROM lt_table WHERE workspace = ?`, argText(id)); err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_purge_table (purge, physical) SELECT workspace, physical FROM lt_trash_table WHERE workspace = ?`,
			argText(id)); err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_purge_table (purge, physical) SELECT DISTINCT workspace, edges FROM lt_link WHERE workspace = ?`,
			argText(id)); err != nil {
			return err
		}
		for _, name := range tenantTables {
			if _, err := u.exec(`DELETE FROM `+name+` WHERE workspace = ?`, argText(id)); err != nil {
				return fmt.Errorf("empty %s: %w", name, err)
			}
		}
		_, err = u.exec(`DELETE FROM lt_workspace WHERE id = ?`, argText(id))
		return err
	})
}

// Purge removes what is left of deleted workspaces. forget, when it is not nil, is called for each of them before it is
// settled, perhaps more than once: the place to remove what is kept elsewhere. The store overwrites what was deleted if it
// is a [Scrubber]. An error or the end of ctx leaves the rest for the next call, whatever process makes it.
func (db *DB) Purge(ctx context.Context, forget func(ctx context.Context, workspace string) error) error {
	db.purging.Lock()
	defer db.purging.Unlock()
	var doomed []string
	err := db.read(ctx, "list deleted workspaces", func(s session) (err error) {
		doomed, err = all(s, func(r record) string { return r.text(0) }, `SELECT id FROM lt_purge ORDER BY deleted_at, id`)
		return err
	})
	if err != nil || len(doomed) == 0 {
		return err
	}
	var errs []error
	var cleared []string
	for _, id := range doomed {
		err := db.purge(ctx, id)
		if err == nil && forget != nil {
			err = forget(ctx, id)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("purge workspace %s: %w", id, err))
			continue
		}
		cleared = append(cleared, id)
	}
	if s, ok := db.store.(Scrubber); ok && len(cleared) > 0 {
		if err := s.Scrub(ctx); err != nil {
			return errors.Join(append(errs, fmt.Errorf("purge: %w", err))...)
		}
	}
	for _, id := range cleared {
		errs = append(errs, db.write(ctx, "settle purge", Actor{}, func(u *unit) error {
			if err := u.dropNamespace(id); err != nil {
				return err
			}
			_, err := u.exec(`DELETE FROM lt_purge WHERE id = ?`, argText(id))
			return err
		}))
	}
	return errors.Join(errs...)
}

// Doomed reports whether there are deleted workspaces of which something is left.
func (db *DB) Doomed(ctx context.Context) (left bool, err error) {
	err = db.read(ctx, "look for deleted workspaces", func(s session) error {
		_, left, err = one(s, func(record) struct{} { return struct{}{} }, `SELECT 1 FROM lt_purge LIMIT 1`)
		return err
	})
	return left, err
}

// purge removes the rows and the log of one deleted workspace.
func (db *DB) purge(ctx context.Context, id string) error {
	for {
		physical, more, err := db.doomedTable(ctx, id)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := db.emptyTable(ctx, id, physical); err != nil {
			return fmt.Errorf("empty table: %w", err)
		}
	}
	// The newest entry of the whole log must stay, and does: it is at least the one that says the workspace is deleted.
	if err := db.portions(ctx, `DELETE FROM lt_change WHERE position IN (SELECT position FROM lt_change WHERE workspace = ? ORDER BY position LIMIT ?)`, id); err != nil {
		return fmt.Errorf("empty log: %w", err)
	}
	return nil
}

// emptyTable removes a physical table of a deleted workspace, its rows first. Another process may be at the same work: what
// is no longer listed is gone.
func (db *DB) emptyTable(ctx context.Context, id, physical string) error {
	for left := true; left; {
		err := db.write(ctx, "remove rows", Actor{}, func(u *unit) error {
			listed, err := u.taken(`SELECT 1 FROM lt_purge_table WHERE purge = ? AND physical = ?`, argText(id), argText(physical))
			if left = listed && err == nil; !left {
				return err
			}
			name, key := u.at(u.db.store, id, physical), quoteID(ColumnID)
			n, err := u.exec(`DELETE FROM `+name+` WHERE `+key+` IN (SELECT `+key+` FROM `+name+` LIMIT ?)`, argInt(purgePortion))
			if err != nil || n >= purgePortion {
				return err
			}
			left = false
			if err := u.dropTable(id, physical); err != nil {
				return err
			}
			_, err = u.exec(`DELETE FROM lt_purge_table WHERE purge = ? AND physical = ?`, argText(id), argText(physical))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// doomedTable is a physical table of a deleted workspace that is still there.
func (db *DB) doomedTable(ctx context.Context, id string) (physical string, ok bool, err error) {
	err = db.read(ctx, "find table", func(s session) error {
		physical, ok, err = one(s, func(r record) string { return r.text(0) }, `SELECT physical FROM lt_purge_table WHERE purge = ? LIMIT 1`, argText(id))
		return err
	})
	return physical, ok, err
}

// portions runs a statement that deletes at most as many rows as its last argument says until it finds none.
func (db *DB) portions(ctx context.Context, sql string, ids ...string) error {
	for {
		var n int64
		err := db.write(ctx, "remove rows", Actor{}, func(u *unit) (err error) {
			args := make([]lqp.Value, 0, len(ids)+1)
			for _, id := range ids {
				args = append(args, argText(id))
			}
			n, err = u.exec(sql, append(args, argInt(purgePortion))...)
			return err
		})
		if err != nil || n < purgePortion {
			return err
		}
	}
}
