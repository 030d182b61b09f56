package minidb

import (
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// newLink is a link column that is being made, with the column that shows it from the other side.
type newLink struct {
	column  string
	target  *Table
	inverse *Column // nil for a one-way link
}

// prepareLink settles what a new link column of t names, before the column is stored. inverse is nil for a one-way link.
func (u *unit) prepareLink(t *Table, c *Column, inverse *InverseSpec) (*newLink, error) {
	if c.Type != LinkColumn {
		if inverse != nil {
			return nil, invalid("inverse", CodeOption, "a %s column has no inverse", c.Type)
		}
		return nil, nil
	}
	l := &Link{Table: c.Options.Link.Table, Single: c.Options.Link.Single}
	if c.Options.Link.Inverse != "" {
		return nil, invalid("options", CodeOption, "inverse_id is given by the database")
	}
	if l.Table == "" {
		l.Table = t.ID
	}
	n := &newLink{column: c.ID, target: t}
	var err error
	if l.Table != t.ID {
		if n.target, err = u.linkTable(l.Table); err != nil {
			return nil, err
		}
		if n.target == nil || n.target.Workspace != t.Workspace || n.target.Archived() {
			return nil, invalid("options", CodeOption, "there is no table %s to link to", cleanText(l.Table, maxName))
		}
	}
	c.Options.Link = l
	if inverse == nil {
		return n, nil
	}
	if n.inverse, err = u.inverseOf(t, c, n.target, *inverse); err != nil {
		return nil, err
	}
	l.Inverse = n.inverse.ID
	return n, nil
}

// inverseOf is the column of target that will show the links of c from the other side.
func (u *unit) inverseOf(t *Table, c *Column, target *Table, spec InverseSpec) (*Column, error) {
	inverse := &Column{ID: NewID(prefixColumn), Table: target.ID, Name: spec.Name, Type: LinkColumn,
		Options: ColumnOptions{Link: &Link{Table: t.ID, Single: spec.Single, Inverse: c.ID}}, Position: len(target.Columns)}
	if err := inverse.check(); err != nil {
		return nil, fmt.Errorf("inverse column: %w", err)
	}
	if nameTaken(target.Columns, inverse) || target.ID == t.ID && nameKey(inverse.Name) == nameKey(c.Name) {
		return nil, fmt.Errorf("column %q: %w", inverse.Name, ErrExists)
	}
	if len(target.Columns) >= u.db.opt.MaxColumns {
		return nil, &LimitError{Name: "columns", Max: u.db.opt.MaxColumns}
	}
	return inverse, nil
}

// finishLink makes what belongs to a link column of t that is stored.
func (u *unit) finishLink(t *Table, n *newLink) error {
	if n == nil {
		return nil
	}
	c, _ := t.Column(n.column)
	if err := edgesOf(t, c).define(u); err != nil {
		return err
	}
	if err := u.putLink(t, c); err != nil || n.inverse == nil {
		return err
	}
	return u.addInverse(t, n.target, n.inverse)
}

// addInverse adds the other column of a link of t to its table.
func (u *unit) addInverse(t, target *Table, inverse *Column) error {
	add := func(u *unit, target *Table) error {
		inverse.Position = len(target.Columns)
		if err := u.addPhysical(target, inverse); err != nil {
			return err
		}
		target.Columns = append(target.Columns, *inverse)
		target.layout = newLayout(u.db.store, target)
		if err := u.putColumn(target.Workspace, inverse); err != nil {
			return err
		}
		if err := u.putLink(target, inverse); err != nil {
			return err
		}
		return u.resource(target.columnEntry("column.create", inverse.ID), nil, *inverse)
	}
	if target.ID == t.ID {
		return add(u, t)
	}
	_, err := u.alter(target.ID, 0, add)
	return err
}

// keepLink is the link of a column whose options are replaced: only Single changes by that.
func (c *Column) keepLink(old *Link) error {
	now := c.Options.Link
	switch {
	case c.Type != LinkColumn:
		return nil
	case now == nil:
		c.Options.Link = old
		return nil
	case now.Table != "" && now.Table != old.Table || now.Inverse != "" && now.Inverse != old.Inverse:
		return invalid("options", CodeOption, "a link stays one to its table, and with its inverse: add a column, or name or drop the inverse")
	}
	c.Options.Link = &Link{Table: old.Table, Single: now.Single, Inverse: old.Inverse}
	return nil
}

// relink carries out what the patch of a link column asks for beside the column itself, which is stored.
func (u *unit) relink(t *Table, old, c *Column, p ColumnPatch) error {
	if c.Type != LinkColumn {
		if p.Inverse != nil || p.OneWay {
			return invalid("inverse", CodeOption, "a %s column has no inverse", c.Type)
		}
		return nil
	}
	if c.Options.Link.Single && !old.Options.Link.Single {
		if err := u.checkSingle(t, c); err != nil {
			return err
		}
	}
	switch {
	case p.Inverse != nil && p.OneWay:
		return invalid("inverse", CodeOption, "a link has an inverse or is one-way")
	case p.Inverse != nil:
		return u.makeTwoWay(t, c, *p.Inverse)
	case p.OneWay:
		return u.makeOneWay(t, c)
	}
	return nil
}

// checkSingle refuses to let cells name one row that name more.
func (u *unit) checkSingle(t *Table, c *Column) error {
	return u.cells(t, c, func(_, v lqp.Value) error {
		if len(v.Items()) > 1 {
			return invalid("options", CodeLink, "rows have more than one link in %q", c.Name)
		}
		return u.ctx.Err()
	})
}

// storeColumn writes a changed column of t, with its entry in the log.
func (u *unit) storeColumn(t *Table, old, c Column) error {
	i := slices.IndexFunc(t.Columns, func(o Column) bool { return o.ID == c.ID })
	t.Columns[i] = c
	t.layout = newLayout(u.db.store, t)
	if err := u.putColumn(t.Workspace, &c); err != nil {
		return err
	}
	return u.resource(t.columnEntry("column.update", c.ID), old, c)
}

// makeTwoWay adds the inverse column of a one-way link and fills it.
func (u *unit) makeTwoWay(t *Table, c *Column, spec InverseSpec) error {
	if c.Options.Link.Inverse != "" {
		return invalid("inverse", CodeOption, "%q has an inverse column: rename that", c.Name)
	}
	target := t
	if c.Options.Link.Table != t.ID {
		var err error
		if target, err = u.linkTable(c.Options.Link.Table); err != nil {
			return err
		}
		if target == nil || target.Archived() {
			return invalid("inverse", CodeOption, "the linked table is not in use")
		}
	}
	inverse, err := u.inverseOf(t, c, target, spec)
	if err != nil {
		return err
	}
	old := *c
	before := edgesOf(t, c)
	c.Options.Link = &Link{Table: old.Options.Link.Table, Single: old.Options.Link.Single, Inverse: inverse.ID}
	if err := u.storeColumn(t, old, *c); err != nil {
		return err
	}
	if after := edgesOf(t, c); after.table != before.table {
		if err := before.move(u, after); err != nil {
			return err
		}
	}
	if err := u.putLink(t, c); err != nil {
		return err
	}
	if err := u.addInverse(t, target, inverse); err != nil {
		return err
	}
	if target != t {
		if target, err = u.linkTable(target.ID); err != nil {
			return err
		}
	}
	_, err = u.syncLinks(target, inverse)
	return err
}

// makeOneWay removes the inverse column of a link.
func (u *unit) makeOneWay(t *Table, c *Column) error {
	if c.Options.Link.Inverse == "" {
		return nil
	}
	trashed, err := u.taken(`SELECT 1 FROM lt_trash WHERE workspace = ? AND resource = ?`, argText(t.Workspace), argText(c.Options.Link.Inverse))
	if err != nil {
		return err
	}
	if trashed {
		return invalid("one_way", CodeOption, "the inverse of %q is in the trash: delete it for good, or restore it", c.Name)
	}
	old := *c
	if err := u.loseInverse(t, c); err != nil {
		return err
	}
	return u.dropLinkColumn(t, old.Options.Link.Table, old.Options.Link.Inverse)
}

// loseInverse makes c, which is stored, a one-way link with its edges under its own name.
func (u *unit) loseInverse(t *Table, c *Column) error {
	old := *c
	before := edgesOf(t, c)
	c.Options.Link = &Link{Table: old.Options.Link.Table, Single: old.Options.Link.Single}
	if err := u.storeColumn(t, old, *c); err != nil {
		return err
	}
	if after := edgesOf(t, c); after.table != before.table {
		if err := before.move(u, after); err != nil {
			return err
		}
	}
	return u.putLink(t, c)
}

// dropLinkColumn removes a link column from its table, which may be archived, but not its edges. here is a table that is being
// altered: where the column is in it, its columns are changed. A column or table that is not there is no error.
func (u *unit) dropLinkColumn(here *Table, table, column string) error {
	t := here
	if here == nil || table != here.ID {
		var err error
		if t, err = u.linkTable(table); err != nil || t == nil {
			return err
		}
	}
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == column })
	if i < 0 {
		return u.removeLink(t.Workspace, column)
	}
	c := t.Columns[i]
	if t != here {
		t.Version++
		if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version), argText(t.Workspace), argText(t.ID)); err != nil {
			return err
		}
		if err := u.touch(t.Workspace, false); err != nil {
			return err
		}
	}
	if err := u.dropPhysical(t, &c); err != nil {
		return err
	}
	if _, err := u.exec(`DELETE FROM lt_column WHERE workspace = ? AND id = ?`, argText(t.Workspace), argText(column)); err != nil {
		return err
	}
	if err := u.removeLink(t.Workspace, column); err != nil {
		return err
	}
	t.Columns = slices.Delete(t.Columns, i, i+1)
	t.layout = newLayout(u.db.store, t)
	if err := u.renumber(t); err != nil {
		return err
	}
	if err := u.resource(t.columnEntry("column.delete", column), c, nil); err != nil {
		return err
	}
	return u.forgetColumn(t, column)
}

// forgetColumn takes a column that is gone for good out of the rules of its table and of roles: an id is never given again, but
// what is gone has no rights.
func (u *unit) forgetColumn(t *Table, column string) error {
	rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?
		ORDER BY role`, argText(t.Workspace), argText(t.ID))
	if err != nil {
		return err
	}
	for _, old := range rules {
		if _, ok := old.Columns[column]; !ok {
			continue
		}
		r := old
		r.Columns, r.Masks = maps.Clone(old.Columns), maps.Clone(old.Masks)
		delete(r.Columns, column)
		delete(r.Masks, column)
		if err := u.changeRule(old, r); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(t.Rules.Checks, func(k Check) bool { return k.uses(column) }) {
		return nil
	}
	stay := t.Rules.clone()
	stay.Checks = slices.DeleteFunc(stay.Checks, func(k Check) bool { return k.uses(column) })
	return u.replaceRules(t, stay)
}
