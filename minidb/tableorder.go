package minidb

import (
	"context"
	"fmt"
	"slices"
)

// moveTable puts t into another base of its workspace; the caller writes the record. What narrows roles on a base binds those
// who use the table from then on, and what narrowed them on the old one does not any more.
func (u *unit) moveTable(t *Table, base string) error {
	b, err := u.base(base)
	if err == nil && b.Workspace != t.Workspace {
		err = fmt.Errorf("base: %w", ErrNotFound)
	}
	if err != nil {
		return err
	}
	if err := u.roomInBase(&b); err != nil {
		return err
	}
	t.Base, t.Position = b.ID, 0
	return u.touch(t.Workspace, true)
}

// tableOrder is what the log keeps of an order of tables: their ids.
type tableOrder struct {
	Tables []string `json:"tables"`
}

// OrderTables puts the tables of a base into an order, in which each of those in use is named once; archived ones stand
// behind them. version is the base's as the caller has seen it, 0 for any.
func (db *DB) OrderTables(ctx context.Context, actor Actor, base string, order []string, version int64) (*Base, error) {
	var b Base
	err := db.write(ctx, "order tables of "+base, actor, func(u *unit) (err error) {
		if b, err = u.base(base); err != nil {
			return err
		}
		if err := checkVersion(version, b.Version); err != nil {
			return err
		}
		old, err := all(u.session, func(r record) string { return r.text(0) }, `SELECT id FROM lt_table WHERE workspace = ? AND base = ?
			AND archived_at IS NULL ORDER BY CASE position WHEN 0 THEN 1 ELSE 0 END, position, name, id`, argText(b.Workspace), argText(base))
		if err != nil {
			return err
		}
		for i, id := range order {
			if !slices.Contains(old, id) || slices.Contains(order[:i], id) {
				return invalid("tables", CodeInvalid, "%q is not a table of the base, or occurs twice", cleanText(id, maxName))
			}
		}
		if len(order) != len(old) {
			return invalid("tables", CodeInvalid, "%d of %d tables are named", len(order), len(old))
		}
		for i, id := range order {
			if _, err := u.exec(`UPDATE lt_table SET position = ? WHERE workspace = ? AND id = ?`, argInt(int64(i+1)), argText(b.Workspace),
				argText(id)); err != nil {
				return err
			}
		}
		b.Version++
		if _, err := u.exec(`UPDATE lt_base SET version = ? WHERE workspace = ? AND id = ?`, argInt(b.Version), argText(b.Workspace), argText(b.ID)); err != nil {
			return err
		}
		if err := u.touch(b.Workspace, false); err != nil {
			return err
		}
		return u.resource(b.entry("base.update"), tableOrder{old}, tableOrder{order})
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// DuplicateTable copies a table within its base under another name, with its columns, indexes, rules and caps, and its rows
// when d asks for them; see DuplicateBase.
func (db *DB) DuplicateTable(ctx context.Context, actor Actor, table string, d Duplicate) (*Table, error) {
	if actor.Reason == "" {
		actor.Reason = "copy of " + cleanText(table, maxName)
	}
	var made *Table
	err := db.write(ctx, "duplicate table "+table, actor, func(u *unit) error {
		old, err := u.table(table)
		if err != nil {
			return err
		}
		if old.Archived() {
			return fmt.Errorf("table %q: %w", old.Name, ErrArchived)
		}
		if err := u.checkPolicy(old.Workspace, d.PolicyVersion); err != nil {
			return err
		}
		b, err := u.base(old.Base)
		if err != nil {
			return err
		}
		if err := u.touch(old.Workspace, false); err != nil {
			return err
		}
		if err := u.roomInBase(&b); err != nil {
			return err
		}
		if d.Name == "" {
			if d.Name, err = nameOfCopy(old.Name, func(name string) error {
				return u.freeTableName(&Table{Workspace: old.Workspace, Base: old.Base, Name: name})
			}); err != nil {
				return err
			}
		}
		c := baseCopy{unit: u, from: b, to: b, ids: map[string]string{}, name: d.Name}
		list, err := c.tables([]*Table{old}, d.Rows)
		if err != nil {
			return err
		}
		made, err = u.table(list[0].ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}
