package minidb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// rebuildTables makes the physical tables anew of which columns have another type, and the changed one where its formulas
// are stale: writing all rows once is cheaper than changing each of them, and no two rows share a unique value on the way.
func (a *altering) rebuildTables() error {
	built := false
	for _, t := range a.tables() {
		from := a.stored(t)
		retyped := slices.ContainsFunc(t.Columns, func(c Column) bool { return !sameStored(from, &c) })
		if !retyped && !slices.ContainsFunc(t.Columns, func(c Column) bool { return a.anew(t, &c) }) {
			continue
		}
		from.layout = newLayout(a.db.store, from)
		if err := a.rebuild(from, t); err != nil {
			return err
		}
		built = true
	}
	if !built {
		return nil
	}
	return a.load() // tables have other physical names
}

// anew reports whether a column of the changed table is a reason to write its rows once more.
func (a *altering) anew(t *Table, c *Column) bool {
	if a.t == nil || t.ID != a.t.ID || !a.stale[c.ID] {
		return false
	}
	if a.before != nil {
		if old, ok := a.before.Column(c.ID); ok && old.Unique != c.Unique {
			return true
		}
	}
	return c.Type == FormulaColumn
}

// stored is a table as it is stored: with the types that computed columns had. Other columns are stored as they are defined.
func (a *altering) stored(t *Table) *Table {
	from := snapshotOf(t)
	old := a.was[t.ID]
	if a.t != nil && t.ID == a.t.ID && a.before != nil {
		old = a.before
	}
	for i := range from.Columns {
		c := &from.Columns[i]
		if old == nil || !c.Type.Computed() {
			continue
		}
		if o, ok := old.Column(c.ID); ok && o.Type.Computed() {
			c.Options.Result = o.Options.Result
		} else if w := a.was[t.ID]; w != nil { // it was added, with the type that it had then
			if o, ok := w.Column(c.ID); ok {
				c.Options.Result = o.Options.Result
			}
		}
	}
	return from
}

// sameStored reports whether a column is stored as before.
func sameStored(from *Table, c *Column) bool {
	old, ok := from.Column(c.ID)
	return ok && old.storedType() == c.storedType()
}

// rebuild makes the physical table of t anew with the types that its columns have now and with the values of its formulas.
// from is the table as it is stored. What looks through links is empty where it has another type, until it is looked at.
func (a *altering) rebuild(from, t *Table) error {
	var empty []int
	for i := range t.Columns {
		c := &t.Columns[i]
		if sameStored(from, c) {
			continue
		}
		empty = append(empty, t.layout.user[i])
		if c.storedType().Kind.Orderable() {
			continue
		}
		if err := a.removeIndexes(from, func(x *Index) bool { return x.uses(c.ID) }); err != nil {
			return err
		}
		t.indexes = from.indexes
	}
	t.physical = NewID(prefixTable)
	t.layout = newLayout(a.db.store, t)
	if err := a.definePhysical(t); err != nil {
		return err
	}
	l := t.layout
	err := a.eachChunk(from.layout, func(rows [][]lqp.Value) error {
		for _, row := range rows {
			for _, slot := range empty {
				row[slot] = lqp.Value{}
			}
			l.computeRow(row)
		}
		if err := a.tx.Insert(a.ctx, l.schema, l.ids, rows); err != nil {
			return fmt.Errorf("copy rows: %w", err)
		}
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	if err := a.dropTable(t.Workspace, from.physicalName()); err != nil {
		return err
	}
	err = a.defineIndexes(t)
	if errors.Is(err, adapter.ErrConstraint) {
		return invalid("unique", CodeUnique, "rows share a value of a computed column of %q that is unique", t.Name)
	}
	if err != nil {
		return err
	}
	_, err = a.exec(`UPDATE lt_table SET physical = ? WHERE workspace = ? AND id = ?`, argText(t.physical), argText(t.Workspace), argText(t.ID))
	return err
}

// defineNew works out a column that is about to be added to t, or was given other options.
func (u *unit) defineNew(t *Table, c *Column) error {
	if !c.Type.Computed() {
		return nil
	}
	with := snapshotOf(t)
	at := slices.IndexFunc(with.Columns, func(o Column) bool { return o.ID == c.ID })
	if at < 0 {
		at = len(with.Columns)
		with.Columns = append(with.Columns, *c)
	} else {
		with.Columns[at] = *c
	}
	err := u.define(with, func(o *Column) bool { return o.ID == c.ID }, pathOfColumn)
	*c = with.Columns[at]
	return err
}
