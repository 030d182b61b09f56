package livetables_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// trashOf is what a principal finds in the trash, by name.
func trashOf(t *testing.T, a *livetables.Access, workspace string) (names []string) {
	t.Helper()
	list, err := a.Trash(t.Context(), workspace)
	require.NoError(t, err)
	for _, item := range list {
		names = append(names, item.Name)
	}
	slices.Sort(names)
	return names
}

func trashID(t *testing.T, a *livetables.Access, workspace, resource string) string {
	t.Helper()
	list, err := a.Trash(t.Context(), workspace)
	require.NoError(t, err)
	for _, item := range list {
		if item.Resource == resource {
			return item.ID
		}
	}
	require.Fail(t, "not in the trash", resource)
	return ""
}

// TestTrashIsForWhomNothingWasKeptFrom: rules, grants and caps hold for what lies in the trash as they did before.
func TestTrashIsForWhomNothingWasKeptFrom(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	var tables []*minidb.Table
	for _, name := range []string{"Free", "Ruled", "Capped", "Columns"} {
		tables = append(tables, w.table(name, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Secret", Type: minidb.TextColumn}))
		w.insert(w.owner, tables[len(tables)-1], []string{"1", "x"})
	}
	secret := tables[3].Columns[1].ID
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tables[1].ID}, Role: rbac.Admin, Read: expr(t, "N > 5")}))
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tables[3].ID}, Role: rbac.Admin,
		Columns: map[string]rbac.Access{secret: rbac.Hidden}}))
	_, err := w.owner.SetCap(ctx, tables[2].ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	require.NoError(t, err)
	for _, tbl := range tables[:3] {
		require.NoError(t, w.owner.DeleteTable(ctx, tbl.ID, 0))
	}
	require.NoError(t, w.owner.DeleteColumn(ctx, secret, 0))
	require.NoError(t, w.owner.DeleteColumn(ctx, tables[3].Columns[0].ID, 0))

	assert.Equal(t, []string{"Capped", "Free", "N", "Ruled", "Secret"}, trashOf(t, w.owner, w.workspace))
	assert.Equal(t, []string{"Free", "N"}, trashOf(t, w.admin, w.workspace))
	_, err = w.viewer.Trash(ctx, w.workspace)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.stranger.Trash(ctx, w.workspace)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	rules, err := w.owner.Rules(ctx, w.workspace)
	require.NoError(t, err)
	assert.Len(t, rules, 1, "rules of what is in the trash are out of sight")

	for _, id := range []string{tables[1].ID, tables[2].ID, secret} {
		item := trashID(t, w.owner, w.workspace, id)
		for who, a := range map[string]*livetables.Access{"admin": w.admin, "editor": w.editor, "viewer": w.viewer, "stranger": w.stranger} {
			_, err := a.RestoreTrashed(ctx, item, minidb.Recovery{})
			assert.ErrorIs(t, err, livetables.ErrNotFound, who)
			assert.ErrorIs(t, a.DeleteForever(ctx, item), livetables.ErrNotFound, who)
		}
	}
	for _, id := range []string{tables[0].ID, tables[3].Columns[0].ID} {
		item, err := w.admin.RestoreTrashed(ctx, trashID(t, w.admin, w.workspace, id), minidb.Recovery{})
		require.NoError(t, err)
		require.NotNil(t, item.ExpiresAt)
		assert.WithinDuration(t, time.Now().Add(30*24*time.Hour), *item.ExpiresAt, time.Minute)
	}
	for _, id := range []string{tables[1].ID, tables[2].ID, secret} {
		_, err := w.owner.RestoreTrashed(ctx, trashID(t, w.owner, w.workspace, id), minidb.Recovery{})
		require.NoError(t, err)
	}
	// What was kept from somebody is kept from them again.
	seen, err := w.admin.Table(ctx, tables[3].ID)
	require.NoError(t, err)
	assert.Len(t, seen.Columns, 1)
	_, err = w.admin.Table(ctx, tables[2].ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	rows, err := w.admin.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tables[1].ID}})
	assert.Empty(t, all(t, rows, err))
	rows, err = w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tables[1].ID}})
	assert.Len(t, all(t, rows, err), 1)

	require.NoError(t, w.owner.DeleteTable(ctx, tables[0].ID, 0))
	n, err := w.admin.EmptyTrash(ctx, w.workspace)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Empty(t, trashOf(t, w.owner, w.workspace))
}

// TestTrashEndsByItself: the engine's Run removes what has lain long enough.
func TestTrashEndsByItself(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	require.NoError(t, w.owner.DeleteTable(ctx, tbl.ID, 0))
	engine, err := livetables.New(livetables.Options{Store: w.db, TrashTime: time.Nanosecond})
	require.NoError(t, err)
	owner := engine.As(rbac.Principal{ID: "owner"})
	assert.Empty(t, trashOf(t, owner, w.workspace), "what is over is over before it is removed")
	require.NoError(t, engine.PurgeTrash(ctx))
	s, err := w.db.Snapshot(ctx, w.workspace)
	require.NoError(t, err)
	assert.Empty(t, s.Trash)
	due, err := w.db.TrashDue(ctx, time.Now())
	require.NoError(t, err)
	assert.False(t, due)
	require.NoError(t, engine.Close())
}

func TestImpact(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Team", Type: minidb.TextColumn})
	n := tbl.Columns[0].ID
	view := func(name string, q *lqp.Query) *minidb.View {
		v, err := w.owner.CreateView(ctx, w.base, livetables.ViewSpec{Name: name, Query: q})
		require.NoError(t, err)
		return v
	}
	plain := view("Plain", &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: expr(t, "N > 1"), OrderBy: []lqp.Order{{Expr: expr(t, "N")}}})
	over := view("Over", &lqp.Query{From: lqp.Source{Table: plain.ID}})
	hidden := view("Hidden", &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: []lqp.Named{{Expr: expr(t, "N")}}})
	view("Other", &lqp.Query{From: lqp.Source{Table: tbl.ID}, Where: expr(t, `Team = "x"`)})
	_, err := w.owner.SetCap(ctx, hidden.ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	require.NoError(t, err)
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, "N > 1")}))
	_, err = w.owner.CreateIndex(ctx, tbl.ID, []minidb.IndexColumn{{Column: n}}, 0)
	require.NoError(t, err)

	impact, err := w.admin.Impact(ctx, n, livetables.ImpactDelete)
	require.NoError(t, err)
	assert.True(t, impact.Refused)
	assert.Equal(t, 1, impact.Others, "the view that is closed to the admin is counted")
	found := map[string]livetables.Breakage{}
	for _, b := range impact.Touches {
		found[b.Kind+" "+b.Name] = b
	}
	assert.Equal(t, livetables.Breakage{Kind: "view", ID: plain.ID, Name: "Plain", Effect: livetables.Breaks, Uses: []string{"filters", "sorts"}}, found["view Plain"])
	assert.Equal(t, livetables.Breakage{Kind: "view", ID: over.ID, Name: "Over", Effect: livetables.Breaks, Uses: []string{"source"}}, found["view Over"])
	assert.Equal(t, livetables.Breakage{Kind: "rule", ID: "viewer", Name: "viewer", Effect: livetables.Closes, Uses: []string{"read"}}, found["rule viewer"])
	assert.Len(t, impact.Touches, 4, "and the index: %v", impact.Touches)

	// What is told is what happens.
	var refused *livetables.ImpactError
	require.ErrorAs(t, w.admin.DeleteColumn(ctx, n, 0), &refused)
	assert.Equal(t, livetables.CodeBreaks, livetables.Code(refused))
	require.NoError(t, w.admin.RemoveColumn(ctx, n, minidb.Removal{Force: true}))
	_, err = w.owner.ViewData(ctx, plain.ID, livetables.ViewRequest{})
	require.Error(t, err)
	_, err = w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	require.Error(t, err, "the broken rule closes the table")
	_, err = w.admin.RestoreTrashed(ctx, trashID(t, w.admin, w.workspace, n), minidb.Recovery{})
	require.NoError(t, err)
	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Empty(t, all(t, rows, err))
	rows, err = w.owner.ViewData(ctx, over.ID, livetables.ViewRequest{})
	assert.Empty(t, all(t, rows, err))

	of := func(id string, change livetables.ImpactChange) *livetables.Impact {
		impact, err := w.owner.Impact(ctx, id, change)
		require.NoError(t, err)
		return impact
	}
	assert.Len(t, of(tbl.ID, livetables.ImpactDelete).Touches, 4, "every view")
	assert.Len(t, of(w.base, livetables.ImpactDelete).Touches, 5, "with the table")
	assert.Len(t, of(plain.ID, livetables.ImpactDelete).Touches, 1)
	assert.NotEmpty(t, of(n, livetables.ImpactRename).Touches)
	assert.Empty(t, of(tbl.ID, livetables.ImpactRename).Touches, "tables are known by their ids")
	_, err = w.viewer.Impact(ctx, n, livetables.ImpactDelete)
	require.Error(t, err)
	_, err = w.owner.Impact(ctx, n, "burn")
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))
}

func TestSchemaHistory(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Secret", Type: minidb.TextColumn, Description: "for few"})
	w.insert(w.owner, tbl, []string{"many", "x"})
	n, secret := tbl.Columns[0].ID, tbl.Columns[1].ID
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Columns: map[string]rbac.Access{secret: rbac.Hidden}}))
	_, err := w.owner.UpdateColumn(ctx, secret, minidb.ColumnPatch{Name: place("Salary")}, 0)
	require.NoError(t, err)
	_, err = w.owner.ChangeType(ctx, n, livetables.TypeChange{Type: minidb.IntegerColumn, AcceptLoss: true}, 0)
	require.NoError(t, err)

	list, more, err := w.owner.SchemaVersions(ctx, tbl.ID, 0, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []int64{3, 2}, []int64{list[0].Version, list[1].Version})
	list, more, err = w.owner.SchemaVersions(ctx, tbl.ID, 2, 0)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, "table.create", list[0].Changes[0].Action)
	list, _, err = w.viewer.SchemaVersions(ctx, tbl.ID, 0, 0)
	require.NoError(t, err)
	for _, v := range list {
		require.NotEqual(t, int64(2), v.Version, "what happened to a hidden column is not told")
	}
	form, err := w.viewer.SchemaAt(ctx, tbl.ID, 1)
	require.NoError(t, err)
	require.Len(t, form.Columns, 1)
	form, err = w.owner.SchemaAt(ctx, tbl.ID, 1)
	require.NoError(t, err)
	require.Len(t, form.Columns, 2)
	require.Equal(t, `"Secret"`, string(form.Columns[1].Fields["name"]))
	diff, err := w.viewer.SchemaDiff(ctx, tbl.ID, 1, 3)
	require.NoError(t, err)
	require.Len(t, diff.Changed, 1)
	_, err = w.owner.SchemaAt(ctx, tbl.ID, 9)
	require.ErrorIs(t, err, minidb.ErrNoForm)
	assert.Equal(t, livetables.CodeNotFound, livetables.Code(err))

	_, err = w.viewer.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: 3})
	require.ErrorIs(t, err, livetables.ErrForbidden)
	dry, err := w.admin.PreviewSchemaRevert(ctx, tbl.ID, livetables.SchemaRevert{Change: 3})
	require.NoError(t, err)
	require.Equal(t, int64(1), dry.Restored)
	done, err := w.admin.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: 3})
	require.NoError(t, err)
	require.Equal(t, minidb.TextColumn, done.Table.Columns[0].Type)
	rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: []lqp.Named{{Expr: expr(t, "N")}}})
	require.Equal(t, []string{"many"}, all(t, rows, err))

	// A rule that needs the column as it is keeps the change from being taken back.
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor, Read: expr(t, `LEN(N) > 1`)}))
	var impact *livetables.ImpactError
	_, err = w.owner.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: done.Table.Version})
	require.ErrorAs(t, err, &impact)
	// And a rule that binds somebody keeps them from it.
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin, Columns: map[string]rbac.Access{secret: rbac.Hidden}}))
	_, err = w.admin.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: 2})
	require.ErrorIs(t, err, livetables.ErrForbidden)
}

func TestCopiesAndPlaces(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "A", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "H", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "B", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "C", Type: minidb.TextColumn})
	w.insert(w.owner, tbl, []string{"a", "h", "b", "c"})
	h := tbl.Columns[1].ID
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin, Columns: map[string]rbac.Access{h: rbac.Hidden}}))
	order := func(a *livetables.Access) (names []string) {
		now, err := a.Table(ctx, tbl.ID)
		require.NoError(t, err)
		for _, c := range now.Columns {
			names = append(names, c.Name)
		}
		return names
	}
	_, err := w.admin.ReorderColumns(ctx, tbl.ID, []string{"C", "A", "B"}, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"C", "H", "A", "B"}, order(w.owner), "what the admin does not see stays where it is")
	_, err = w.admin.AddColumn(ctx, tbl.ID, minidb.ColumnSpec{Name: "D", Type: minidb.TextColumn, Position: place(1)}, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"C", "D", "A", "B"}, order(w.admin))
	_, err = w.admin.UpdateColumn(ctx, tbl.Columns[2].ID, minidb.ColumnPatch{Position: place(0)}, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"B", "C", "D", "A"}, order(w.admin))
	_, err = w.admin.UpdateColumn(ctx, tbl.Columns[2].ID, minidb.ColumnPatch{Position: place(7)}, 0)
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))

	_, err = w.admin.DuplicateColumn(ctx, h, minidb.DuplicateColumn{Cells: true})
	require.ErrorIs(t, err, livetables.ErrNotFound)
	made, err := w.owner.DuplicateColumn(ctx, h, minidb.DuplicateColumn{Cells: true})
	require.NoError(t, err)
	assert.Equal(t, "H copy", made.Name)
	assert.NotContains(t, order(w.admin), "H copy", "the copy is hidden from whom the original is")
	rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: []lqp.Named{{Expr: expr(t, "{H copy}")}}})
	assert.Equal(t, []string{"h"}, all(t, rows, err))

	copied, err := w.owner.DuplicateTable(ctx, tbl.ID, "", true)
	require.NoError(t, err)
	assert.Equal(t, "T copy", copied.Name)
	seen, err := w.admin.Table(ctx, copied.ID)
	require.NoError(t, err)
	assert.Len(t, seen.Columns, len(copied.Columns)-2)
	names := func() (list []string) {
		tables, err := w.owner.Tables(ctx, w.base)
		require.NoError(t, err)
		for _, t := range tables {
			list = append(list, t.Name)
		}
		return list
	}
	_, err = w.owner.OrderTables(ctx, w.base, []string{copied.ID, tbl.ID}, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"T copy", "T"}, names())
	_, err = w.owner.OrderTables(ctx, w.base, []string{copied.ID}, 0)
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))

	other, err := w.owner.CreateBase(ctx, w.workspace, minidb.BaseSpec{Name: "Other"})
	require.NoError(t, err)
	_, err = w.editor.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Base: &other.ID}, 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.admin.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Base: &other.ID}, 0)
	require.ErrorIs(t, err, livetables.ErrForbidden, "a rule of the table binds the admin")
	moved, err := w.owner.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Base: &other.ID, Icon: place("box")}, 0)
	require.NoError(t, err)
	assert.Equal(t, other.ID, moved.Base)
	assert.Equal(t, []string{"T copy"}, names())
}

// place is a pointer to a value.
func place[T any](v T) *T { return &v }
