package minidb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// physical lists the indexes that the database has on the physical table of a user table, "name: terms".
func (f *fixture) physical(t *minidb.Table) []string {
	f.Helper()
	return f.indexesOf(f.schema(t.ID).Path)
}

func (f *fixture) schema(table string) *lqp.Table {
	f.Helper()
	return f.current(table).Schema()
}

// current is the table of the snapshot of now.
func (f *fixture) current(table string) *minidb.Table {
	f.Helper()
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(f, err)
	t, ok := s.Table(table)
	require.True(f, ok)
	return t
}

func kinds(list []minidb.Index) (out []string) {
	for _, x := range list {
		text := string(x.Kind) + ":"
		for _, c := range x.Columns {
			if c.Desc {
				text += "-"
			}
			text += c.Column + " "
		}
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

func TestIndexes(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	table, err := f.CreateTable(f.ctx, alice, f.base.ID, goods)
	require.NoError(t, err)
	name, code, stock, price := table.Columns[0].ID, table.Columns[1].ID, table.Columns[2].ID, table.Columns[3].ID
	automatic := []string{"key:_id", "created:_created_at", "unique:" + code}
	require.Equal(t, automatic, kinds(table.Indexes()))
	require.Equal(t, []string{"created_" + table.ID + ": _created_at", "unique_" + code + ": " + code}, f.physical(table))

	two := []minidb.IndexColumn{{Column: stock, Desc: true}, {Column: name}}
	x, err := f.CreateIndex(f.ctx, alice, table.ID, two, table.Version)
	require.NoError(t, err)
	require.True(t, minidb.ValidID(x.ID, "idx"))
	require.Equal(t, minidb.OwnIndex, x.Kind)
	require.Equal(t, alice.ID, x.CreatedBy)
	made := append(append([]string(nil), automatic...), "own:-"+stock+" "+name)
	require.Equal(t, made, kinds(f.current(table.ID).Indexes()))
	require.Contains(t, f.physical(table), x.ID+": "+stock+" DESC, "+name+", _id")

	// It is a change of the table's definition like others.
	require.Equal(t, table.Version+1, f.current(table.ID).Version)
	log, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, ResourceType: "index", Limit: 10})
	require.NoError(t, err)
	require.Len(t, log, 1)
	require.Equal(t, []string{"index.create", x.ID, table.ID, alice.ID}, []string{log[0].Action, log[0].Resource, log[0].Table, log[0].Actor})
	require.Contains(t, string(log[0].After), stock)

	for _, c := range []struct {
		name    string
		columns []minidb.IndexColumn
		version int64
		want    string
	}{
		{"the same", two, 0, "already exists"},
		{"of a unique column", []minidb.IndexColumn{{Column: code, Desc: true}}, 0, "already exists"},
		{"of creation times", []minidb.IndexColumn{{Column: minidb.ColumnCreatedAt}}, 0, "already exists"},
		{"without columns", nil, 0, "1 to 8 columns"},
		{"of a column twice", []minidb.IndexColumn{{Column: stock}, {Column: stock, Desc: true}}, 0, "once"},
		{"of another table's column", []minidb.IndexColumn{{Column: minidb.NewID("col")}}, 0, "no column"},
		{"hostile", []minidb.IndexColumn{{Column: `_id"); DROP TABLE lt_table; --`}}, 0, "no column"},
		{"an older version", []minidb.IndexColumn{{Column: price}}, table.Version, "version is now"},
	} {
		_, err := f.CreateIndex(f.ctx, alice, table.ID, c.columns, c.version)
		require.ErrorContains(t, err, c.want, c.name)
	}
	_, err = f.CreateIndex(f.ctx, alice, minidb.NewID("tbl"), two, 0)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	// After a restart it is still there.
	require.NoError(t, f.Close())
	f.DB = openAt(t, f.place, minidb.Options{})
	require.Equal(t, made, kinds(f.current(table.ID).Indexes()))

	require.ErrorIs(t, f.DropIndex(f.ctx, alice, table.ID, minidb.NewID("idx"), 0), minidb.ErrNotFound)
	require.NoError(t, f.DropIndex(f.ctx, alice, table.ID, x.ID, 0))
	require.Equal(t, automatic, kinds(f.current(table.ID).Indexes()))
	require.Len(t, f.physical(table), 2)
	require.ErrorIs(t, f.DropIndex(f.ctx, alice, table.ID, x.ID, 0), minidb.ErrNotFound)
}

// TestIndexesFollowTheTable: copies, changes of type, of length and of uniqueness, deletion of columns and of tables.
func TestIndexesFollowTheTable(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	table, err := f.CreateTable(f.ctx, alice, f.base.ID, goods)
	require.NoError(t, err)
	name, code, stock, price := table.Columns[0].ID, table.Columns[1].ID, table.Columns[2].ID, table.Columns[3].ID
	_, err = f.CreateIndex(f.ctx, alice, table.ID, []minidb.IndexColumn{{Column: name}, {Column: minidb.ColumnUpdatedAt, Desc: true}}, 0)
	require.NoError(t, err)
	byPrice, err := f.CreateIndex(f.ctx, alice, table.ID, []minidb.IndexColumn{{Column: price}, {Column: stock}}, 0)
	require.NoError(t, err)

	copied, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy"})
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	twin := s.TablesOf(copied.ID)[0]
	require.Equal(t, []string{"key:_id", "created:_created_at", "unique:" + twin.Columns[1].ID,
		"own:" + twin.Columns[0].ID + " -_updated_at", "own:" + twin.Columns[3].ID + " " + twin.Columns[2].ID}, kinds(twin.Indexes()))
	require.Len(t, f.physical(twin), 4)

	// A text that may be longer than what is sorted by is kept in part.
	long := minidb.ColumnOptions{MaxLength: 400}
	_, err = f.UpdateColumn(f.ctx, alice, name, minidb.ColumnPatch{Options: &long}, 0)
	require.NoError(t, err)
	require.Contains(t, strings.Join(f.physical(table), "\n"), ": substr("+name+", 1, 255), _updated_at DESC, _id")

	// Another type is another physical table.
	_, err = f.ChangeType(f.ctx, alice, stock, minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	require.NotEqual(t, table.ID, f.schema(table.ID).Path[len(f.schema(table.ID).Path)-1])
	require.Len(t, f.physical(table), 4)
	require.Contains(t, f.physical(table), byPrice.ID+": "+price+", "+stock+", _id")

	yes, no := true, false
	_, err = f.UpdateColumn(f.ctx, alice, code, minidb.ColumnPatch{Unique: &no}, 0)
	require.NoError(t, err)
	require.Len(t, f.physical(table), 3)
	_, err = f.UpdateColumn(f.ctx, alice, code, minidb.ColumnPatch{Unique: &yes}, 0)
	require.NoError(t, err)

	// What is left without one of its columns is no index any more.
	require.NoError(t, f.DeleteColumn(f.ctx, alice, price, 0))
	require.Equal(t, []string{"key:_id", "created:_created_at", "unique:" + code, "own:" + name + " -_updated_at"}, kinds(f.current(table.ID).Indexes()))
	log, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, Action: "index.delete", Limit: 10})
	require.NoError(t, err)
	require.Len(t, log, 1)
	require.Equal(t, byPrice.ID, log[0].Resource)

	_, err = f.ArchiveTable(f.ctx, alice, table.ID, 0)
	require.NoError(t, err)
	_, err = f.CreateIndex(f.ctx, alice, table.ID, []minidb.IndexColumn{{Column: stock}}, 0)
	require.ErrorIs(t, err, minidb.ErrArchived)
	require.NoError(t, f.DeleteTable(f.ctx, alice, table.ID, 0))
	require.NoError(t, f.Adapter().Read(f.ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(f.ctx, `SELECT id FROM lt_index WHERE table_id = ?`, lqp.TextValue(table.ID))
		if err != nil {
			return err
		}
		defer rows.Close()
		require.False(t, rows.Next())
		return rows.Err()
	}))
}

func TestIndexLimit(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	spec := minidb.TableSpec{Name: "Wide"}
	for i := range 40 {
		spec.Columns = append(spec.Columns, minidb.ColumnSpec{Name: fmt.Sprint("c", i), Type: minidb.IntegerColumn})
	}
	table, err := f.CreateTable(f.ctx, alice, f.base.ID, spec)
	require.NoError(t, err)
	for i := range 32 {
		_, err := f.CreateIndex(f.ctx, alice, table.ID, []minidb.IndexColumn{{Column: table.Columns[i].ID}}, 0)
		require.NoError(t, err)
	}
	_, err = f.CreateIndex(f.ctx, alice, table.ID, []minidb.IndexColumn{{Column: table.Columns[33].ID}}, 0)
	var limit *minidb.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "indexes", limit.Name)
}

// TestOlderDatabasesAreIndexed: tables of a release without the index of creation times have it once they are opened.
func TestOlderDatabasesAreIndexed(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	table, err := f.CreateTable(f.ctx, alice, f.base.ID, goods)
	require.NoError(t, err)
	path := f.schema(table.ID).Path
	require.NoError(t, f.Adapter().Write(f.ctx, func(tx adapter.Tx) error {
		for _, sql := range []string{`DROP INDEX ` + quoted(append(slices.Clone(path[:len(path)-1]), "created_"+table.ID)), `DELETE FROM lt_meta WHERE name = 'indexes'`} {
			if _, err := tx.Exec(f.ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Len(t, f.physical(table), 1)
	openAt(t, f.place, minidb.Options{})
	require.Len(t, f.physical(table), 2)
}
