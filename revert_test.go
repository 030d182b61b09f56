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

// set gives one row values by column name, as CSV cells are written.
func (w *world) set(a *livetables.Access, t *minidb.Table, id string, pairs ...string) error {
	w.t.Helper()
	m := &lqp.Mutation{Op: lqp.Update, Table: t.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}}}}
	for i := 0; i < len(pairs); i += 2 {
		v := lqp.Value{}
		for _, c := range t.Schema().Columns {
			if c.Name == pairs[i] {
				var err error
				v, err = lqp.ParseText(c.Type, pairs[i+1])
				require.NoError(w.t, err)
			}
		}
		m.Rows[0].Set = append(m.Rows[0].Set, lqp.Assignment{Column: pairs[i], Value: v})
	}
	_, err := a.Apply(w.t.Context(), w.workspace, m)
	return err
}

func (w *world) delete(a *livetables.Access, t *minidb.Table, ids ...string) {
	w.t.Helper()
	m := &lqp.Mutation{Op: lqp.Delete, Table: t.ID}
	for _, id := range ids {
		m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{lqp.TextValue(id)}})
	}
	_, err := a.Apply(w.t.Context(), w.workspace, m)
	require.NoError(w.t, err)
}

// cells are some columns of all rows, by the first of them.
func (w *world) cells(t *minidb.Table, columns ...string) []string {
	w.t.Helper()
	rows, err := w.owner.Query(w.t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: t.ID, Alias: "t"}, Select: cols(w.t, columns...), OrderBy: order(w.t, columns[0])})
	return all(w.t, rows, err)
}

func (w *world) reload(t *minidb.Table) *minidb.Table {
	w.t.Helper()
	now, err := w.owner.Table(w.t.Context(), t.ID)
	require.NoError(w.t, err)
	return now
}

var stock = []minidb.ColumnSpec{
	{Name: "Name", Type: minidb.TextColumn, Unique: true}, {Name: "Left", Type: minidb.IntegerColumn}, {Name: "Note", Type: minidb.TextColumn},
	{Name: "Number", Type: minidb.AutonumberColumn},
}

func TestRevertLeavesWhatOthersHaveChanged(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Stock", stock...)
	ids := w.insert(w.owner, tbl, []string{"bolt", "1", "a"}, []string{"gear", "2", "b"}, []string{"nut", "3", "c"})
	began := time.Now()
	require.NoError(t, w.set(w.editor, tbl, ids[0], "Left", "10", "Note", "x"))
	require.NoError(t, w.set(w.editor, tbl, ids[0], "Left", "11"))
	require.NoError(t, w.set(w.editor, tbl, ids[1], "Left", "20"))
	w.delete(w.editor, tbl, ids[2])
	made := w.insert(w.editor, tbl, []string{"mine", "5", ""}, []string{"touched", "6", ""})
	require.NoError(t, w.set(w.owner, tbl, ids[0], "Note", "the owner's"))
	require.NoError(t, w.set(w.owner, tbl, made[1], "Left", "7"))
	now := []string{"bolt|11|the owner's", "gear|20|b", "mine|5|NULL", "touched|7|NULL"}
	require.Equal(t, now, w.cells(tbl, "Name", "Left", "Note"))

	what := livetables.Changes{Actor: "editor", From: began, Table: tbl.ID}
	preview, err := w.admin.Revert(ctx, w.workspace, what, livetables.RevertOptions{DryRun: true})
	require.NoError(t, err)
	require.Empty(t, preview.Operation)
	require.Equal(t, now, w.cells(tbl, "Name", "Left", "Note"), "a preview changes nothing")
	var refused *minidb.RevertConflictError
	_, err = w.admin.Revert(ctx, w.workspace, what, livetables.RevertOptions{Conflicts: minidb.RefuseConflicts})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 2, refused.Conflicts)
	require.Equal(t, livetables.CodeRevertConflict, livetables.Code(err))
	require.Equal(t, now, w.cells(tbl, "Name", "Left", "Note"))

	done, err := w.admin.Revert(ctx, w.workspace, what, livetables.RevertOptions{Reason: "wrong list"})
	require.NoError(t, err)
	require.Equal(t, 4, done.Affected)
	require.Equal(t, []string{"bolt|1|the owner's", "gear|2|b", "nut|3|c", "touched|7|NULL"}, w.cells(tbl, "Name", "Left", "Note"))
	byRow := map[string]livetables.RevertedRow{}
	for _, r := range done.Rows {
		byRow[r.ID] = r
	}
	conflict := byRow[ids[0]].Conflicts
	require.Len(t, conflict, 1)
	require.Equal(t, []string{"Note", "a", "x", "the owner's", "owner"},
		[]string{conflict[0].Column.Name, conflict[0].Base.Text(), conflict[0].Left.Text(), conflict[0].Theirs.Text(), conflict[0].Actor})
	require.WithinDuration(t, time.Now(), conflict[0].At, time.Minute)
	require.Equal(t, minidb.RowChangedSince, byRow[made[1]].Conflict.Code)
	require.Equal(t, lqp.Insert, byRow[ids[2]].Op)
	require.Equal(t, lqp.Delete, byRow[made[0]].Op)

	// It is an operation like any other: with one batch, a reason, and it can be taken back.
	entries, err := w.owner.RowHistory(ctx, tbl.ID, ids[2], livetables.HistoryFilter{})
	require.NoError(t, err)
	require.Equal(t, done.Operation, entries[0].Batch)
	require.Equal(t, "admin", entries[0].Actor)
	require.Contains(t, entries[0].Reason, "wrong list")
	log, err := w.owner.AuditLog(ctx, w.workspace, livetables.HistoryFilter{ResourceType: "operation"})
	require.NoError(t, err)
	require.Equal(t, "operation.revert", log[0].Action)
	require.Contains(t, string(log[0].After), `"actor":"editor"`)
	again, err := w.admin.Revert(ctx, w.workspace, what, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Zero(t, again.Affected, "there is nothing left to take back")
	_, err = w.admin.Undo(ctx, w.workspace, livetables.UndoOptions{})
	require.NoError(t, err)
	require.Equal(t, now, w.cells(tbl, "Name", "Left", "Note"))

	forced, err := w.admin.Revert(ctx, w.workspace, what, livetables.RevertOptions{Conflicts: minidb.ForceConflicts})
	require.NoError(t, err)
	require.Equal(t, 5, forced.Affected)
	require.Equal(t, []string{"bolt|1|a", "gear|2|b", "nut|3|c"}, w.cells(tbl, "Name", "Left", "Note"))
}

func TestRevertToATime(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Stock", stock...)
	ids := w.insert(w.owner, tbl, []string{"bolt", "1", "a"}, []string{"gear", "2", "b"})
	before := w.cells(tbl, "Name", "Left", "Note", "Number")
	time.Sleep(2 * time.Millisecond)
	at := time.Now()
	require.NoError(t, w.set(w.editor, tbl, ids[0], "Name", "gear 2"))
	w.delete(w.admin, tbl, ids[1])
	require.NoError(t, w.set(w.owner, tbl, ids[0], "Name", "gear", "Left", "9")) // the name that the deleted row had
	w.insert(w.editor, tbl, []string{"new", "1", ""})
	_, err := w.owner.Revert(ctx, w.workspace, livetables.Changes{From: at}, livetables.RevertOptions{})
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "everybody's changes are those of a table")
	done, err := w.owner.Revert(ctx, w.workspace, livetables.Changes{From: at, Table: tbl.ID}, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, done.Affected)
	require.Equal(t, before, w.cells(tbl, "Name", "Left", "Note", "Number"))
}

func TestDeletedRowsComeBack(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Stock", stock...)
	ids := w.insert(w.editor, tbl, []string{"bolt", "1", "a"}, []string{"gear", "2", "b"}, []string{"nut", "3", "c"})
	before := w.cells(tbl, "Name", "Left", "Number", "_id", "_created_at", "_created_by")
	w.delete(w.owner, tbl, ids...)
	trash, err := w.owner.DeletedRows(ctx, tbl.ID, "", 2)
	require.NoError(t, err)
	require.Len(t, trash.Rows, 2)
	rest, err := w.owner.DeletedRows(ctx, tbl.ID, trash.Next, 2)
	require.NoError(t, err)
	require.Len(t, rest.Rows, 1)
	require.Empty(t, rest.Next)
	require.Equal(t, "owner", rest.Rows[0].By)

	taken := w.insert(w.owner, tbl, []string{"gear", "0", ""}) // a unique value of a deleted row
	done, err := w.admin.RestoreRows(ctx, tbl.ID, ids, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, done.Affected)
	refused := 0
	for _, r := range done.Rows {
		for _, f := range r.Refused {
			require.Equal(t, []string{ids[1], minidb.CodeUnique}, []string{r.ID, f.Code})
			refused++
		}
	}
	require.Equal(t, 1, refused)
	w.delete(w.owner, tbl, taken...)
	_, err = w.admin.RestoreRows(ctx, tbl.ID, ids[1:2], livetables.RevertOptions{})
	require.NoError(t, err)
	require.Equal(t, before, w.cells(tbl, "Name", "Left", "Number", "_id", "_created_at", "_created_by"))
	require.Equal(t, []string{"bolt|3", "gear|3", "nut|3"}, w.cells(tbl, "Name", "_version"), "no version is given twice")
	_, err = w.admin.RestoreRows(ctx, tbl.ID, ids[:1], livetables.RevertOptions{})
	require.ErrorIs(t, err, livetables.ErrNotFound, "it is there")
	trash, err = w.owner.DeletedRows(ctx, tbl.ID, "", 10)
	require.NoError(t, err)
	require.Len(t, trash.Rows, 1)
}

// What was changed about the columns since is in the way as little as can be, and what is lost is told.
func TestRevertAcrossChangesOfColumns(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Stock", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Size", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "State", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "red"}, {Name: "blue"}, {Name: "grey"}}}},
		minidb.ColumnSpec{Name: "Gone", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Who", Type: minidb.UserColumn})
	ids := w.insert(w.owner, tbl, []string{"bolt", "12", "red", "g", "viewer"}, []string{"gear", "wide", "grey", "g", "viewer"})
	began := time.Now()
	for _, id := range ids {
		require.NoError(t, w.set(w.editor, tbl, id, "Size", "7", "State", "blue", "Gone", "h", "Who", "owner"))
	}
	column := func(name string) minidb.Column {
		for _, c := range w.reload(tbl).Columns {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("no column %s", name)
		return minidb.Column{}
	}
	state := column("State")
	choices := state.Options
	choices.Choices = []minidb.Choice{{ID: choices.Choices[0].ID, Name: "blue"}, {ID: choices.Choices[1].ID, Name: "red"}} // swapped, grey is gone
	_, err := w.owner.UpdateColumn(ctx, state.ID, minidb.ColumnPatch{Options: &choices}, 0)
	require.NoError(t, err)
	_, err = w.owner.ChangeType(ctx, column("Size").ID, livetables.TypeChange{Type: minidb.IntegerColumn}, 0)
	require.NoError(t, err)
	require.NoError(t, w.owner.DeleteColumn(ctx, column("Gone").ID, 0))
	require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "viewer"))

	done, err := w.admin.Revert(ctx, w.workspace, livetables.Changes{Actor: "editor", From: began}, livetables.RevertOptions{})
	require.NoError(t, err)
	require.Len(t, done.Rows, 2)
	require.Equal(t, 1, done.Affected)
	require.Equal(t, []string{"bolt|12|blue", "gear|7|red"}, w.cells(tbl, "Name", "Size", "State"))
	lost := map[string][]string{}
	for _, r := range done.Rows {
		require.Empty(t, r.Conflicts)
		for _, l := range r.Lost {
			lost[r.ID] = append(lost[r.ID], l.Code)
		}
	}
	require.ElementsMatch(t, []string{minidb.CodeMember}, lost[ids[0]])
	require.ElementsMatch(t, []string{minidb.CodeMember, minidb.CodeType, minidb.CodeChoice}, lost[ids[1]])
}

// Nobody reaches by taking back what they may not reach by writing: attack 28, in the engine.
func TestAttack28RevertIsAnOrdinaryWrite(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tbl := w.table("Stock", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Secret", Type: minidb.TextColumn},
		minidb.ColumnSpec{Name: "Fixed", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Mine", Type: minidb.BooleanColumn})
	other := w.table("Closed", stock...)
	ids := w.insert(w.owner, tbl, []string{"seen", "s", "f", "true"}, []string{"unseen", "s", "f", "false"}, []string{"dead", "s", "f", "true"}, []string{"plain", "", "", "true"},
		[]string{"hidden from it", "", "", "false"})
	time.Sleep(2 * time.Millisecond) // the log tells milliseconds; those insertions came before
	began := time.Now()
	entry := func(id string) string {
		list, err := w.owner.RowHistory(ctx, tbl.ID, id, livetables.HistoryFilter{Limit: 1})
		require.NoError(t, err)
		return list[0].ID
	}
	require.NoError(t, w.set(w.owner, tbl, ids[0], "Secret", "canary"))
	secret := entry(ids[0])
	require.NoError(t, w.set(w.owner, tbl, ids[0], "Fixed", "g"))
	fixed := entry(ids[0])
	require.NoError(t, w.set(w.owner, tbl, ids[1], "Name", "canary"))
	unseen := entry(ids[1])
	w.delete(w.owner, tbl, ids[2], ids[3], ids[4])
	closed := w.insert(w.owner, other, []string{"c", "1", "c"})
	w.delete(w.owner, other, closed...)
	log, err := w.owner.TableHistory(ctx, other.ID, livetables.HistoryFilter{Action: "row.delete"})
	require.NoError(t, err)

	secretColumn, fixedColumn := tbl.Columns[1].ID, tbl.Columns[2].ID
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Editor, Read: expr(t, "Mine"),
		Columns: map[string]rbac.Access{secretColumn: rbac.Hidden, fixedColumn: rbac.ReadOnly}}))
	require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: other.ID}, Role: rbac.Editor, Read: expr(t, "FALSE"),
		Columns: map[string]rbac.Access{}}))
	before, offset := w.cells(tbl, "Name", "Secret", "Fixed"), func() int64 {
		n, err := w.db.LastPosition(ctx)
		require.NoError(t, err)
		return n
	}
	position := offset()
	for _, mode := range []minidb.ConflictMode{minidb.KeepConflicts, minidb.RefuseConflicts, minidb.ForceConflicts} {
		for _, dry := range []bool{true, false} {
			opt := livetables.RevertOptions{Conflicts: mode, DryRun: dry}
			for name, c := range map[string]struct {
				do   func() (*livetables.RevertReport, error)
				want error
			}{
				"a hidden column":            {func() (*livetables.RevertReport, error) { return w.editor.RevertRow(ctx, tbl.ID, ids[0], secret, opt) }, livetables.ErrForbidden},
				"a read-only column":         {func() (*livetables.RevertReport, error) { return w.editor.RevertRow(ctx, tbl.ID, ids[0], fixed, opt) }, livetables.ErrForbidden},
				"a row out of sight":         {func() (*livetables.RevertReport, error) { return w.editor.RevertRow(ctx, tbl.ID, ids[1], unseen, opt) }, livetables.ErrNotFound},
				"an entry that never was":    {func() (*livetables.RevertReport, error) { return w.editor.RevertRow(ctx, tbl.ID, ids[0], unseen, opt) }, livetables.ErrNotFound},
				"a row with hidden values":   {func() (*livetables.RevertReport, error) { return w.editor.RestoreRows(ctx, tbl.ID, ids[2:3], opt) }, livetables.ErrForbidden},
				"a deleted row out of sight": {func() (*livetables.RevertReport, error) { return w.editor.RestoreRows(ctx, tbl.ID, ids[4:5], opt) }, livetables.ErrNotFound},
				"one of two":                 {func() (*livetables.RevertReport, error) { return w.editor.RestoreRows(ctx, tbl.ID, ids[2:4], opt) }, livetables.ErrForbidden},
				"somebody's time": {func() (*livetables.RevertReport, error) {
					return w.editor.Revert(ctx, w.workspace, livetables.Changes{Actor: "owner", From: began, Table: tbl.ID}, opt)
				}, livetables.ErrForbidden},
				"rows of a closed table": {func() (*livetables.RevertReport, error) { return w.editor.RestoreRows(ctx, other.ID, closed, opt) }, livetables.ErrNotFound},
				"an operation in one": {func() (*livetables.RevertReport, error) {
					return w.editor.Revert(ctx, w.workspace, livetables.Changes{Operation: log[0].ID}, opt)
				}, livetables.ErrNotFound},
				"somebody else's undo": {func() (*livetables.RevertReport, error) {
					return w.editor.Undo(ctx, w.workspace, livetables.UndoOptions{RevertOptions: opt})
				}, livetables.ErrNothingToUndo},
				"a viewer": {func() (*livetables.RevertReport, error) { return w.viewer.RevertRow(ctx, tbl.ID, ids[0], fixed, opt) }, livetables.ErrForbidden},
				"a stranger": {func() (*livetables.RevertReport, error) {
					return w.stranger.Revert(ctx, w.workspace, livetables.Changes{Operation: fixed}, opt)
				}, livetables.ErrNotFound},
			} {
				report, err := c.do()
				require.ErrorIs(t, err, c.want, "%s, %s", name, mode)
				require.Nil(t, report)
				require.NotContains(t, err.Error(), "canary")
				require.Equal(t, before, w.cells(tbl, "Name", "Secret", "Fixed"), name)
				require.Equal(t, position, offset(), "%s leaves no entry", name)
			}
		}
	}
	trash, err := w.editor.DeletedRows(ctx, tbl.ID, "", 10)
	require.NoError(t, err)
	require.Len(t, trash.Rows, 2)
	for _, c := range trash.Columns {
		require.NotEqual(t, "Secret", c.Name)
	}
	_, err = w.editor.RestoreRows(ctx, tbl.ID, ids[3:4], livetables.RevertOptions{})
	require.NoError(t, err, "a row of which everything is theirs comes back")
}
