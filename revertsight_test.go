package livetables_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestRevertTellsNothingOutOfSight has an editor take changes back by which rows came into sight, and changes of hidden cells:
// neither what a row was while it was out of sight nor whether a hidden cell was written since may be learnt.
func TestRevertTellsNothingOutOfSight(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	table := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "State", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Secret", Type: minidb.TextColumn})
	require.NoError(t, w.owner.PutRule(t.Context(), w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: table.ID}, Role: rbac.Editor, Read: expr(t, `State = "open"`),
		Columns: map[string]rbac.Access{table.Columns[2].ID: rbac.Hidden}}))
	ids := w.insert(w.owner, table, []string{"the canary", "closed", ""}, []string{"plain", "open", "one"})
	set := func(id string, cells ...string) string {
		var list []lqp.Assignment
		for i := 0; i < len(cells); i += 2 {
			list = append(list, lqp.Assignment{Column: cells[i], Value: lqp.TextValue(cells[i+1])})
		}
		_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: table.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}, Set: list}}})
		require.NoError(t, err)
		log, err := w.owner.RowHistory(ctx, table.ID, id, livetables.HistoryFilter{Limit: 1})
		require.NoError(t, err)
		return log[0].ID
	}
	dry := livetables.RevertOptions{DryRun: true, Conflicts: minidb.ForceConflicts}

	opened := set(ids[0], "Name", "plain too", "State", "open")
	_, err := w.editor.RevertRow(ctx, table.ID, ids[0], opened, dry)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = w.editor.Revert(ctx, w.workspace, livetables.Changes{Operation: opened}, dry)
	require.ErrorIs(t, err, livetables.ErrNotFound)
	report, err := w.owner.RevertRow(ctx, table.ID, ids[0], opened, dry)
	require.NoError(t, err)
	require.Equal(t, "the canary", report.Rows[0].Cells[0].To.Text())
	// Nor from the other side: what it was between two changes that the editor sees.
	hid := set(ids[0], "Name", "the other canary", "State", "closed")
	shown := set(ids[0], "Name", "plain again", "State", "open")
	for _, entry := range []string{hid, shown} {
		_, err = w.editor.RevertRow(ctx, table.ID, ids[0], entry, dry)
		require.ErrorIs(t, err, livetables.ErrNotFound)
	}

	both := set(ids[1], "Name", "changed", "Secret", "two")
	_, before := w.editor.RevertRow(ctx, table.ID, ids[1], both, dry)
	require.ErrorIs(t, before, livetables.ErrForbidden)
	for _, value := range []string{"three", "one"} { // another one, and what it had been
		set(ids[1], "Secret", value)
		_, after := w.editor.RevertRow(ctx, table.ID, ids[1], both, dry)
		require.EqualError(t, after, before.Error(), "whether the hidden cell was changed since")
	}
	// What touched nothing hidden is taken back all the same.
	open := set(ids[1], "Name", "again")
	report, err = w.editor.RevertRow(ctx, table.ID, ids[1], open, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Equal(t, "changed", report.Rows[0].Cells[0].To.Text())
}
