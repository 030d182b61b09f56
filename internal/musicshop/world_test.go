package musicshop

import (
	"context"
	"encoding/csv"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// world is an engine with one workspace, in which an owner makes connections and a viewer asks.
type world struct {
	dir             string
	owner, viewer   *livetables.Access
	workspace, base string
	postgres        string // URL of the database that the connection "postgres" leads to
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	ctx := context.WithoutCancel(t.Context())
	quiet := slog.New(slog.DiscardHandler)
	store, err := sqlite.OpenStore(ctx, filepath.Join(w.dir, "data.db"), sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	keys, err := livetables.LoadKeys(filepath.Join(w.dir, "key"))
	require.NoError(t, err)
	engine, err := livetables.New(livetables.Options{
		Store: db, Sealer: keys, Files: w.dir, Logger: quiet,
		Openers: map[string]adapter.Opener{"postgres": postgres.Open, "mysql": mysql.Open, "sqlite": sqlite.Open, "mongodb": mongodb.Open},
		Dial:    new(net.Dialer).DialContext, // the servers of these tests are on this machine
		Plain:   func(string, int) bool { return true },
		Limits:  livetables.Limits{QueryTime: 5 * time.Minute}, // a loaded machine with the race detector on is no finding
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	w.owner, w.viewer = engine.As(rbac.Principal{ID: "owner"}), engine.As(rbac.Principal{ID: "viewer"})
	ws, err := w.owner.CreateWorkspace(ctx, "Shops")
	require.NoError(t, err)
	w.workspace = ws.ID
	_, err = w.owner.SetMember(ctx, ws.ID, "viewer", rbac.Viewer)
	require.NoError(t, err)
	base, err := w.owner.CreateBase(ctx, ws.ID, minidb.BaseSpec{Name: "Shop"})
	require.NoError(t, err)
	w.base = base.ID
	return w
}

// intoMiniDB makes a table of the mini-DB of a table of the shop.
func (w *world) intoMiniDB(t testing.TB, tb *table) place {
	t.Helper()
	spec := minidb.TableSpec{Name: people.table(tb.name)}
	var text strings.Builder
	out := csv.NewWriter(&text)
	header := make([]string, len(tb.columns))
	for i, c := range tb.columns {
		header[i] = people.column(tb.name, c.name)
		column := minidb.ColumnSpec{Name: header[i], Required: c.notNull,
			Type: map[kind]minidb.ColumnType{integer: minidb.IntegerColumn, money: minidb.DecimalColumn, instant: minidb.DateTimeColumn}[c.kind]}
		if column.Type == "" {
			column.Type = minidb.TextColumn
		}
		spec.Columns = append(spec.Columns, column)
	}
	require.NoError(t, out.Write(header))
	for _, row := range tb.rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if !v.IsNull() {
				cells[i] = v.String()
			}
		}
		require.NoError(t, out.Write(cells))
	}
	out.Flush()
	created, err := w.owner.CreateTable(t.Context(), w.base, spec)
	require.NoError(t, err)
	_, err = w.owner.Import(t.Context(), livetables.ImportSpec{Table: created.ID}, strings.NewReader(text.String()))
	require.NoError(t, err)
	return place{naming: people}
}

// answer is the page of a query as JSON: the names of the columns, the rows as lists, a row a line.
type answer struct {
	columns string
	rows    []string
}

func (a answer) String() string { return a.columns + "\n" + strings.Join(a.rows, "\n") + "\n" }

// read reads a page to its end.
func read(t testing.TB, rows *livetables.Rows, err error) answer {
	t.Helper()
	require.NoError(t, err)
	defer rows.Close()
	var a answer
	for i, c := range rows.Columns {
		a.columns += ", "[:min(i*2, 2)] + c.Name
	}
	for rows.Next() {
		line := []byte{'['}
		for i := range rows.Columns {
			if i > 0 {
				line = append(line, ',')
			}
			line = rows.AppendJSON(line, i)
		}
		a.rows = append(a.rows, string(append(line, ']')))
	}
	require.NoError(t, rows.Err())
	return a
}

// ask runs a query as the viewer, all of its rows at once.
func (w *world) ask(t testing.TB, q *lqp.Query) answer {
	t.Helper()
	rows, err := w.viewer.Export(t.Context(), w.workspace, q)
	return read(t, rows, err)
}

// walk runs a query page by page, from cursor to cursor.
func (w *world) walk(t testing.TB, q *lqp.Query, size int) (all answer) {
	t.Helper()
	page := q.Clone()
	page.Page = lqp.Page{Limit: size}
	for {
		rows, err := w.viewer.Query(t.Context(), w.workspace, page)
		one := read(t, rows, err)
		all.columns = one.columns
		all.rows = append(all.rows, one.rows...)
		if page.Page.Cursor = rows.NextCursor(); page.Page.Cursor == "" {
			return all
		}
		require.Len(t, one.rows, size, "a page before the last one is full")
	}
}
