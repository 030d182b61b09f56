package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestReadsAlongWithTheRevision: rows are answered with only by the newest catalogue, and an older one is forgotten. In an SQLite
// file the catalogue in memory is the newest.
func TestReadsAlongWithTheRevision(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	g := f.table(goods)
	before, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	table, ok := before.Table(g.ID)
	require.True(t, ok)
	if storetest.Driver() != ddl.Postgres {
		require.Nil(t, f.Known(f.workspace.ID))
		return
	}
	schema := table.Schema()
	q := &lqp.Query{From: lqp.Source{Table: table.ID, Alias: "t", Schema: schema}, Page: lqp.Page{Limit: 1},
		Select: []lqp.Named{{Name: "id", Expr: lqp.TypedRef("t", schema.Key[0], schema.Column(schema.Key[0]).Type)}}}
	p, err := other.Adapter().(adapter.Preparer).Prepare(other.Adapter().Plan(q).Pushed, nil)
	require.NoError(t, err)
	read := func(s *minidb.Snapshot) (checked bool, err error) {
		rows, checked, err := other.ScanCurrent(f.ctx, s, p, nil)
		if err == nil {
			err = rows.Close()
		}
		return checked, err
	}
	for range 5 {
		s, err := other.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.Same(t, s, other.Known(f.workspace.ID))
		checked, err := read(s)
		require.NoError(t, err)
		require.True(t, checked)
		_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_b", rbac.Editor)
		require.NoError(t, err)
		require.NoError(t, f.RemoveMember(f.ctx, alice, f.workspace.ID, "usr_b"))
		require.Same(t, s, other.Known(f.workspace.ID), "nobody has told it yet")
		checked, err = read(s)
		require.ErrorIs(t, err, minidb.ErrOutdated)
		require.False(t, checked)
		require.Nil(t, other.Known(f.workspace.ID))
	}
	s, err := other.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	checked, err := read(s)
	require.ErrorIs(t, err, minidb.ErrOutdated)
	require.False(t, checked)
}
