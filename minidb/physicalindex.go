package minidb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The definitions of the indexes of physical tables.

// defineIndexes creates all the indexes of the physical table of t.
func (u *unit) defineIndexes(t *Table) error {
	if err := u.createCreated(t.ID, t.physicalName()); err != nil {
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
func (s session) createCreated(table, physical string) error {
	if _, err := s.exec("CREATE INDEX IF NOT EXISTS " + quoteID("created_"+table) + " ON " + quoteID(physical) +
		" (" + quoteID(ColumnCreatedAt) + ")"); err != nil {
		return fmt.Errorf("create index of creation times: %w", err)
	}
	return nil
}

// createIndex builds an index of t. The row id is the end of every key: rows that agree in the columns lie in its order,
// which is the one that pages are told apart by.
func (u *unit) createIndex(t *Table, x *Index) error {
	var b strings.Builder
	b.WriteString("CREATE INDEX " + quoteID(x.ID) + " ON " + quoteID(t.physicalName()) + " (")
	last := false
	for i, c := range x.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.indexTerm(c.Column))
		if c.Desc {
			b.WriteString(" DESC")
		}
		last = last || c.Column == ColumnID
	}
	if !last {
		b.WriteString(", " + quoteID(ColumnID))
	}
	b.WriteString(")")
	if _, err := u.exec(b.String()); err != nil {
		return fmt.Errorf("create index: %w", err)
	}
	return nil
}

// indexTerm is what the index of a column holds: what a sort by the column asks for.
func (t *Table) indexTerm(column string) string {
	typ := t.layout.schema.Columns[t.layout.slots[column]].Type
	if typ.Kind == lqp.Text && (typ.MaxLen == 0 || typ.MaxLen > lqp.OrderPrefix) {
		return "substr(" + quoteID(column) + ", 1, " + strconv.Itoa(lqp.OrderPrefix) + ")"
	}
	return quoteID(column)
}

func (u *unit) dropIndex(x *Index) error {
	if _, err := u.exec("DROP INDEX " + quoteID(x.ID)); err != nil {
		return fmt.Errorf("drop index: %w", err)
	}
	return nil
}

// rebuildIndexes makes the indexes follow a change of a column after which they hold something else than before.
func (u *unit) rebuildIndexes(t *Table, old, c *Column) error {
	before := *t
	before.Columns = []Column{*old}
	before.layout = newLayout(u.db.store, &before)
	if before.indexTerm(c.ID) == t.indexTerm(c.ID) {
		return nil
	}
	for i := range t.indexes {
		x := &t.indexes[i]
		if !x.uses(c.ID) {
			continue
		}
		if err := u.dropIndex(x); err != nil {
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
		type place struct{ id, physical string }
		tables, err := all(s, func(r record) place { return place{r.text(0), r.text(1)} },
			`SELECT id, CASE physical WHEN '' THEN id ELSE physical END FROM lt_table ORDER BY id`)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := s.createCreated(t.id, t.physical); err != nil {
				return err
			}
		}
		_, err = s.exec(`INSERT INTO lt_meta (name, value) VALUES ('indexes', '1')`)
		return err
	})
}
