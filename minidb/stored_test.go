package minidb_test

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
)

// What the databases themselves say of the tables and indexes that the mini-DB has made in them.

// relations are the names of the tables and indexes that begin with one of the prefixes, in order.
func (f *fixture) relations(prefixes ...string) []string {
	f.Helper()
	sql := `SELECT name FROM sqlite_master`
	if storetest.Driver() == ddl.Postgres {
		sql = `SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('r', 'i') AND relname NOT LIKE '%\_pkey' AND ` + ofStore
	}
	list := slices.DeleteFunc(names(f, sql), func(name string) bool {
		return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
	slices.Sort(list)
	return list
}

// ofStore is what tells the schemas of a store from those of other tests.
const ofStore = `(nspname = current_schema() OR nspname LIKE current_schema() || '\_%')`

// pathOf is where a table of the mini-DB is.
func (f *fixture) pathOf(table string) []string {
	f.Helper()
	if storetest.Driver() != ddl.Postgres {
		return []string{table}
	}
	schemas := names(f, `SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = '`+table+`' AND `+ofStore)
	require.Len(f, schemas, 1)
	return []string{schemas[0], table}
}

// columnsOf are the names of a table's columns, none for what is no table.
func (f *fixture) columnsOf(path []string) []string {
	f.Helper()
	if storetest.Driver() != ddl.Postgres {
		return names(f, `SELECT name FROM pragma_table_info('`+path[0]+`')`)
	}
	schema := `current_schema()`
	if len(path) > 1 {
		schema = `'` + path[0] + `'`
	}
	return names(f, `SELECT column_name FROM information_schema.columns WHERE table_schema = `+schema+` AND table_name = '`+path[len(path)-1]+`'`)
}

// quoted is a path as it is written in SQL.
func quoted(path []string) string { return `"` + strings.Join(path, `"."`) + `"` }

// casts are what PostgreSQL writes into the definitions of indexes.
var casts = regexp.MustCompile(`\((\w+)\)::\w+`)

// indexesOf lists the indexes that were made on a table, "name: terms" in the words of SQLite.
func (f *fixture) indexesOf(path []string) (list []string) {
	f.Helper()
	sql, table := `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name`, lqp.TextValue(path[0])
	if len(path) > 1 {
		sql, table = `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname || '.' || tablename = ? AND indexname NOT LIKE '%\_pkey' ORDER BY indexname`,
			lqp.TextValue(strings.Join(path, "."))
	}
	require.NoError(f, f.Adapter().Read(f.ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(f.ctx, sql, table)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			_, terms, _ := strings.Cut(rows.Value(1).Text(), " (")
			terms = strings.ReplaceAll(strings.TrimSuffix(terms, ")"), `"`, "")
			terms = strings.NewReplacer(" NULLS FIRST", "", " NULLS LAST", "").Replace(casts.ReplaceAllString(terms, "$1"))
			terms = regexp.MustCompile(`left\((\w+), `).ReplaceAllString(terms, "substr($1, 1, ")
			list = append(list, rows.Value(0).Text()+": "+terms)
		}
		return rows.Err()
	}))
	return list
}
