package mysql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Tables implements [adapter.Adapter]: the tables and views of which the user may read something, with the columns that
// it may read.
func (a *Adapter) Tables(ctx context.Context) (lqp.Catalog, error) {
	s, err := a.pool.get(ctx)
	if err != nil {
		return lqp.Catalog{}, translate(ctx, "discover schema", err)
	}
	cat, err := a.discover(ctx, s)
	a.pool.put(s, err == nil)
	if err != nil {
		return lqp.Catalog{}, translate(ctx, "discover schema", err)
	}
	return cat, nil
}

// relation is a table while it is being described.
type relation struct {
	table   *lqp.Table
	schema  string
	name    string
	notNull map[string]bool // as declared, whatever the values may count as
}

type discovery struct {
	session *session
	ctx     context.Context
	schemas []string
	current string // the connection's own schema
	json    map[[3]string]bool
	byName  map[[2]string]*relation
	all     []*relation
}

func (a *Adapter) discover(ctx context.Context, s *session) (lqp.Catalog, error) {
	d := &discovery{session: s, ctx: ctx, schemas: a.settings.Schemas, json: map[[3]string]bool{}, byName: map[[2]string]*relation{}}
	current, err := s.ask(ctx, "SELECT DATABASE()")
	if err != nil || len(current) != 1 {
		return lqp.Catalog{}, err
	}
	d.current = current[0]
	if len(d.schemas) == 0 {
		d.schemas = []string{d.current}
	}
	steps := []func() error{d.relations, d.columns, d.indexes, d.foreignKeys}
	if a.dialect.Load().facts.mariadb {
		steps = slices.Insert(steps, 1, d.documents)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return lqp.Catalog{}, err
		}
	}
	cat := lqp.Catalog{Database: d.current, Tables: make([]*lqp.Table, 0, len(d.all))}
	for _, r := range d.all {
		if len(r.table.Columns) > 0 {
			cat.Tables = append(cat.Tables, r.table)
		}
	}
	slices.SortFunc(cat.Tables, func(x, y *lqp.Table) int { return strings.Compare(x.Name, y.Name) })
	return cat, nil
}

// rows asks the information schema and hands each row of the wanted schemas to f. The statement's WHERE ends with the
// schema column.
func (d *discovery) rows(width int, sql, order string, f func(row []string)) error {
	marks := strings.Repeat(", ?", len(d.schemas))[2:]
	cells, err := d.session.ask(d.ctx, sql+" IN ("+marks+") ORDER BY "+order, d.schemas...)
	if err != nil {
		return err
	}
	for ; len(cells) >= width; cells = cells[width:] {
		f(cells[:width])
	}
	return nil
}

func (d *discovery) relations() error {
	err := d.rows(5, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA",
		"1, 2", func(row []string) {
			schema, name := row[0], row[1]
			t := &lqp.Table{Name: d.tableName(schema, name), Path: []string{schema, name}, Kind: lqp.BaseTable, Rows: -1, Comment: row[4]}
			switch row[2] {
			case "BASE TABLE", "SYSTEM VERSIONED":
				if n, err := strconv.ParseInt(row[3], 10, 64); err == nil {
					t.Rows = n
				}
			case "VIEW":
				t.Kind, t.Comment = lqp.ViewTable, ""
			default: // sequences and the like
				return
			}
			r := &relation{table: t, schema: schema, name: name, notNull: map[string]bool{}}
			d.byName[[2]string{schema, name}] = r
			d.all = append(d.all, r)
		})
	d.disambiguate()
	return err
}

// tableName leaves the connection's own schema out.
func (d *discovery) tableName(schema, name string) string {
	if schema == d.current {
		return name
	}
	return schema + "." + name
}

// disambiguate spells the own schema where a name with a dot would be taken for another schema's table.
func (d *discovery) disambiguate() {
	count := map[string]int{}
	for _, r := range d.all {
		count[r.table.Name]++
	}
	for _, r := range d.all {
		if count[r.table.Name] > 1 && r.schema == d.current {
			r.table.Name = r.schema + "." + r.name
		}
	}
}

// documents finds MariaDB's JSON columns: texts with a check.
func (d *discovery) documents() error {
	return d.rows(3, "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA",
		"1, 2, 3", func(row []string) {
			name, ok := strings.CutPrefix(strings.ToLower(row[2]), "json_valid(`")
			if name, ok2 := strings.CutSuffix(name, "`)"); ok && ok2 {
				d.json[[3]string{row[0], row[1], strings.ReplaceAll(name, "``", "`")}] = true
			}
		})
}

const columnsSQL = "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, EXTRA, " +
	"COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL', COLLATION_NAME, CHARACTER_SET_NAME, CHARACTER_MAXIMUM_LENGTH, COLUMN_COMMENT " +
	"FROM information_schema.COLUMNS WHERE FIND_IN_SET('select', PRIVILEGES) AND TABLE_SCHEMA"

func (d *discovery) columns() error {
	return d.rows(12, columnsSQL, "TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION", func(row []string) {
		r := d.byName[[2]string{row[0], row[1]}]
		if r == nil {
			return
		}
		s := sourceType{native: strings.ToLower(row[3]), name: strings.ToLower(row[4]), notNull: row[5] == "NO", charset: row[9],
			json: d.json[[3]string{row[0], row[1], strings.ToLower(row[2])}]}
		s.length, _ = strconv.Atoi(row[10])
		extra := strings.ToUpper(row[6])
		col := lqp.Column{ID: row[2], Name: row[2], Comment: row[11]}
		col.Type = s.column()
		col.Native = s.native
		if s.name == "enum" || s.name == "set" {
			col.Native = row[3] // the names in it keep their case
		}
		if col.Type.Kind == lqp.Text {
			col.Collation = row[8]
		}
		col.ReadOnly = strings.Contains(extra, " GENERATED") && !strings.Contains(extra, "DEFAULT_GENERATED")
		col.HasDefault = row[7] == "1" || strings.Contains(extra, "AUTO_INCREMENT") || strings.Contains(extra, "DEFAULT_GENERATED")
		r.notNull[col.ID] = s.notNull
		r.table.Columns = append(r.table.Columns, col)
	})
}

// indexes lists unique indexes over whole columns, primary keys first.
func (d *discovery) indexes() error {
	type index struct {
		r       *relation
		name    string
		ids     []string
		partial bool // of an expression, the beginning of a column or a column that is hidden from the user
	}
	var all []*index
	err := d.rows(5, "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS "+
		"WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA", "TABLE_SCHEMA, TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX", func(row []string) {
		r := d.byName[[2]string{row[0], row[1]}]
		if r == nil {
			return
		}
		if n := len(all); n == 0 || all[n-1].r != r || all[n-1].name != row[2] {
			all = append(all, &index{r: r, name: row[2]})
		}
		i := all[len(all)-1]
		i.ids = append(i.ids, row[3])
		i.partial = i.partial || row[4] != "" || r.table.Column(row[3]) == nil
	})
	for _, i := range all {
		if i.partial {
			continue
		}
		t := i.r.table
		t.Uniques = append(t.Uniques, i.ids)
		strict := !slices.ContainsFunc(i.ids, func(id string) bool { return !i.r.notNull[id] })
		if len(t.Key) == 0 && strict {
			t.Key = i.ids
		}
	}
	return err
}

func (d *discovery) foreignKeys() error {
	var last *lqp.ForeignKey
	var of *relation
	return d.rows(7, "SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME "+
		"FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_SCHEMA",
		"TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION", func(row []string) {
			r, ref := d.byName[[2]string{row[0], row[1]}], d.byName[[2]string{row[4], row[5]}]
			if r == nil || ref == nil || r.table.Column(row[3]) == nil || ref.table.Column(row[6]) == nil {
				return
			}
			if of != r || last == nil || last.Name != row[2] {
				r.table.ForeignKeys = append(r.table.ForeignKeys, lqp.ForeignKey{Name: row[2], RefTable: ref.table.Name})
				of, last = r, &r.table.ForeignKeys[len(r.table.ForeignKeys)-1]
			}
			last.Columns = append(last.Columns, row[3])
			last.RefColumns = append(last.RefColumns, row[6])
		})
}
