package minidb_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

func TestArchive(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A")})
	old := g.Table
	_, err := f.ArchiveTable(f.ctx, alice, g.ID, 9)
	var version *minidb.VersionError
	require.ErrorAs(t, err, &version)
	away, err := f.ArchiveTable(f.ctx, alice, g.ID, 1)
	require.NoError(t, err)
	require.True(t, away.Archived())
	require.Equal(t, int64(2), away.Version)

	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Tables)
	require.Empty(t, s.TablesOf(f.base.ID))
	_, ok := s.Table(g.ID)
	require.False(t, ok)
	kept, ok := s.AnyTable(g.ID)
	require.True(t, ok)
	require.Len(t, kept.Columns, len(goods.Columns))
	w, err := f.WorkspaceOf(f.ctx, g.ID)
	require.NoError(t, err, "it is archived, not gone")
	require.Equal(t, f.workspace.ID, w)

	// Neither written nor changed, in whatever state the writer has seen it.
	for _, seen := range []*minidb.Table{old, kept} {
		g.Table = seen
		_, err = g.try(g.insert(values{"Name": text("B")}), minidb.Guard{})
		require.ErrorIs(t, err, minidb.ErrArchived)
	}
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "X", Type: minidb.TextColumn}, 0)
	require.ErrorIs(t, err, minidb.ErrArchived)
	_, err = f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Name: ptr("X")}, 0)
	require.ErrorIs(t, err, minidb.ErrArchived)
	_, err = f.ChangeType(f.ctx, alice, g.id("Code"), minidb.Retype{Type: minidb.IntegerColumn}, 0)
	require.ErrorIs(t, err, minidb.ErrArchived)
	_, err = f.CreateTable(f.ctx, alice, f.base.ID, goods)
	require.ErrorIs(t, err, minidb.ErrExists, "it keeps its name")

	log := readLog(t, f.DB)
	_, err = f.ArchiveTable(f.ctx, alice, g.ID, 0)
	require.NoError(t, err)
	require.Equal(t, log, readLog(t, f.DB), "archiving twice is archiving once")

	_, err = f.RestoreTable(f.ctx, alice, g.ID, 2)
	require.NoError(t, err)
	g.reload().add(values{"Name": text("B")})
	require.Len(t, g.stored(), 2)
	changes, err := f.TableChanges(f.ctx, g.ID, 2, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"table.archive", "table.restore", "row.insert"}, []string{changes[0].Action, changes[1].Action, changes[2].Action})
	require.JSONEq(t, `{"archived_at":null}`, string(changes[0].Before))

	_, err = f.ArchiveTable(f.ctx, alice, g.ID, 0)
	require.NoError(t, err)
	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	f.gone(g.ID)
	require.Empty(t, f.relations("tbl"))
}

func TestTableSettings(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	require.JSONEq(t, `{}`, string(g.Settings))
	for _, bad := range []string{`[]`, `null`, `{`, ``} {
		_, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Settings: json.RawMessage(bad)}, 0)
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v, bad)
	}
	_, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Settings: json.RawMessage(`{"height": [1, 2]}`)}, 1)
	require.NoError(t, err)
	require.Equal(t, `{"height":[1,2]}`, string(g.reload().Settings))
	require.Equal(t, int64(2), g.Version)
}
