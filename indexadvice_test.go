package livetables_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// look runs a query of a table for what it leaves behind.
func (w *world) look(a *livetables.Access, t *minidb.Table, where string, sort ...lqp.Order) {
	w.t.Helper()
	q := &lqp.Query{From: lqp.Source{Table: t.ID}, OrderBy: sort, Page: lqp.Page{Limit: 5}}
	var err error
	if where != "" {
		q.Where, err = formula.Parse(where)
		require.NoError(w.t, err)
	}
	rows, err := a.Query(w.t.Context(), w.workspace, q)
	require.NoError(w.t, err)
	for rows.Next() {
	}
	require.NoError(w.t, rows.Err())
	require.NoError(w.t, rows.Close())
}

func TestIndexSuggestions(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Orders", minidb.ColumnSpec{Name: "City", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Amount", Type: minidb.IntegerColumn},
		minidb.ColumnSpec{Name: "Secret", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Kind", Type: minidb.TextColumn})
	var rows [][]string
	for i := range 1_000 {
		rows = append(rows, []string{fmt.Sprint("city ", i%200), strconv.Itoa(i), strconv.Itoa(i % 50), "same"})
	}
	w.insert(w.owner, tbl, rows...)
	got, err := w.owner.IndexSuggestions(ctx, tbl.ID)
	require.NoError(t, err)
	require.Empty(t, got, "nobody asked for anything")
	w.insert(w.owner, tbl, rows...)

	for range 5 {
		w.look(w.viewer, tbl, `City = "city 7"`)
	}
	w.look(w.viewer, tbl, "", lqp.Order{Expr: lqp.Ref("", "Amount"), Desc: true})
	w.look(w.viewer, tbl, `Kind = "same"`) // no index helps
	w.look(w.owner, tbl, `Secret = 3`)
	got, err = w.admin.IndexSuggestions(ctx, tbl.ID)
	require.NoError(t, err)
	city, _ := tbl.Column(tbl.Columns[0].ID)
	require.Len(t, got, 3)
	require.Equal(t, []minidb.IndexColumn{{Column: city.ID}}, got[0].Columns)
	require.Equal(t, int64(5), got[0].Queries)
	require.Equal(t, int64(2_000), got[0].Rows)
	require.Equal(t, int64(2_000), got[0].ReadNow)
	require.InDelta(t, 10, got[0].ReadThen, 3)

	// What is suggested can be made, and is then suggested no more.
	_, err = w.admin.CreateIndex(ctx, tbl.ID, got[0].Columns, 0)
	require.NoError(t, err)
	got, err = w.admin.IndexSuggestions(ctx, tbl.ID)
	require.NoError(t, err)
	require.Len(t, got, 2)

	// Who does not see a column is suggested nothing about it; who does not see rows counts fewer of them; who may not make
	// indexes is told nothing.
	read, err := formula.Parse(`Amount < 600`)
	require.NoError(t, err)
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin, Read: read,
		Columns: map[string]rbac.Access{tbl.Columns[2].ID: rbac.Hidden}}))
	got, err = w.admin.IndexSuggestions(ctx, tbl.ID)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, int64(1_200), got[0].Rows)
	_, err = w.editor.IndexSuggestions(ctx, tbl.ID)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.stranger.IndexSuggestions(ctx, tbl.ID)
	require.ErrorIs(t, err, livetables.ErrNotFound)
}
