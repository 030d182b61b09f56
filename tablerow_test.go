package livetables_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// rowQuery is the query of a row, all columns.
func rowQuery(table, row string) *lqp.Query {
	return &lqp.Query{From: lqp.Source{Table: table}, Where: lqp.NewCall("eq", lqp.Ref("", minidb.ColumnID), lqp.Literal(lqp.TextValue(row))),
		Page: lqp.Page{Limit: 1}}
}

// rowAnswer is a row with what is shown beside it, or the code of the error.
func rowAnswer(t *testing.T, r *livetables.TableRow, err error) string {
	t.Helper()
	if err != nil {
		return "error " + livetables.Code(err)
	}
	defer r.Close()
	table, err := r.Table(t.Context())
	require.NoError(t, err)
	out := documentOf(t, table) + "\n"
	for i, c := range r.Columns {
		out += c.Name + " " + string(r.AppendJSON(nil, i)) + "|"
	}
	return out + "\n" + documentOf(t, r.Lock)
}

func documentOf(t *testing.T, v any) string {
	t.Helper()
	doc, err := json.Marshal(v)
	require.NoError(t, err)
	return string(doc)
}

// partsAnswer is the same, asked for one after the other and by a plan made for it.
func partsAnswer(t *testing.T, a *livetables.Access, workspace, table, row string) string {
	t.Helper()
	ctx := t.Context()
	shown, err := a.Table(ctx, table)
	if err != nil {
		return "error " + livetables.Code(err)
	}
	rows, err := livetables.QueryAnew(ctx, a, workspace, rowQuery(table, row))
	if err != nil {
		return "error " + livetables.Code(err)
	}
	defer rows.Close()
	if !rows.Next() {
		require.NoError(t, rows.Err())
		return "error " + livetables.CodeNotFound
	}
	out := documentOf(t, shown) + "\n"
	for i, c := range rows.Columns {
		out += c.Name + " " + string(rows.AppendJSON(nil, i)) + "|"
	}
	require.NoError(t, rows.Close())
	lock, err := a.RowLock(ctx, table, row)
	require.NoError(t, err)
	return out + "\n" + documentOf(t, lock)
}

// TestARowIsTheSumOfItsParts: whatever is changed of a workspace through one engine, and whoever locks what, the next read of a row
// or a page by anybody through any engine is what the table, a query planned anew and the lock are one by one.
func TestARowIsTheSumOfItsParts(t *testing.T) {
	w := newKeptWorld(t, testseed.Of(t))
	ctx := t.Context()
	rows, err := w.owner.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: w.table.ID}, Select: cols(t, minidb.ColumnID), Page: lqp.Page{Limit: 3}})
	ids := append(all(t, rows, err), minidb.NewID("row"), "row_none", "a\x00b", "\xff", strings.Repeat("x", 300))
	found, locked, refused := 0, 0, 0
	for range 50 {
		for range w.r.IntN(3) {
			w.change()
		}
		if w.r.IntN(3) == 0 {
			who := w.engines[w.r.IntN(2)].As(rbac.Principal{ID: w.one("owner", "editor")})
			row := ids[w.r.IntN(3)]
			if w.r.IntN(3) == 0 {
				_ = who.UnlockRow(ctx, w.table.ID, row, false)
			} else {
				_, _ = who.LockRow(ctx, w.table.ID, row, time.Minute)
			}
		}
		for range 14 {
			row, p := ids[w.r.IntN(len(ids))], w.people[w.r.IntN(len(w.people))]
			a := w.engines[w.r.IntN(2)].As(p)
			r, err := a.Row(ctx, w.table.ID, row)
			got := rowAnswer(t, r, err)
			want := partsAnswer(t, a, w.workspace, w.table.ID, row)
			require.Equal(t, want, got, "%+v asks for %q after %s", p, row, strings.Join(w.log, "\n"))
			switch {
			case strings.HasPrefix(got, "error"):
				refused++
			case strings.HasSuffix(got, "}"):
				locked++
			default:
				found++
			}
			page := func(shown *minidb.Table) (*lqp.Query, error) {
				return &lqp.Query{From: lqp.Source{Table: w.table.ID}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", shown.Columns[0].ID)}}, Page: lqp.Page{Limit: 3}}, nil
			}
			want = ""
			if shown, err := a.Table(ctx, w.table.ID); err != nil {
				want = "error " + livetables.Code(err)
			} else if q, _ := page(shown); want == "" {
				want = answerOf(livetables.QueryAnew(ctx, a, w.workspace, q))
			}
			require.Equal(t, want, answerOf(a.TableRows(ctx, w.table.ID, page)), "%+v asks for a page after %s", p, strings.Join(w.log, "\n"))
		}
	}
	for what, n := range map[string]int{"found": found, "locked": locked, "refused": refused} {
		require.Greater(t, n, 10, what)
	}
}

// TestRowIsRefusedAsItsTable: who may not ask is told no more than by the table.
func TestRowIsRefusedAsItsTable(t *testing.T) {
	w := newKeptWorld(t, 1)
	ctx := t.Context()
	id := firstID(t, w.world, w.table)
	for _, c := range []struct {
		name string
		p    rbac.Principal
		id   string
		want error
	}{
		{"nobody", rbac.Principal{}, w.table.ID, livetables.ErrNoPrincipal},
		{"a stranger", rbac.Principal{ID: "stranger"}, w.table.ID, livetables.ErrNotFound},
		{"the bearer of a view's key", rbac.Principal{ID: "owner", View: w.view.ID}, w.table.ID, livetables.ErrNotFound},
		{"a key for another table", rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}, Resources: []string{w.other.ID}}}, w.table.ID, livetables.ErrNotFound},
		{"no such table", rbac.Principal{ID: "owner"}, minidb.NewID("tbl"), livetables.ErrNotFound},
		{"no table", rbac.Principal{ID: "owner"}, w.view.ID, livetables.ErrNotFound},
		{"no id", rbac.Principal{ID: "owner"}, "T", livetables.ErrNotFound},
	} {
		for range 2 {
			for _, e := range w.engines {
				_, err := e.As(c.p).Row(ctx, c.id, id)
				require.ErrorIs(t, err, c.want, c.name)
				_, err = e.As(c.p).TableRows(ctx, c.id, func(*minidb.Table) (*lqp.Query, error) { return &lqp.Query{From: lqp.Source{Table: c.id}}, nil })
				require.ErrorIs(t, err, c.want, c.name)
				_, _, err = e.As(c.p).WriteTable(ctx, c.id, func(*minidb.Table) (*lqp.Mutation, error) {
					t.Error("asked for a change by", c.name)
					return nil, livetables.ErrNotFound
				})
				require.ErrorIs(t, err, c.want, c.name)
			}
			r, err := w.owner.Row(ctx, w.table.ID, id) // the second time everything is known
			require.NoError(t, err)
			require.NoError(t, r.Close())
		}
	}
	_, err := w.owner.ArchiveTable(ctx, w.table.ID, 0)
	require.NoError(t, err)
	for _, e := range w.engines {
		_, err = e.As(rbac.Principal{ID: "owner"}).Row(ctx, w.table.ID, id)
		require.ErrorIs(t, err, livetables.ErrArchived)
	}
}

func firstID(t *testing.T, w *world, tbl *minidb.Table) string {
	t.Helper()
	rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, minidb.ColumnID), Page: lqp.Page{Limit: 1}})
	return all(t, rows, err)[0]
}

// TestWritesOfOneTableGoByItsState: a change is planned on the table as it is when it is made, whatever the engine has in memory,
// and refused for what has been taken away through another engine.
func TestWritesOfOneTableGoByItsState(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	second := w.second()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	id := w.insert(w.owner, tbl, []string{"a"})[0]
	editor := w.engine.As(rbac.Principal{ID: "editor"})
	column := "Name"
	rename := func(value string) (*minidb.Table, *livetables.Result, error) {
		return editor.WriteTable(ctx, tbl.ID, func(shown *minidb.Table) (*lqp.Mutation, error) {
			if shown.Columns[0].Name != column {
				return nil, fmt.Errorf("the column is %s", shown.Columns[0].Name)
			}
			return &lqp.Mutation{Op: lqp.Update, Table: shown.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}, Overwrite: true,
				Set: []lqp.Assignment{{Column: column, Value: lqp.TextValue(value)}}}}}, nil
		})
	}
	for i := range 3 {
		shown, r, err := rename(fmt.Sprint("b", i))
		require.NoError(t, err)
		require.Equal(t, column, shown.Columns[0].Name)
		require.Len(t, r.Rows, 1)
		column = fmt.Sprint("Name", i)
		_, err = second.As(rbac.Principal{ID: "owner"}).UpdateColumn(ctx, tbl.Columns[0].ID, minidb.ColumnPatch{Name: &column}, 0)
		require.NoError(t, err)
		_, _, err = rename(fmt.Sprint("c", i))
		require.NoError(t, err, "the table in memory is outdated")
	}
	owner := second.As(rbac.Principal{ID: "owner"})
	_, err := owner.LockRow(ctx, tbl.ID, id, time.Minute)
	require.NoError(t, err)
	var locked *minidb.LockedError
	shown, _, err := rename("d")
	require.ErrorAs(t, err, &locked)
	require.NotNil(t, shown, "it was carried out on that table")
	require.NoError(t, owner.UnlockRow(ctx, tbl.ID, id, false))
	_, err = owner.SetMember(ctx, w.workspace, "editor", rbac.Viewer)
	require.NoError(t, err)
	_, _, err = rename("e")
	require.ErrorIs(t, err, livetables.ErrForbidden)
	require.NoError(t, owner.RemoveMember(ctx, w.workspace, "editor"))
	_, _, err = rename("f")
	require.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = editor.WritableTable(ctx, tbl.ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	require.Equal(t, []string{"c2"}, w.cells(tbl, column))
}
