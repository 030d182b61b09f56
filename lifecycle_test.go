package livetables_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// what runs a query on a table and answers its rows.
func (w *world) rows(a *livetables.Access, table string) []string {
	w.t.Helper()
	rows, err := a.Query(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table, Alias: "t"}, Select: cols(w.t, "Name"), OrderBy: order(w.t, "Name")})
	return all(w.t, rows, err)
}

func TestChangeType(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Size", Type: minidb.TextColumn})
	size := tbl.Columns[1].ID
	ids := w.insert(w.owner, tbl, []string{"a", "10"}, []string{"b", "9"}, []string{"c", "big"})
	view, err := w.owner.CreateView(ctx, w.base, livetables.ViewSpec{Name: "V", Query: &lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "t"},
		Select: cols(t, "Name", "Shown=UPPER(Size)")}})
	require.NoError(t, err)
	whole := livetables.TypeChange{Type: minidb.IntegerColumn}

	for _, a := range []*livetables.Access{w.viewer, w.editor} {
		_, err := a.PreviewType(ctx, size, whole)
		require.ErrorIs(t, err, livetables.ErrForbidden)
		_, err = a.ChangeType(ctx, size, whole, 0)
		require.ErrorIs(t, err, livetables.ErrForbidden)
	}
	_, err = w.stranger.ChangeType(ctx, size, whole, 0)
	require.ErrorIs(t, err, livetables.ErrNotFound)

	// An admin who sees only some rows would learn of the others by what can be converted.
	admins := func(r livetables.RuleSpec) {
		r.Table, r.Role = rbac.TableRef{Table: tbl.ID}, rbac.Admin
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, r))
	}
	admins(livetables.RuleSpec{Read: expr(t, `Name != "c"`)})
	for _, oracle := range []livetables.TypeChange{whole, {Type: minidb.SingleSelectColumn, AddChoices: true},
		{Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "big"}}}}} {
		_, err = w.admin.PreviewType(ctx, size, oracle)
		require.ErrorIs(t, err, livetables.ErrForbidden)
		_, err = w.admin.ChangeType(ctx, size, oracle, 0)
		require.ErrorIs(t, err, livetables.ErrForbidden)
	}
	yes := true
	_, err = w.admin.UpdateColumn(ctx, size, minidb.ColumnPatch{Unique: &yes}, 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	report, err := w.owner.PreviewType(ctx, size, whole)
	require.NoError(t, err)
	require.Equal(t, []livetables.Breakage{{Kind: "view", ID: view.ID, Name: "V", Effect: livetables.Breaks}}, report.Breaks)
	require.Equal(t, ids[2], report.Examples[0].Row)
	require.Equal(t, "big", report.Examples[0].Old.Text())

	// A hidden column is none, and a rule that would not compile keeps the type.
	admins(livetables.RuleSpec{Columns: map[string]rbac.Access{size: rbac.Hidden}})
	_, err = w.admin.PreviewType(ctx, size, whole)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	admins(livetables.RuleSpec{Read: expr(t, `UPPER(Size) != "BIG"`)})
	report, err = w.owner.PreviewType(ctx, size, whole)
	require.NoError(t, err)
	require.Len(t, report.Breaks, 2)
	whole.AcceptLoss = true
	_, err = w.owner.ChangeType(ctx, size, whole, 0)
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Contains(t, v.Fields[0].Message, "admin")
	require.NoError(t, w.owner.DeleteRule(ctx, w.workspace, rbac.TableRef{Table: tbl.ID}, rbac.Admin))

	whole.AcceptLoss = false
	_, err = w.owner.ChangeType(ctx, size, whole, 0)
	var loss *livetables.LossError
	require.ErrorAs(t, err, &loss)
	require.Equal(t, livetables.CodeLoss, livetables.Code(err))
	require.EqualValues(t, 1, loss.Report.Lost)
	whole.AcceptLoss = true
	_, err = w.admin.ChangeType(ctx, size, whole, 7)
	require.Equal(t, livetables.CodeConflict, livetables.Code(err))
	report, err = w.admin.ChangeType(ctx, size, whole, 1)
	require.NoError(t, err)
	require.EqualValues(t, 2, report.Exact)
	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "Name", "Size"), OrderBy: order(t, "-Size", "Name")})
	require.Equal(t, []string{"a|10", "b|9", "c|NULL"}, all(t, rows, err), "sorted as numbers")
	history, err := w.owner.RowHistory(ctx, tbl.ID, ids[2], livetables.HistoryFilter{})
	require.NoError(t, err)
	require.Len(t, history, 2)
	require.Equal(t, "admin", history[0].Actor)
	require.Contains(t, string(history[0].Before), "big", "the log keeps what was lost")
}

// Who reads while the type of a column changes sees the old table or the new one, whole, and no error.
func TestReadersDuringChangeType(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Size", Type: minidb.TextColumn})
	var rows [][]string
	for i := range 50 {
		rows = append(rows, []string{"n", sprint("%d", i+1)})
	}
	w.insert(w.owner, tbl, rows...)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "Size"), Count: lqp.CountExact})
				if !assert.NoError(t, err) {
					return
				}
				sum, n := 0, 0
				for rows.Next() {
					size, err := strconv.Atoi(rows.Value(0).String())
					assert.NoError(t, err)
					assert.Equal(t, rows.Columns[0].Type.Kind, rows.Value(0).Kind())
					sum, n = sum+size, n+1
				}
				assert.NoError(t, rows.Err())
				assert.Equal(t, []int{50, 50 * 51 / 2}, []int{n, sum})
				assert.NoError(t, rows.Close())
			}
		})
	}
	for i := range 40 {
		to := livetables.TypeChange{Type: minidb.TextColumn}
		if i%2 == 0 {
			to.Type = minidb.IntegerColumn
		}
		report, err := w.admin.ChangeType(ctx, tbl.Columns[1].ID, to, 0)
		require.NoError(t, err)
		require.EqualValues(t, 50, report.Exact)
	}
	close(stop)
	readers.Wait()
}

func TestDuplicateBase(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Pay", Type: minidb.IntegerColumn})
	w.insert(w.owner, tbl, []string{"o", "1"})
	w.insert(w.editor, tbl, []string{"e", "2"})
	_, err := w.owner.CreateView(ctx, w.base, livetables.ViewSpec{Name: "V", Query: &lqp.Query{From: lqp.Source{Table: "T"}, Select: cols(t, "Name"), OrderBy: order(t, "Name")}})
	require.NoError(t, err)
	for _, r := range []livetables.RuleSpec{
		{Role: rbac.Editor, Read: expr(t, `_created_by = CURRENT_USER()`)},
		{Role: rbac.Viewer, Read: expr(t, `Name = "o"`), Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}},
		{Role: rbac.Admin, Read: expr(t, `_created_by != CURRENT_USER()`)},
	} {
		r.Table.Table = tbl.ID
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, r))
	}
	_, err = w.editor.DuplicateBase(ctx, w.base, "X", true)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.stranger.DuplicateBase(ctx, w.base, "X", true)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	base, err := w.admin.DuplicateBase(ctx, w.base, "", true)
	require.NoError(t, err)
	require.Equal(t, "Base copy", base.Name)
	tables, err := w.owner.Tables(ctx, base.ID)
	require.NoError(t, err)
	copied := tables[0].ID
	for _, a := range []*livetables.Access{w.owner, w.admin, w.editor, w.viewer} {
		require.Equal(t, w.rows(a, tbl.ID), w.rows(a, copied), "%s sees of the copy what of the original", a.Principal().ID)
	}
	require.Equal(t, []string{"e"}, w.rows(w.editor, copied), "who made a row is known of its copy")
	seen, err := w.viewer.Table(ctx, copied)
	require.NoError(t, err)
	require.Len(t, seen.Columns, 1)
	views, err := w.owner.Views(ctx, w.workspace)
	require.NoError(t, err)
	require.Len(t, views, 2)
	w.insert(w.owner, tables[0], []string{"only in the copy", "3"})
	for _, v := range views {
		rows, err := w.owner.ViewData(ctx, v.ID, livetables.ViewRequest{})
		want := []string{"e", "o"}
		if v.Base == base.ID {
			want = []string{"e", "o", "only in the copy"}
		}
		require.Equal(t, want, all(t, rows, err))
	}
}

func TestTemplates(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	templates := livetables.Templates()
	require.GreaterOrEqual(t, len(templates), 6)
	_, err := w.editor.CreateBaseFrom(ctx, w.workspace, templates[0].ID, minidb.BaseSpec{})
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.owner.CreateBaseFrom(ctx, w.workspace, "none", minidb.BaseSpec{})
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err))
	for _, tpl := range templates {
		t.Run(tpl.ID, func(t *testing.T) {
			base, err := w.admin.CreateBaseFrom(ctx, w.workspace, tpl.ID, minidb.BaseSpec{Colour: "red"})
			require.NoError(t, err)
			require.Equal(t, tpl.Name, base.Name)
			require.Equal(t, "red", base.Colour)
			tables, err := w.viewer.Tables(ctx, base.ID)
			require.NoError(t, err)
			require.Len(t, tables, len(tpl.Tables))
			for _, made := range tables {
				rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: made.ID}})
				require.NotEmpty(t, all(t, rows, err), made.Name)
			}
			views, err := w.viewer.Views(ctx, w.workspace)
			require.NoError(t, err)
			found := 0
			for _, v := range views {
				if v.Base == base.ID {
					found++
					rows, err := w.viewer.ViewData(ctx, v.ID, livetables.ViewRequest{})
					require.NotEmpty(t, all(t, rows, err), v.Name)
				}
			}
			kinds := map[minidb.ColumnType]int{}
			for _, made := range tables {
				for _, c := range made.Columns {
					kinds[c.Type]++
					require.Empty(t, c.Options.Broken, "%s.%s", made.Name, c.Name)
					if !c.Type.Computed() {
						continue
					}
					rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: made.ID, Alias: "t"}, Select: []lqp.Named{{Expr: lqp.Ref("t", c.ID)}}})
					values := slices.DeleteFunc(all(t, rows, err), func(v string) bool { return v == "NULL" || v == "0" })
					require.NotEmpty(t, values, "%s.%s shows something", made.Name, c.Name)
				}
			}
			for _, kind := range []minidb.ColumnType{minidb.LinkColumn, minidb.LookupColumn, minidb.RollupColumn, minidb.FormulaColumn} {
				require.True(t, kinds[kind] > 0, "a %s column", kind)
			}
			require.Equal(t, len(tpl.Views), found)
			require.GreaterOrEqual(t, found, 2)
			_, err = w.admin.CreateBaseFrom(ctx, w.workspace, tpl.ID, minidb.BaseSpec{})
			require.ErrorIs(t, err, minidb.ErrExists)
		})
	}
}

func TestArchive(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Pay", Type: minidb.IntegerColumn})
	ids := w.insert(w.owner, tbl, []string{"a", "1"})
	view, err := w.owner.CreateView(ctx, w.base, livetables.ViewSpec{Name: "V", Query: &lqp.Query{From: lqp.Source{Table: tbl.ID}}})
	require.NoError(t, err)
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin,
		Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
	sub, err := w.viewer.Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	defer sub.Close()
	_, err = w.editor.ArchiveTable(ctx, tbl.ID, 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.admin.ArchiveTable(ctx, tbl.ID, 0)
	require.NoError(t, err)

	listed, err := w.viewer.Tables(ctx, w.base)
	require.NoError(t, err)
	require.Empty(t, listed)
	listed, err = w.viewer.AllTables(ctx, w.base)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.True(t, listed[0].Archived())
	listed, err = w.admin.AllTables(ctx, w.base)
	require.NoError(t, err)
	require.Len(t, listed[0].Columns, 1, "hidden is hidden")

	from := func(table string) func() error {
		return func() error {
			_, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: table}})
			return err
		}
	}
	for name, do := range map[string]func() error{
		"query": from(tbl.ID), "view": from(view.ID),
		"view data": func() error { _, err := w.owner.ViewData(ctx, view.ID, livetables.ViewRequest{}); return err },
		"write": func() error {
			_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Delete, Table: tbl.ID, AllRows: true})
			return err
		},
		"history":   func() error { _, err := w.owner.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{}); return err },
		"subscribe": func() error { _, err := w.owner.Subscribe(ctx, tbl.ID, nil); return err },
		"events": func() error {
			for {
				if _, err := sub.Next(ctx); err != nil {
					return err
				}
			}
		},
		"lock":   func() error { _, err := w.owner.LockRow(ctx, tbl.ID, ids[0], time.Minute); return err },
		"column": func() error { return w.owner.DeleteColumn(ctx, tbl.Columns[0].ID, 0) },
	} {
		err := do()
		require.ErrorIs(t, err, livetables.ErrArchived, name)
		require.Equal(t, livetables.CodeArchived, livetables.Code(err), name)
	}
	require.Error(t, from("T")(), "no table in use has that name")
	_, err = w.stranger.RestoreTable(ctx, tbl.ID, 0)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	entries, err := w.admin.AuditLog(ctx, w.workspace, livetables.HistoryFilter{ResourceType: "row"})
	require.NoError(t, err)
	require.NotContains(t, string(entries[0].After), tbl.Columns[1].ID, "the rules of an archived table still hold")

	_, err = w.admin.RestoreTable(ctx, tbl.ID, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, w.rows(w.viewer, tbl.ID))
	rows, err := w.viewer.ViewData(ctx, view.ID, livetables.ViewRequest{})
	require.Len(t, all(t, rows, err), 1)
}

func TestLockRow(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	ids := w.insert(w.owner, tbl, []string{"a"}, []string{"b"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Read: expr(t, `Name != "b"`)}))
	rename := func(a *livetables.Access, row string) error {
		_, err := a.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(row)},
			Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("x")}}}}})
		return err
	}
	_, err := w.viewer.LockRow(ctx, tbl.ID, ids[0], time.Minute)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.editor.LockRow(ctx, tbl.ID, ids[1], time.Minute)
	require.ErrorIs(t, err, livetables.ErrNotFound, "a row that the editor does not see")
	_, err = w.editor.LockRow(ctx, tbl.ID, ids[0], time.Minute)
	require.NoError(t, err)
	err = rename(w.admin, ids[0])
	require.Equal(t, livetables.CodeRowLocked, livetables.Code(err))
	var locked *minidb.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, "editor", locked.Holder)
	lock, err := w.viewer.RowLock(ctx, tbl.ID, ids[0])
	require.NoError(t, err)
	require.Equal(t, "editor", lock.Holder)

	require.Equal(t, livetables.CodeRowLocked, livetables.Code(w.owner.UnlockRow(ctx, tbl.ID, ids[0], false)))
	require.NoError(t, w.admin.UnlockRow(ctx, tbl.ID, ids[0], true))
	require.NoError(t, rename(w.admin, ids[0]))
	_, err = w.owner.LockRow(ctx, tbl.ID, ids[1], time.Minute)
	require.NoError(t, err)
	require.ErrorIs(t, w.editor.UnlockRow(ctx, tbl.ID, ids[1], true), livetables.ErrForbidden)
	require.ErrorIs(t, w.editor.UnlockRow(ctx, tbl.ID, ids[1], false), livetables.ErrNotFound)
	lock, err = w.editor.RowLock(ctx, tbl.ID, ids[1])
	require.NoError(t, err)
	require.Nil(t, lock, "the lock of a row out of sight does not tell that there is one")
	none, err := w.owner.RowLock(ctx, tbl.ID, ids[0])
	require.NoError(t, err)
	require.Nil(t, none)
}

// A fault of a column that the writer cannot see does not name it.
func TestHiddenColumnsInFaults(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Salary", Type: minidb.IntegerColumn, Required: true},
		minidb.ColumnSpec{Name: "Seat", Type: minidb.IntegerColumn, Unique: true, Default: lqp.IntValue(7)})
	w.insert(w.owner, tbl, []string{"a", "100", "7"})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden, tbl.Columns[2].ID: rbac.Hidden}}))
	insert := &lqp.Mutation{Op: lqp.Insert, Table: tbl.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: "Name", Value: lqp.IntValue(1)}}}}}
	_, err := w.editor.Apply(ctx, w.workspace, insert)
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	const message = "a column that you cannot see does not accept this row"
	require.Equal(t, tbl.Columns[0].ID, v.Fields[0].Column, "what the writer sees is named")
	require.Equal(t, []minidb.FieldError{{Code: minidb.CodeInvalid, Message: message}, {Code: minidb.CodeInvalid, Message: message}}, v.Fields[1:])
	for _, secret := range []string{"Salary", "Seat", tbl.Columns[1].ID, tbl.Columns[2].ID} {
		require.NotContains(t, err.Error(), secret)
	}
	_, err = w.owner.Apply(ctx, w.workspace, insert)
	require.ErrorContains(t, err, "Salary")

	_, err = w.editor.Import(ctx, livetables.ImportSpec{Table: tbl.ID}, strings.NewReader("Name\nx\n"))
	var file *livetables.ImportError
	require.ErrorAs(t, err, &file)
	require.NotContains(t, err.Error(), "Salary")
	require.Contains(t, err.Error(), message)
}
