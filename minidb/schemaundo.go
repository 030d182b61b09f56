package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// SchemaRevert says which change of a table's definition is taken back.
type SchemaRevert struct {
	Version int64 // that the change led to
	Seen    int64 // the table's version as the caller has seen it, 0 for any
	// AcceptLoss carries it out although cells that were written since lose something by it.
	AcceptLoss bool
	// DryRun does everything and keeps nothing of it, so that the report tells what would happen.
	DryRun bool
	// PolicyVersion is as in Guard.
	PolicyVersion int64
}

// SchemaReverted tells what became of a table by taking a change back.
type SchemaReverted struct {
	Table *Table
	// Cells tells what became of the cells of a column that got its type back, nil for none.
	Cells *Retyping
	// Restored counts the cells that have the value again that the change had taken from them.
	Restored int64
}

// CodeChangedSince says that what a change did was changed again after it.
const CodeChangedSince = "changed_since"

// RevertSchema takes one change of a table's definition back, in one transaction, as a change of its own that can be taken
// back too. What was renamed, described, ordered or given other options is as it was; a column that was made goes into the
// trash, one that was deleted comes back from it. A column that got another type gets the one that it had: cells that the
// change had written come back from the log, lost ones too, as long as nobody has written them since; others are converted,
// which is a *LossError when they lose something and that is not accepted.
//
// A *ValidationError with CodeChangedSince says that a later change stands in the way, and ErrNoForm that the log does not
// know of the version. That a table was made, deleted, archived or restored is taken back by other verbs.
func (db *DB) RevertSchema(ctx context.Context, actor Actor, table string, r SchemaRevert) (*SchemaReverted, error) {
	var done SchemaReverted
	t, err := db.alterTable(ctx, "revert schema of "+table, actor, table, r.Seen, func(u *unit, t *Table) error {
		done = SchemaReverted{}
		if err := u.checkPolicy(t.Workspace, r.PolicyVersion); err != nil {
			return err
		}
		if u.actor.Reason == "" {
			u.actor.Reason = fmt.Sprintf("revert of schema version %d", r.Version)
		}
		entries, err := all(u.session, scanEntry, `SELECT `+entryColumns+` FROM lt_change WHERE table_id = ? AND resource_type <> 'row'
			AND version = ? ORDER BY position DESC`, argText(t.ID), argInt(r.Version))
		if err != nil {
			return err
		}
		if r.Version < 1 || r.Version >= t.Version {
			return fmt.Errorf("version %d: %w", r.Version, ErrNoForm)
		}
		if floor, cut, err := u.tableFloor(t.ID); err != nil || cut && len(entries) > 0 && entries[len(entries)-1].Position <= floor.position {
			return orElse(err, floor.refusal())
		}
		if len(entries) == 0 {
			return u.noForm(t, r.Version)
		}
		back := schemaUndo{unit: u, t: t, r: r, done: &done}
		// What is computed reads columns as they were.
		slices.SortStableFunc(entries, func(x, y audit.Entry) int { return back.computed(&x) - back.computed(&y) })
		for i := range entries {
			if err := back.entry(&entries[i]); err != nil {
				return err
			}
			t.layout = newLayout(db.store, t)
		}
		if r.DryRun {
			done.Table = t
			return errDryRun
		}
		return nil
	})
	if r.DryRun && errors.Is(err, errDryRun) {
		return &done, nil
	}
	if err != nil {
		return nil, err
	}
	done.Table = t
	return &done, nil
}

// schemaUndo takes the entries of one change back.
type schemaUndo struct {
	*unit
	t    *Table
	r    SchemaRevert
	done *SchemaReverted
}

// computed is 1 for an entry of a computed column, else 0.
func (b *schemaUndo) computed(e *audit.Entry) int {
	if c, ok := b.t.Column(e.Resource); ok && c.Type.Computed() {
		return 1
	}
	return 0
}

func changedSince(what string) error {
	return invalid("version", CodeChangedSince, "%s was changed since; take that back first", what)
}

func (b *schemaUndo) entry(e *audit.Entry) error {
	other := invalid("version", CodeInvalid, "%s is not taken back this way", e.Action)
	kind, verb, _ := strings.Cut(e.Action, ".")
	switch {
	case kind == "column" && (verb == "create" || verb == "restore"):
		if _, ok := b.t.Column(e.Resource); !ok {
			return changedSince("the column")
		}
		return b.removeColumn(b.t, e.Resource, Removal{})
	case kind == "column" && (verb == "delete" || verb == "archive"):
		return b.undelete(e.Resource)
	case kind == "column" && verb == "update":
		return b.column(e)
	case kind == "index" && verb == "create":
		if !slices.ContainsFunc(b.t.indexes, func(x Index) bool { return x.ID == e.Resource }) {
			return nil // it went with a column
		}
		return b.removeIndexes(b.t, func(x *Index) bool { return x.ID == e.Resource })
	case kind == "index" && verb == "delete":
		return b.restoreIndexes(b.t, []keptRecord{{sourceIndex, e.Before}})
	case kind == "table" && verb == "update" && e.Before != nil:
		return b.table(e)
	}
	return other
}

// undelete brings a column back from the trash.
func (b *schemaUndo) undelete(column string) error {
	if _, ok := b.t.Column(column); ok {
		return nil
	}
	tr, ok, err := one(b.session, scanTrashed, `SELECT `+trashColumns+` FROM lt_trash WHERE workspace = ? AND resource = ? AND place = ?`,
		argText(b.t.Workspace), argText(column), argText(b.t.ID))
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("the column was deleted for good: %w", ErrNoForm)
	}
	kept, err := b.kept(tr.ID)
	if err != nil {
		return err
	}
	if err := b.bringBack(b.t, tr, kept, Recovery{}); err != nil {
		return err
	}
	return b.forgetTrash(tr)
}

// table puts fields of the table, or the order of its columns, back.
func (b *schemaUndo) table(e *audit.Entry) error {
	before, after, err := sidesOf(e)
	if err != nil {
		return err
	}
	if doc, ok := before["columns"]; ok {
		var order []string
		if err := json.Unmarshal(doc, &order); err != nil {
			return fmt.Errorf("order of columns: %w", err)
		}
		place := func(c Column) int {
			if i := slices.Index(order, c.ID); i >= 0 {
				return i
			}
			return len(order)
		}
		list := slices.Clone(b.t.Columns)
		slices.SortStableFunc(list, func(x, y Column) int { return place(x) - place(y) })
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		return b.reorder(b.t, ids)
	}
	now, err := fieldsOf(b.t.head())
	if err != nil {
		return err
	}
	if err := unchanged(now, after, "the table"); err != nil {
		return err
	}
	var old struct {
		Name, Description, Icon, Colour *string
		Settings                        json.RawMessage
		Rules                           *TableRules
		Base                            *string `json:"base_id"`
	}
	doc, err := json.Marshal(before)
	if err == nil {
		err = json.Unmarshal(doc, &old)
	}
	if err != nil {
		return err
	}
	if old.Rules != nil && sameRules(*old.Rules, b.t.Rules) {
		old.Rules = nil // they came back with their column
	}
	return b.updateTable(b.t, TablePatch{Name: old.Name, Description: old.Description, Icon: old.Icon, Colour: old.Colour,
		Settings: old.Settings, Rules: old.Rules, Base: old.Base})
}

// sameRules reports whether two tables ask the same of rows, in whatever order.
func sameRules(a, b TableRules) bool {
	return len(a.Uniques) == len(b.Uniques) && len(a.Checks) == len(b.Checks) &&
		!slices.ContainsFunc(a.Uniques, func(s UniqueSet) bool {
			return !slices.ContainsFunc(b.Uniques, func(o UniqueSet) bool { return o.ID == s.ID })
		}) &&
		!slices.ContainsFunc(a.Checks, func(k Check) bool {
			return !slices.ContainsFunc(b.Checks, func(o Check) bool { return o.ID == k.ID })
		})
}

// sidesOf are the fields that an entry changed.
func sidesOf(e *audit.Entry) (before, after map[string]json.RawMessage, err error) {
	if err = json.Unmarshal(e.Before, &before); err == nil {
		err = json.Unmarshal(e.After, &after)
	}
	if err != nil {
		err = fmt.Errorf("entry %s: %w", e.ID, err)
	}
	return before, after, err
}

// unchanged reports with CodeChangedSince when fields are not what a change made of them.
func unchanged(now, after map[string]json.RawMessage, what string) error {
	for k, doc := range after {
		if k != "rules" && !bytes.Equal(now[k], doc) {
			return changedSince(what)
		}
	}
	return nil
}

// column puts fields of a column back, its type too.
func (b *schemaUndo) column(e *audit.Entry) error {
	i := slices.IndexFunc(b.t.Columns, func(c Column) bool { return c.ID == e.Resource })
	if i < 0 {
		return changedSince("the column")
	}
	before, after, err := sidesOf(e)
	if err != nil {
		return err
	}
	now := b.t.Columns[i]
	fields, err := fieldsOf(now)
	if err != nil {
		return err
	}
	if err := unchanged(fields, after, fmt.Sprintf("%q", now.Name)); err != nil {
		return err
	}
	fields = maps.Clone(fields)
	replaceFields(fields, before, after)
	old, err := columnOf(fields)
	if err != nil {
		return err
	}
	if now.Options.Link != nil && (old.Options.Link == nil && now.Options.Link.Inverse != "" ||
		old.Options.Link != nil && old.Options.Link.Inverse != now.Options.Link.Inverse) {
		return invalid("version", CodeInvalid, "the two sides of a link are made and dropped by changing the column")
	}
	if old.rebuilds(&now) && !now.Type.Computed() { // what is computed is computed by its options
		if now.Type.Filled() || old.Type.Filled() {
			return invalid("version", CodeInvalid, "the values of %q are made by the database", now.Name)
		}
		return b.retypeBack(&old, e)
	}
	old.next = now.next
	if _, err := b.updateColumn(b.t, now.ID, ColumnPatch{Name: &old.Name, Description: &old.Description, Required: &old.Required,
		Unique: &old.Unique, Default: &old.Default, Options: &old.Options}); err != nil {
		return err
	}
	if now.Type.Filled() {
		return nil
	}
	return b.cellsBack(now.ID, e)
}

// columnOf is the column that its fields describe.
func columnOf(fields map[string]json.RawMessage) (Column, error) {
	doc, err := json.Marshal(fields)
	if err != nil {
		return Column{}, err
	}
	var stored struct {
		ID          string          `json:"id"`
		Table       string          `json:"table_id"`
		Name        string          `json:"name"`
		Type        ColumnType      `json:"type"`
		Options     ColumnOptions   `json:"options"`
		Required    bool            `json:"required"`
		Unique      bool            `json:"unique"`
		Default     json.RawMessage `json:"default"`
		Position    int             `json:"position"`
		Description string          `json:"description"`
	}
	if err := json.Unmarshal(doc, &stored); err != nil {
		return Column{}, fmt.Errorf("column as it was: %w", err)
	}
	c := Column{ID: stored.ID, Table: stored.Table, Name: stored.Name, Type: stored.Type, Options: stored.Options, Required: stored.Required,
		Unique: stored.Unique, Position: stored.Position, Description: stored.Description}
	if len(stored.Default) > 0 && string(stored.Default) != "null" {
		if c.Default, err = lqp.ParseValue(c.storedType(), stored.Default); err != nil {
			return c, fmt.Errorf("default of %q as it was: %w", c.Name, err)
		}
	}
	return c, nil
}

// rebuilds reports whether cells of the column are kept in another way than those of now, so that the table is built anew.
func (c *Column) rebuilds(now *Column) bool {
	return c.Type != now.Type || c.Options.Scale != now.Options.Scale || c.Options.Precision != now.Options.Precision ||
		c.storedType().MaxLen < now.storedType().MaxLen
}
