package minidb

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// The cells of a column in the trash stay in the rows. Rows are read, written and kept in the log with them, behind what is shown
// of a table, so that a row that is deleted and restored meanwhile has them again and the past of the column is whole when it
// is back. Nothing binds to such a column and nothing shows it: it has no slot by which expressions and writers find columns.

// trashedColumn is a column in the trash with the type in which its cells are stored.
type trashedColumn struct {
	Column
	storage string
}

// addTrashed puts the columns in the trash behind all others.
func (l *layout) addTrashed(t *Table, add func(c lqp.Column, stored lqp.Type) int) {
	for i := range t.trashed {
		c := &t.trashed[i]
		if _, ok := t.Column(c.ID); ok {
			continue // it is coming back
		}
		slot := add(lqp.Column{ID: c.ID, Name: c.ID, Type: c.storedType(), ReadOnly: true}, c.storedType())
		l.schema.Columns[slot].Native = c.storage
		delete(l.slots, c.ID)
		if l.kept == nil {
			l.kept = make(map[string]int, len(t.trashed))
		}
		l.kept[c.ID] = slot
	}
}

// readTrashed reads the columns in the trash of the tables of a workspace, or of one of them, by table and in the order of
// their ids.
func (s session) readTrashed(workspace, table lqp.Value) (map[string][]trashedColumn, error) {
	type found struct {
		place, storage string
		kept           keptRecord
	}
	where, args := "", []lqp.Value{workspace}
	if !table.IsNull() {
		where, args = " AND t.place = ?", append(args, table)
	}
	list, err := all(s, func(r record) found { return found{r.text(0), r.text(1), keptRecord{"lt_column", r.document(2)}} },
		`SELECT t.place, t.storage, r.document FROM lt_trash t JOIN lt_trash_record r ON r.trash = t.id
			WHERE t.workspace = ? AND t.kind = 'column' AND r.source = 'lt_column'`+where+` ORDER BY t.resource`, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	columns := make(map[string][]trashedColumn)
	for _, f := range list {
		cells, err := f.kept.values(nil)
		if err != nil {
			return nil, fmt.Errorf("columns in the trash of %s: %w", f.place, err)
		}
		columns[f.place] = append(columns[f.place], trashedColumn{scanColumn(record{rows: keptCells(cells)}), f.storage})
	}
	return columns, nil
}

// keptCells are the values of a record in the trash, read like those of a row.
type keptCells []lqp.Value

// Next implements adapter.Rows: there is but the one row.
func (keptCells) Next() bool { return false }

// Value implements adapter.Rows.
func (k keptCells) Value(i int) lqp.Value { return k[i] }

// AppendJSON implements adapter.Rows.
func (k keptCells) AppendJSON(dst []byte, i int) []byte { return k[i].AppendJSON(dst) }

// Err implements adapter.Rows.
func (keptCells) Err() error { return nil }

// Close implements adapter.Rows.
func (keptCells) Close() error { return nil }

// pruneEdges takes the edges of rows away that are gone, from a link column of t that was out of use.
func (u *unit) pruneEdges(t *Table, c *Column) error {
	e := edgesOf(t, c)
	if err := u.pruneSide(e, t); err != nil {
		return err
	}
	target := t
	if id := c.linkedTable(t); id != t.ID {
		var err error
		if target, err = u.linkTable(id); err != nil || target == nil {
			return err // in the trash, where no rows go
		}
	}
	return u.pruneSide(e.flip(), target)
}

// pruneLinksOf does the same for a table that goes into the trash, on its side of the links that are out of use: they may be
// back before it is.
func (u *unit) pruneLinksOf(t *Table) error {
	links, err := u.linksOf(t.Workspace, t.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		inUse, err := u.taken(`SELECT 1 FROM lt_column WHERE id = ?`, argText(l.column))
		if err != nil {
			return err
		}
		if inUse {
			continue
		}
		e := l.sides(t.Workspace)
		if l.table == t.ID {
			err = u.pruneSide(e, t)
		}
		if err == nil && l.target == t.ID {
			err = u.pruneSide(e.flip(), t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pruneSide takes the edges away whose own row is not in a table.
func (u *unit) pruneSide(e edges, t *Table) error {
	_, err := u.exec("DELETE FROM " + e.sql(u) + " WHERE " + quoteID(e.own) + " NOT IN (SELECT " + quoteID(ColumnID) + " FROM " + u.physical(t) + ")")
	if err != nil {
		return fmt.Errorf("remove edges of rows that are gone: %w", err)
	}
	return nil
}
