package livetables_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestWhatWasCutIsRefused asks everything that reads the past for what was cut, and for what was not.
func TestWhatWasCutIsRefused(t *testing.T) {
	w := newWorld(t)
	ctx, e := t.Context(), w.cutter()
	tbl := w.table("Stock", stock[:3]...)
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer, Read: expr(t, `Left < 6`)}))
	ids := w.insert(w.editor, tbl, []string{"a", "1"}, []string{"b", "2"}, []string{"c", "9"})
	old, err := w.editor.UndoList(ctx, w.workspace, livetables.UndoScope{})
	require.NoError(t, err)
	sub, err := w.viewer.Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	require.NoError(t, w.set(w.editor, tbl, ids[0], "Left", "3"))
	frame, err := sub.Next(ctx)
	require.NoError(t, err)
	slow, err := w.viewer.Subscribe(ctx, tbl.ID, &frame.Position)
	require.NoError(t, err)
	mode, _ := slow.Start()
	require.Equal(t, livetables.ModeReplay, mode)
	defer slow.Close()
	sub.Close()
	history, err := w.owner.RowHistory(ctx, tbl.ID, ids[0], livetables.HistoryFilter{})
	require.NoError(t, err)
	oldEntry := history[0]
	w.delete(w.editor, tbl, ids[1])
	_, err = w.owner.UpdateColumn(ctx, tbl.Columns[2].ID, minidb.ColumnPatch{Description: new("first")}, 0)
	require.NoError(t, err)
	oldVersion := w.reload(tbl).Version - 1
	for _, left := range []string{"4", "5"} {
		require.NoError(t, w.set(w.editor, tbl, ids[0], "Left", left))
	}
	time.Sleep(2 * time.Millisecond)
	w.keep(e, 3) // of which one is the policy: what remains of the table are the last two changes
	begins, err := w.owner.HistoryBegins(ctx, w.workspace, tbl.ID)
	require.NoError(t, err)
	require.False(t, begins.IsZero())

	cut := func(err error, what string) {
		t.Helper()
		from, ok := refused(err)
		require.True(t, ok, "%s: %v", what, err)
		require.False(t, from.Before(begins), what)
	}
	q := lqp.Query{From: lqp.Source{Table: tbl.ID, Alias: "t"}, OrderBy: order(t, "t._id"), Select: cols(t, "t.Name", "t.Left")}
	_, err = w.owner.QueryAsOf(ctx, w.workspace, &q, livetables.AsOf{Time: begins.Add(-time.Second)})
	cut(err, "a time")
	_, err = w.owner.QueryAsOf(ctx, w.workspace, &q, livetables.AsOf{Operation: old.Undo[0].ID})
	cut(err, "an operation")
	rows, err := w.owner.QueryAsOf(ctx, w.workspace, &q, livetables.AsOf{Time: begins})
	require.Contains(t, [][]string{{"a|3", "c|9"}, {"a|4", "c|9"}, {"a|5", "c|9"}}, all(t, rows, err))
	_, err = w.owner.QueryAsOf(ctx, w.workspace, &q, livetables.AsOf{Operation: minidb.NewID("bat")})
	require.ErrorIs(t, err, livetables.ErrNotFound, "no operation of before the cut")

	// The row, from where on there is something of it.
	_, err = w.owner.RowDiff(ctx, tbl.ID, ids[0], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	cut(err, "a version")
	d, err := w.owner.RowDiff(ctx, tbl.ID, ids[0], minidb.RowMoment{Version: 2}, minidb.RowMoment{})
	require.NoError(t, err)
	require.Len(t, d.Cells, 1)
	require.Equal(t, []string{"3", "5"}, []string{d.Cells[0].From.String(), d.Cells[0].To.String()}, "what the first change that is left has found")
	_, err = w.owner.RowDiff(ctx, tbl.ID, ids[0], minidb.RowMoment{Time: begins.Add(-time.Hour)}, minidb.RowMoment{})
	cut(err, "a row at a time")
	d, err = w.owner.RowDiff(ctx, tbl.ID, ids[2], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	require.NoError(t, err, "the row is what it was since before the floor")
	require.Empty(t, d.Cells)
	d, err = w.owner.RowDiff(ctx, tbl.ID, ids[2], minidb.RowMoment{Time: begins}, minidb.RowMoment{})
	require.NoError(t, err)
	require.True(t, d.Before && d.After)
	_, err = w.viewer.RowDiff(ctx, tbl.ID, ids[2], minidb.RowMoment{Time: begins.Add(-time.Hour)}, minidb.RowMoment{})
	require.ErrorIs(t, err, livetables.ErrNotFound, "a row out of sight")

	// What was done is not taken back any more.
	_, err = w.owner.Revert(ctx, w.workspace, livetables.Changes{Operation: old.Undo[0].ID}, livetables.RevertOptions{})
	cut(err, "an operation to revert")
	_, err = w.owner.Revert(ctx, w.workspace, livetables.Changes{From: begins.Add(-time.Hour), Actor: "editor"}, livetables.RevertOptions{})
	cut(err, "a person and a time")
	_, err = w.owner.Revert(ctx, w.workspace, livetables.Changes{From: begins.Add(-time.Hour), Table: tbl.ID}, livetables.RevertOptions{})
	cut(err, "a table and a time")
	_, err = w.owner.RevertRow(ctx, tbl.ID, ids[0], oldEntry.ID, livetables.RevertOptions{})
	cut(err, "an entry")
	_, err = w.owner.SchemaAt(ctx, tbl.ID, oldVersion)
	cut(err, "a version of the definition")
	_, err = w.owner.SchemaDiff(ctx, tbl.ID, oldVersion, oldVersion+1)
	cut(err, "a difference of definitions")
	_, err = w.owner.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: oldVersion})
	cut(err, "a change of the definition")
	list, err := w.editor.UndoList(ctx, w.workspace, livetables.UndoScope{})
	require.NoError(t, err)
	require.NotEmpty(t, list.Undo)
	require.LessOrEqual(t, len(list.Undo), 2)
	gone, err := w.owner.DeletedRows(ctx, tbl.ID, "", 0)
	require.NoError(t, err)
	require.Empty(t, gone.Rows, "the image of the deleted row went with its entry")
	_, err = w.owner.RestoreRows(ctx, tbl.ID, []string{ids[1]}, livetables.RevertOptions{})
	require.ErrorIs(t, err, livetables.ErrNotFound)

	// What is left is: the rest of the log, its undo, and merges whose base it has.
	merge := func(version int64) error {
		m := &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(ids[0])}, Version: version, Merge: true,
			Set: []lqp.Assignment{{Column: "Note", Value: lqp.TextValue("m")}}}}}
		_, err := w.editor.Apply(ctx, w.workspace, m)
		return err
	}
	var conflict *livetables.Conflict
	require.ErrorAs(t, merge(1), &conflict)
	require.Equal(t, minidb.ConflictBase, conflict.Reason)
	require.NoError(t, merge(2), "its image is that which the next change has found")
	_, err = w.editor.Undo(ctx, w.workspace, livetables.UndoOptions{})
	require.NoError(t, err)

	// Subscribers: one who comes back begins anew, one who was too slow is told.
	back, err := w.viewer.Subscribe(ctx, tbl.ID, &frame.Position)
	require.NoError(t, err)
	mode, _ = back.Start()
	require.Equal(t, livetables.ModeSnapshot, mode)
	back.Close()
	_, err = slow.Next(ctx)
	cut(err, "a slow subscriber")
}

// TestCutOfATransactionAsAWhole changes many rows at once and cuts in the middle: all of it is kept.
func TestCutOfATransactionAsAWhole(t *testing.T) {
	w := newWorld(t)
	ctx, e := t.Context(), w.cutter()
	tbl := w.table("Stock", stock[:2]...)
	rows := make([][]string, 20)
	for i := range rows {
		rows[i] = []string{string('a' + rune(i)), "1"}
	}
	w.insert(w.editor, tbl, rows...)
	w.keep(e, 11) // ten of the rows and the policy
	floor, err := w.db.Floor(ctx, w.workspace)
	require.NoError(t, err)
	next, ok, err := w.db.EntryAfter(ctx, w.workspace, floor.Position)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, "row.insert", next.Action)
	r := w.verify(w.workspace, livetables.VerifyOptions{})
	require.Nil(t, r.Fault)
	require.EqualValues(t, 22, r.Entries, "the rows, the policy and the cut")
	_, err = w.editor.Undo(ctx, w.workspace, livetables.UndoOptions{})
	require.NoError(t, err)
	require.Empty(t, w.cells(tbl, "t.Name"))
}
