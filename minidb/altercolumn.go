package minidb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

func (t *Table) columnEntry(action, column string) audit.Entry {
	return audit.Entry{Workspace: t.Workspace, Action: action, ResourceType: "column", Resource: column, Table: t.ID, Version: t.Version}
}

// AddColumn adds a column behind the others. version is the table's as the caller has seen it, 0 for any. A required
// column for a table with rows needs a default, which every row is given as by an update.
func (db *DB) AddColumn(ctx context.Context, actor Actor, table string, spec ColumnSpec, version int64) (*Column, error) {
	var c Column
	_, err := db.alterTable(ctx, "add column to "+table, actor, table, version, func(u *unit, t *Table) error {
		if len(t.Columns) >= db.opt.MaxColumns {
			return &LimitError{Name: "columns", Max: db.opt.MaxColumns}
		}
		c = spec.column(t.ID, len(t.Columns))
		if err := c.check(); err != nil {
			return err
		}
		if nameTaken(t.Columns, &c) {
			return fmt.Errorf("column %q: %w", c.Name, ErrExists)
		}
		if err := u.addPhysical(t, &c); err != nil {
			return err
		}
		t.Columns = append(t.Columns, c)
		if err := u.putColumn(t.Workspace, &c); err != nil {
			return err
		}
		if err := u.resource(t.columnEntry("column.create", c.ID), nil, c); err != nil {
			return err
		}
		if c.Type.Filled() {
			return u.fillColumn(t, &c)
		}
		if !c.Required {
			return nil
		}
		return u.fill(t, &c)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// fill gives the rows without a value the column's default; without a default such rows are an error.
func (u *unit) fill(t *Table, c *Column) error {
	// Inside the scan the column is not yet promised to have no NULL: a plan could rely on that.
	loose := *t
	loose.Columns = slices.Clone(t.Columns)
	for i := range loose.Columns {
		if loose.Columns[i].ID == c.ID {
			loose.Columns[i].Required = false
		}
	}
	loose.layout = newLayout(u.db.store, &loose)
	column := loose.layout.selects[loose.layout.slots[c.ID]].Expr
	empty := lqp.NewCall("is_null", column)
	if err := u.findWriter(t); err != nil {
		return err
	}
	if u.initial(c).IsNull() || c.Unique && c.Options.Generate != GenerateUUID {
		return u.scan(loose.layout, empty, false, func([]lqp.Value) error {
			return invalid("required", CodeRequired, "rows have no value in %q", c.Name)
		})
	}
	return u.rewriteRows(&loose, empty, c.ID, func(lqp.Value) lqp.Value { return u.initial(c) })
}

// tableOfColumn finds the table of a column.
func (db *DB) tableOfColumn(ctx context.Context, column string) (table string, err error) {
	err = db.read(ctx, "column "+column, func(s session) (err error) {
		table, err = must(s, "column", func(r record) string { return r.text(0) }, `SELECT table_id FROM lt_column WHERE id = ?`, argText(column))
		return err
	})
	return table, err
}

// UpdateColumn changes a column. version is the table's as the caller has seen it, 0 for any. Making a column required
// gives rows without a value its default and is refused when there is none; making it unique is refused while rows share
// a value: both with a *ValidationError.
func (db *DB) UpdateColumn(ctx context.Context, actor Actor, column string, p ColumnPatch, version int64) (*Column, error) {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return nil, err
	}
	var c Column
	_, err = db.alterTable(ctx, "update column "+column, actor, table, version, func(u *unit, t *Table) error {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == column })
		if i < 0 {
			return fmt.Errorf("column: %w", ErrNotFound)
		}
		old := t.Columns[i]
		c = old
		if err := p.apply(&c); err != nil {
			return err
		}
		if nameTaken(t.Columns, &c) {
			return fmt.Errorf("column %q: %w", c.Name, ErrExists)
		}
		t.Columns[i] = c
		if err := u.putColumn(t.Workspace, &c); err != nil {
			return err
		}
		if err := u.resource(t.columnEntry("column.update", c.ID), old, c); err != nil {
			return err
		}
		t.layout = newLayout(db.store, t)
		return u.convert(t, &old, &c, p)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// apply changes the column and checks what it has become.
func (p ColumnPatch) apply(c *Column) error {
	if p.Type != nil && *p.Type != c.Type {
		return fmt.Errorf("column %q from %s to %s: %w", c.Name, c.Type, *p.Type, ErrTypeChange)
	}
	patch(&c.Name, p.Name)
	patch(&c.Description, p.Description)
	patch(&c.Required, p.Required)
	patch(&c.Unique, p.Unique)
	patch(&c.Default, p.Default)
	if p.Options == nil {
		return c.check()
	}
	old := c.Options
	c.Options = *p.Options
	c.Options.Choices = slices.Clone(c.Options.Choices)
	if c.Options.Scale == old.Scale && c.Options.Precision == 0 {
		c.Options.Precision = old.Precision
	}
	if c.Options.MaxLength == 0 {
		c.Options.MaxLength = old.MaxLength
	}
	if p.Default == nil && c.Type.chosen() {
		c.Default = renamedDefault(c.Default, old.Choices, c.Options.Choices)
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Options.Scale != old.Scale || c.Options.Precision != old.Precision {
		return fmt.Errorf("decimals of column %q: %w", c.Name, ErrTypeChange)
	}
	if c.Options.MaxLength < old.MaxLength {
		return invalid("options", CodeOption, "max_length can only grow")
	}
	return nil
}

// convert makes the rows and the physical table follow the change of a column.
func (u *unit) convert(t *Table, old, c *Column, p ColumnPatch) error {
	if c.Type.chosen() {
		if err := u.renameChoices(t, old, c, p.Replace); err != nil {
			return err
		}
	}
	if old.Unique && !c.Unique {
		if err := u.dropUnique(old); err != nil {
			return err
		}
	}
	if c.Unique && !old.Unique {
		if err := u.createUnique(t, c); errors.Is(err, adapter.ErrConstraint) {
			return invalid("unique", CodeUnique, "rows share a value of %q", c.Name)
		} else if err != nil {
			return err
		}
	}
	if c.Required && !old.Required {
		if err := u.fill(t, c); err != nil {
			return err
		}
	}
	if err := u.rebuildIndexes(t, old, c); err != nil {
		return err
	}
	if !c.narrower(old) {
		return nil
	}
	return u.checkCells(t, c)
}

// DeleteColumn removes a column with its values and takes it out of the rules of its table. version is the table's as the
// caller has seen it, 0 for any. Expressions that use the column keep naming it and no longer bind.
func (db *DB) DeleteColumn(ctx context.Context, actor Actor, column string, version int64) error {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return err
	}
	_, err = db.alterTable(ctx, "delete column "+column, actor, table, version, func(u *unit, t *Table) error {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == column })
		if i < 0 {
			return fmt.Errorf("column: %w", ErrNotFound)
		}
		c := t.Columns[i]
		if slices.ContainsFunc(t.Rules.Uniques, func(s UniqueSet) bool { return slices.Contains(s.Columns, column) }) {
			return invalid("uniques", CodeUnique, "%q is unique together with other columns; lift that rule of the table first", c.Name)
		}
		if err := u.removeIndexes(t, func(x *Index) bool { return x.uses(column) }); err != nil {
			return err
		}
		if err := u.dropPhysical(t, &c); err != nil {
			return err
		}
		if _, err := u.exec(`DELETE FROM lt_column WHERE workspace = ? AND id = ?`, argText(t.Workspace), argText(column)); err != nil {
			return err
		}
		t.Columns = slices.Delete(t.Columns, i, i+1)
		if err := u.renumber(t); err != nil {
			return err
		}
		if err := u.resource(t.columnEntry("column.delete", column), c, nil); err != nil {
			return err
		}
		return u.ungrant(t, column)
	})
	return err
}

// renumber gives the columns their positions in the order of the list.
func (u *unit) renumber(t *Table) error {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Position == i {
			continue
		}
		c.Position = i
		if _, err := u.exec(`UPDATE lt_column SET position = ? WHERE workspace = ? AND id = ?`, argInt(int64(i)), argText(t.Workspace),
			argText(c.ID)); err != nil {
			return err
		}
	}
	return nil
}

// ungrant takes a deleted column out of the rules: an id is never given again, but what is gone has no rights.
func (u *unit) ungrant(t *Table, column string) error {
	rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?`,
		argText(t.Workspace), argText(t.ID))
	if err != nil {
		return err
	}
	for _, r := range rules {
		if _, ok := r.Columns[column]; !ok {
			continue
		}
		old := r
		r.Columns = make(map[string]rbac.Access, len(old.Columns))
		for id, access := range old.Columns {
			if id != column {
				r.Columns[id] = access
			}
		}
		r.Masks = maps.Clone(old.Masks)
		delete(r.Masks, column)
		if err := u.storeRule(r); err != nil {
			return err
		}
		if err := u.touch(t.Workspace, true); err != nil {
			return err
		}
		if err := u.resource(r.entry("rule.update"), old, r); err != nil {
			return err
		}
	}
	return nil
}

// ReorderColumns puts a table's columns into a new order; order names each of them once. version is the table's as the
// caller has seen it, 0 for any.
func (db *DB) ReorderColumns(ctx context.Context, actor Actor, table string, order []string, version int64) (*Table, error) {
	return db.alterTable(ctx, "reorder columns of "+table, actor, table, version, func(u *unit, t *Table) error {
		type columnOrder struct {
			Columns []string `json:"columns"`
		}
		var old columnOrder
		list := make([]Column, 0, len(order))
		for _, c := range t.Columns {
			old.Columns = append(old.Columns, c.ID)
		}
		for _, id := range order {
			c, ok := t.Column(id)
			if !ok || slices.ContainsFunc(list, func(c Column) bool { return c.ID == id }) {
				return invalid("columns", CodeUnknownColumn, "%q is not a column of the table, or occurs twice", cleanText(id, maxName))
			}
			list = append(list, *c)
		}
		if len(list) != len(t.Columns) {
			return invalid("columns", CodeInvalid, "%d of %d columns are named", len(list), len(t.Columns))
		}
		t.Columns = list
		if err := u.renumber(t); err != nil {
			return err
		}
		return u.resource(t.entry("table.update"), old, columnOrder{order})
	})
}
