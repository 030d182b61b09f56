package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// nativeRowID is the Native of a column that is the table's row id under another name: whatever the file says, every
// value of it is an integer and none is NULL.
const nativeRowID = "INTEGER PRIMARY KEY"

// nativeUndeclared begins the Native of a column without declared type; the storage class found in its first values
// follows.
const nativeUndeclared = "ANY "

// Tables discovers the tables and views of the file in one snapshot. Virtual tables and SQLite's own are left out.
func (a *Adapter) Tables(ctx context.Context) (lqp.Catalog, error) {
	cat := lqp.Catalog{Database: filepath.Base(a.path)}
	err := a.read(ctx, func(t *tx) error {
		d := &discovery{t: t, ctx: ctx, foreign: a.foreign, rows: map[string]int64{}}
		if err := d.encoding(); err != nil {
			return err
		}
		tables, err := d.tables()
		cat.Tables = tables
		return err
	})
	if err != nil {
		return lqp.Catalog{}, fmt.Errorf("discover tables: %w", err)
	}
	return cat, nil
}

// discovery reads the catalogue of one file inside one transaction.
type discovery struct {
	t       *tx
	ctx     context.Context
	foreign bool
	rows    map[string]int64 // estimates of sqlite_stat1
	utf16   bool             // texts are kept in UTF-16
}

// collationUTF16 is the collation of all texts in a file that keeps them in UTF-16: its BINARY compares their bytes, which
// is the order of code points in neither byte order.
const collationUTF16 = "UTF-16"

func (d *discovery) encoding() error {
	return d.each("PRAGMA encoding", func(r adapter.Rows) error {
		d.utf16 = r.Value(0).Text() != "UTF-8"
		return nil
	})
}

// each runs a query and calls row for each of its rows.
func (d *discovery) each(sql string, row func(r adapter.Rows) error, args ...string) error {
	values := make([]lqp.Value, len(args))
	for i, a := range args {
		values[i] = lqp.TextValue(a)
	}
	r, err := d.t.Query(d.ctx, sql, values...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := row(r); err != nil {
			return err
		}
	}
	return r.Err()
}

// entry is one line of the file's list of tables.
type entry struct {
	name   string
	view   bool
	strict bool
	rowid  bool
}

func (d *discovery) tables() ([]*lqp.Table, error) {
	var list []entry
	err := d.each("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'", func(r adapter.Rows) error {
		e := entry{name: r.Value(0).Text(), view: r.Value(1).Text() == "view"}
		if kind := r.Value(1).Text(); kind != "table" && kind != "view" || strings.HasPrefix(strings.ToLower(e.name), "sqlite_") || e.name == "" {
			return nil
		}
		e.rowid = r.Value(2).Decimal().Sign() == 0 && !e.view
		e.strict = r.Value(3).Decimal().Sign() != 0
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := d.estimates(); err != nil {
		return nil, err
	}
	tables := make([]*lqp.Table, 0, len(list))
	for _, e := range list {
		t, err := d.table(e)
		if e.view && d.ctx.Err() == nil && !errors.Is(err, adapter.ErrUnavailable) && !errors.Is(err, adapter.ErrTimeout) && err != nil {
			continue // a view over what is gone, or over functions that this connection does not let it call
		}
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", e.name, err)
		}
		if len(t.Columns) > 0 {
			tables = append(tables, t)
		}
	}
	slices.SortFunc(tables, func(a, b *lqp.Table) int { return strings.Compare(a.Name, b.Name) })
	return tables, d.references(tables)
}

// estimates reads the row counts that ANALYZE left, if it ever ran.
func (d *discovery) estimates() error {
	has := false
	err := d.each("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'", func(adapter.Rows) error { has = true; return nil })
	if err != nil || !has {
		return err
	}
	return d.each("SELECT tbl, stat FROM sqlite_stat1", func(r adapter.Rows) error {
		first, _, _ := strings.Cut(r.Value(1).Text(), " ")
		if n, err := lqp.ParseDecimal(first); err == nil {
			if rows, ok := n.Int64(); ok {
				d.rows[r.Value(0).Text()] = rows
			}
		}
		return nil
	})
}

func (d *discovery) table(e entry) (*lqp.Table, error) {
	t := &lqp.Table{Name: e.name, Path: []string{e.name}, Kind: lqp.BaseTable, Rows: -1}
	if e.view {
		t.Kind = lqp.ViewTable
	}
	if n, ok := d.rows[e.name]; ok {
		t.Rows = n
	}
	type keyPart struct {
		at     int64
		column string
	}
	var key []keyPart
	undeclared := false
	err := d.each(`SELECT name, type, "notnull", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?)`, func(r adapter.Rows) error {
		flag := func(i int) int64 { n, _ := r.Value(i).Decimal().Int64(); return n }
		if flag(5) == 1 {
			return nil // a hidden argument of a virtual table
		}
		c := lqp.Column{ID: r.Value(0).Text(), Name: r.Value(0).Text(), Native: r.Value(1).Text()}
		if c.ID == "" {
			return nil // a name that is no valid text cannot be addressed
		}
		c.HasDefault, c.ReadOnly = flag(3) != 0, flag(5) >= 2
		if pk := flag(4); pk > 0 {
			key = append(key, keyPart{pk, c.ID})
		}
		c.Type.NotNull = flag(2) != 0
		undeclared = undeclared || c.Native == "" || strings.EqualFold(c.Native, "ANY")
		t.Columns = append(t.Columns, c)
		return nil
	}, e.name)
	if err != nil {
		return nil, err
	}
	if undeclared {
		d.sample(t)
	}
	slices.SortFunc(key, func(a, b keyPart) int { return int(a.at - b.at) })
	for _, k := range key {
		t.Key = append(t.Key, k.column)
	}
	for i := range t.Columns {
		d.column(&t.Columns[i], t, e)
	}
	if e.view {
		return t, nil
	}
	return t, d.uniques(t)
}

// column completes a column from its declared type.
func (d *discovery) column(c *lqp.Column, t *lqp.Table, e entry) {
	notNull := c.Type.NotNull
	if e.rowid && len(t.Key) == 1 && t.Key[0] == c.ID && strings.EqualFold(c.Native, "INTEGER") {
		c.Native, notNull = nativeRowID, true
		c.HasDefault = true
	} else if e.strict && !strings.HasPrefix(c.Native, nativeUndeclared) {
		c.Native += nativeStrict
	}
	_, typ := parseDeclared(c.Native)
	// A NOT NULL column of a loosely typed file may still hold what reads as NULL.
	typ.NotNull = notNull && !columnStorage(c.Native, d.foreign).loose
	if d.foreign {
		// Nothing enforces a declared length or count of digits.
		typ.MaxLen = 0
		switch columnStorage(c.Native, true).form {
		case formInt:
			typ.Precision = 19 // of 64 bits
		case formDecimal:
			typ.Precision, typ.Scale = 0, 0
		}
	}
	c.Type = typ
	if d.utf16 && typ.Kind == lqp.Text {
		c.Collation = collationUTF16
		return
	}
	if e.view {
		// A view's column may carry a collation that nothing reports.
		if typ.Kind == lqp.Text {
			c.Collation = "unknown"
		}
		return
	}
	if _, collation, _, _, _, err := d.t.c.db.TableColumnMetadata("main", e.name, c.ID); err == nil &&
		!strings.EqualFold(collation, "BINARY") && (typ.Kind == lqp.Text || d.foreign && (typ.Kind == lqp.Date || typ.Kind == lqp.DateTime)) {
		c.Collation = collation
	}
}

// sampled is how many rows are looked at to guess the type of columns that declare none.
const sampled = 100

// sample names the storage class that the undeclared columns of a table hold. It is a guess about views and loose
// tables, so that failing to read them is no failure of discovery.
func (d *discovery) sample(t *lqp.Table) {
	var sql []byte
	var at []int
	for i, c := range t.Columns {
		if c.Native != "" && !strings.EqualFold(c.Native, "ANY") {
			continue
		}
		sql = append(sql, [...]string{"SELECT typeof(", ", typeof("}[min(len(at), 1)]...)
		sql = appendIdent(sql, c.ID)
		sql = append(sql, ')')
		at = append(at, i)
	}
	sql = append(sql, " FROM "...)
	sql = appendIdent(sql, t.Path[0])
	sql = append(sql, fmt.Sprintf(" LIMIT %d", sampled)...)
	seen := make([]map[string]bool, len(at))
	for i := range seen {
		seen[i] = map[string]bool{}
	}
	_ = d.each(string(sql), func(r adapter.Rows) error {
		for i := range at {
			seen[i][r.Value(i).Text()] = true
		}
		return nil
	})
	for i, col := range at {
		t.Columns[col].Native = nativeUndeclared + foundClass(seen[i])
	}
}

// foundClass is the type that takes in every storage class that was seen, as far as one does.
func foundClass(seen map[string]bool) string {
	switch {
	case seen["text"]:
		return "TEXT"
	case seen["blob"]:
		return "BLOB"
	case seen["integer"] && seen["real"]:
		return "NUMERIC"
	case seen["real"]:
		return "REAL"
	case seen["integer"]:
		return "INTEGER"
	}
	return "TEXT"
}

// uniques lists the unique keys over plain columns that cover the whole table.
func (d *discovery) uniques(t *lqp.Table) error {
	var names []string
	err := d.each(`SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial AND origin <> 'pk' ORDER BY name`, func(r adapter.Rows) error {
		names = append(names, r.Value(0).Text())
		return nil
	}, t.Name)
	if err != nil {
		return err
	}
	for _, name := range names {
		var columns []string
		plain := true
		err := d.each("SELECT name FROM pragma_index_info(?) ORDER BY seqno", func(r adapter.Rows) error {
			if t.Column(r.Value(0).Text()) == nil {
				plain = false
			}
			columns = append(columns, r.Value(0).Text())
			return nil
		}, name)
		if err != nil {
			return err
		}
		if plain && len(columns) > 0 {
			t.Uniques = append(t.Uniques, columns)
		}
	}
	if len(t.Key) > 0 {
		return nil
	}
	for _, u := range t.Uniques {
		if !slices.ContainsFunc(u, func(id string) bool { return !t.Column(id).Type.NotNull }) {
			t.Key = u
			break
		}
	}
	return nil
}

// references reads the foreign keys, whose names of tables and columns ignore case and may leave out the columns.
func (d *discovery) references(tables []*lqp.Table) error {
	byName := make(map[string]*lqp.Table, len(tables))
	for _, t := range tables {
		byName[strings.ToLower(t.Name)] = t
	}
	for _, t := range tables {
		if t.Kind != lqp.BaseTable {
			continue
		}
		if err := d.tableReferences(t, byName); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (d *discovery) tableReferences(t *lqp.Table, byName map[string]*lqp.Table) error {
	keys := map[string]*lqp.ForeignKey{}
	var order []string
	broken := map[string]bool{}
	err := d.each(`SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq`, func(r adapter.Rows) error {
		id := r.Value(0).String()
		ref := byName[strings.ToLower(r.Value(1).Text())]
		from := columnNamed(t, r.Value(2).Text())
		if ref == nil || from == "" {
			broken[id] = true
			return nil
		}
		k := keys[id]
		if k == nil {
			k = &lqp.ForeignKey{RefTable: ref.Name}
			keys[id] = k
			order = append(order, id)
		}
		to := columnNamed(ref, r.Value(3).Text())
		if r.Value(3).IsNull() && len(k.Columns) < len(ref.Key) {
			to = ref.Key[len(k.Columns)]
		}
		if to == "" {
			broken[id] = true
		}
		k.Columns, k.RefColumns = append(k.Columns, from), append(k.RefColumns, to)
		return nil
	}, t.Name)
	for _, id := range order {
		if !broken[id] {
			t.ForeignKeys = append(t.ForeignKeys, *keys[id])
		}
	}
	return err
}

// columnNamed is the id of the column that SQLite would find under the name, "" for none.
func columnNamed(t *lqp.Table, name string) string {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].ID, name) {
			return t.Columns[i].ID
		}
	}
	return ""
}
