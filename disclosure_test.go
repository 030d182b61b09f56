package livetables_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// An upsert finds the rows that its writer may see. For one that it may not see there is no row, so that upserting tells
// nobody which keys exist.
func TestUpsertDoesNotTellOfRowsOutOfSight(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Code", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	w.insert(w.owner, tbl, []string{"blue", "once", "1"}, []string{"blue", "twice", "1"}, []string{"blue", "twice", "2"},
		[]string{"blue", "both", "1"}, []string{"red", "both", "1"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor, Read: expr(t, `Team = "red"`)}))
	upsert := func(key []string, code string) (lqp.Op, error) {
		res, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Upsert, Table: tbl.ID, Key: key, DryRun: true, Rows: []lqp.RowChange{{Set: []lqp.Assignment{
			{Column: "Team", Value: lqp.TextValue("red")}, {Column: "Code", Value: lqp.TextValue(code)}, {Column: "N", Value: lqp.IntValue(1)}}}}})
		if err != nil {
			return "", err
		}
		return res[0].Rows[0].Op, nil
	}
	for code, want := range map[string]lqp.Op{"never": lqp.Insert, "once": lqp.Insert, "twice": lqp.Insert, "both": lqp.Update} {
		for _, key := range [][]string{{"Code"}, {"Code", "N"}} {
			op, err := upsert(key, code)
			require.NoError(t, err, "%s by %v", code, key)
			assert.Equal(t, want, op, "%s by %v", code, key)
		}
	}
}

// The schema of a connection names no table and no column that its reader may not see, nor how many rows a rule keeps.
func TestSchemaNamesNothingHidden(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	path := filepath.Join(w.dir, "shop.db")
	store, err := sqlite.OpenStore(ctx, path, sqlite.StoreOptions{})
	require.NoError(t, err)
	require.NoError(t, store.Write(ctx, func(tx adapter.Tx) error {
		for _, sql := range []string{
			`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, ssn TEXT UNIQUE)`,
			`CREATE TABLE vault (code TEXT PRIMARY KEY)`,
			`CREATE TABLE invoice (id INTEGER PRIMARY KEY, who INTEGER REFERENCES customer(id), holder TEXT REFERENCES customer(ssn), vault TEXT REFERENCES vault(code))`,
			`INSERT INTO customer VALUES (1, 'Ann', '123'), (2, 'Bob', '456')`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, store.Close())
	con, err := w.owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: "shop", Driver: "sqlite", File: "shop.db"})
	require.NoError(t, err)
	for _, r := range []livetables.RuleSpec{
		{Table: rbac.TableRef{Connection: con.ID, Table: "customer"}, Read: expr(t, "id = 1"), Columns: map[string]rbac.Access{"ssn": rbac.Hidden}},
		{Table: rbac.TableRef{Connection: con.ID, Table: "vault"}, Columns: map[string]rbac.Access{"code": rbac.Hidden}},
	} {
		r.Role = rbac.Viewer
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, r))
	}
	whole, err := w.owner.Schema(ctx, con.ID, false)
	require.NoError(t, err)
	require.Len(t, whole.Table("invoice").ForeignKeys, 3)
	seen, err := w.viewer.Schema(ctx, con.ID, false)
	require.NoError(t, err)
	assert.Len(t, seen.Table("invoice").ForeignKeys, 1, "the one to customer.id")
	assert.NotContains(t, string(mustJSON(t, seen)), "ssn")
	assert.NotContains(t, string(mustJSON(t, seen)), "\"code\"")
	assert.EqualValues(t, -1, seen.Table("customer").Rows, "an estimate counts rows out of sight")
	assert.Empty(t, seen.Database, "where a connection leads is for those who manage it")
	assert.Len(t, whole.Table("invoice").ForeignKeys, 3, "what is remembered stays whole")
}

// A column takes its grants with it when it is deleted; its past must not come to light by that.
func TestHistoryOfADeletedHiddenColumn(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Diagnosis", Type: minidb.TextColumn, Description: "canary-text", Default: lqp.TextValue("canary-default")})
	w.insert(w.owner, tbl, []string{"Ann", "canary-cell"})
	hidden := tbl.Columns[1].ID
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
		Columns: map[string]rbac.Access{hidden: rbac.Hidden}}))
	clean := func(when string) {
		t.Helper()
		entries, err := w.viewer.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{})
		require.NoError(t, err)
		require.NotEmpty(t, entries)
		text := string(mustJSON(t, entries))
		for _, secret := range []string{"Diagnosis", "canary", hidden} {
			assert.NotContains(t, text, secret, when)
		}
	}
	clean("hidden")
	require.NoError(t, w.owner.DeleteColumn(ctx, hidden, 0))
	clean("deleted")
	entries, err := w.owner.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{})
	require.NoError(t, err)
	assert.Contains(t, string(mustJSON(t, entries)), "Diagnosis", "owners see the past")
}

// The built-in columns can be hidden like others: a frame or an entry then does not say in its own words what they hold.
func TestHiddenAuthor(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
		Columns: map[string]rbac.Access{minidb.ColumnCreatedBy: rbac.Hidden, minidb.ColumnUpdatedBy: rbac.Hidden}}))
	sub, err := w.viewer.Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	defer sub.Close()
	w.insert(w.owner, tbl, []string{"1"})
	waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	f, err := sub.Next(waiting)
	require.NoError(t, err)
	assert.NotContains(t, string(mustJSON(t, f)), "owner")
	entries, err := w.viewer.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{Action: "row.insert"})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Empty(t, entries[0].Actor)
	entries, err = w.viewer.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{Action: "row.insert", Actor: "owner"})
	require.NoError(t, err)
	assert.Empty(t, entries, "a filter tells it as well")
}

// Who is bound by a rule does not lift it, and shows others nothing that it hides.
func TestRulesBindThoseWhoManageThem(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn})
	free := w.table("Free", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	ref := rbac.TableRef{Table: tbl.ID}
	for _, role := range []rbac.Role{rbac.Admin, rbac.Viewer} {
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: ref, Role: role, Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
	}
	assert.ErrorIs(t, w.admin.DeleteRule(ctx, w.workspace, ref, rbac.Admin), livetables.ErrForbidden)
	assert.ErrorIs(t, w.admin.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: ref, Role: rbac.Admin}), livetables.ErrForbidden)
	assert.ErrorIs(t, w.admin.DeleteRule(ctx, w.workspace, ref, rbac.Viewer), livetables.ErrForbidden)
	assert.ErrorIs(t, w.admin.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: ref, Role: rbac.Viewer}), livetables.ErrForbidden)
	assert.ErrorIs(t, w.admin.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: free.ID}, Role: rbac.Admin, Read: expr(t, "FALSE")}),
		livetables.ErrForbidden, "rules for admins are the owners' business")
	require.NoError(t, w.admin.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: free.ID}, Role: rbac.Viewer, Read: expr(t, `Name = "x"`)}))
	require.NoError(t, w.admin.DeleteRule(ctx, w.workspace, rbac.TableRef{Table: free.ID}, rbac.Viewer))
	require.NoError(t, w.owner.DeleteRule(ctx, w.workspace, ref, rbac.Admin))
}

// Files in a directory named by a workspace are that workspace's alone (19).
func TestFilesOfAnotherWorkspace(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other, err := w.stranger.CreateWorkspace(ctx, "other")
	require.NoError(t, err)
	for _, dir := range []string{w.workspace, other.ID} {
		require.NoError(t, os.Mkdir(filepath.Join(w.dir, dir), 0o700))
		store, err := sqlite.OpenStore(ctx, filepath.Join(w.dir, dir, "own.db"), sqlite.StoreOptions{})
		require.NoError(t, err)
		require.NoError(t, store.Close())
	}
	require.NoError(t, os.Symlink(filepath.Join(w.dir, other.ID), filepath.Join(w.dir, "alias")))
	connect := func(file string) error {
		c, err := w.owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: file, Driver: "sqlite", File: file})
		if err == nil {
			_, err = w.owner.Schema(ctx, c.ID, false)
		}
		return err
	}
	require.NoError(t, connect(w.workspace+"/own.db"))
	for _, file := range []string{other.ID + "/own.db", "alias/own.db", w.workspace + "/../" + other.ID + "/own.db", minidb.NewID("wsp") + "/own.db"} {
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(connect(file)), file)
	}
}

// A connection is found by its id before any other is found by its name: naming one after another's id takes nothing over.
func TestConnectionNamedAfterAnother(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, name := range []string{"one", "two"} {
		store, err := sqlite.OpenStore(ctx, filepath.Join(w.dir, name+".db"), sqlite.StoreOptions{})
		require.NoError(t, err)
		require.NoError(t, store.Write(ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE t AS SELECT '%s' AS at`, name))
			return err
		}))
		require.NoError(t, store.Close())
	}
	one, err := w.owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: "one", Driver: "sqlite", File: "one.db"})
	require.NoError(t, err)
	_, err = w.owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: one.ID, Driver: "sqlite", File: "two.db"})
	require.NoError(t, err)
	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Connection: one.ID, Table: "t"}})
	assert.Equal(t, []string{"one"}, all(t, rows, err))
}

// A connection that is closed to somebody is not there, also when its database does not answer: nobody is told by an error what
// it is called, nor makes it be asked.
func TestClosedConnectionDoesNotFailOtherwise(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	ask := func(a *livetables.Access, connection string) error {
		_, err := a.Query(ctx, e.workspace, &lqp.Query{From: lqp.Source{Connection: connection, Table: "t"}})
		return err
	}
	e.cap(e.connection.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing})
	require.NoError(t, os.Remove(filepath.Join(e.dir, "shop.db")))
	require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(ask(e.owner, e.connection.ID)))
	missing := ask(e.viewer, minidb.NewID("con"))
	for _, name := range []string{e.connection.ID, e.connection.Name} {
		assert.Equal(t, missing.Error(), ask(e.viewer, name).Error(), name)
	}
}

// Who manages the rules reads them in an explanation, but where one applies to the reader too, not how many rows it takes away.
func TestAnalyzeCountsNoRowsOutOfSight(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	rule := livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 20")}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	q := &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}, Select: cols(t, "Name")}
	before, err := e.admin.Analyze(ctx, e.workspace, q)
	require.NoError(t, err)
	require.NotEmpty(t, before.Rules[0].Filter)
	e.insert(e.owner, e.leftTable, []string{"Dan", "40"}, []string{"Eve", "50"})
	after, err := e.admin.Analyze(ctx, e.workspace, q)
	require.NoError(t, err)
	assert.JSONEq(t, string(mustJSON(t, before)), string(mustJSON(t, after)))
}
