package livetables_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// schemaVersion is the newest version of a table's definition.
func (w *world) schemaVersion(t *minidb.Table) int64 { return w.reload(t).Version }

// TestSchemaRevertMovesNoTableOutOfReach: taking back that a table was moved is moving it, and asks for the rights in both bases.
func TestSchemaRevertMovesNoTableOutOfReach(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other, err := w.owner.CreateBase(ctx, w.workspace, minidb.BaseSpec{Name: "Other"})
	require.NoError(t, err)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	_, err = w.owner.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Base: &other.ID}, 0)
	require.NoError(t, err)
	_, err = w.owner.SetCap(ctx, w.base, rbac.Cap{Role: rbac.Admin, Max: rbac.Viewer})
	require.NoError(t, err)
	change := livetables.SchemaRevert{Change: w.schemaVersion(tbl)}
	// The version that the revert is asked of must not be the newest.
	_, err = w.owner.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Name: ptrTo("Renamed")}, 0)
	require.NoError(t, err)
	_, err = w.admin.RevertSchema(ctx, tbl.ID, change)
	require.Error(t, err)
	require.Equal(t, other.ID, w.reload(tbl).Base)
	_, err = w.admin.PreviewSchemaRevert(ctx, tbl.ID, change)
	require.Error(t, err)
	_, err = w.owner.RevertSchema(ctx, tbl.ID, change)
	require.NoError(t, err)
	require.Equal(t, w.base, w.reload(tbl).Base)
}

func ptrTo[T any](v T) *T { return &v }

// TestSchemaRevertReachesNoHiddenTrash: a column in the trash that was kept from somebody is in the way of what they take back, also
// when the rule of its table does not name it any more.
func TestSchemaRevertReachesNoHiddenTrash(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Pay", Type: minidb.IntegerColumn})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Admin,
		Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
	require.NoError(t, w.owner.RemoveColumn(ctx, tbl.Columns[1].ID, minidb.Removal{Force: true}))
	change := livetables.SchemaRevert{Change: w.schemaVersion(tbl)}
	require.NoError(t, w.owner.DeleteRule(ctx, w.workspace, rbac.TableRef{Table: tbl.ID}, rbac.Admin))
	_, err := w.owner.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Name: ptrTo("Renamed")}, 0)
	require.NoError(t, err)
	_, err = w.admin.RevertSchema(ctx, tbl.ID, change)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	require.Len(t, w.reload(tbl).Columns, 1)
	_, err = w.owner.RevertSchema(ctx, tbl.ID, change)
	require.NoError(t, err)
	require.Len(t, w.reload(tbl).Columns, 2)
}

// TestConflictsHideVersions: to whom the version of rows is hidden no conflict tells it.
func TestConflictsHideVersions(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	id := w.insert(w.owner, tbl, []string{"a"})[0]
	require.NoError(t, w.set(w.owner, tbl, id, "Name", "b"))
	require.NoError(t, w.set(w.owner, tbl, id, "Name", "c"))
	stale := func() *livetables.Conflict {
		_, err := w.editor.Apply(ctx, w.workspace, &lqp.Mutation{Op: lqp.Update, Table: tbl.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)},
			Version: 1, Merge: true, Set: []lqp.Assignment{{Column: "Name", Value: lqp.TextValue("mine")}}}}})
		var c *livetables.Conflict
		require.ErrorAs(t, err, &c)
		require.Len(t, c.Fields, 1)
		return c
	}
	c := stale()
	require.Equal(t, []int64{3, 3}, []int64{c.Version, c.Fields[0].Version})
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{minidb.ColumnVersion: rbac.Hidden}}))
	c = stale()
	require.Equal(t, []int64{0, 0}, []int64{c.Version, c.Fields[0].Version})
	require.NotContains(t, c.Error(), "version 3")
}

// TestComputedOutOfSightIsNotTold: what changed only in computed columns that somebody does not see is in no history of theirs.
func TestComputedOutOfSightIsNotTold(t *testing.T) {
	s := newStaff(t)
	s.rule(rbac.Viewer, s.people, "", map[string]rbac.Access{"Salary": rbac.Hidden})
	told := func(a *livetables.Access) (computed int) {
		log, err := a.RowHistory(t.Context(), s.teams.ID, s.team, livetables.HistoryFilter{})
		require.NoError(t, err)
		for _, e := range log {
			if e.Action == minidb.ActionCompute {
				computed++
			}
		}
		return computed
	}
	was := told(s.viewer)
	require.NoError(t, s.set(s.owner, s.people, s.person, "Salary", "777"))
	require.Equal(t, was+1, told(s.owner))
	require.Equal(t, was, told(s.viewer))
	require.NoError(t, s.set(s.owner, s.people, s.person, "Name", "bea"))
	require.Equal(t, was+1, told(s.viewer), "a name that they see")
}

// TestRevertTellsWhatItLeaves: what somebody did in a time beside rows is listed with the reason why it is not taken back, to those
// who may read of it.
func TestRevertTellsWhatItLeaves(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Pay", Type: minidb.IntegerColumn})
	ids := w.insert(w.owner, tbl, []string{"a", "1"}, []string{"b", "2"})
	time.Sleep(2 * time.Millisecond)
	began := time.Now()
	require.NoError(t, w.set(w.admin, tbl, ids[0], "Name", "x"))
	_, err := w.admin.MoveRows(ctx, tbl.ID, livetables.RowMove{Rows: ids[1:], First: true})
	require.NoError(t, err)
	_, err = w.admin.UpdateColumn(ctx, tbl.Columns[0].ID, minidb.ColumnPatch{Name: ptrTo("Title")}, 0)
	require.NoError(t, err)
	_, err = w.admin.SetMember(ctx, w.workspace, "eve", rbac.Viewer)
	require.NoError(t, err)
	_, err = w.admin.CreateView(ctx, w.base, livetables.ViewSpec{Name: "V", Query: &lqp.Query{From: lqp.Source{Table: tbl.ID}}})
	require.NoError(t, err)
	what := livetables.Changes{Actor: "admin", From: began}
	report, err := w.owner.Revert(ctx, w.workspace, what, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, report.Affected, "the cell and the move")
	moved := 0
	for _, r := range report.Rows {
		if r.Moved {
			moved++
		}
	}
	require.Equal(t, 1, moved)
	reasons := map[string]string{}
	var change int64
	for _, x := range report.Left {
		reasons[x.Action] = x.Reason
		change = max(change, x.Change)
	}
	require.Equal(t, map[string]string{"column.update": livetables.LeftDefinition, "member.add": livetables.LeftRights, "view.create": livetables.LeftResource}, reasons)
	require.False(t, report.LeftMore)
	_, err = w.owner.UpdateTable(ctx, tbl.ID, minidb.TablePatch{Description: ptrTo("d")}, 0)
	require.NoError(t, err)
	_, err = w.owner.RevertSchema(ctx, tbl.ID, livetables.SchemaRevert{Change: change})
	require.NoError(t, err)
	require.Equal(t, "Name", w.reload(tbl).Columns[0].Name)

	// An editor reads no audit log: of what has no table nothing is told.
	report, err = w.editor.Revert(ctx, w.workspace, what, livetables.RevertOptions{DryRun: true})
	require.NoError(t, err)
	for _, x := range report.Left {
		require.Equal(t, tbl.ID, x.Table)
	}
	counted := 0
	_, err = w.owner.Revert(ctx, w.workspace, livetables.Changes{Actor: "owner", From: began}, livetables.RevertOptions{
		Count: func(rows int) error { counted = rows; return context.Canceled }})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, counted, "what the revert wrote")
	require.Equal(t, []string{"a", "b"}, w.cells(w.reload(tbl), "Name"))
}
