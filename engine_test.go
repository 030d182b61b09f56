package livetables_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// world is an engine on a fresh directory with one workspace and one base, and its people.
type world struct {
	t                            *testing.T
	dir                          string
	place                        storetest.Place // of the mini-DB
	db                           *minidb.DB
	engine                       *livetables.Engine
	owner, admin, editor, viewer *livetables.Access
	stranger                     *livetables.Access
	workspace, base              string
	stop                         func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if storetest.Driver() == ddl.Postgres {
		return newWorldAt(t, storetest.New(t))
	}
	return newWorldAt(t, fileOf(t))
}

// fileOf is a place for a mini-DB in a file, whatever the tests run on.
func fileOf(t *testing.T) storetest.Place {
	return storetest.Place{File: filepath.Join(t.TempDir(), "data.db"), Relaxed: true}
}

func newWorldAt(t *testing.T, place storetest.Place) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), place: place}
	if place.File != "" {
		w.dir = filepath.Dir(place.File)
	}
	w.open()
	t.Cleanup(func() { w.close() })
	ctx := t.Context()
	ws, err := w.owner.CreateWorkspace(ctx, "Test")
	require.NoError(t, err)
	w.workspace = ws.ID
	for user, role := range map[string]rbac.Role{"admin": rbac.Admin, "editor": rbac.Editor, "viewer": rbac.Viewer} {
		_, err := w.owner.SetMember(ctx, ws.ID, user, role)
		require.NoError(t, err)
	}
	base, err := w.owner.CreateBase(ctx, ws.ID, minidb.BaseSpec{Name: "Base"})
	require.NoError(t, err)
	w.base = base.ID
	return w
}

// open starts the engine on the world's directory; with close it makes a restart.
func (w *world) open() {
	t, ctx := w.t, context.WithoutCancel(w.t.Context())
	store, done := w.place.Lend(t)
	var err error
	w.db, err = minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	keys, err := livetables.LoadKeys(filepath.Join(w.dir, "key"))
	require.NoError(t, err)
	w.engine, err = livetables.New(livetables.Options{
		Store: w.db, Sealer: keys, Files: w.dir, Logger: slog.New(slog.DiscardHandler),
		Openers: map[string]adapter.Opener{"postgres": postgres.Open, "sqlite": sqlite.Open, "mongodb": mongodb.Open},
		Dial:    (&net.Dialer{}).DialContext, // the servers of these tests are on this machine
		Plain:   func(string, int) bool { return true },
	})
	require.NoError(t, err)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error)
	engine := w.engine // a test may put another one in its place
	go func() { ended <- engine.Run(run) }()
	closeAll := func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, engine.Close())
		require.NoError(t, w.db.Close())
		done()
	}
	w.stop = closeAll
	for _, p := range []struct {
		to   **livetables.Access
		user string
	}{{&w.owner, "owner"}, {&w.admin, "admin"}, {&w.editor, "editor"}, {&w.viewer, "viewer"}, {&w.stranger, "stranger"}} {
		*p.to = w.engine.As(rbac.Principal{ID: p.user})
	}
}

func (w *world) close() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

func (w *world) table(name string, columns ...minidb.ColumnSpec) *minidb.Table {
	w.t.Helper()
	t, err := w.owner.CreateTable(w.t.Context(), w.base, minidb.TableSpec{Name: name, Columns: columns})
	require.NoError(w.t, err)
	return t
}

// insert adds rows of values written as CSV cells are, in the order of the table's columns.
func (w *world) insert(a *livetables.Access, t *minidb.Table, rows ...[]string) []string {
	w.t.Helper()
	m := &lqp.Mutation{Op: lqp.Insert, Table: t.ID}
	for _, r := range rows {
		var set []lqp.Assignment
		for i, cell := range r {
			c := t.Schema().Column(t.Columns[i].ID)
			v, err := lqp.ParseText(c.Type, cell)
			require.NoError(w.t, err)
			set = append(set, lqp.Assignment{Column: c.ID, Value: v})
		}
		m.Rows = append(m.Rows, lqp.RowChange{Set: set})
	}
	res, err := a.Apply(w.t.Context(), w.workspace, m)
	require.NoError(w.t, err)
	var ids []string
	for _, r := range res[0].Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// connectPostgres makes a connection to the database of a test server's URL.
func (w *world) connectPostgres(dsn string) *livetables.Connection {
	w.t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(w.t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(w.t, err)
	spec := livetables.ConnectionSpec{Name: "pg", Driver: "postgres", Host: u.Hostname(), Port: port, User: u.User.Username(),
		Database: strings.TrimPrefix(u.Path, "/"), TLS: "off"}
	if p, ok := u.User.Password(); ok {
		s := livetables.NewSecret(p)
		spec.Password = &s
	}
	c, err := w.owner.CreateConnection(w.t.Context(), w.workspace, spec)
	require.NoError(w.t, err)
	return c
}

func expr(t testing.TB, text string) lqp.Expr {
	t.Helper()
	e, err := formula.Parse(text)
	require.NoError(t, err)
	return e
}

// cols are output columns: "alias.column", "column" or "name=formula".
func cols(t testing.TB, list ...string) []lqp.Named {
	t.Helper()
	var out []lqp.Named
	for _, c := range list {
		name, text, ok := strings.Cut(c, "=")
		if !ok {
			name, text = "", c
		}
		out = append(out, lqp.Named{Name: name, Expr: expr(t, text)})
	}
	return out
}

// order is sort keys, "-" in front for descending.
func order(t testing.TB, list ...string) []lqp.Order {
	t.Helper()
	var out []lqp.Order
	for _, c := range list {
		name, desc := strings.CutPrefix(c, "-")
		out = append(out, lqp.Order{Expr: expr(t, name), Desc: desc})
	}
	return out
}

// all reads a page as text rows, cells joined by "|".
func all(t testing.TB, rows *livetables.Rows, err error) []string {
	t.Helper()
	require.NoError(t, err)
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		cells := make([]string, len(rows.Columns))
		for i := range cells {
			cells[i] = rows.Value(i).String()
		}
		list = append(list, strings.Join(cells, "|"))
	}
	require.NoError(t, rows.Err())
	return list
}

// walk reads every page of a query by its cursors.
func walk(t testing.TB, a *livetables.Access, workspace string, q lqp.Query, size int) (list []string) {
	t.Helper()
	q.Page = lqp.Page{Limit: size}
	for pages := 0; ; pages++ {
		require.Less(t, pages, 10_000, "the walk does not end")
		rows, err := a.Query(t.Context(), workspace, &q)
		page := all(t, rows, err)
		require.LessOrEqual(t, len(page), size)
		list = append(list, page...)
		if rows.NextCursor() == "" {
			require.False(t, rows.More())
			return list
		}
		require.Len(t, page, size, "a page before the last is full")
		q.Page.Cursor = rows.NextCursor()
	}
}

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func replaceAll(s, old, new string) string { return strings.ReplaceAll(s, old, new) }

// unnull splits a text row into cells, NULL as the empty cell.
func unnull(row string) []string {
	cells := strings.Split(row, "|")
	for i, c := range cells {
		if c == "NULL" {
			cells[i] = ""
		}
	}
	return cells
}

var idPattern = regexp.MustCompile(`(tbl|col|row|wsp)_[0-9a-z]{26}`)

// withoutIDs is an error's text with the ids in it made alike.
func withoutIDs(err error) string { return idPattern.ReplaceAllString(fmt.Sprint(err), "$1") }
