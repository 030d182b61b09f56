package minidb

import (
	"context"
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
)

// The definitions of the indexes of physical tables.

// defineIndexes creates all the indexes of the physical table of t.
func (u *unit) defineIndexes(t *Table) error {
	if err := u.createCreated(u.db.store, t.Workspace, t.ID, t.physicalName()); err != nil {
		return err
	}
	for i := range t.Columns {
		if t.Columns[i].Unique {
			if err := u.createUnique(t, &t.Columns[i]); err != nil {
				return err
			}
		}
	}
	for i := range t.indexes {
		if err := u.createIndex(t, &t.indexes[i]); err != nil {
			return err
		}
	}
	return u.createUniqueSets(t)
}

// createCreated creates the index of the time when rows were made. New rows come at its end, which costs little.
func (s session) createCreated(store adapter.Store, workspace, table, physical string) error {
	if _, err := s.exec("CREATE INDEX IF NOT EXISTS " + quoteID("created_"+table) + " ON " + s.at(store, workspace, physical) +
		" (" + quoteID(ColumnCreatedAt) + ")"); err != nil {
		return fmt.Errorf("create index of creation times: %w", err)
	}
	return nil
}

// createIndex builds an index of t. The row id is the end of every key: rows that agree in the columns lie in its order,
// which is the one that pages are told apart by.
func (u *unit) createIndex(t *Table, x *Index) error {
	var b strings.Builder
	b.WriteString("CREATE INDEX " + quoteID(x.ID) + " ON " + u.physical(t) + " (")
	last, desc, width := false, false, 0
	for i, c := range x.Columns {
		if c.Column == ColumnOrder {
			b.WriteString(placeTerm)
			if onPostgres(u.db.store) {
				b.WriteString(" NULLS FIRST") // as sorts are spelled, though no row is without a place
			}
			break
		}
		typ := t.layout.schema.Columns[t.layout.slots[c.Column]].Type
		width += keyWidth(typ)
		if i > 0 && onPostgres(u.db.store) && width > maxKeyWidth {
			break // what the first columns leave open is sorted
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(indexTerm(u.db.store, c.Column, typ, c.Desc))
		last, desc = last || c.Column == ColumnID, c.Desc
	}
	if !last {
		b.WriteString(", " + quoteID(ColumnID))
		if desc { // as rows that tie are sorted
			b.WriteString(" DESC")
		}
	}
	b.WriteString(")")
	if _, err := u.exec(b.String()); err != nil {
		return fmt.Errorf("create index: %w", err)
	}
	return nil
}

func (u *unit) dropIndex(t *Table, x *Index) error {
	if _, err := u.exec("DROP INDEX " + u.at(u.db.store, t.Workspace, x.ID)); err != nil {
		return fmt.Errorf("drop index: %w", err)
	}
	return nil
}

// rebuildIndexes makes the physical column and its indexes follow a change of a column after which they hold something else
// than before.
func (u *unit) rebuildIndexes(t *Table, old, c *Column) error {
	was, is := old.valueType(), c.valueType()
	if err := u.widen(t, old, c); err != nil {
		return err
	}
	if old.Unique && c.Unique && u.hashed(was) != u.hashed(is) {
		if err := u.dropUnique(t, old); err != nil {
			return err
		}
		if err := u.createUnique(t, c); err != nil {
			return err
		}
	}
	if err := u.rebuildUniqueSets(t, c.ID, was, is); err != nil {
		return err
	}
	if indexTerm(u.db.store, c.ID, was, false) == indexTerm(u.db.store, c.ID, is, false) && keyWidth(was) == keyWidth(is) {
		return nil
	}
	for i := range t.indexes {
		x := &t.indexes[i]
		if !x.uses(c.ID) {
			continue
		}
		if err := u.dropIndex(t, x); err != nil {
			return err
		}
		if err := u.createIndex(t, x); err != nil {
			return err
		}
	}
	return nil
}

// indexCreated gives the tables of a database of an earlier release the index of creation times, once.
func (db *DB) indexCreated(ctx context.Context) error {
	return db.store.Write(ctx, func(tx adapter.Tx) error {
		s := session{ctx, tx}
		_, done, err := one(s, func(r record) string { return r.text(0) }, `SELECT value FROM lt_meta WHERE name = 'indexes'`)
		if err != nil || done {
			return err
		}
		type place struct{ workspace, id, physical string }
		tables, err := all(s, func(r record) place { return place{r.text(0), r.text(1), r.text(2)} },
			`SELECT workspace, id, CASE physical WHEN '' THEN id ELSE physical END FROM lt_table ORDER BY id`)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := s.createCreated(db.store, t.workspace, t.id, t.physical); err != nil {
				return err
			}
		}
		_, err = s.exec(`INSERT INTO lt_meta (name, value) VALUES ('indexes', '1')`)
		return err
	})
}
