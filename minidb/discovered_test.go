package minidb_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestDiscovered(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	c, err := f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{Name: "C", Driver: "postgres", Settings: json.RawMessage(`{}`)})
	require.NoError(t, err)
	found := minidb.Discovered{Version: 1, ReadAt: time.UnixMilli(1_700_000_000_000).UTC(), Catalog: lqp.Catalog{Database: "shop", Tables: []*lqp.Table{{
		Name: "orders", Path: []string{"public", "orders"}, Kind: lqp.BaseTable, Key: []string{"id"}, Rows: -1, Comment: `"quoted"`,
		Columns:     []lqp.Column{{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}, Native: "bigint", ReadOnly: true}},
		Uniques:     [][]string{{"id"}},
		ForeignKeys: []lqp.ForeignKey{{Name: "fk", Columns: []string{"id"}, RefTable: "other", RefColumns: []string{"id"}}},
	}}}}
	get := func(version int64) *minidb.Discovered {
		d, err := f.Discovered(f.ctx, c.ID, version)
		require.NoError(t, err)
		return d
	}
	require.Nil(t, get(1))
	log := readLog(t, f.DB)
	revision := func() int64 {
		s, err := f.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		return s.Revision
	}
	before := revision()
	require.NoError(t, f.PutDiscovered(f.ctx, c.ID, found))
	require.Equal(t, &found, get(1))
	require.Nil(t, get(2), "the settings are others")
	require.Equal(t, log, readLog(t, f.DB), "a cache is no news")
	require.Equal(t, before, revision())

	older := found
	older.ReadAt, older.Catalog.Database = found.ReadAt.Add(-time.Hour), "older"
	require.NoError(t, f.PutDiscovered(f.ctx, c.ID, older))
	require.Equal(t, &found, get(1), "the newest reading stays")
	_, err = f.UpdateConnection(f.ctx, alice, c.ID, minidb.ConnectionPatch{Settings: json.RawMessage(`{"host":"x"}`)}, 0)
	require.NoError(t, err)
	found.ReadAt = found.ReadAt.Add(time.Hour)
	require.NoError(t, f.PutDiscovered(f.ctx, c.ID, found))
	require.Nil(t, get(2), "read with settings that are gone")
	found.Version = 2
	require.NoError(t, f.PutDiscovered(f.ctx, c.ID, found))
	require.Equal(t, &found, get(2))
	require.NoError(t, f.PutDiscovered(f.ctx, "con_none", found))
	require.NoError(t, f.DeleteConnection(f.ctx, alice, c.ID, 0))
	require.Zero(t, f.count(`SELECT count(*) FROM lt_schema`))
}
