package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Index is an ordered list of a table's rows that filters and sorts find their way by. The indexes of a snapshot's tables
// are immutable.
type Index struct {
	ID        string        `json:"id,omitempty"` // "idx_…", empty for an index that the table has by itself
	Table     string        `json:"table_id"`
	Kind      IndexKind     `json:"kind"`
	Columns   []IndexColumn `json:"columns"` // the first one decides first
	CreatedAt time.Time     `json:"created_at"`
	CreatedBy string        `json:"created_by"`
}

// IndexKind says why there is an index.
type IndexKind string

// The kinds of indexes.
const (
	KeyIndex     IndexKind = "key"     // of row ids: every table has it
	CreatedIndex IndexKind = "created" // of the time when rows were made: every table has it
	UniqueIndex  IndexKind = "unique"  // of a unique column
	OwnIndex     IndexKind = "own"     // made by CreateIndex
)

// IndexColumn is a column in an index.
type IndexColumn struct {
	Column string `json:"column"` // id of a column of the table's own, or the name of a built-in one
	Desc   bool   `json:"desc"`   // from the largest value to the smallest
}

// Bounds of indexes.
const (
	maxIndexes      = 32 // of a table, those that it has by itself aside: each of them makes writing slower
	maxIndexColumns = 8
)

const indexColumns = `id, table_id, columns, created_at, created_by`

func scanIndex(r record) Index {
	x := Index{ID: r.text(0), Table: r.text(1), Kind: OwnIndex, CreatedAt: r.instant(3), CreatedBy: r.text(4)}
	// What does not decode was not written by us. Without columns the index is not shown, and can be dropped with its table.
	_ = json.Unmarshal(r.document(2), &x.Columns)
	if x.uses(ColumnOrder) {
		x.Kind = OrderIndex
	}
	return x
}

// Indexes lists the indexes of the table: those that it has by itself, then the others in the order of their making.
func (t *Table) Indexes() []Index {
	list := []Index{
		{Table: t.ID, Kind: KeyIndex, Columns: []IndexColumn{{Column: ColumnID}}, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy},
		{Table: t.ID, Kind: CreatedIndex, Columns: []IndexColumn{{Column: ColumnCreatedAt}}, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy},
	}
	for i := range t.Columns {
		if t.Columns[i].Unique {
			list = append(list, Index{Table: t.ID, Kind: UniqueIndex, Columns: []IndexColumn{{Column: t.Columns[i].ID}},
				CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy})
		}
	}
	return append(list, t.indexes...)
}

func (x *Index) uses(column string) bool {
	return slices.ContainsFunc(x.Columns, func(c IndexColumn) bool { return c.Column == column })
}

func (t *Table) indexEntry(action, index string) audit.Entry {
	return audit.Entry{Workspace: t.Workspace, Action: action, ResourceType: "index", Resource: index, Table: t.ID, Version: t.Version}
}

// CreateIndex makes an index on a table's columns, which filters and sorts by them then use: by the first column, by the
// first two, and so on. Rows that agree in all of them lie in the order of their ids. Of texts that may have more than 255
// characters the order of the first 255 is kept, as sorting asks for; comparing such texts finds no way by it.
//
// version is the table's as the caller has seen it, 0 for any. ErrExists says that the table has this index already, a
// *LimitError that it has too many. Every writer waits until the index is built: a million rows take seconds.
func (db *DB) CreateIndex(ctx context.Context, actor Actor, table string, columns []IndexColumn, version int64) (*Index, error) {
	var x Index
	_, err := db.alterTable(ctx, "create index on "+table, actor, table, version, func(u *unit, t *Table) error {
		x = Index{ID: NewID(prefixIndex), Table: t.ID, Kind: OwnIndex, Columns: slices.Clone(columns), CreatedAt: u.now, CreatedBy: u.actor.ID}
		if err := t.checkIndex(&x); err != nil {
			return err
		}
		if x.uses(ColumnOrder) {
			x.Kind = OrderIndex
		}
		t.indexes = append(t.indexes, x)
		return u.addIndex(t, &x)
	})
	if err != nil {
		return nil, err
	}
	return &x, nil
}

// checkIndex makes sure that a new index fits the table.
func (t *Table) checkIndex(x *Index) error {
	if len(x.Columns) == 0 || len(x.Columns) > maxIndexColumns {
		return invalid("columns", CodeInvalid, "an index has 1 to %d columns", maxIndexColumns)
	}
	if x.uses(ColumnOrder) {
		switch {
		case len(x.Columns) > 1 || x.Columns[0].Desc:
			return invalid("columns", CodeInvalid, "the index of the manual order has nothing else in it")
		case t.Ordered():
			return fmt.Errorf("index of the manual order: %w", ErrExists)
		}
		return nil
	}
	seen := make(map[string]bool, len(x.Columns))
	for i, c := range x.Columns {
		at := fmt.Sprintf("columns[%d]", i)
		if _, ok := t.layout.slots[c.Column]; !ok {
			return invalid(at, CodeUnknownColumn, "the table has no column %q", c.Column)
		}
		if kind := t.layout.schema.Columns[t.layout.slots[c.Column]].Type.Kind; !kind.Orderable() {
			return invalid(at, CodeType, "values of %s have no order to index", kind)
		}
		if seen[c.Column] {
			return invalid(at, CodeDuplicateColumn, "a column is in an index once")
		}
		seen[c.Column] = true
	}
	if len(t.indexes) >= maxIndexes {
		return &LimitError{Name: "indexes", Max: maxIndexes}
	}
	for _, o := range t.Indexes() {
		// An index of one column is read in both directions.
		if slices.Equal(o.Columns, x.Columns) || len(x.Columns) == 1 && len(o.Columns) == 1 && o.Columns[0].Column == x.Columns[0].Column {
			return fmt.Errorf("index on these columns: %w", ErrExists)
		}
	}
	return nil
}

// addIndex writes the record of a new index of t and its entry in the log, and builds it.
func (u *unit) addIndex(t *Table, x *Index) error {
	doc, err := json.Marshal(x.Columns)
	if err != nil {
		return fmt.Errorf("columns of index: %w", err)
	}
	if _, err := u.exec(`INSERT INTO lt_index (`+indexColumns+`, workspace) VALUES (?, ?, ?, ?, ?, ?)`, argText(x.ID), argText(x.Table),
		argText(string(doc)), argTime(x.CreatedAt), argText(x.CreatedBy), argText(t.Workspace)); err != nil {
		return err
	}
	if err := u.resource(t.indexEntry("index.create", x.ID), nil, x); err != nil {
		return err
	}
	if x.Kind == OrderIndex {
		if err := u.addPlaces(t); err != nil {
			return err
		}
	}
	return u.createIndex(t, x)
}

// DropIndex removes an index that CreateIndex made. version is the table's as the caller has seen it, 0 for any.
func (db *DB) DropIndex(ctx context.Context, actor Actor, table, index string, version int64) error {
	_, err := db.alterTable(ctx, "drop index of "+table, actor, table, version, func(u *unit, t *Table) error {
		found := slices.ContainsFunc(t.indexes, func(x Index) bool { return x.ID == index })
		if !found {
			return fmt.Errorf("index: %w", ErrNotFound)
		}
		return u.removeIndexes(t, func(x *Index) bool { return x.ID == index })
	})
	return err
}

// removeIndexes removes those of the indexes of t that were made and that which chooses.
func (u *unit) removeIndexes(t *Table, which func(*Index) bool) error {
	var kept []Index
	for _, x := range t.indexes {
		if !which(&x) {
			kept = append(kept, x)
			continue
		}
		if err := u.dropIndex(t, &x); err != nil {
			return err
		}
		if x.Kind == OrderIndex {
			if err := u.dropPlaces(t); err != nil {
				return err
			}
		}
		if _, err := u.exec(`DELETE FROM lt_index WHERE workspace = ? AND id = ?`, argText(t.Workspace), argText(x.ID)); err != nil {
			return err
		}
		if err := u.resource(t.indexEntry("index.delete", x.ID), x, nil); err != nil {
			return err
		}
	}
	t.indexes = kept
	return nil
}

// copyIndexes gives the copy of a table the indexes of the original; ids leads from old columns to new ones.
func (u *unit) copyIndexes(old, t *Table, ids map[string]string) error {
	t.indexes = nil
	for _, x := range old.indexes {
		x.ID, x.Table, x.CreatedAt, x.CreatedBy = NewID(prefixIndex), t.ID, u.now, u.actor.ID
		x.Columns = slices.Clone(x.Columns)
		for i := range x.Columns {
			if now, ok := ids[x.Columns[i].Column]; ok { // built-in columns keep their names
				x.Columns[i].Column = now
			}
		}
		t.indexes = append(t.indexes, x)
		if err := u.addIndex(t, &x); err != nil {
			return err
		}
	}
	if t.Ordered() {
		t.layout = newLayout(u.db.store, t)
	}
	return nil
}

// indexesOf reads the indexes of a table, or of all tables of a workspace when table is empty.
func indexesOf(s session, workspace, table lqp.Value) ([]Index, error) {
	if table.IsNull() {
		return all(s, scanIndex, `SELECT `+indexColumns+` FROM lt_index WHERE workspace = ? ORDER BY id`, workspace)
	}
	return all(s, scanIndex, `SELECT `+indexColumns+` FROM lt_index WHERE workspace = ? AND table_id = ? ORDER BY id`, workspace, table)
}
