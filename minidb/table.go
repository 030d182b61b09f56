package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Table is a user table. The tables of a snapshot are immutable and may be shared.
type Table struct {
	ID          string    `json:"id"`
	Workspace   string    `json:"workspace_id"`
	Base        string    `json:"base_id"`
	Name        string    `json:"name"` // unique in the base, case aside
	Description string    `json:"description"`
	Version     int64     `json:"version"` // of the schema: counts changes of the table and of its columns
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
	// Settings are a JSON object of the caller's own, "{}" at first. Every reader of the table sees them.
	Settings json.RawMessage `json:"settings"`
	// ArchivedAt is when the table was archived, nil for a table in use.
	ArchivedAt *time.Time `json:"archived_at,omitempty"`
	Columns    []Column   `json:"columns"` // by position
	Rules      TableRules `json:"rules"`

	physical string  // name of the physical table, empty when it is the id
	indexes  []Index // that were made, in that order
	layout   *layout
}

// Archived reports whether the table is put away: neither read nor written until it is restored.
func (t *Table) Archived() bool { return t.ArchivedAt != nil }

// physicalName is the name of the physical table.
func (t *Table) physicalName() string {
	if t.physical == "" {
		return t.ID
	}
	return t.physical
}

// Schema describes the physical table for plans: the row id, the table's columns in their order and the other built-in
// columns. It is immutable.
func (t *Table) Schema() *lqp.Table { return t.layout.schema }

// Column is the table's own column of that id. The pointer is into the table and must not be written through.
func (t *Table) Column(id string) (*Column, bool) {
	for i := range t.Columns {
		if t.Columns[i].ID == id {
			return &t.Columns[i], true
		}
	}
	return nil, false
}

// TableSpec describes a new table.
type TableSpec struct {
	Name, Description string
	Columns           []ColumnSpec
}

// TablePatch lists what UpdateTable changes; nil fields stay.
type TablePatch struct {
	Name, Description *string
	Settings          json.RawMessage // a JSON object
	// Rules take the place of those that the table has. They are refused with a *ValidationError while rows break them.
	Rules *TableRules
}

const tableColumns = `id, workspace, base, name, description, version, created_at, created_by, settings, archived_at, physical, rules`

func scanTable(r record) Table {
	t := Table{ID: r.text(0), Workspace: r.text(1), Base: r.text(2), Name: r.text(3), Description: r.text(4), Version: r.integer(5),
		CreatedAt: r.instant(6), CreatedBy: r.text(7), Settings: r.document(8), ArchivedAt: r.optional(9), physical: r.text(10)}
	_ = json.Unmarshal(r.document(11), &t.Rules) // it is what we wrote
	return t
}

// table reads a table with its columns.
func (u *unit) table(id string) (*Table, error) {
	t, err := must(u.session, "table "+id, scanTable, `SELECT `+tableColumns+` FROM lt_table WHERE id = ?`, argText(id))
	if err != nil {
		return nil, err
	}
	t.Columns, err = all(u.session, scanColumn, `SELECT `+columnColumns+` FROM lt_column WHERE workspace = ? AND table_id = ?
		ORDER BY position, id`, argText(t.Workspace), argText(id))
	if err != nil {
		return nil, err
	}
	t.indexes, err = indexesOf(u.session, argText(t.Workspace), argText(id))
	t.layout = newLayout(u.db.store, &t)
	return &t, err
}

// head is the table without its columns, for the entries about changes of the table alone.
func (t Table) head() Table {
	t.Columns = nil
	return t
}

func (t *Table) entry(action string) audit.Entry {
	return audit.Entry{Workspace: t.Workspace, Action: action, ResourceType: "table", Resource: t.ID, Table: t.ID, Version: t.Version}
}

func (t *Table) check() (err error) {
	if t.Name, err = cleanName(t.Name); err != nil {
		return err
	}
	if err := checkText("description", t.Description, maxDescription); err != nil {
		return err
	}
	t.Settings, err = cleanObject("settings", t.Settings)
	return err
}

func (u *unit) freeTableName(t *Table) error {
	taken, err := u.taken(`SELECT 1 FROM lt_table WHERE workspace = ? AND base = ? AND name_key = ? AND id <> ?`,
		argText(t.Workspace), argText(t.Base), argText(nameKey(t.Name)), argText(t.ID))
	if err == nil && taken {
		err = fmt.Errorf("table %q: %w", t.Name, ErrExists)
	}
	return err
}

// CreateTable makes a table with its columns in a base. The log gets one entry, whose After holds the columns too.
func (db *DB) CreateTable(ctx context.Context, actor Actor, base string, spec TableSpec) (*Table, error) {
	var t *Table
	err := db.write(ctx, "create table", actor, func(u *unit) error {
		b, err := u.base(base)
		if err != nil {
			return err
		}
		t, err = u.newTable(&b, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// newTable makes a table as described in a base.
func (u *unit) newTable(b *Base, spec TableSpec) (*Table, error) {
	t := &Table{ID: NewID(prefixTable), Workspace: b.Workspace, Base: b.ID, Name: spec.Name, Description: spec.Description,
		Version: 1, CreatedAt: u.now, CreatedBy: u.actor.ID, Settings: json.RawMessage("{}")}
	if err := t.check(); err != nil {
		return nil, err
	}
	if len(spec.Columns) > u.db.opt.MaxColumns {
		return nil, &LimitError{Name: "columns", Max: u.db.opt.MaxColumns}
	}
	for i, cs := range spec.Columns {
		c := cs.column(t.ID, i)
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		if nameTaken(t.Columns, &c) {
			return nil, fmt.Errorf("column %q: %w", c.Name, ErrExists)
		}
		t.Columns = append(t.Columns, c)
	}
	if err := u.touch(t.Workspace, false); err != nil {
		return nil, err
	}
	if err := u.freeTableName(t); err != nil {
		return nil, err
	}
	count, _, err := one(u.session, func(r record) int64 { return r.integer(0) },
		`SELECT count(*) FROM lt_table WHERE workspace = ? AND base = ?`, argText(t.Workspace), argText(b.ID))
	if err != nil {
		return nil, err
	}
	if count >= int64(u.db.opt.MaxTables) {
		return nil, &LimitError{Name: "tables", Max: u.db.opt.MaxTables}
	}
	return t, u.createTable(t)
}

// column is the column that the specification describes.
func (cs ColumnSpec) column(table string, position int) Column {
	o := cs.Options
	o.Choices = append([]Choice(nil), o.Choices...)
	return Column{ID: NewID(prefixColumn), Table: table, Name: cs.Name, Type: cs.Type, Options: o, Required: cs.Required,
		Unique: cs.Unique, Default: cs.Default, Position: position, Description: cs.Description}
}

func (u *unit) createTable(t *Table) error {
	if err := u.roomForTable(t.Workspace); err != nil {
		return err
	}
	if _, err := u.exec(`INSERT INTO lt_table (`+tableColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		argText(t.ID), argText(t.Workspace), argText(t.Base), argText(t.Name), argText(t.Description), argInt(t.Version),
		argTime(t.CreatedAt), argText(t.CreatedBy), argText(string(t.Settings)), argOptional(t.ArchivedAt), argText(t.physical), argText(t.Rules.document()),
		argText(nameKey(t.Name))); err != nil {
		return err
	}
	for i := range t.Columns {
		if err := u.putColumn(t.Workspace, &t.Columns[i]); err != nil {
			return err
		}
	}
	t.layout = newLayout(u.db.store, t)
	if err := u.definePhysical(t); err != nil {
		return err
	}
	if err := u.defineIndexes(t); err != nil {
		return err
	}
	return u.resource(t.entry("table.create"), nil, t)
}

// UpdateTable changes the name, the description or the settings of a table. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateTable(ctx context.Context, actor Actor, id string, p TablePatch, version int64) (*Table, error) {
	return db.alterTable(ctx, "update table "+id, actor, id, version, func(u *unit, t *Table) error {
		old := t.head()
		patch(&t.Name, p.Name)
		patch(&t.Description, p.Description)
		if p.Settings != nil {
			t.Settings = p.Settings
		}
		if p.Rules != nil {
			t.Rules = p.Rules.clone()
			if err := u.putRules(t, old.Rules); err != nil {
				return err
			}
		}
		if err := t.check(); err != nil {
			return err
		}
		if err := u.freeTableName(t); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_table SET name = ?, name_key = ?, description = ?, settings = ? WHERE workspace = ? AND id = ?`,
			argText(t.Name), argText(nameKey(t.Name)), argText(t.Description), argText(string(t.Settings)), argText(t.Workspace), argText(id)); err != nil {
			return err
		}
		return u.resource(t.entry("table.update"), old, t.head())
	})
}

// alterTable is the frame of every change of a table's definition: it checks and counts the version and answers with the
// table as it is afterwards. fn changes t and writes what it changes; t.Version is already the new one.
func (db *DB) alterTable(ctx context.Context, op string, actor Actor, id string, version int64, fn func(*unit, *Table) error) (*Table, error) {
	var t *Table
	err := db.write(ctx, op, actor, func(u *unit) error {
		var err error
		if t, err = u.table(id); err != nil {
			return err
		}
		if err := checkVersion(version, t.Version); err != nil {
			return err
		}
		if t.Archived() {
			return fmt.Errorf("table %q: %w", t.Name, ErrArchived)
		}
		t.Version++
		if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version),
			argText(t.Workspace), argText(id)); err != nil {
			return err
		}
		if err := u.touch(t.Workspace, false); err != nil {
			return err
		}
		if err := fn(u, t); err != nil {
			return err
		}
		t.layout = newLayout(db.store, t)
		return t.checkRules(db)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// DeleteTable removes a table, archived or not, its rows and its rules. Its change log stays as history.
func (db *DB) DeleteTable(ctx context.Context, actor Actor, id string, version int64) error {
	return db.write(ctx, "delete table "+id, actor, func(u *unit) error { return u.deleteTable(id, version) })
}

func (u *unit) deleteTable(id string, version int64) error {
	t, err := u.table(id)
	if err != nil {
		return err
	}
	if err := checkVersion(version, t.Version); err != nil {
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
	if err := u.uncap(t.Workspace, id); err != nil {
		return err
	}
	if err := u.dropTable(t.physicalName()); err != nil {
		return err
	}
	for _, sql := range []string{`DELETE FROM lt_lock WHERE workspace = ? AND table_id = ?`, `DELETE FROM lt_index WHERE workspace = ? AND table_id = ?`,
		`DELETE FROM lt_column WHERE workspace = ? AND table_id = ?`, `DELETE FROM lt_table WHERE workspace = ? AND id = ?`} {
		if _, err := u.exec(sql, argText(t.Workspace), argText(id)); err != nil {
			return err
		}
	}
	if err := u.touch(t.Workspace, false); err != nil {
		return err
	}
	return u.resource(t.entry("table.delete"), t, nil)
}
