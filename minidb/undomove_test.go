package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// moved is a table of four rows in manual order.
func movedRows(t *testing.T) (*table, []string) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("a")}, values{"Name": text("b")}, values{"Name": text("c")}, values{"Name": text("d")})
	_, err := g.MoveRows(g.ctx, minidb.Actor{}, minidb.Move{Table: g.Table, Rows: ids[:1], First: true})
	require.ErrorIs(t, err, minidb.ErrSchemaChanged, "the first move makes the order")
	g.reload()
	return g, ids
}

func (t *table) moveRow(by minidb.Actor, id, after string) {
	t.Helper()
	r, err := t.MoveRows(t.ctx, by, minidb.Move{Table: t.Table, Rows: []string{id}, After: after})
	require.NoError(t, err)
	require.Equal(t, 1, r.Affected)
}

// names are those of the rows in their manual order.
func (t *table) names() (names string) {
	t.Helper()
	rows := t.stored()
	for _, id := range t.inOrder() {
		names += rows[id]["Name"].Text()
	}
	return names
}

// plan plans to take the newest operation of somebody back.
func (t *table) plan(of minidb.Actor, mode minidb.ConflictMode) *minidb.RevertPlan {
	t.Helper()
	stack, err := t.UndoStack(t.ctx, t.workspace.ID, of.ID, nil)
	require.NoError(t, err)
	require.NotEmpty(t, stack.Undo)
	plan, err := t.PlanRevert(t.ctx, minidb.Selection{Workspace: t.workspace.ID, Operation: stack.Undo[0].ID}, mode, []*minidb.Table{t.Table}, false)
	require.NoError(t, err)
	return plan
}

// TestMovesAreUndone: a move is an operation of a person like any other.
func TestMovesAreUndone(t *testing.T) {
	g, ids := movedRows(t)
	g.moveRow(alice, ids[0], ids[2])
	updated := g.cell(ids[0], minidb.ColumnUpdatedAt)
	g.moveRow(alice, ids[3], ids[1])
	require.Equal(t, "bdca", g.names())
	g.do(g.update(ids[3], 0, values{"Stock": num(5)}))
	g.undo(minidb.UndoOperation)
	g.undo(minidb.UndoOperation)
	require.Equal(t, "bcad", g.names())
	g.undo(minidb.UndoOperation)
	require.Equal(t, "abcd", g.names())
	require.Equal(t, updated, g.cell(ids[0], minidb.ColumnUpdatedAt), "its content is as it was")
	log, err := g.TableChanges(g.ctx, g.ID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, "row.move", log[len(log)-1].Action)
	for _, want := range []string{"bcad", "bdca", "bdca"} {
		g.undo(minidb.RedoOperation)
		require.Equal(t, want, g.names())
	}
	require.Equal(t, num(5), g.cell(ids[3], "Stock"))
}

// TestMovesOfOthersStay: a row that somebody else has moved since stays where it is, unless that is forced; one that is deleted
// lies where it was before the move when it comes back.
func TestMovesOfOthersStay(t *testing.T) {
	g, ids := movedRows(t)
	bob := minidb.Actor{ID: "usr_bob"}
	g.moveRow(bob, ids[0], ids[1])
	g.moveRow(alice, ids[0], ids[3])
	require.Equal(t, "bcda", g.names())
	plan := g.plan(bob, "")
	require.Len(t, plan.Tables, 1)
	r := plan.Tables[0].Rows[0]
	require.Empty(t, r.Op)
	require.Equal(t, minidb.RowMovedSince, r.Conflict.Code)
	require.Equal(t, alice.ID, r.Conflict.Actor)
	_, _, err := g.ApplyRevert(g.ctx, bob, g.plan(bob, minidb.RefuseConflicts), minidb.Revert{Guard: noGuard})
	var refused *minidb.RevertConflictError
	require.ErrorAs(t, err, &refused)
	_, _, err = g.ApplyRevert(g.ctx, bob, g.plan(bob, minidb.ForceConflicts), minidb.Revert{Guard: noGuard})
	require.NoError(t, err)
	require.Equal(t, "abcd", g.names())

	// A move is in nobody's way: what was made goes although others have moved it.
	made := g.do(g.insert(values{"Name": text("e")})).Rows[0].ID
	g.moveRow(bob, made, ids[0])
	require.Equal(t, "aebcd", g.names())
	g.undo(minidb.UndoOperation)
	require.Equal(t, "abcd", g.names())
	g.undo(minidb.RedoOperation)
	require.Equal(t, "aebcd", g.names())
}

// TestMovesAskForRights: moving a row back is a write under the guard.
func TestMovesAskForRights(t *testing.T) {
	g, ids := movedRows(t)
	g.moveRow(alice, ids[0], ids[2])
	_, _, err := g.ApplyRevert(g.ctx, alice, g.plan(alice, ""), minidb.Revert{Guard: func(*minidb.Table) (minidb.Guard, error) {
		return minidb.Guard{Update: g.where("ne", "Name", text("a"))}, nil
	}})
	require.ErrorIs(t, err, minidb.ErrForbidden)
	require.Equal(t, "bcad", g.names())
}
