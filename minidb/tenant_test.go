package minidb_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// furnish puts one of everything into a workspace and answers the ids of the resources.
func furnish(f *fixture, w *minidb.Workspace, slug string) (ids []string, g *table) {
	f.Helper()
	own := *f
	own.workspace = w
	base, err := f.CreateBase(f.ctx, alice, w.ID, minidb.BaseSpec{Name: "Base"})
	require.NoError(f, err)
	own.base = base
	g = own.table(goods)
	rows := g.add(values{"Name": text("canary " + slug)}, values{"Name": text("B")})
	v, err := f.CreateView(f.ctx, alice, base.ID, minidb.ViewSpec{Name: "V", Query: json.RawMessage(`{}`)})
	require.NoError(f, err)
	s, err := f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: slug, Mode: minidb.ShareKeyed})
	require.NoError(f, err)
	k, err := f.AddShareKey(f.ctx, alice, s.ID, minidb.ShareKey{Prefix: "p", Hash: []byte("h")})
	require.NoError(f, err)
	c, err := f.CreateConnection(f.ctx, alice, w.ID, minidb.ConnectionSpec{Name: "C", Driver: "postgres", Settings: json.RawMessage(`{}`), Secret: []byte("x")})
	require.NoError(f, err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: w.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Viewer})
	require.NoError(f, err)
	r, err := f.CreateRole(f.ctx, alice, w.ID, minidb.RoleSpec{Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: g.ID}}})
	require.NoError(f, err)
	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: w.ID, Resource: g.ID, Cap: rbac.Cap{Role: r.ID, Max: rbac.Viewer}})
	require.NoError(f, err)
	return append(rows, string(r.ID), base.ID, g.ID, v.ID, s.ID, k.ID, c.ID, g.Columns[0].ID), g
}

// mentions counts the rows of the mini-DB's own tables that contain a text in any column, by table.
func mentions(f *fixture, needle string) map[string]int64 {
	f.Helper()
	found := make(map[string]int64)
	for _, name := range f.relations("lt_", "tbl") {
		var any []string
		path := f.pathOf(name)
		for _, column := range f.columnsOf(path) {
			any = append(any, `CAST("`+column+`" AS TEXT) LIKE '%`+needle+`%'`)
		}
		if len(any) == 0 {
			continue // an index
		}
		if n := f.count(`SELECT count(*) FROM ` + quoted(path) + ` WHERE ` + strings.Join(any, " OR ")); n > 0 {
			found[name] = n
		}
	}
	return found
}

func names(f *fixture, sql string) (list []string) {
	f.Helper()
	require.NoError(f, f.Adapter().Read(f.ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(f.ctx, sql)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			list = append(list, rows.Value(0).Text())
		}
		return rows.Err()
	}))
	return list
}

func TestDeleteWorkspaceLeavesNothing(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	kept, keptTable := furnish(f, f.workspace, "kept-view")
	doomed, err := f.CreateWorkspace(f.ctx, minidb.Actor{ID: "usr_eve"}, "Doomed")
	require.NoError(t, err)
	ids, _ := furnish(f, doomed, "doomed-view")
	last, err := f.LastPosition(f.ctx)
	require.NoError(t, err)
	before := len(mentions(f, doomed.ID))
	require.Greater(t, before, 8, "the workspace's id is in every table that holds its data")

	var version *minidb.VersionError
	require.ErrorAs(t, f.DeleteWorkspace(f.ctx, alice, doomed.ID, 9), &version)
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, doomed.ID, 1))
	require.NoError(t, f.Purge(f.ctx, nil))

	require.Equal(t, map[string]int64{"lt_change": 1}, mentions(f, doomed.ID), "only the entry that says it was deleted")
	require.Empty(t, mentions(f, "doomed-view"))
	for _, id := range ids {
		require.Empty(t, mentions(f, id), id)
	}
	entries, err := f.Changes(f.ctx, last, 0)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "workspace.delete", entries[0].Action)
	require.Equal(t, alice.ID, entries[0].Actor)
	require.Empty(t, entries[0].Workspace)
	require.Nil(t, entries[0].Before)

	_, err = f.Snapshot(f.ctx, doomed.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	for _, id := range append(ids, doomed.ID) {
		_, err = f.WorkspaceOf(f.ctx, id)
		require.ErrorIs(t, err, minidb.ErrNotFound)
	}
	for _, id := range kept[2:] {
		if strings.HasPrefix(id, "key_") || strings.HasPrefix(id, "rol_") { // found by way of others
			continue
		}
		w, err := f.WorkspaceOf(f.ctx, id)
		require.NoError(t, err, id)
		require.Equal(t, f.workspace.ID, w)
	}
	require.Len(t, keptTable.stored(), 2)
	keptTable.add(values{"Name": text("after")})
	again, err := f.LastPosition(f.ctx)
	require.NoError(t, err)
	require.Equal(t, last+2, again, "positions go on")
}

// TestEveryTenantTableIsEmptied fails when a migration adds a table with a workspace that DeleteWorkspace does not know.
func TestEveryTenantTableIsEmptied(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	furnish(f, f.workspace, "some-view")
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	require.NoError(t, f.Purge(f.ctx, nil))
	for _, name := range f.relations("lt_") {
		for _, column := range f.columnsOf([]string{name}) {
			if column == "workspace" {
				require.Zero(t, f.count(`SELECT count(*) FROM "`+name+`" WHERE workspace <> ''`), name)
			}
		}
	}
	require.Empty(t, f.relations("tbl", "unique"))
}

func TestWorkspacesAreIsolated(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other, err := f.CreateWorkspace(f.ctx, minidb.Actor{ID: "usr_eve"}, "Other")
	require.NoError(t, err)
	mine, _ := furnish(f, f.workspace, "my-view")
	_, foreign := furnish(f, other, "other-view")
	s, err := f.Snapshot(f.ctx, other.ID)
	require.NoError(t, err)
	doc, err := json.Marshal(s)
	require.NoError(t, err)
	for _, id := range append(mine, f.workspace.ID, "my-view") {
		require.NotContains(t, string(doc), id)
	}
	require.Equal(t, map[string]rbac.Role{"usr_eve": rbac.Owner}, s.Members)
	history, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: other.ID, Limit: 1000})
	require.NoError(t, err)
	for _, e := range history {
		require.Equal(t, other.ID, e.Workspace)
	}
	// A row id of another table is no row of this one.
	_, err = foreign.try(foreign.update(mine[0], 0, values{"Stock": num(1)}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: foreign.ID}, Role: rbac.Viewer})
	require.ErrorIs(t, err, minidb.ErrNotFound)
}

func TestReopenKeepsEverything(t *testing.T) {
	place := storetest.New(t)
	ctx := t.Context()
	open := func() (adapter.Store, *minidb.DB) {
		store, err := place.OpenStore(ctx)
		require.NoError(t, err)
		db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		return store, db
	}
	store, db := open()
	f := &fixture{TB: t, DB: db, ctx: ctx, place: place}
	w, err := db.CreateWorkspace(ctx, alice, "W")
	require.NoError(t, err)
	_, g := furnish(f, w, "a-view")
	rows, epoch := g.stored(), db.Epoch()
	snapshot, err := db.Snapshot(ctx, w.ID)
	require.NoError(t, err)
	log := readLog(t, db)
	require.NoError(t, db.Close())
	require.NoError(t, store.Close())

	store, db = open()
	defer store.Close()
	again, err := db.Snapshot(ctx, w.ID)
	require.NoError(t, err)
	require.Equal(t, snapshot, again)
	require.Equal(t, epoch, db.Epoch())
	require.Equal(t, log, readLog(t, db))
	f.DB = db
	g.fixture = f
	require.Equal(t, rows, g.stored())
	if place.File != "" {
		info, err := os.Stat(place.File)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}
