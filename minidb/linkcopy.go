package minidb

import (
	"crypto/sha256"

	"github.com/livetables/livetables/lqp"
)

// copyRowID is the id that the copy of a row gets. It follows from the row's own id and the key of the copy, so that cells
// that link to the row find its copy without a list of all rows being kept. The front half, which is the time of its making
// and a counter, stays: copies lie in the order of the originals.
func copyRowID(key, id string) string {
	sum := sha256.Sum256([]byte(key + id))
	b := []byte(id)
	half := b[len(b)-idLen/2:]
	for i := range half {
		half[i] = idDigits[sum[i]&0x1f]
	}
	return string(b)
}

// copyLinks makes the link columns of a copied table, which is not stored yet, name the copies. A link to a table that is not
// copied goes on naming that, one-way: the table gets no column for the rows of the copy.
func (c *baseCopy) copyLinks(t *Table) {
	for i := range t.Columns {
		l := t.Columns[i].Options.Link.clone()
		if l == nil {
			continue
		}
		if to, ok := c.ids[l.Table]; ok {
			l.Table = to
		}
		l.Inverse = c.ids[l.Inverse]
		t.Columns[i].Options.Link = l
	}
}

// defineLinks makes the tables of edges of a copied table. That of a two-way link is made with the first of its columns.
func (c *baseCopy) defineLinks(t *Table) error {
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Type != LinkColumn {
			continue
		}
		e := edgesOf(t, col)
		if !c.edges[e.table] {
			if err := e.define(c.unit); err != nil {
				return err
			}
			c.edges[e.table] = true
		}
		if err := c.putLink(t, col); err != nil {
			return err
		}
	}
	return nil
}

// copyCells makes the link cells of copied rows of t name the copies of rows, and stores the edges; cells with files get copies
// of them.
func (c *baseCopy) copyCells(old, t *Table, rows [][]lqp.Value) error {
	for _, i := range t.layout.files {
		slot := t.layout.user[i]
		for _, row := range rows {
			var err error
			if row[slot], err = c.copyFiles(c.key, t.ID, t.Columns[i].ID, row[slot]); err != nil {
				return err
			}
		}
	}
	for _, i := range t.layout.links {
		col, slot := &t.Columns[i], t.layout.user[i]
		_, copied := c.ids[old.Columns[i].Options.Link.Table]
		e := edgesOf(t, col)
		var list []edge
		for _, row := range rows {
			ids := linkIDs(row[slot])
			for k, id := range ids {
				if copied {
					ids[k] = copyRowID(c.key, id)
				}
				list = append(list, edge{row[idSlot].Text(), ids[k]})
			}
			row[slot] = linkValue(ids)
		}
		if e.own != edgeFrom {
			continue // the other column of the link stores them
		}
		if err := e.add(c.unit, list); err != nil {
			return err
		}
	}
	return nil
}
