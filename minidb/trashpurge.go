package minidb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// DeleteForever removes something from the trash for good, and with it what was put there before out of a base or table that
// goes. When it returns, nothing leads to it any more; SweepTrash removes its rows. The log stays.
func (db *DB) DeleteForever(ctx context.Context, actor Actor, id string) error {
	return db.write(ctx, "delete for good "+id, actor, func(u *unit) error {
		t, err := u.trashed(id)
		if err != nil {
			return err
		}
		if err := u.touch(t.Workspace, false); err != nil {
			return err
		}
		return u.end(t)
	})
}

// end removes an entry of the trash for good.
func (u *unit) end(t Trashed) error {
	for _, id := range append([]string{t.Resource}, t.inside...) {
		nested, err := all(u.session, scanTrashed, `SELECT `+trashColumns+` FROM lt_trash WHERE workspace = ? AND place = ? ORDER BY id`,
			argText(t.Workspace), argText(id))
		if err != nil {
			return err
		}
		for _, n := range nested {
			if n.Kind == TrashedColumn { // its cells go with the table
				err = u.noteEndOf(n, 0)
			} else {
				err = u.end(n)
			}
			if err != nil {
				return err
			}
		}
		switch idPrefix(id) {
		case prefixColumn:
			if err := u.endLink(t.Workspace, id); err != nil {
				return err
			}
			if err := u.doomFiles(t.Workspace, t.Place, id); err != nil {
				return err
			}
			continue
		case prefixTable:
			if err := u.endLinks(t.Workspace, id); err != nil {
				return err
			}
			if err := u.doomFiles(t.Workspace, id, ""); err != nil {
				return err
			}
		}
		if err := u.uncap(t.Workspace, id); err != nil {
			return err
		}
		rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?`,
			argText(t.Workspace), argText(id))
		if err != nil {
			return err
		}
		for _, r := range rules {
			if err := u.deleteRule(r); err != nil {
				return err
			}
		}
	}
	version := int64(0)
	if t.Kind == TrashedColumn {
		tb, err := u.table(t.Place)
		if err != nil {
			return err
		}
		// Whoever planned on the table as it was reads and writes the cells too.
		version = tb.Version + 1
		if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(version), argText(tb.Workspace), argText(tb.ID)); err != nil {
			return err
		}
		if err := u.dropCells(tb, t.Resource); err != nil {
			return err
		}
	}
	// The rows wait without an owner for whoever sweeps.
	if _, err := u.exec(`UPDATE lt_trash_table SET trash = '' WHERE trash = ?`, argText(t.ID)); err != nil {
		return err
	}
	return u.noteEndOf(t, version)
}

// noteEndOf removes the records of an entry and says so in the log: of a column whose table stays with the version of it that
// this leads to.
func (u *unit) noteEndOf(t Trashed, version int64) error {
	if err := u.forgetTrash(t); err != nil {
		return err
	}
	e := (&Table{Workspace: t.Workspace, ID: t.Place}).columnEntry("column.purge", t.Resource)
	if t.Kind != TrashedColumn {
		e.Action, e.ResourceType, e.Table = string(t.Kind)+".purge", string(t.Kind), ""
		if t.Kind == TrashedTable {
			e.Table = t.Resource
		}
	}
	e.Version = version
	u.note(e)
	return nil
}

// PurgeTrash removes for good what was deleted before a time and not put away without an end, each entry in a transaction of
// its own, and answers how many entries those were. What lies in a base or table that is in the trash too goes with that.
func (db *DB) PurgeTrash(ctx context.Context, before time.Time) (n int, err error) {
	var due []string
	err = db.read(ctx, "look through the trash", func(s session) (err error) {
		due, err = all(s, func(r record) string { return r.text(0) }, `SELECT t.id FROM lt_trash t WHERE t.kept = 0 AND t.deleted_at < ?
			AND (t.kind <> 'column' OR EXISTS (SELECT 1 FROM lt_table p WHERE p.id = t.place)) ORDER BY t.deleted_at, t.id`, argTime(before))
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, id := range due {
		err := db.DeleteForever(ctx, Actor{Reason: "end of the time in the trash"}, id)
		if errors.Is(err, ErrNotFound) {
			continue // restored meanwhile, or gone with what it was in
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// SweepTrash removes the rows of tables that were deleted for good, in portions, so that other writers wait for none of them
// long, and has the store overwrite them when it is a [Scrubber]. What an error or the end of ctx leaves, the next call
// removes, whatever process makes it.
func (db *DB) SweepTrash(ctx context.Context) error {
	db.purging.Lock()
	defer db.purging.Unlock()
	swept := false
	for {
		type place struct{ physical, workspace string }
		var p place
		var more bool
		err := db.read(ctx, "find tables without an owner", func(s session) (err error) {
			p, more, err = one(s, func(r record) place { return place{r.text(0), r.text(1)} },
				`SELECT physical, workspace FROM lt_trash_table WHERE trash = '' ORDER BY physical LIMIT 1`)
			return err
		})
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := db.sweepTable(ctx, p.physical, p.workspace); err != nil {
			return fmt.Errorf("sweep table: %w", err)
		}
		swept = true
	}
	if s, ok := db.store.(Scrubber); ok && swept {
		if err := s.Scrub(ctx); err != nil {
			return fmt.Errorf("sweep trash: %w", err)
		}
	}
	return nil
}

// sweepTable removes a physical table, its rows first. Another process may be at the same work: what is no longer listed is
// gone.
func (db *DB) sweepTable(ctx context.Context, physical, workspace string) error {
	for left := true; left; {
		err := db.write(ctx, "remove rows", Actor{}, func(u *unit) error {
			listed, err := u.taken(`SELECT 1 FROM lt_trash_table WHERE physical = ? AND trash = ''`, argText(physical))
			if left = listed && err == nil; !left {
				return err
			}
			name, key := u.at(u.db.store, workspace, physical), quoteID(ColumnID)
			n, err := u.exec(`DELETE FROM `+name+` WHERE `+key+` IN (SELECT `+key+` FROM `+name+` LIMIT ?)`, argInt(purgePortion))
			if err != nil || n >= purgePortion {
				return err
			}
			left = false
			if err := u.dropTable(workspace, physical); err != nil {
				return err
			}
			_, err = u.exec(`DELETE FROM lt_trash_table WHERE physical = ?`, argText(physical))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TrashDue reports whether the trash holds something that PurgeTrash or SweepTrash would remove.
func (db *DB) TrashDue(ctx context.Context, before time.Time) (due bool, err error) {
	err = db.read(ctx, "look through the trash", func(s session) error {
		_, due, err = one(s, func(record) struct{} { return struct{}{} }, `SELECT 1 FROM lt_trash t WHERE t.kept = 0 AND t.deleted_at < ?
			AND (t.kind <> 'column' OR EXISTS (SELECT 1 FROM lt_table p WHERE p.id = t.place))
			UNION ALL SELECT 1 FROM lt_trash_table WHERE trash = '' LIMIT 1`, argTime(before))
		return err
	})
	return due, err
}
