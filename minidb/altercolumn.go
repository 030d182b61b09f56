package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

func (t *Table) columnEntry(action, column string) audit.Entry {
	return audit.Entry{Workspace: t.Workspace, Action: action, ResourceType: "column", Resource: column, Table: t.ID, Version: t.Version}
}

// AddColumn adds a column, behind the others unless the specification names a place. version is the table's as the caller has
// seen it, 0 for any. A required column for a table with rows needs a default, which every row is given as by an update.
func (db *DB) AddColumn(ctx context.Context, actor Actor, table string, spec ColumnSpec, version int64) (*Column, error) {
	var c Column
	_, err := db.alterTable(ctx, "add column to "+table, actor, table, version, func(u *unit, t *Table) (err error) {
		c, err = u.addColumn(t, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// addColumn adds a column to t.
func (u *unit) addColumn(t *Table, spec ColumnSpec) (Column, error) {
	if len(t.Columns) >= u.db.opt.MaxColumns {
		return Column{}, &LimitError{Name: "columns", Max: u.db.opt.MaxColumns}
	}
	c := spec.column(t.ID, len(t.Columns))
	if err := c.check(); err != nil {
		return Column{}, err
	}
	if nameTaken(t.Columns, &c) {
		return Column{}, fmt.Errorf("column %q: %w", c.Name, ErrExists)
	}
	if err := u.defineNew(t, &c); err != nil {
		return Column{}, err
	}
	link, err := u.prepareLink(t, &c, spec.Inverse)
	if err != nil {
		return Column{}, err
	}
	if err := u.addPhysical(t, &c); err != nil {
		return Column{}, err
	}
	t.Columns = append(t.Columns, c)
	if err := u.putColumn(t.Workspace, &c); err != nil {
		return Column{}, err
	}
	if err := u.resource(t.columnEntry("column.create", c.ID), nil, c); err != nil {
		return Column{}, err
	}
	if err := u.finishLink(t, link); err != nil {
		return Column{}, err
	}
	switch {
	case c.Type.Filled():
		err = u.fillColumn(t, &c)
	case c.Required:
		err = u.fill(t, &c)
	}
	if err != nil || spec.Position == nil {
		return c, err
	}
	return c, u.place(t, &c, *spec.Position)
}

// place puts a column of t at a place among the others, counted without it.
func (u *unit) place(t *Table, c *Column, at int) error {
	order := make([]string, 0, len(t.Columns))
	for _, o := range t.Columns {
		if o.ID != c.ID {
			order = append(order, o.ID)
		}
	}
	if at < 0 || at > len(order) {
		return invalid("position", CodeInvalid, "a place from 0 to %d", len(order))
	}
	if err := u.reorder(t, slices.Insert(order, at, c.ID)); err != nil {
		return err
	}
	c.Position = at
	return nil
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
	var c *Column
	_, err = db.alterTable(ctx, "update column "+column, actor, table, version, func(u *unit, t *Table) (err error) {
		c, err = u.updateColumn(t, column, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// updateColumn changes a column of t.
func (u *unit) updateColumn(t *Table, column string, p ColumnPatch) (*Column, error) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == column })
	if i < 0 {
		return nil, fmt.Errorf("column: %w", ErrNotFound)
	}
	old := t.Columns[i]
	c := old
	if err := p.apply(&c); err != nil {
		return nil, err
	}
	if nameTaken(t.Columns, &c) {
		return nil, fmt.Errorf("column %q: %w", c.Name, ErrExists)
	}
	if p.Options != nil {
		if err := u.defineNew(t, &c); err != nil {
			return nil, err
		}
	}
	t.Columns[i] = c
	if err := u.putColumn(t.Workspace, &c); err != nil {
		return nil, err
	}
	if err := u.resource(t.columnEntry("column.update", c.ID), old, c); err != nil {
		return nil, err
	}
	t.layout = newLayout(u.db.store, t)
	if err := u.relink(t, &old, &c, p); err != nil {
		return nil, err
	}
	if err := u.convert(t, &old, &c, p); err != nil || p.Position == nil {
		return &c, err
	}
	return &c, u.place(t, &c, *p.Position)
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
	if err := c.keepLink(old.Link); err != nil {
		return err
	}
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
	if c.Type.Computed() && !computesAlike(old, c) {
		return nil // the table is built anew with the values that it has now
	}
	if c.Type.chosen() {
		if err := u.renameChoices(t, old, c, p.Replace); err != nil {
			return err
		}
	}
	if old.Unique && !c.Unique {
		if err := u.dropUnique(t, old); err != nil {
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

// ReorderColumns puts a table's columns into a new order; order names each of them once. version is the table's as the
// caller has seen it, 0 for any.
func (db *DB) ReorderColumns(ctx context.Context, actor Actor, table string, order []string, version int64) (*Table, error) {
	return db.alterTable(ctx, "reorder columns of "+table, actor, table, version, func(u *unit, t *Table) error { return u.reorder(t, order) })
}

// columnOrder is what the log keeps of an order of columns: their ids.
type columnOrder struct {
	Columns []string `json:"columns"`
}

// reorder puts the columns of t into a new order.
func (u *unit) reorder(t *Table, order []string) error {
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
}
