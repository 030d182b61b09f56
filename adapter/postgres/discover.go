package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/lqp"
)

// Tables implements [adapter.Adapter]: the tables, views, materialised views and foreign tables on which the role may
// read something, with the columns that it may read. Partitions are left out in favour of the table they belong to.
func (a *Adapter) Tables(ctx context.Context) (lqp.Catalog, error) {
	cat, err := a.discover(ctx)
	if err != nil {
		return lqp.Catalog{}, translate(ctx, "discover schema", err)
	}
	return cat, nil
}

const defaultSchema = "public"

// relation is a table while it is being described.
type relation struct {
	table   *lqp.Table
	schema  string
	byNum   map[int16]string // column ids by attribute number
	notNull map[int16]bool   // as declared, whatever the values may count as
}

type discovery struct {
	home  string
	byOID map[uint32]*relation
	all   []*relation
}

func (a *Adapter) discover(ctx context.Context) (lqp.Catalog, error) {
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return lqp.Catalog{}, err
	}
	defer conn.Release()
	d := &discovery{home: a.home, byOID: map[uint32]*relation{}}
	schemas := a.schemas
	if schemas == nil {
		schemas = []string{}
	}
	batch := &pgx.Batch{}
	batch.Queue(relationsSQL, schemas).Query(d.relations)
	batch.Queue(columnsSQL, schemas).Query(d.columns)
	batch.Queue(indexesSQL, schemas).Query(d.indexes)
	batch.Queue(foreignKeysSQL, schemas).Query(d.foreignKeys)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return lqp.Catalog{}, err
	}
	cat := lqp.Catalog{Database: a.database, Tables: make([]*lqp.Table, 0, len(d.all))}
	for _, r := range d.all {
		if len(r.table.Columns) > 0 {
			cat.Tables = append(cat.Tables, r.table)
		}
	}
	slices.SortFunc(cat.Tables, func(x, y *lqp.Table) int { return strings.Compare(x.Name, y.Name) })
	return cat, nil
}

// visible restricts to user schemas, the wanted ones among them, and to what the role may use.
const visible = ` n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
 AND (cardinality($1::text[]) = 0 OR n.nspname = ANY($1::text[]))
 AND has_schema_privilege(n.oid, 'USAGE')
 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition`

const relationsSQL = `SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::float8,
 coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE` + visible + `
 AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY n.nspname, c.relname`

func (d *discovery) relations(rows pgx.Rows) error {
	for rows.Next() {
		var oid uint32
		var schema, name, kind, comment string
		var tuples float64
		if err := rows.Scan(&oid, &schema, &name, &kind, &tuples, &comment); err != nil {
			return err
		}
		t := &lqp.Table{Name: d.tableName(schema, name), Path: []string{schema, name}, Kind: lqp.BaseTable, Rows: -1, Comment: comment}
		if kind == "v" || kind == "m" {
			t.Kind = lqp.ViewTable
		}
		if tuples > 0 {
			t.Rows = int64(tuples)
		}
		r := &relation{table: t, schema: schema, byNum: map[int16]string{}, notNull: map[int16]bool{}}
		d.byOID[oid] = r
		d.all = append(d.all, r)
	}
	d.disambiguate()
	return rows.Err()
}

// tableName leaves the default schema out.
func (d *discovery) tableName(schema, name string) string {
	if schema == d.home {
		return name
	}
	return schema + "." + name
}

// disambiguate spells the default schema where a name with a dot would be taken for another schema's table.
func (d *discovery) disambiguate() {
	count := map[string]int{}
	for _, r := range d.all {
		count[r.table.Name]++
	}
	for _, r := range d.all {
		if count[r.table.Name] > 1 && r.schema == d.home {
			r.table.Name = d.home + "." + r.table.Name
		}
	}
}

// columnsSQL resolves domains to the type they are made of; a domain's own NOT NULL counts.
const columnsSQL = `WITH RECURSIVE base(domain, typ, typmod, strict) AS (
 SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull FROM pg_type t WHERE t.typtype = 'd'
 UNION ALL
 SELECT b.domain, t.typbasetype, CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END, b.strict OR t.typnotnull
 FROM base b JOIN pg_type t ON t.oid = b.typ AND t.typtype = 'd')
SELECT a.attrelid, a.attnum, a.attname::text, a.attnotnull OR coalesce(b.strict, false),
 format_type(bt.oid, coalesce(b.typmod, a.atttypmod)), bt.typname::text, bt.typtype::text,
 coalesce(bt.typelem, 0)::oid, bt.oid, coalesce(b.typmod, a.atttypmod),
 a.attidentity::text = 'a' OR a.attgenerated::text <> '', a.atthasdef OR a.attidentity::text <> '',
 CASE WHEN coll.collname IN ('default') THEN '' ELSE coalesce(coll.collname::text, '') END,
 coalesce(coll.collisdeterministic, true), coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN base b ON b.domain = t.oid AND (SELECT typtype FROM pg_type WHERE oid = b.typ) <> 'd'
JOIN pg_type bt ON bt.oid = coalesce(b.typ, t.oid)
LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND` + visible + `
 AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY a.attrelid, a.attnum`

func (d *discovery) columns(rows pgx.Rows) error {
	for rows.Next() {
		var oid uint32
		var num int16
		var col lqp.Column
		var s sourceType
		if err := rows.Scan(&oid, &num, &col.ID, &s.notNull, &s.native, &s.name, &s.class, &s.elem, &s.oid, &s.typmod,
			&col.ReadOnly, &col.HasDefault, &s.collation, &s.deterministic, &col.Comment); err != nil {
			return err
		}
		r := d.byOID[oid]
		if r == nil {
			continue
		}
		col.Name = col.ID
		col.Type, col.Native = s.column()
		if col.Type.Kind == lqp.Text {
			col.Collation = s.collation
		}
		r.byNum[num], r.notNull[num] = col.ID, s.notNull
		r.table.Columns = append(r.table.Columns, col)
	}
	return rows.Err()
}

// indexesSQL lists unique indexes over plain columns, primary keys first.
const indexesSQL = `SELECT i.indrelid, i.indisprimary,
 ARRAY(SELECT k.num FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, at) WHERE k.at <= i.indnkeyatts ORDER BY k.at)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND` + visible + `
ORDER BY i.indrelid, NOT i.indisprimary, i.indnkeyatts, i.indexrelid`

func (d *discovery) indexes(rows pgx.Rows) error {
	for rows.Next() {
		var oid uint32
		var primary bool
		var nums []int16
		if err := rows.Scan(&oid, &primary, &nums); err != nil {
			return err
		}
		r := d.byOID[oid]
		if r == nil {
			continue
		}
		ids, ok := r.ids(nums)
		if !ok {
			continue
		}
		r.table.Uniques = append(r.table.Uniques, ids)
		strict := !slices.ContainsFunc(nums, func(n int16) bool { return !r.notNull[n] })
		if len(r.table.Key) == 0 && (primary || strict) {
			r.table.Key = ids
		}
	}
	return rows.Err()
}

// ids translates attribute numbers; it is not ok when one of the columns is hidden from the role.
func (r *relation) ids(nums []int16) ([]string, bool) {
	ids := make([]string, len(nums))
	for i, n := range nums {
		id, ok := r.byNum[n]
		if !ok {
			return nil, false
		}
		ids[i] = id
	}
	return ids, len(ids) > 0
}

const foreignKeysSQL = `SELECT k.conrelid, k.confrelid, k.conname::text, k.conkey, k.confkey
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND` + visible + `
ORDER BY k.conrelid, k.conname`

func (d *discovery) foreignKeys(rows pgx.Rows) error {
	for rows.Next() {
		var from, to uint32
		var name string
		var cols, refs []int16
		if err := rows.Scan(&from, &to, &name, &cols, &refs); err != nil {
			return err
		}
		r, ref := d.byOID[from], d.byOID[to]
		if r == nil || ref == nil {
			continue
		}
		ids, ok1 := r.ids(cols)
		refIDs, ok2 := ref.ids(refs)
		if ok1 && ok2 {
			r.table.ForeignKeys = append(r.table.ForeignKeys,
				lqp.ForeignKey{Name: name, Columns: ids, RefTable: ref.table.Name, RefColumns: refIDs})
		}
	}
	return rows.Err()
}
