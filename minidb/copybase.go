package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Duplicate says how a base is copied.
type Duplicate struct {
	Name string // of the copy; empty for that of the original with "copy" behind it, and a number when that is taken
	// Rows copies the rows too. They get new ids and begin with version 1; who made and changed them and when stays, since
	// rules may ask for it.
	Rows bool
	// PolicyVersion is as in Guard.
	PolicyVersion int64
}

// DuplicateBase copies a base under another name with its tables, views, rules and caps, all or nothing, in one transaction. Every
// copy has an id of its own, and views and rules speak of the copies: a view that also reads tables of other bases goes on
// reading those. Publications are not copied. The log gets an entry for every table, view, rule and row.
//
// Every writer waits for the copy; a million rows take minutes.
func (db *DB) DuplicateBase(ctx context.Context, actor Actor, base string, d Duplicate) (*Base, error) {
	if actor.Reason == "" {
		actor.Reason = "copy of " + cleanText(base, maxName)
	}
	var b Base
	err := db.write(ctx, "duplicate base "+base, actor, func(u *unit) error {
		old, err := u.base(base)
		if err != nil {
			return err
		}
		if err := u.checkPolicy(old.Workspace, d.PolicyVersion); err != nil {
			return err
		}
		if d.Name == "" {
			if d.Name, err = nameOfCopy(old.Name, func(name string) error { return u.freeBaseName(Base{Workspace: old.Workspace, Name: name}) }); err != nil {
				return err
			}
		}
		if b, err = u.newBase(old.Workspace, BaseSpec{Name: d.Name, Description: old.Description, Colour: old.Colour, Icon: old.Icon, Project: old.Project}); err != nil {
			return err
		}
		c := baseCopy{unit: u, from: old, to: b, ids: map[string]string{}}
		return c.run(d.Rows)
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// baseCopy is a base on its way to become two.
type baseCopy struct {
	*unit
	from, to Base
	ids      map[string]string // of tables, columns and views: old to new
	edges    map[string]bool   // tables of edges that are made
	key      string            // of copyRowID
	name     string            // of the copy of a single table
}

func (c *baseCopy) run(rows bool) error {
	if err := c.copyCaps(c.from.Workspace, c.from.ID, c.to.ID); err != nil {
		return err
	}
	tables, err := all(c.session, func(r record) string { return r.text(0) },
		`SELECT id FROM lt_table WHERE workspace = ? AND base = ? ORDER BY id`, argText(c.from.Workspace), argText(c.from.ID))
	if err != nil {
		return err
	}
	list := make([]*Table, len(tables))
	for i, id := range tables {
		if list[i], err = c.table(id); err != nil {
			return err
		}
	}
	if _, err := c.tables(list, rows); err != nil {
		return err
	}
	return c.views()
}

// tables copies tables and answers the copies. Tables name each other: all of them have their new ids before the first is made.
func (c *baseCopy) tables(list []*Table, rows bool) ([]*Table, error) {
	c.edges, c.key = make(map[string]bool), NewID(prefixRow)
	made := make([]*Table, len(list))
	for i, old := range list {
		made[i] = c.copyOf(old)
		if c.name != "" {
			made[i].Name, made[i].Position = c.name, 0
			if err := made[i].check(); err != nil {
				return nil, err
			}
			if err := c.freeTableName(made[i]); err != nil {
				return nil, err
			}
		}
	}
	return made, c.fillTables(list, made, rows)
}

// fillTables makes copies of tables.
func (c *baseCopy) fillTables(list, made []*Table, rows bool) error {
	for i, t := range made {
		old := list[i]
		c.copyLinks(t)
		c.copyComputed(t)
		for i := range t.Columns {
			if !rows {
				t.Columns[i].next = 1 // no row has a number yet
			}
		}
		if err := c.createTable(t); err != nil {
			return err
		}
		if err := c.defineLinks(t); err != nil {
			return err
		}
		if err := c.copyIndexes(old, t, c.ids); err != nil {
			return err
		}
		// The rules and caps are there before the first row is.
		if err := c.copyCaps(old.Workspace, old.ID, t.ID); err != nil {
			return err
		}
		if err := c.rules(old, t, rows); err != nil {
			return err
		}
		if rows {
			if err := c.copyRows(old, t); err != nil {
				return err
			}
		}
	}
	if rows {
		for _, t := range made {
			if err := c.computeCopied(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyOf is the table as its copy will be.
func (c *baseCopy) copyOf(old *Table) *Table {
	t := *old
	t.ID, t.Base, t.Version, t.CreatedAt, t.CreatedBy, t.physical, t.indexes = NewID(prefixTable), c.to.ID, 1, c.now, c.actor.ID, "", nil
	if t.Archived() {
		t.ArchivedAt = &c.now
	}
	c.ids[old.ID] = t.ID
	t.Columns = slices.Clone(old.Columns)
	for i := range t.Columns {
		col := &t.Columns[i]
		col.ID, col.Table = NewID(prefixColumn), t.ID
		c.ids[old.Columns[i].ID] = col.ID
		col.Options.Choices = slices.Clone(col.Options.Choices)
		for k := range col.Options.Choices {
			col.Options.Choices[k].ID = NewID(prefixChoice)
		}
	}
	t.Rules = old.Rules.renamed(c.ids)
	return &t
}

// rules gives the copy of a table the rules of the original.
func (c *baseCopy) rules(old, t *Table, rows bool) error {
	rules, err := all(c.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND connection = '' AND table_name = ?
		ORDER BY role`, argText(old.Workspace), argText(old.ID))
	if err != nil {
		return err
	}
	for _, r := range rules {
		if rows && r.asksForRows() {
			return fmt.Errorf("table %q, role %s: %w", old.Name, r.Role, ErrRuleOfRows)
		}
		r.Table.Table = t.ID
		for _, doc := range []*[]byte{(*[]byte)(&r.Read), (*[]byte)(&r.Create), (*[]byte)(&r.Update), (*[]byte)(&r.Delete)} {
			// What no reader can decode closes the table, the copy as the original.
			if e, err := lqp.DecodeExpr(*doc, lqp.DecodeOptions{}); len(*doc) > 0 && err == nil {
				*doc = lqp.EncodeExpr(renamed(e, c.ids))
			}
		}
		columns := make(map[string]rbac.Access, len(r.Columns))
		for id, access := range r.Columns {
			if now, ok := c.ids[id]; ok {
				id = now
			}
			columns[id] = access
		}
		r.Columns = columns
		masks := make(map[string]json.RawMessage, len(r.Masks))
		for id, doc := range r.Masks {
			if e, err := lqp.DecodeExpr(doc, lqp.DecodeOptions{}); err == nil {
				doc = lqp.EncodeExpr(renamed(e, c.ids))
			}
			if now, ok := c.ids[id]; ok {
				id = now
			}
			masks[id] = doc
		}
		r.Masks = masks
		if err := c.touch(r.Workspace, true); err != nil {
			return err
		}
		if err := c.storeRule(r); err != nil {
			return err
		}
		if err := c.resource(r.entry("rule.create"), nil, r); err != nil {
			return err
		}
	}
	return nil
}

// asksForRows reports whether the rule asks for the id or the version of rows, or names one.
func (r Rule) asksForRows() bool {
	found := false
	docs := [][]byte{r.Read, r.Create, r.Update, r.Delete}
	for _, mask := range r.Masks {
		docs = append(docs, mask)
	}
	for _, doc := range docs {
		e, err := lqp.DecodeExpr(doc, lqp.DecodeOptions{})
		if len(doc) == 0 || err != nil {
			continue
		}
		lqp.Walk(e, func(e lqp.Expr) bool {
			switch e := e.(type) {
			case *lqp.Col:
				found = found || e.Column == ColumnID || e.Column == ColumnVersion
			case *lqp.Lit: // a row that a link may name
				found = found || e.Val.Kind() == lqp.Text && ValidID(e.Val.Text(), prefixRow)
			case *lqp.ListLit:
				for _, item := range e.Items {
					found = found || item.Val.Kind() == lqp.Text && ValidID(item.Val.Text(), prefixRow)
				}
			}
			return true
		})
	}
	return found
}

// copyRows copies the rows in the order of their ids.
func (c *baseCopy) copyRows(old, t *Table) error {
	l := t.layout
	return c.eachChunk(old.layout, func(rows [][]lqp.Value) error {
		for i, row := range rows {
			row = row[:len(l.ids)] // what is in the trash stays behind
			rows[i] = row
			if t.Ordered() {
				row[l.order()] = lqp.TextValue(l.placeOf(row)) // where it lay among the others, by their old ids
			}
			row[idSlot], row[l.version()] = lqp.TextValue(copyRowID(c.key, row[idSlot].Text())), lqp.IntValue(1)
		}
		if err := c.copyCells(old, t, rows); err != nil {
			return err
		}
		for _, row := range rows {
			l.computeRow(row) // what asks for the id of the row
			id := row[idSlot].Text()
			c.note(audit.Entry{Workspace: t.Workspace, Action: rowActions[lqp.Insert], ResourceType: "row", Resource: id, Table: t.ID,
				Version: 1, After: l.appendImage(nil, row)})
		}
		if err := c.tx.Insert(c.ctx, l.schema, l.ids, rows); err != nil {
			return fmt.Errorf("copy rows of %s: %w", old.ID, err)
		}
		return c.flush()
	})
}

// views copies the views. They may read each other: all of them have their new ids before the first is written.
func (c *baseCopy) views() error {
	views, err := all(c.session, scanView, `SELECT `+viewColumns+` FROM lt_view WHERE workspace = ? AND base = ? ORDER BY id`,
		argText(c.from.Workspace), argText(c.from.ID))
	if err != nil {
		return err
	}
	for _, v := range views {
		c.ids[v.ID] = NewID(prefixView)
	}
	for _, v := range views {
		spec := ViewSpec{Name: v.Name, Query: v.Query}
		// A query that cannot be decoded cannot be run either: its copy is as broken as it is.
		if q, err := lqp.DecodeQuery(v.Query, lqp.DecodeOptions{}); err == nil {
			spec.Query = lqp.EncodeQuery(repointed(q, c.ids))
		}
		if _, err := c.newView(&c.to, c.ids[v.ID], spec); err != nil {
			return err
		}
		if err := c.copyCaps(v.Workspace, v.ID, c.ids[v.ID]); err != nil {
			return err
		}
	}
	return nil
}
