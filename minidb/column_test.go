package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestTables(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxTables: 2, MaxColumns: 9})
	g := f.table(goods)
	_, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "goods"})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "Twice", Columns: []minidb.ColumnSpec{
		{Name: "A", Type: minidb.TextColumn}, {Name: "a", Type: minidb.TextColumn}}})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.CreateTable(f.ctx, alice, "bas_none", minidb.TableSpec{Name: "X"})
	require.ErrorIs(t, err, minidb.ErrNotFound)
	f.table(minidb.TableSpec{Name: "Empty"})
	_, err = f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "Third"})
	require.ErrorIs(t, err, minidb.ErrLimit)
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Tenth", Type: minidb.TextColumn}, 0)
	require.ErrorIs(t, err, minidb.ErrLimit)

	id := g.add(values{"Name": text("A")})[0]
	renamed, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Name: ptr(`x"; DROP TABLE lt_change; --`)}, 1)
	require.NoError(t, err)
	require.Equal(t, int64(2), renamed.Version)
	require.Equal(t, renamed.Name, renamed.Schema().Label)
	g.reload().do(g.update(id, 0, values{"Stock": num(1)}))
	_, err = f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Name: ptr("y")}, 1)
	var version *minidb.VersionError
	require.ErrorAs(t, err, &version)
	w, err := f.WorkspaceOf(f.ctx, g.id("Stock"))
	require.NoError(t, err)
	require.Equal(t, f.workspace.ID, w)
}

func TestColumnOptions(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	for _, bad := range []minidb.ColumnSpec{
		{Name: "x", Type: "blob"},
		{Name: "", Type: minidb.TextColumn},
		{Name: "_ID", Type: minidb.TextColumn},
		{Name: "x", Type: minidb.TextColumn, Options: minidb.ColumnOptions{Scale: 1}},
		{Name: "x", Type: minidb.TextColumn, Options: minidb.ColumnOptions{MaxLength: 10_001}},
		{Name: "x", Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{MaxLength: 5}},
		{Name: "x", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 11}},
		{Name: "x", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: -1}},
		{Name: "x", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 4, Precision: 3}},
		{Name: "x", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2, Precision: 23}},
		{Name: "x", Type: minidb.DateColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "a"}}}},
		{Name: "x", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "a"}, {Name: "a"}}}},
		{Name: "x", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: ""}}}},
		{Name: "x", Type: minidb.SingleSelectColumn, Default: text("b"), Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "a"}}}},
		{Name: "x", Type: minidb.IntegerColumn, Default: dec("1.5")},
	} {
		_, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{bad}})
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v, "%+v", bad)
	}
	wide := f.table(minidb.TableSpec{Name: "Wide", Columns: []minidb.ColumnSpec{
		{Name: "N", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 10}, Default: dec("0.0000000001")},
		{Name: "M", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Precision: 19}},
	}}).reload()
	ids := wide.add(values{"N": dec("99999999999999999999.9999999999")}, values{"M": dec("9999999999999999999")})
	require.Equal(t, "99999999999999999999.9999999999", wide.stored()[ids[0]]["N"].String())
	require.Equal(t, "0.0000000001", wide.stored()[ids[1]]["N"].String())
	require.Equal(t, "9999999999999999999", wide.stored()[ids[1]]["M"].String())
	// A unique column of wide numbers compares numbers, not texts.
	_, err := f.AddColumn(f.ctx, alice, wide.ID, minidb.ColumnSpec{Name: "U", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 8}, Unique: true}, 0)
	require.NoError(t, err)
	wide.reload().add(values{"U": dec("1.50")})
	_, err = wide.try(wide.insert(values{"U": dec("1.5")}), minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
}

func TestAddColumn(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A")}, values{"Name": text("B")})
	_, err := f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "name", Type: minidb.TextColumn}, 0)
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Must", Type: minidb.TextColumn, Required: true}, 0)
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v, "rows have no value and there is no default")
	require.Equal(t, int64(1), g.reload().Version)

	c, err := f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Rate", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 1},
		Default: dec("0.5")}, 1)
	require.NoError(t, err)
	require.Equal(t, 9, c.Position)
	require.True(t, g.reload().stored()[ids[0]]["Rate"].IsNull(), "a default is for new rows")
	id := g.add(values{"Name": text("C")})[0]
	require.Equal(t, "0.5", g.stored()[id]["Rate"].String())

	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Must", Type: minidb.IntegerColumn, Required: true, Default: num(7)}, 2)
	require.NoError(t, err)
	row := g.reload().stored()[ids[0]]
	require.Equal(t, "7", row["Must"].String())
	require.Equal(t, "2", row["_version"].String(), "every row got a value by an update")
	require.True(t, g.Schema().Column(g.id("Must")).Type.NotNull)
	changes, err := f.TableChanges(f.ctx, g.ID, 5, 0)
	require.NoError(t, err)
	require.Equal(t, "column.create", changes[0].Action)
	require.Len(t, changes, 4)
	require.Equal(t, "row.update", changes[3].Action)
}

func TestUpdateColumn(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a"), "State": text("new"), "Stock": num(1)},
		values{"Name": text("B"), "Code": text("b"), "State": text("old"), "Stock": num(1)})
	try := func(name string, p minidb.ColumnPatch) error {
		_, err := f.UpdateColumn(f.ctx, alice, g.id(name), p, 0)
		if err == nil {
			g.reload()
		}
		return err
	}
	var v *minidb.ValidationError
	require.ErrorIs(t, try("Stock", minidb.ColumnPatch{Type: ptr(minidb.TextColumn)}), minidb.ErrTypeChange)
	require.ErrorIs(t, try("Price", minidb.ColumnPatch{Options: &minidb.ColumnOptions{Scale: 3}}), minidb.ErrTypeChange)
	require.ErrorIs(t, try("Price", minidb.ColumnPatch{Name: ptr("STOCK")}), minidb.ErrExists)
	require.ErrorAs(t, try("Stock", minidb.ColumnPatch{Unique: ptr(true)}), &v)
	require.ErrorAs(t, try("Price", minidb.ColumnPatch{Required: ptr(true)}), &v)
	require.ErrorAs(t, try("Name", minidb.ColumnPatch{Options: &minidb.ColumnOptions{MaxLength: 10}}), &v)
	require.Equal(t, int64(1), g.reload().Version, "what is refused changes nothing")

	require.NoError(t, try("Name", minidb.ColumnPatch{Name: ptr("Title"), Description: ptr("what it is called"), Type: ptr(minidb.TextColumn)}))
	require.Equal(t, "A", g.stored()[ids[0]]["Title"].Text())
	require.NoError(t, try("Price", minidb.ColumnPatch{Required: ptr(true), Default: ptr(dec("1.25"))}))
	require.Equal(t, "1.25", g.stored()[ids[1]]["Price"].String())
	require.NoError(t, try("Code", minidb.ColumnPatch{Unique: ptr(false)}))
	g.add(values{"Title": text("C"), "Code": text("a")})
	require.ErrorAs(t, try("Code", minidb.ColumnPatch{Unique: ptr(true)}), &v)
	g.do(&lqp.Mutation{Op: lqp.Delete, Where: g.where("eq", "Title", text("C"))})
	require.NoError(t, try("Code", minidb.ColumnPatch{Unique: ptr(true)}))

	state, _ := g.Column(g.id("State"))
	choices := append([]minidb.Choice(nil), state.Options.Choices...)
	require.ErrorIs(t, try("State", minidb.ColumnPatch{Options: &minidb.ColumnOptions{Choices: choices[:1]}}), minidb.ErrInUse)
	choices[0].Name, choices[1].Name = "old", "new"
	require.NoError(t, try("State", minidb.ColumnPatch{Options: &minidb.ColumnOptions{Choices: append(choices, minidb.Choice{Name: "gone"})}}))
	require.Equal(t, "old", g.stored()[ids[0]]["State"].Text(), "choices that swap names take their rows along")
	require.Equal(t, "new", g.stored()[ids[1]]["State"].Text())
	require.Equal(t, "3", g.stored()[ids[0]]["_version"].String())
}

func TestReorderAndDeleteColumns(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	id := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(3)})[0]
	var order []string
	for i := len(g.Columns) - 1; i >= 0; i-- {
		order = append(order, g.Columns[i].ID)
	}
	for _, bad := range [][]string{nil, order[1:], append([]string{order[1]}, order[1:]...), append([]string{"col_x"}, order[1:]...)} {
		_, err := f.ReorderColumns(f.ctx, alice, g.ID, bad, 0)
		require.Error(t, err)
	}
	_, err := f.ReorderColumns(f.ctx, alice, g.ID, order, 1)
	require.NoError(t, err)
	require.Equal(t, "Notes", g.reload().Columns[0].Name)
	require.Equal(t, g.Columns[0].ID, g.Schema().Columns[1].ID)
	g.do(g.update(id, 0, values{"Stock": num(4)}))

	code := g.id("Code")
	require.NoError(t, f.DeleteColumn(f.ctx, alice, code, 2))
	require.ErrorIs(t, f.DeleteColumn(f.ctx, alice, code, 0), minidb.ErrNotFound)
	g.reload()
	require.Len(t, g.Columns, 8)
	for i, c := range g.Columns {
		require.Equal(t, i, c.Position)
	}
	require.Equal(t, "4", g.stored()[id]["Stock"].String())
	require.Empty(t, f.relations("unique_"+code))
	_, err = f.WorkspaceOf(f.ctx, code)
	require.ErrorIs(t, err, minidb.ErrNotFound)
}
