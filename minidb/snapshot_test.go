package minidb_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
)

func TestSnapshotSeesEveryFinishedChange(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxSnapshots: 1})
	other, err := f.CreateWorkspace(f.ctx, alice, "Other")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 20 {
				b, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: fmt.Sprintf("b-%d-%d", w, i)})
				if err != nil {
					t.Error(err)
					return
				}
				s, err := f.Snapshot(f.ctx, f.workspace.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if _, ok := s.Base(b.ID); !ok {
					t.Errorf("the snapshot after a change lacks it")
				}
			}
		})
		wg.Go(func() {
			var revision int64
			for range 200 {
				s, err := f.Snapshot(f.ctx, f.workspace.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if s.Revision < revision {
					t.Errorf("revision went from %d to %d", revision, s.Revision)
				}
				revision = s.Revision
				if _, err := f.Snapshot(f.ctx, other.ID); err != nil { // pushes the first out of the cache
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Bases, 81)
	same, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Same(t, s, same, "kept until the next change")
	_, err = f.Snapshot(f.ctx, "wsp_none")
	require.ErrorIs(t, err, minidb.ErrNotFound)
}

func TestSchema(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	schema := g.Schema()
	require.Equal(t, g.ID, schema.Name)
	require.Equal(t, g.ID, schema.Path[len(schema.Path)-1])
	require.Equal(t, []string{"_id"}, schema.Key)
	require.Equal(t, "_version", schema.Version)
	require.Equal(t, [][]string{{g.id("Code")}}, schema.Uniques)
	require.Equal(t, "_id", schema.Columns[0].ID)
	require.True(t, schema.Column(g.id("Name")).Type.NotNull)
	require.False(t, schema.Column(g.id("Code")).Type.NotNull)
	require.True(t, schema.Column(g.id("Active")).HasDefault)

	// The store discovers the physical table with the same types. On PostgreSQL that takes an adapter that looks into the
	// namespace of the workspace, which the store itself does not.
	catalog, err := f.Adapter().Tables(f.ctx)
	require.NoError(t, err)
	if storetest.Driver() == ddl.Postgres {
		settings, err := storetest.Settings(f.place.URL)
		require.NoError(t, err)
		settings.Schemas = schema.Path[:1]
		a, err := postgres.Open(f.ctx, settings)
		require.NoError(t, err)
		defer a.Close()
		catalog, err = a.Tables(f.ctx)
		require.NoError(t, err)
		require.Len(t, catalog.Tables, 1)
		catalog.Tables[0].Name = g.ID
	}
	found := catalog.Table(g.ID)
	require.NotNil(t, found)
	require.Equal(t, schema.Key, found.Key)
	require.Len(t, found.Columns, len(schema.Columns))
	for i, c := range found.Columns {
		require.Equal(t, schema.Columns[i].ID, c.ID)
		require.True(t, schema.Columns[i].Type.Same(c.Type), c.ID)
		require.Equal(t, schema.Columns[i].Type.Scale, c.Type.Scale, c.ID)
	}
}

func TestRowImagesOfAnOlderSchema(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A"), "Stock": num(3)})
	changes, err := f.TableChanges(f.ctx, g.ID, 1, 0)
	require.NoError(t, err)
	require.NoError(t, f.DeleteColumn(f.ctx, alice, g.id("Code"), 0))
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "New", Type: minidb.TextColumn, Default: text("x")}, 0)
	require.NoError(t, err)
	g.reload()
	row, err := g.Row(changes[0].After)
	require.NoError(t, err)
	require.Len(t, row, len(g.Schema().Columns))
	for i, c := range g.Schema().Columns {
		switch c.Name {
		case "Stock":
			require.Equal(t, "3", row[i].String())
		case "New":
			require.True(t, row[i].IsNull())
		}
	}
	row, err = g.Row(nil)
	require.NoError(t, err)
	require.Nil(t, row)
	_, err = g.Row([]byte(`[`))
	require.Error(t, err)
}
