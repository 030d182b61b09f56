package minidb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// TestCopiesAreNumbered copies a base, a table and a column again and again without a name, and a table whose name is as long as it may be.
func TestCopiesAreNumbered(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "Goods", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	for _, end := range []string{" copy", " copy 2", " copy 3"} {
		c, err := f.DuplicateColumn(f.ctx, alice, g.id("Name"), minidb.DuplicateColumn{})
		require.NoError(t, err)
		require.Equal(t, "Name"+end, c.Name)
		table, err := f.DuplicateTable(f.ctx, alice, g.ID, minidb.Duplicate{})
		require.NoError(t, err)
		require.Equal(t, "Goods"+end, table.Name)
		base, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{})
		require.NoError(t, err)
		require.Equal(t, f.base.Name+end, base.Name)
	}
	long := strings.Repeat("é", 200)
	wide := f.table(minidb.TableSpec{Name: long, Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	for _, end := range []string{" copy", " copy 2"} {
		table, err := f.DuplicateTable(f.ctx, alice, wide.ID, minidb.Duplicate{})
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("é", 200-len(end))+end, table.Name)
	}
	_, err := f.DuplicateTable(f.ctx, alice, g.ID, minidb.Duplicate{Name: "GOODS"})
	require.ErrorIs(t, err, minidb.ErrExists)
}
