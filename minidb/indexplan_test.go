package minidb_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// access is how the database finds the rows of a query on user tables.
func (f *fixture) access(table *minidb.Table, q *lqp.Query) string {
	f.Helper()
	q.From = lqp.Source{Table: table.ID, Alias: "t"}
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, id string) (*lqp.Table, error) { return f.schema(id), nil }})
	require.NoError(f, err)
	bound.Page = q.Page
	split := f.Adapter().Plan(bound)
	require.Nil(f, split.Residual, "all of it is the database's")
	sql, err := f.Adapter().(adapter.Explainer).Native(split.Pushed)
	require.NoError(f, err)
	f.Log(sql)
	return f.explain(sql)
}

// explain is how the database goes about a statement: the steps of SQLite's EXPLAIN QUERY PLAN or the plan of PostgreSQL,
// which is told to use an index if it can, however few rows there are.
func (f *fixture) explain(sql string) string {
	f.Helper()
	if storetest.Driver() == ddl.Postgres {
		return f.explainPostgres(sql)
	}
	var steps []string
	require.NoError(f, f.Adapter().Read(f.ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(f.ctx, "EXPLAIN QUERY PLAN "+sql, make([]lqp.Value, strings.Count(sql, "?"))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			steps = append(steps, rows.Value(3).Text())
		}
		return rows.Err()
	}))
	return strings.Join(steps, "; ")
}

func (f *fixture) explainPostgres(sql string) string {
	f.Helper()
	conn, err := pgx.Connect(f.ctx, f.place.URL)
	require.NoError(f, err)
	defer conn.Close(f.ctx)
	n := strings.Count(sql, "$")
	for i := 0; strings.Contains(sql, "?"); i++ {
		n = i + 1
		sql = strings.Replace(sql, "?", "$"+strconv.Itoa(n), 1)
	}
	execute := "EXPLAIN EXECUTE p"
	if n > 0 {
		execute += "(" + strings.TrimSuffix(strings.Repeat("NULL,", n), ",") + ")"
	}
	for _, s := range []string{"SET search_path = " + f.place.Schema, "SET enable_seqscan = off", "SET enable_bitmapscan = off", "SET enable_sort = off",
		"SET plan_cache_mode = force_generic_plan", "PREPARE p AS " + sql} {
		_, err := conn.Exec(f.ctx, s)
		require.NoError(f, err, s)
	}
	rows, err := conn.Query(f.ctx, execute, pgx.QueryExecModeSimpleProtocol)
	require.NoError(f, err)
	steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(f, err)
	return strings.Join(steps, "; ")
}

// TestFiltersAndSortsUseIndexes asks SQLite which way it goes, for whole queries and for the pages in the middle of a walk.
func TestFiltersAndSortsUseIndexes(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	table, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{
		{Name: "n", Type: minidb.IntegerColumn},
		{Name: "must", Type: minidb.IntegerColumn, Required: true},
		{Name: "s", Type: minidb.TextColumn},
		{Name: "long", Type: minidb.LongTextColumn},
		{Name: "price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
		{Name: "wide", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Precision: 28, Scale: 8}},
		{Name: "day", Type: minidb.DateColumn},
		{Name: "kind", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "a"}, {Name: "b"}}}},
		{Name: "code", Type: minidb.TextColumn, Unique: true},
	}})
	require.NoError(t, err)
	column := map[string]string{"_created_at": "_created_at"}
	for _, c := range table.Columns {
		column[c.Name] = c.ID
	}
	index := func(names ...string) string {
		var columns []minidb.IndexColumn
		for _, n := range names {
			n, desc := strings.CutPrefix(n, "-")
			columns = append(columns, minidb.IndexColumn{Column: column[n], Desc: desc})
		}
		x, err := f.CreateIndex(f.ctx, alice, table.ID, columns, 0)
		require.NoError(t, err)
		return x.ID
	}
	indexes := map[string]string{
		"created": "created_" + table.ID, "unique": "unique_" + column["code"],
		"n": index("n"), "must": index("must"), "s": index("s"), "long": index("long"), "price": index("price"), "wide": index("wide"), "day": index("-day"),
		"kind": index("kind", "-price"), "mixed": index("-must", "s"),
	}
	id := lqp.TextValue(minidb.NewID("row"))
	for _, c := range []struct {
		name, where, sort string
		after             []lqp.Value
		index             string
		or                string // another index that serves as well
		// walks says that SQLite goes along the index from its beginning, since the rows without a value lie at the end of what
		// is asked for; otherwise none of the rows outside of that is looked at.
		walks bool
	}{
		{name: "equal", where: `n = 5`, index: "n"},
		{name: "range", where: `n >= 5 AND n < 9`, index: "n"},
		{name: "in", where: `IN(s, "a", "b")`, index: "s"},
		{name: "prefix", where: `STARTS_WITH(s, "ab")`, index: "s"},
		{name: "decimal", where: `price > 1.25`, index: "price"},
		{name: "wide decimal", where: `wide = 12345678901234567.5`, index: "wide"},
		{name: "day", where: `day >= DATE(2024, 5, 1)`, index: "day"},
		{name: "choice and range", where: `kind = "a" AND price > 3`, index: "kind"},
		{name: "unique", where: `code = "x"`, index: "unique"},
		{name: "empty", where: `IS_BLANK(n)`, index: "n"},
		{name: "sort", sort: "n", index: "n"},
		{name: "sort the other way", sort: "-s", index: "s"},
		{name: "sort of texts of any length", sort: "long", index: "long"},
		{name: "sort of wide decimals", sort: "wide", index: "wide"},
		{name: "sort by time", sort: "_created_at", index: "created"},
		{name: "sort by days, last first", sort: "-day", index: "day"},
		{name: "sort by two, mixed", sort: "-must,s", index: "mixed"},
		{name: "sort within a choice", where: `kind = "b"`, sort: "-price", index: "kind"},
		{name: "page", sort: "must", after: []lqp.Value{dec("7"), id}, index: "must"},
		{name: "page of a nullable column", sort: "n", after: []lqp.Value{dec("7"), id}, index: "n"},
		{name: "page within the empty ones", sort: "n", after: []lqp.Value{lqp.NullValue, id}, index: "n", walks: true},
		{name: "page downwards", sort: "-must", after: []lqp.Value{dec("7"), id}, index: "must", or: "mixed"},
		{name: "page downwards to the empty ones", sort: "-day", after: []lqp.Value{lqp.DateValue(19000), id}, index: "day", walks: true},
		{name: "page of two, mixed", sort: "-must,s", after: []lqp.Value{dec("7"), lqp.TextValue("k"), id}, index: "mixed"},
		{name: "page by time", sort: "_created_at", after: []lqp.Value{lqp.DateTimeValue(1700000000000), id}, index: "created"},
		{name: "page of texts", sort: "s", after: []lqp.Value{lqp.TextValue("m"), id}, index: "s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &lqp.Query{Select: []lqp.Named{{Name: "id", Expr: lqp.Ref("t", "_id")}, {Name: "long", Expr: lqp.Ref("t", column["long"])}}}
			if c.where != "" {
				q.Where, err = formula.Parse(c.where)
				require.NoError(t, err)
			}
			if c.sort != "" {
				for _, name := range strings.Split(c.sort, ",") {
					name, desc := strings.CutPrefix(name, "-")
					q.OrderBy = append(q.OrderBy, lqp.Order{Expr: lqp.Ref("t", column[name]), Desc: desc})
				}
				// As lqp.OrderKey ends a sort.
				q.OrderBy = append(q.OrderBy, lqp.Order{Expr: lqp.Ref("t", "_id"), Desc: q.OrderBy[len(q.OrderBy)-1].Desc})
				q.Page = lqp.Page{Limit: 100, After: c.after}
			}
			f := *f
			f.TB = t
			got := f.access(table, q)
			if storetest.Driver() == ddl.Postgres {
				require.Regexp(t, "Index (Only )?Scan (Backward )?using ("+indexes[c.index]+"|"+indexes[c.or]+") ", got)
				require.NotRegexp(t, `>  Sort  \([^;]*;\s*Sort Key:[^;]*;\s*->  (Index|Seq) `, got, "at most rows that agree in the columns are sorted")
				if !c.walks && (c.where != "" || len(c.after) > 0) {
					require.Contains(t, got, "Index Cond")
				}
				return
			}
			require.Contains(t, got, "USING INDEX "+indexes[c.index])
			require.NotContains(t, got, "TEMP B-TREE FOR ORDER BY", "at most rows that agree in the columns are sorted")
			if !c.walks && (c.where != "" || len(c.after) > 0) {
				require.Contains(t, got, "SEARCH")
				require.NotContains(t, got, "SCAN")
			}
		})
	}
}
