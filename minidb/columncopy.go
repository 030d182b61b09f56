package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// DuplicateColumn says how a column is copied within its table.
type DuplicateColumn struct {
	Name string // of the copy; empty for that of the original with "copy" behind it, and a number when that is taken
	// Cells gives the copy the values of the original, as changes of the rows. Without them it is as a new column.
	Cells bool
	// Position is the place of the copy among the columns, nil for right behind the original.
	Position *int
	Version  int64 // the table's as the caller has seen it, 0 for any
	// PolicyVersion is as in Guard.
	PolicyVersion int64
}

// DuplicateColumn copies a column with what the rules of roles say of it, before it has a value. A column that the mini-DB
// numbers, or computes, has values of its own. The copy of a link is one-way: the linked table gets no further column.
func (db *DB) DuplicateColumn(ctx context.Context, actor Actor, column string, d DuplicateColumn) (*Column, error) {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return nil, err
	}
	var made Column
	_, err = db.alterTable(ctx, "duplicate column "+column, actor, table, d.Version, func(u *unit, t *Table) error {
		if err := u.checkPolicy(t.Workspace, d.PolicyVersion); err != nil {
			return err
		}
		old, ok := t.Column(column)
		if !ok {
			return fmt.Errorf("column: %w", ErrNotFound)
		}
		from := *old
		made, err = u.copyColumn(t, &from, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// copyColumn makes the copy of a column of t.
func (u *unit) copyColumn(t *Table, from *Column, d DuplicateColumn) (Column, error) {
	name := d.Name
	if name == "" {
		var err error
		if name, err = nameOfCopy(from.Name, func(name string) error {
			if nameTaken(t.Columns, &Column{Name: name}) {
				return fmt.Errorf("column %q: %w", name, ErrExists)
			}
			return nil
		}); err != nil {
			return Column{}, err
		}
	}
	spec := ColumnSpec{Name: name, Type: from.Type, Options: from.Options, Unique: from.Unique, Default: from.Default, Description: from.Description}
	if l := from.Options.Link; l != nil {
		spec.Options.Link = &Link{Table: l.Table, Single: l.Single}
	}
	spec.Options.Choices = slices.Clone(from.Options.Choices)
	for i := range spec.Options.Choices {
		spec.Options.Choices[i].ID = NewID(prefixChoice)
	}
	// What is required has its values first.
	c, err := u.addColumn(t, spec)
	if err != nil {
		return c, err
	}
	if err := u.copyGrants(t, from.ID, c.ID); err != nil {
		return c, err
	}
	if d.Cells && !from.Type.Filled() {
		if err := u.copyCells(t, from, &c); err != nil {
			return c, err
		}
	}
	if from.Required {
		yes := true
		now, err := u.updateColumn(t, c.ID, ColumnPatch{Required: &yes})
		if err != nil {
			return c, err
		}
		c = *now
	}
	place := from.Position + 1
	if d.Position != nil {
		place = *d.Position
	}
	return c, u.place(t, &c, place)
}

// copyCells gives a new column of t the values of another one.
func (u *unit) copyCells(t *Table, from, c *Column) error {
	t.layout = newLayout(u.db.store, t)
	l := t.layout
	p := &rowPlan{t: t, l: l, m: &lqp.Mutation{Op: lqp.Update}}
	source, slot := l.slots[from.ID], l.slots[c.ID]
	return u.eachChunk(l, func(rows [][]lqp.Value) error {
		list := make([]rowWrite, 0, len(rows))
		var edges []edge
		for _, row := range rows {
			v := row[source]
			if v.IsNull() {
				continue
			}
			if c.Type == LinkColumn {
				for _, id := range linkIDs(v) {
					edges = append(edges, edge{row[idSlot].Text(), id})
				}
			}
			if c.Type == AttachmentColumn {
				var err error
				if v, err = u.copyFiles(c.ID, t.ID, c.ID, v); err != nil {
					return err
				}
			}
			list = append(list, u.change(p, &rowChange{set: []cell{{slot, v}}}, row))
		}
		if len(edges) > 0 { // before the cells, which others may be computed through
			if err := edgesOf(t, c).add(u, edges); err != nil {
				return err
			}
		}
		if len(list) == 0 {
			return nil
		}
		return u.writeCells(p, list)
	})
}

// copyGrants has the rules of roles say of a copy what they say of the original.
func (u *unit) copyGrants(t *Table, from, to string) error {
	rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?
		ORDER BY role`, argText(t.Workspace), argText(t.ID))
	if err != nil {
		return err
	}
	for _, old := range rules {
		access, ok := old.Columns[from]
		if !ok {
			continue
		}
		r := old
		r.Columns, r.Masks = maps.Clone(old.Columns), maps.Clone(old.Masks)
		r.Columns[to] = access
		if mask, ok := old.Masks[from]; ok {
			if e, err := lqp.DecodeExpr(mask, lqp.DecodeOptions{}); err == nil {
				mask = json.RawMessage(lqp.EncodeExpr(renamed(e, map[string]string{from: to})))
			}
			r.Masks[to] = mask
		}
		if err := u.changeRule(old, r); err != nil {
			return err
		}
	}
	return nil
}
