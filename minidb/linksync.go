package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// syncLinks makes the cells of a link column of t say what the edges say: those of a column that is new, or that could not
// be written for a while. Rows keep the order of what stays. They get new versions and log entries where they change. empty
// reports whether there is a row without a link.
func (u *unit) syncLinks(t *Table, c *Column) (empty bool, err error) {
	p := &rowPlan{t: t, l: t.layout, m: &lqp.Mutation{Op: lqp.Update, Table: t.ID}}
	slot := p.l.slots[c.ID]
	err = u.eachChunk(p.l, func(rows [][]lqp.Value) error {
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = row[idSlot].Text()
		}
		edges, err := u.linkedRows(t, c, ids, 0)
		if err != nil {
			return err
		}
		var list []rowWrite
		for i, row := range rows {
			want := setOf(edges[ids[i]])
			now := slices.DeleteFunc(linkIDs(row[slot]), func(id string) bool { return !want[id] })
			has := setOf(now)
			for _, id := range edges[ids[i]] {
				if !has[id] {
					now = append(now, id)
				}
			}
			value := linkValue(now)
			empty = empty || len(now) == 0
			switch {
			case lqp.Equal(value, row[slot]):
				continue
			case c.Options.Link.Single && len(now) > 1:
				return invalid("inverse", CodeLink, "rows are linked to more than one row, which %q has no room for", c.Name)
			case len(now) > MaxLinks:
				return &LimitError{Name: "links of a row", Max: MaxLinks}
			}
			w := rowWrite{op: lqp.Update, id: ids[i], version: p.l.versionOf(row), changed: true, before: row, after: slices.Clone(row)}
			w.after[slot] = value
			u.stamp(p.l, &w)
			list = append(list, w)
		}
		if err := u.compute(p, list); err != nil {
			return err
		}
		if err := u.settleLinked(p, list); err != nil {
			return err
		}
		if err := u.spread(t, list); err != nil {
			return err
		}
		return u.flush()
	})
	return empty, err
}

// linksAreBack brings the link columns of a table that was in the trash up to date. Columns whose link ended meanwhile, with
// the table that they named, are removed.
func (u *unit) linksAreBack(t *Table) error {
	for _, c := range slices.Clone(t.Columns) {
		if c.Type != LinkColumn {
			continue
		}
		back, err := u.linkIsBack(t, &c)
		if err == nil && !back {
			err = u.dropLinkColumn(t, t.ID, c.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linkIsBack brings a link column that was out of use, or whose table was, up to date: what the other side did meanwhile is in
// the edges. It is false for a column whose link has ended: the table that it named is gone for good.
func (u *unit) linkIsBack(t *Table, c *Column) (bool, error) {
	listed, ok, err := u.listed(t.Workspace, c.ID)
	if err != nil || !ok {
		return false, err
	}
	if c.Options.Link.Inverse != "" {
		_, two, err := u.listed(t.Workspace, c.Options.Link.Inverse)
		if err != nil {
			return false, err
		}
		if !two { // the other column is gone for good
			old := *c
			c.Options.Link = &Link{Table: old.Options.Link.Table, Single: old.Options.Link.Single}
			if err := u.storeColumn(t, old, *c); err != nil {
				return false, err
			}
			if after := edgesOf(t, c); after.table != listed.edges {
				if err := listed.sides(t.Workspace).move(u, after); err != nil {
					return false, err
				}
			}
			if err := u.putLink(t, c); err != nil {
				return false, err
			}
		}
	}
	if err := u.pruneEdges(t, c); err != nil {
		return false, err
	}
	empty, err := u.syncLinks(t, c)
	if err != nil || !empty || !c.Required {
		return true, err
	}
	// Rows that it linked to were deleted, which nothing could keep from happening. The promise cannot be kept any more.
	old := *c
	c.Required = false
	return true, u.storeColumn(t, old, *c)
}

// endLink removes a link column that was in the trash for good. A column that shows the link from the other side stays, as a
// one-way link.
func (u *unit) endLink(workspace, column string) error {
	l, ok, err := u.listed(workspace, column)
	if err != nil || !ok {
		return err
	}
	if err := u.removeLink(workspace, column); err != nil {
		return err
	}
	inverse, two, err := one(u.session, scanLink, `SELECT `+linkColumns+` FROM lt_link WHERE workspace = ? AND edges = ?`, argText(workspace), argText(l.edges))
	if err != nil {
		return err
	}
	if !two {
		return u.dropTable(workspace, l.edges)
	}
	t, err := u.linkTable(inverse.table)
	if err != nil || t == nil {
		return err
	}
	c, ok := t.Column(inverse.column)
	if !ok {
		return nil // in the trash itself: it learns of it when it comes back
	}
	t.Version++
	if _, err := u.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version), argText(workspace), argText(t.ID)); err != nil {
		return err
	}
	alone := *c
	return u.loseInverse(t, &alone)
}

// endLinks removes what has to do with the links of a table that is gone for good: the edges, and the columns of other tables
// that name its rows.
func (u *unit) endLinks(workspace, table string) error {
	list, err := u.linksOf(workspace, table)
	if err != nil {
		return err
	}
	dropped := make(map[string]bool)
	for _, l := range list {
		if !dropped[l.edges] {
			dropped[l.edges] = true
			if err := u.dropTable(workspace, l.edges); err != nil {
				return err
			}
		}
		if l.table == table {
			err = u.removeLink(workspace, l.column)
		} else {
			err = u.dropLinkColumn(nil, l.table, l.column)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
