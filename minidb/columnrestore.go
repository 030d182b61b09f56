package minidb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// restoreColumn brings a column back from the trash.
func (u *unit) restoreColumn(tr Trashed, kept []keptRecord, r Recovery) error {
	_, err := u.alter(tr.Place, 0, func(u *unit, t *Table) error { return u.bringBack(t, tr, kept, r) })
	return err
}

// bringBack brings a column of t back from the trash.
func (u *unit) bringBack(t *Table, tr Trashed, kept []keptRecord, r Recovery) error {
	if t.Workspace != tr.Workspace {
		return fmt.Errorf("table %s: %w", tr.Place, ErrNotFound)
	}
	if len(t.Columns) >= u.db.opt.MaxColumns {
		return &LimitError{Name: "columns", Max: u.db.opt.MaxColumns}
	}
	name, set, err := r.named(tr.Name)
	if err != nil {
		return err
	}
	if nameTaken(t.Columns, &Column{ID: tr.Resource, Name: name}) {
		return fmt.Errorf("column %q: %w", name, ErrExists)
	}
	if r.Loose {
		set["required"] = argFlag(false)
	}
	for _, k := range kept {
		if k.source != "lt_column" {
			continue
		}
		if err := u.putBack(k, set); err != nil {
			return err
		}
	}
	c, err := must(u.session, "column", scanColumn, `SELECT `+columnColumns+` FROM lt_column WHERE workspace = ? AND id = ?`,
		argText(t.Workspace), argText(tr.Resource))
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	t.Columns = slices.Insert(t.Columns, min(c.Position, len(t.Columns)), c)
	t.trashed = slices.DeleteFunc(slices.Clone(t.trashed), func(x trashedColumn) bool { return x.ID == c.ID })
	if err := u.renumber(t); err != nil {
		return err
	}
	t.layout = newLayout(u.db.store, t)
	if err := u.resource(t.columnEntry("column.restore", c.ID), nil, c); err != nil {
		return err
	}
	// Nobody may see the column before what was hidden of it is hidden again.
	if err := u.regrant(t, c.ID, kept); err != nil {
		return err
	}
	if c.Type == LinkColumn {
		if back, err := u.linkIsBack(t, &c); err != nil {
			return err
		} else if !back {
			return invalid("column", CodeLink, "the table that %q named is gone", c.Name)
		}
	}
	if err := u.refill(t, &c); err != nil {
		return err
	}
	if c.Unique {
		if err := u.createUnique(t, &c); errors.Is(err, adapter.ErrConstraint) {
			return invalid("unique", CodeUnique, "rows share a value of %q", c.Name)
		} else if err != nil {
			return err
		}
	}
	if err := u.restoreIndexes(t, kept); err != nil {
		return err
	}
	if r.Loose {
		return nil
	}
	return u.relayRules(t, kept)
}

// refill gives rows that were made without a column what every row has in it.
func (u *unit) refill(t *Table, c *Column) error {
	switch {
	case c.Type.BuiltIn() != "":
		return u.fillColumn(t, c)
	case c.Type == AutonumberColumn:
		loose, column := t.loosened(u.db.store, c.ID)
		next := c.next
		err := u.rewriteRows(loose, lqp.NewCall("is_null", column), c.ID, func(lqp.Value) lqp.Value {
			next++
			return lqp.IntValue(next - 1)
		})
		if err == nil && next > c.next {
			_, err = u.reserve(t.Workspace, c.ID, int(next-c.next))
		}
		return err
	case c.Required:
		return u.fill(t, c)
	}
	return nil
}

// loosened is the table with a column that is not promised to have a value in every row, and the column: a plan could rely on
// the promise.
func (t *Table) loosened(store adapter.Store, column string) (*Table, lqp.Expr) {
	loose := *t
	loose.layout = newLayout(store, t)
	slot := loose.layout.slots[column]
	c := &loose.layout.schema.Columns[slot]
	c.Type.NotNull = false
	loose.layout.selects[slot].Expr = lqp.TypedRef(sourceAlias, c.ID, c.Type)
	return &loose, loose.layout.selects[slot].Expr
}

// restoreIndexes makes the indexes again that a column took along, as far as the table has their other columns.
func (u *unit) restoreIndexes(t *Table, kept []keptRecord) error {
	for _, k := range kept {
		if k.source != sourceIndex {
			continue
		}
		var x Index
		if err := decodeKept([]keptRecord{k}, sourceIndex, &x); err != nil {
			return err
		}
		x.Kind = OwnIndex
		var bad *ValidationError
		if err := t.checkIndex(&x); errors.As(err, &bad) || errors.Is(err, ErrExists) || errors.Is(err, ErrLimit) {
			continue
		} else if err != nil {
			return err
		}
		t.indexes = append(t.indexes, x)
		if err := u.addIndex(t, &x); err != nil {
			return err
		}
	}
	return nil
}

// relayRules gives a table the rules back that were lifted with a column, as far as it has the other columns that they name.
func (u *unit) relayRules(t *Table, kept []keptRecord) error {
	var lifted TableRules
	if err := decodeKept(kept, sourceRules, &lifted); err != nil {
		return err
	}
	old := t.head()
	rules := t.Rules.clone()
	for _, s := range lifted.Uniques {
		if !slices.ContainsFunc(s.Columns, func(id string) bool { _, ok := t.Column(id); return !ok }) {
			rules.Uniques = append(rules.Uniques, s)
		}
	}
	for _, k := range lifted.Checks {
		if _, ok := t.Column(k.Column); (k.Column == "" || ok) && t.hasColumnsOf(k.Expr) {
			rules.Checks = append(rules.Checks, k)
		}
	}
	if len(rules.Uniques)+len(rules.Checks) == len(t.Rules.Uniques)+len(t.Rules.Checks) {
		return nil
	}
	t.Rules = rules
	if err := u.putRules(t, old.Rules); err != nil {
		return err
	}
	return u.resource(t.entry("table.update"), old, t.head())
}
