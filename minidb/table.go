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
	Icon        string    `json:"icon"`    // as that of a base
	Colour      string    `json:"colour"`  // as that of a base
	Version     int64     `json:"version"` // of the schema: counts changes of the table and of its columns
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
	// Settings are a JSON object of the caller's own, "{}" at first. Every reader of the table sees them.
	Settings json.RawMessage `json:"settings"`
	// Position is the table's place in its base, from 1; tables of position 0 stand behind those that have a place, by name.
	Position int `json:"position"`
	// ArchivedAt is when the table was archived, nil for a table in use.
	ArchivedAt *time.Time `json:"archived_at,omitempty"`
	Columns    []Column   `json:"columns"` // by position
	Rules      TableRules `json:"rules"`

	physical string  // name of the physical table, empty when it is the id
	indexes  []Index // that were made, in that order
	trashed  []trashedColumn
	memo     *pastMemo // of a table in a snapshot
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
func (t *Table) Schema() *lqp.Table { return t.layout.shown }

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
	Icon, Colour      string
	Settings          json.RawMessage // a JSON object, nil for {}
	Columns           []ColumnSpec
	// Rules name the columns by their names, in unique sets, in checks and in the expressions of checks.
	Rules TableRules
}

// TablePatch lists what UpdateTable changes; nil fields stay.
type TablePatch struct {
	Name, Description *string
	Icon, Colour      *string
	// Base moves the table to another base of the workspace, where it comes last. Views go on reading it from where they are.
	Base     *string
	Settings json.RawMessage // a JSON object
	// Rules take the place of those that the table has. They are refused with a *ValidationError while rows break them.
	Rules *TableRules
}

const tableColumns = `id, workspace, base, name, description, version, created_at, created_by, settings, archived_at, physical, rules, position, icon, colour`

func scanTable(r record) Table {
	t := Table{ID: r.text(0), Workspace: r.text(1), Base: r.text(2), Name: r.text(3), Description: r.text(4), Version: r.integer(5),
		CreatedAt: r.instant(6), CreatedBy: r.text(7), Settings: r.document(8), ArchivedAt: r.optional(9), physical: r.text(10),
		Position: int(r.integer(12)), Icon: r.text(13), Colour: r.text(14)}
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
	if t.indexes, err = indexesOf(u.session, argText(t.Workspace), argText(id)); err != nil {
		return nil, err
	}
	trashed, err := u.readTrashed(argText(t.Workspace), argText(id))
	t.trashed = trashed[id]
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
	if err := checkLooks(t.Colour, t.Icon); err != nil {
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
		if t, err = u.newTable(&b, spec); err == nil && u.actor.Step != nil {
			u.actor.Step.Table = t.ID
		}
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
		Icon: spec.Icon, Colour: spec.Colour, Version: 1, CreatedAt: u.now, CreatedBy: u.actor.ID, Settings: spec.Settings}
	if t.Settings == nil {
		t.Settings = json.RawMessage("{}")
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if len(spec.Columns) > u.db.opt.MaxColumns {
		return nil, &LimitError{Name: "columns", Max: u.db.opt.MaxColumns}
	}
	var links []*newLink
	for i, cs := range spec.Columns {
		c := cs.column(t.ID, i)
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		if nameTaken(t.Columns, &c) {
			return nil, fmt.Errorf("column %q: %w", c.Name, ErrExists)
		}
		link, err := u.prepareLink(t, &c, cs.Inverse)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		if link != nil {
			links = append(links, link)
		}
		t.Columns = append(t.Columns, c)
	}
	if err := u.define(t, every, pathOfColumns); err != nil {
		return nil, err
	}
	if err := u.touch(t.Workspace, false); err != nil {
		return nil, err
	}
	if err := u.freeTableName(t); err != nil {
		return nil, err
	}
	if err := u.roomInBase(b); err != nil {
		return nil, err
	}
	t.Rules = spec.Rules.byID(t)
	t.layout = newLayout(u.db.store, t)
	if err := t.checkRules(u.db); err != nil {
		return nil, err
	}
	if err := u.createTable(t); err != nil {
		return nil, err
	}
	for _, link := range links {
		if err := u.finishLink(t, link); err != nil {
			return nil, err
		}
	}
	return t, u.recompute(nil, t)
}

// roomInBase refuses a table more than a base may have.
func (u *unit) roomInBase(b *Base) error {
	count, _, err := one(u.session, func(r record) int64 { return r.integer(0) },
		`SELECT count(*) FROM lt_table WHERE workspace = ? AND base = ?`, argText(b.Workspace), argText(b.ID))
	if err == nil && count >= int64(u.db.opt.MaxTables) {
		err = &LimitError{Name: "tables", Max: u.db.opt.MaxTables}
	}
	return err
}

// column is the column that the specification describes.
func (cs ColumnSpec) column(table string, position int) Column {
	o := cs.Options
	o.Choices = append([]Choice(nil), o.Choices...)
	o.Link = o.Link.clone()
	return Column{ID: NewID(prefixColumn), Table: table, Name: cs.Name, Type: cs.Type, Options: o, Required: cs.Required,
		Unique: cs.Unique, Default: cs.Default, Position: position, Description: cs.Description}
}

func (u *unit) createTable(t *Table) error {
	if err := u.roomForTable(t.Workspace); err != nil {
		return err
	}
	if _, err := u.exec(`INSERT INTO lt_table (`+tableColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		argText(t.ID), argText(t.Workspace), argText(t.Base), argText(t.Name), argText(t.Description), argInt(t.Version),
		argTime(t.CreatedAt), argText(t.CreatedBy), argText(string(t.Settings)), argOptional(t.ArchivedAt), argText(t.physical), argText(t.Rules.document()),
		argInt(int64(t.Position)), argText(t.Icon), argText(t.Colour), argText(nameKey(t.Name))); err != nil {
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

// UpdateTable changes a table: its name, looks, settings, rules, and the base that it is in. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateTable(ctx context.Context, actor Actor, id string, p TablePatch, version int64) (*Table, error) {
	return db.alterTable(ctx, "update table "+id, actor, id, version, func(u *unit, t *Table) error { return u.updateTable(t, p) })
}

// updateTable changes a table by a patch.
func (u *unit) updateTable(t *Table, p TablePatch) error {
	old := t.head()
	patch(&t.Name, p.Name)
	patch(&t.Description, p.Description)
	patch(&t.Icon, p.Icon)
	patch(&t.Colour, p.Colour)
	if p.Base != nil && *p.Base != t.Base {
		if err := u.moveTable(t, *p.Base); err != nil {
			return err
		}
	}
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
	if _, err := u.exec(`UPDATE lt_table SET name = ?, name_key = ?, description = ?, settings = ?, icon = ?, colour = ?, base = ?, position = ?
		WHERE workspace = ? AND id = ?`, argText(t.Name), argText(nameKey(t.Name)), argText(t.Description), argText(string(t.Settings)),
		argText(t.Icon), argText(t.Colour), argText(t.Base), argInt(int64(t.Position)), argText(t.Workspace), argText(t.ID)); err != nil {
		return err
	}
	return u.resource(t.entry("table.update"), old, t.head())
}

// alterTable is the frame of every change of a table's definition: it checks and counts the version and answers with the
// table as it is afterwards. fn changes t and writes what it changes; t.Version is already the new one.
func (db *DB) alterTable(ctx context.Context, op string, actor Actor, id string, version int64, fn func(*unit, *Table) error) (*Table, error) {
	var t *Table
	err := db.write(ctx, op, actor, func(u *unit) (err error) {
		t, err = u.alter(id, version, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// alter is alterTable inside a transaction.
func (u *unit) alter(id string, version int64, fn func(*unit, *Table) error) (*Table, error) {
	t, err := u.table(id)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(version, t.Version); err != nil {
		return nil, err
	}
	if t.Archived() {
		return nil, fmt.Errorf("table %q: %w", t.Name, ErrArchived)
	}
	t.Version++
	if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version),
		argText(t.Workspace), argText(id)); err != nil {
		return nil, err
	}
	if err := u.touch(t.Workspace, false); err != nil {
		return nil, err
	}
	before := snapshotOf(t)
	if err := fn(u, t); err != nil {
		return nil, err
	}
	if err := u.recompute(before, t); err != nil {
		return nil, err
	}
	return t, t.checkRules(u.db)
}
