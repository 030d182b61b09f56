package minidb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Removal says how a column goes.
type Removal struct {
	Version int64 // the table's as the caller has seen it, 0 for any
	// Force lifts the rules of the table that use the column: unique sets and checks. They come back with it. Without it they
	// keep the column from going.
	Force bool
	// Archive puts the column away without an end, instead of for the time that things stay in the trash.
	Archive bool
}

// columnGrant is what the rule of a role said of a column.
type columnGrant struct {
	Access rbac.Access     `json:"access"`
	Mask   json.RawMessage `json:"mask,omitempty"`
}

// DeleteColumn is RemoveColumn without force: the column goes into the trash.
func (db *DB) DeleteColumn(ctx context.Context, actor Actor, column string, version int64) error {
	return db.RemoveColumn(ctx, actor, column, Removal{Version: version})
}

// RemoveColumn puts a column into the trash. Its cells stay in the rows, out of sight; its indexes, and what the rules of
// roles say of it, are kept with it. Rows that are made meanwhile have no value in it. Expressions that use the column keep
// naming it and do not bind until it is back: a rule of a role closes its table.
func (db *DB) RemoveColumn(ctx context.Context, actor Actor, column string, rm Removal) error {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return err
	}
	_, err = db.alterTable(ctx, "delete column "+column, actor, table, rm.Version, func(u *unit, t *Table) error {
		return u.removeColumn(t, column, rm)
	})
	return err
}

func (u *unit) removeColumn(t *Table, column string, rm Removal) error {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID == column })
	if i < 0 {
		return fmt.Errorf("column: %w", ErrNotFound)
	}
	c := t.Columns[i]
	if err := u.room(t.ID, "columns in the trash", `SELECT count(*) FROM lt_trash WHERE kind = 'column' AND place = ?`, u.db.opt.MaxColumns); err != nil {
		return err
	}
	tr, err := u.newTrash(t.Workspace, TrashedColumn, c.ID, t.ID, c.Name)
	if err != nil {
		return err
	}
	tr.Archived, tr.storage = rm.Archive, u.db.store.DeclareType(c.storedType())
	if err := tr.take("lt_column", "id", c.ID); err != nil {
		return err
	}
	if err := tr.liftRules(t, &c, rm.Force); err != nil {
		return err
	}
	if err := tr.liftIndexes(t, column); err != nil {
		return err
	}
	if c.Unique {
		if err := u.dropUnique(t, &c); err != nil {
			return err
		}
	}
	t.Columns = slices.Delete(t.Columns, i, i+1)
	t.trashed = append(slices.Clip(t.trashed), trashedColumn{c, tr.storage})
	if err := u.renumber(t); err != nil {
		return err
	}
	action := "column.delete"
	if rm.Archive {
		action = "column.archive"
	}
	if err := u.resource(t.columnEntry(action, column), c, nil); err != nil {
		return err
	}
	if err := tr.ungrant(t, column); err != nil {
		return err
	}
	return tr.done()
}

// uses reports whether the check asks for a column, or shows its message there.
func (k *Check) uses(column string) bool {
	found := k.Column == column
	if e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{}); err == nil {
		lqp.Walk(e, func(e lqp.Expr) bool {
			c, ok := e.(*lqp.Col)
			found = found || ok && c.Column == column
			return true
		})
	}
	return found
}

// liftRules takes the rules of the table that use a column out of it.
func (tr *trashing) liftRules(t *Table, c *Column, force bool) error {
	var lifted TableRules
	stay := TableRules{}
	for _, s := range t.Rules.Uniques {
		if slices.Contains(s.Columns, c.ID) {
			lifted.Uniques = append(lifted.Uniques, s)
		} else {
			stay.Uniques = append(stay.Uniques, s)
		}
	}
	for _, k := range t.Rules.Checks {
		if k.uses(c.ID) {
			lifted.Checks = append(lifted.Checks, k)
		} else {
			stay.Checks = append(stay.Checks, k)
		}
	}
	switch {
	case len(lifted.Uniques) > 0 && !force:
		return invalid("uniques", CodeUnique, "%q is unique together with other columns; lift that rule of the table first, or force the change", c.Name)
	case len(lifted.Checks) > 0 && !force:
		return invalid("checks", CodeUnknownColumn, "a check of the table uses %q; lift it first, or force the change", c.Name)
	case len(lifted.Uniques)+len(lifted.Checks) == 0:
		return nil
	}
	if err := tr.keep(sourceRules, []byte(lifted.document())); err != nil {
		return err
	}
	for _, s := range lifted.Uniques {
		if err := tr.dropUniqueSet(t, s); err != nil {
			return err
		}
	}
	return tr.replaceRules(t, stay)
}

// replaceRules stores other rules of a table, whose indexes are as they should be, and notes it.
func (u *unit) replaceRules(t *Table, rules TableRules) error {
	old := t.head()
	t.Rules = rules
	if err := u.storeRules(t); err != nil {
		return err
	}
	return u.resource(t.entry("table.update"), old, t.head())
}

// liftIndexes takes the indexes along that use a column.
func (tr *trashing) liftIndexes(t *Table, column string) error {
	for i := range t.indexes {
		if x := &t.indexes[i]; x.uses(column) {
			doc, err := json.Marshal(x)
			if err != nil {
				return err
			}
			if err := tr.keep(sourceIndex, doc); err != nil {
				return err
			}
		}
	}
	return tr.removeIndexes(t, func(x *Index) bool { return x.uses(column) })
}

// ungrant takes a column out of the rules of its table and keeps what they said of it.
func (tr *trashing) ungrant(t *Table, column string) error {
	rules, err := all(tr.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?
		ORDER BY role`, argText(t.Workspace), argText(t.ID))
	if err != nil {
		return err
	}
	grants := map[rbac.Role]columnGrant{}
	for _, r := range rules {
		access, ok := r.Columns[column]
		if !ok {
			continue
		}
		grants[r.Role] = columnGrant{access, r.Masks[column]}
		old := r
		r.Columns, r.Masks = maps.Clone(old.Columns), maps.Clone(old.Masks)
		delete(r.Columns, column)
		delete(r.Masks, column)
		if err := tr.changeRule(old, r); err != nil {
			return err
		}
	}
	if len(grants) == 0 {
		return nil
	}
	tr.Grants = make(map[rbac.Role]rbac.Access, len(grants))
	for role, g := range grants {
		tr.Grants[role] = g.Access
	}
	doc, err := json.Marshal(grants)
	if err != nil {
		return err
	}
	return tr.keep(sourceGrants, doc)
}

// changeRule stores a rule in the place of what it was.
func (u *unit) changeRule(old, r Rule) error {
	if err := u.storeRule(r); err != nil {
		return err
	}
	if err := u.touch(r.Workspace, true); err != nil {
		return err
	}
	return u.resource(r.entry("rule.update"), old, r)
}

// regrant gives roles back what they may do with a column, before anybody sees it. A role that is gone needs nothing; a rule
// that was lifted meanwhile begins anew with the column alone, and a mask that no longer fits the table shows NULL.
func (u *unit) regrant(t *Table, column string, kept []keptRecord) error {
	grants := map[rbac.Role]columnGrant{}
	if err := decodeKept(kept, sourceGrants, &grants); err != nil {
		return err
	}
	for role, g := range grants {
		var bad *ValidationError
		if err := u.checkRole(t.Workspace, role); errors.As(err, &bad) {
			continue
		} else if err != nil {
			return err
		}
		ref := rbac.TableRef{Table: t.ID}
		old, existed, err := u.rule(t.Workspace, ref, role)
		if err != nil {
			return err
		}
		r := old
		if !existed {
			r = Rule{Workspace: t.Workspace, Table: ref, Role: role}
		}
		r.Columns, r.Masks = maps.Clone(old.Columns), maps.Clone(old.Masks)
		if r.Columns == nil {
			r.Columns = map[string]rbac.Access{}
		}
		r.Columns[column] = g.Access
		if g.Mask != nil && t.hasColumnsOf(g.Mask) {
			if r.Masks == nil {
				r.Masks = map[string]json.RawMessage{}
			}
			r.Masks[column] = g.Mask
		}
		if existed {
			err = u.changeRule(old, r)
		} else if err = u.storeRule(r); err == nil {
			if err = u.touch(r.Workspace, true); err == nil {
				err = u.resource(r.entry("rule.create"), nil, r)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasColumnsOf reports whether the table has the columns that a stored expression names.
func (t *Table) hasColumnsOf(doc json.RawMessage) bool {
	e, err := lqp.DecodeExpr(doc, lqp.DecodeOptions{})
	if err != nil {
		return false
	}
	has := true
	lqp.Walk(e, func(e lqp.Expr) bool {
		if c, ok := e.(*lqp.Col); ok {
			_, known := t.layout.slots[c.Column]
			has = has && known
		}
		return true
	})
	return has
}

// dropCells removes the physical column of one that is gone for good.
func (u *unit) dropCells(t *Table, column string) error {
	if _, err := u.exec("ALTER TABLE " + u.physical(t) + " DROP COLUMN " + quoteID(column)); err != nil {
		return fmt.Errorf("drop physical column: %w", err)
	}
	return nil
}
