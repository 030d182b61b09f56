package livetables_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// rename gives a choice of a column another name.
func (w *world) rename(t *minidb.Table, column, from, to string) *minidb.Table {
	w.t.Helper()
	t = w.reload(t)
	i := slices.IndexFunc(t.Columns, func(c minidb.Column) bool { return c.Name == column })
	options := t.Columns[i].Options
	options.Choices = slices.Clone(options.Choices)
	k := slices.IndexFunc(options.Choices, func(c minidb.Choice) bool { return c.Name == from })
	options.Choices[k].Name = to
	_, err := w.owner.UpdateColumn(w.t.Context(), t.Columns[i].ID, minidb.ColumnPatch{Options: &options}, 0)
	require.NoError(w.t, err)
	return w.reload(t)
}

// TestRulesKnowOldNamesOfChoices: a row rule that names a choice keeps the rows that had it under another name from its readers, and
// shows those that had another one: in histories, differences, deleted rows, events that are read again, the past, merges and
// what is taken back.
func TestRulesKnowOldNamesOfChoices(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Cases", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Status", Type: minidb.SingleSelectColumn,
		Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "open"}, {Name: "geheim"}, {Name: "other"}}}})
	sub, err := w.viewer.Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	_, began := sub.Start()
	sub.Close()
	ids := w.insert(w.owner, tbl, []string{"hush", "geheim"}, []string{"plain", "open"}, []string{"gone", "geheim"}, []string{"deleted", "open"})
	was := time.Now()
	time.Sleep(2 * time.Millisecond)
	require.NoError(t, w.set(w.owner, tbl, ids[0], "Name", "told", "Status", "other"))
	w.delete(w.owner, tbl, ids[2], ids[3])
	tbl = w.rename(tbl, "Status", "geheim", "secret")
	tbl = w.rename(tbl, "Status", "open", "geheim") // the name that the other one had
	for _, role := range []rbac.Role{rbac.Viewer, rbac.Editor} {
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: role,
			Read: expr(t, `Status <> "secret"`), Columns: map[string]rbac.Access{}}))
	}

	log, err := w.viewer.TableHistory(ctx, tbl.ID, livetables.HistoryFilter{ResourceType: "row"})
	require.NoError(t, err)
	told, seen := map[string]int{}, ""
	for _, e := range log {
		told[e.Resource]++
		seen += string(e.Before) + string(e.After)
	}
	require.NotContains(t, seen, "hush")
	require.NotContains(t, seen, "secret")
	require.NotContains(t, seen, `"open"`, "the names of today")
	require.Equal(t, map[string]int{ids[0]: 1, ids[1]: 2, ids[3]: 2}, told, "plain is written again with the new name")
	for _, e := range log {
		if e.Resource == ids[0] {
			require.Nil(t, e.Before)
			require.Contains(t, string(e.After), "told")
		}
	}

	_, err = w.viewer.RowDiff(ctx, tbl.ID, ids[2], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	require.ErrorIs(t, err, livetables.ErrNotFound)
	diff, err := w.viewer.RowDiff(ctx, tbl.ID, ids[0], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	require.NoError(t, err)
	require.False(t, diff.Before)
	diff, err = w.viewer.RowDiff(ctx, tbl.ID, ids[1], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	require.NoError(t, err)
	require.True(t, diff.Before)
	require.Empty(t, diff.Cells, "another name is no other value")

	deleted, err := w.viewer.DeletedRows(ctx, tbl.ID, "", 0)
	require.NoError(t, err)
	require.Len(t, deleted.Rows, 1)
	require.Equal(t, ids[3], deleted.Rows[0].ID)
	_, err = w.editor.RestoreRows(ctx, tbl.ID, []string{ids[2]}, livetables.RevertOptions{})
	require.ErrorIs(t, err, livetables.ErrNotFound)

	rows, err := w.viewer.QueryAsOf(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "t"}, Select: cols(t, "Name", "Status"),
		OrderBy: order(t, "Name")}, livetables.AsOf{Time: was})
	require.Equal(t, []string{"deleted|geheim", "plain|geheim"}, all(t, rows, err))

	// A merge with a version that was out of sight is none.
	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])},
		Version: 1, Merge: true, Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("x")}}}}})
	var conflict *livetables.Conflict
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, minidb.ConflictBase, conflict.Reason)
	// One with a row whose choice got another name is possible: nobody changed it.
	_, err = w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[1])},
		Version: 1, Merge: true, Set: []lqp.Assignment{{Column: "Status", Value: lqp.TextValue("other")}}}}})
	require.NoError(t, err)

	sub, err = w.viewer.Subscribe(ctx, tbl.ID, &began)
	require.NoError(t, err)
	defer sub.Close()
	mode, _ := sub.Start()
	require.Equal(t, livetables.ModeReplay, mode)
	var ops []string
	for len(ops) < 6 {
		f := next(t, sub)
		for _, op := range f.Ops {
			require.NotContains(t, string(op.Set), "hush")
			require.NotContains(t, string(op.Set), "secret")
			ops = append(ops, op.Op+" "+[]string{"hush", "plain", "gone", "deleted"}[slices.Index(ids, op.ID)])
		}
	}
	require.Equal(t, []string{"insert plain", "insert deleted", "enter hush", "delete deleted", "update plain", "update plain"}, ops)
}

// TestRenamedChoiceIsToldLive: a rename of a choice changes what rows show, and subscribers hear of it, but no row comes into sight or
// leaves because of it.
func TestRenamedChoiceIsToldLive(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("Cases", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Status", Type: minidb.SingleSelectColumn,
		Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "open"}, {Name: "closed"}}}})
	w.insert(w.owner, tbl, []string{"a", "open"}, []string{"b", "closed"})
	sub, err := w.viewer.Subscribe(t.Context(), tbl.ID, nil)
	require.NoError(t, err)
	defer sub.Close()
	w.rename(tbl, "Status", "open", "new")
	require.Equal(t, "schema:update", next(t, sub).Event)
	f := next(t, sub)
	require.Equal(t, "update", f.Ops[0].Op)
	require.True(t, strings.HasSuffix(string(f.Ops[0].Set), `":"new"}`), string(f.Ops[0].Set))
	nothing(t, sub)
}
