package livetables_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// copies puts the rows of random tables into the mini-DB, a SQLite file and PostgreSQL, and answers with the tables as the
// oracle knows each copy.
func copies(t *testing.T, w *world, originals []*plantest.Table) (all []*plantest.Table) {
	t.Helper()
	at := func(tb *plantest.Table, connection, name string) {
		schema := *tb.Schema
		schema.Name = name
		all = append(all, &plantest.Table{Connection: connection, Schema: &schema, Rows: tb.Rows})
	}
	pg := w.connectPostgres(intoPostgres(t, originals))
	intoSQLite(t, filepath.Join(w.dir, "other.db"), originals)
	file, err := w.owner.CreateConnection(t.Context(), w.workspace, livetables.ConnectionSpec{Name: "file", Driver: "sqlite", File: "other.db"})
	require.NoError(t, err)
	for _, tb := range originals {
		at(tb, pg.ID, tb.Schema.Name)
		at(tb, file.ID, tb.Schema.Name)
		if len(tb.Schema.Key) > 0 { // every row of the mini-DB has a key
			at(tb, "", intoMiniDB(w, tb))
		}
	}
	return all
}

func intoMiniDB(w *world, tb *plantest.Table) string {
	types := map[lqp.Kind]minidb.ColumnType{lqp.Text: minidb.TextColumn, lqp.Bool: minidb.BooleanColumn, lqp.Date: minidb.DateColumn, lqp.DateTime: minidb.DateTimeColumn}
	var specs []minidb.ColumnSpec
	for _, c := range tb.Schema.Columns {
		spec := minidb.ColumnSpec{Name: c.Name, Type: types[c.Type.Kind]}
		if c.Type.Kind == lqp.Number {
			spec.Type = minidb.IntegerColumn
			if c.Type.Scale > 0 {
				spec.Type, spec.Options.Scale = minidb.DecimalColumn, c.Type.Scale
			}
		}
		specs = append(specs, spec)
	}
	table := w.table(tb.Schema.Name, specs...)
	var rows [][]string
	for _, r := range tb.Rows {
		cells := make([]string, len(r))
		for i, v := range r {
			if !v.IsNull() {
				cells[i] = v.String()
			}
		}
		rows = append(rows, cells)
	}
	w.insert(w.owner, table, rows...)
	return table.ID
}

// definition is a CREATE TABLE statement.
func definition(tb *plantest.Table, declare func(lqp.Type) string) string {
	var columns []string
	for _, c := range tb.Schema.Columns {
		text := fmt.Sprintf("%q %s", c.ID, declare(c.Type))
		if c.Type.NotNull {
			text += " NOT NULL"
		}
		columns = append(columns, text)
	}
	if len(tb.Schema.Key) > 0 {
		columns = append(columns, `PRIMARY KEY ("id")`)
	}
	return fmt.Sprintf("CREATE TABLE %q (%s)", tb.Schema.Name, strings.Join(columns, ", "))
}

func intoSQLite(t *testing.T, file string, tables []*plantest.Table) {
	t.Helper()
	ctx := t.Context()
	store, err := sqlite.OpenStore(ctx, file, sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	defer store.Close()
	require.NoError(t, store.Write(ctx, func(tx adapter.Tx) error {
		for _, tb := range tables {
			if _, err := tx.Exec(ctx, definition(tb, store.DeclareType)); err != nil {
				return err
			}
		}
		return nil
	}))
	catalog, err := store.Tables(ctx)
	require.NoError(t, err)
	require.NoError(t, store.Write(ctx, func(tx adapter.Tx) error {
		for _, tb := range tables {
			schema := catalog.Table(tb.Schema.Name)
			var columns []string
			for _, c := range tb.Schema.Columns {
				columns = append(columns, c.ID)
			}
			if err := tx.Insert(ctx, schema, columns, tb.Rows); err != nil {
				return err
			}
		}
		return nil
	}))
}

func intoPostgres(t *testing.T, tables []*plantest.Table) (dsn string) {
	t.Helper()
	ctx := t.Context()
	dsn = testenv.Postgres(t)
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(ctx))
	declare := func(ty lqp.Type) string {
		switch ty.Kind {
		case lqp.Number:
			if ty.Scale > 0 {
				return fmt.Sprintf("numeric(%d,%d)", ty.Precision, ty.Scale)
			}
			return "integer"
		case lqp.Text:
			return fmt.Sprintf("varchar(%d)", ty.MaxLen)
		case lqp.DateTime:
			return "timestamptz"
		}
		return map[lqp.Kind]string{lqp.Bool: "boolean", lqp.Date: "date"}[ty.Kind]
	}
	for _, tb := range tables {
		_, err := conn.Exec(ctx, definition(tb, declare))
		require.NoError(t, err)
		batch := &pgx.Batch{}
		for _, r := range tb.Rows {
			args, marks := make([]any, len(r)), make([]string, len(r))
			for i, v := range r {
				marks[i] = fmt.Sprintf("$%d::text::%s", i+1, declare(tb.Schema.Columns[i].Type))
				if !v.IsNull() {
					args[i] = v.String()
				}
			}
			batch.Queue(fmt.Sprintf("INSERT INTO %q VALUES (%s)", tb.Schema.Name, strings.Join(marks, ", ")), args...)
		}
		require.NoError(t, conn.SendBatch(ctx, batch).Close())
	}
	return dsn
}

// Random queries over copies of the same tables in the mini-DB, a SQLite file and PostgreSQL, alone and joined with each
// other, answer like the oracle over rows in memory: same rows, same order, page by page as well as in one go. This is about
// the way through the engine: ids and names, the mini-DB, sealed cursors. What engines answer is compared by
// internal/differential, with more types, functions and engines.
func TestEngineDifferential(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	tables := copies(t, w, []*plantest.Table{
		plantest.NewTable(r, plantest.Spec{Name: "one", Rows: 16, NoEmpty: true}),
		plantest.NewTable(r, plantest.Spec{Name: "two", Rows: 14, NoEmpty: true}),
		plantest.NewTable(r, plantest.Spec{Name: "same", Rows: 10, NoEmpty: true, Keyless: true}),
	})
	walked, filled, spanning := 0, 0, 0
	for n := range 300 {
		r := rand.New(rand.NewPCG(seed, uint64(n)+1))
		g := &plantest.Generator{R: r, Tables: tables, Nested: r.IntN(2), Unordered: true}
		q, ordered := g.Query()
		if q.Page.Offset > 0 && q.Page.Limit == 0 {
			q.Page.Limit = 20
		}
		bound, err := lqp.Bind(q, lqp.Env{Table: plantest.Find(tables)})
		require.NoError(t, err)
		want := oracleTexts(plantest.Answer(bound, plantest.Rows(tables)))
		where := fmt.Sprintf("seed %d, query %d\n%s", seed, n, lqp.Format(q))
		read := w.viewer.Export
		if q.Page.Limit > 0 {
			read = w.viewer.Query
		}
		rows, err := read(t.Context(), w.workspace, q)
		require.NoError(t, err, where)
		got := all(t, rows, err)
		if len(want) > 0 {
			filled++
		}
		if x, err := w.owner.Explain(t.Context(), w.workspace, q); err == nil && len(x.Parts) > 1 {
			spanning++
		}
		if ordered {
			require.Equal(t, want, got, "%s\n%s", where, explained(t, w, q))
		} else {
			require.ElementsMatch(t, want, got, "%s\n%s", where, explained(t, w, q))
		}
		if q.Page = (lqp.Page{}); n%2 == 0 && len(q.OrderBy) > 0 && len(want) < 200 {
			walked++
			rows, err := w.viewer.Export(t.Context(), w.workspace, q)
			whole := all(t, rows, err)
			pages := walk(t, w.viewer, w.workspace, *q, 1+max(len(whole)/4, r.IntN(20)))
			if ordered {
				require.Equal(t, whole, append([]string{}, pages...), where)
			} else {
				require.ElementsMatch(t, whole, pages, where)
			}
		}
	}
	t.Logf("%d queries with rows, %d over several parts, %d walked page by page", filled, spanning, walked)
	for _, n := range []int{filled, spanning, walked} {
		require.Greater(t, n, 30, "the generator asks too little")
	}
}

func oracleTexts(rows [][]lqp.Value) []string {
	list := []string{}
	for _, r := range rows {
		cells := make([]string, len(r))
		for i := range r {
			cells[i] = r[i].String()
		}
		list = append(list, strings.Join(cells, "|"))
	}
	return list
}

func explained(t *testing.T, w *world, q *lqp.Query) string {
	x, err := w.owner.Explain(t.Context(), w.workspace, q)
	if err != nil {
		return err.Error()
	}
	return x.String()
}
