package minidb_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestRevertInTheStore takes an operation back, finds what was deleted, and reads the past, on whatever store holds the rows.
func TestRevertInTheStore(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	bob := minidb.Actor{ID: "usr_bob"}
	ids := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(1)}, values{"Name": text("B"), "Code": text("b"), "Stock": num(2)})
	before := g.stored()
	then, err := f.TableOffset(f.ctx, g.ID)
	require.NoError(t, err)
	_, err = f.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.update(ids[0], 0, values{"Stock": num(9), "Code": text("b2")})},
		{Table: g.Table, Mutation: g.delete(0, ids[1])}, {Table: g.Table, Mutation: g.insert(values{"Name": text("C"), "Code": text("b")})}})
	require.NoError(t, err)
	stack, err := f.UndoStack(f.ctx, f.workspace.ID, bob.ID, nil)
	require.NoError(t, err)
	require.Len(t, stack.Undo, 1, "a transaction is one operation")
	require.Equal(t, int64(3), stack.Undo[0].Changes)

	deleted, _, err := f.DeletedRows(f.ctx, g.Table, 0, 10)
	require.NoError(t, err)
	require.Len(t, deleted, 1)
	require.Equal(t, ids[1], deleted[0].ID)

	past := func() map[string]int64 {
		a := f.AsOf(minidb.Moment{Table: g.Table, Offset: then})
		q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: g.ID}, Where: lqp.NewCall("ge", lqp.Ref("", g.id("Stock")), lqp.Literal(num(1))),
			OrderBy: []lqp.Order{{Expr: lqp.Ref("", g.id("Stock")), Desc: true}}},
			lqp.Env{Table: func(string, string) (*lqp.Table, error) { return g.Schema(), nil }, DefaultLimit: 10, MaxLimit: 10})
		require.NoError(t, err)
		split := a.Plan(q)
		require.Nil(t, split.Residual)
		rows, err := a.Scan(f.ctx, split.Pushed)
		require.NoError(t, err)
		defer rows.Close()
		out := map[string]int64{}
		for rows.Next() {
			n, _ := rows.Value(3).Decimal().Int64()
			out[rows.Value(1).Text()] = n
		}
		require.NoError(t, rows.Err())
		return out
	}
	require.Equal(t, map[string]int64{"A": 1, "B": 2}, past())

	plan, err := f.PlanRevert(f.ctx, minidb.Selection{Workspace: f.workspace.ID, Operation: stack.Undo[0].ID}, minidb.RefuseConflicts, []*minidb.Table{g.Table}, false)
	require.NoError(t, err)
	_, _, err = f.ApplyRevert(f.ctx, bob, plan, minidb.Revert{Kind: minidb.UndoOperation, Guard: noGuard})
	require.NoError(t, err)
	now := g.stored()
	require.Len(t, now, 2)
	for id, row := range before {
		for _, column := range []string{"Name", "Code", "Stock", minidb.ColumnCreatedAt, minidb.ColumnCreatedBy} {
			require.True(t, lqp.Equal(row[column], now[id][column]), "%s of %s", column, id)
		}
	}
	require.Equal(t, map[string]int64{"A": 1, "B": 2}, past())
	row, err := f.RowAt(f.ctx, g.Table, ids[0], minidb.RowMoment{Version: 2})
	require.NoError(t, err)
	require.Equal(t, "b2", row.Values[2].Text())
	_, err = f.RowAt(f.ctx, g.Table, ids[0], minidb.RowMoment{Version: 9})
	require.ErrorIs(t, err, minidb.ErrNotFound)

	_, err = f.PlanRevert(f.ctx, minidb.Selection{Workspace: f.workspace.ID, Operation: "bat_none"}, "", []*minidb.Table{g.Table}, false)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, _, err = f.ApplyRevert(f.ctx, bob, plan, minidb.Revert{Guard: noGuard})
	require.Error(t, err, "the rows have other versions by now")
}

// TestRevertInPortions takes more back than one revert may.
func TestRevertInPortions(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxRows: 10})
	g := f.table(goods)
	began := time.Now().Add(-time.Minute)
	bob := minidb.Actor{ID: "usr_bob"}
	for range 3 {
		m := g.insert()
		for range 8 {
			m.Rows = append(m.Rows, lqp.RowChange{Set: g.set(values{"Name": text("x")})})
		}
		_, err := f.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: m}})
		require.NoError(t, err)
	}
	all := minidb.Selection{Workspace: f.workspace.ID, Since: true, Actor: bob.ID, From: began}
	_, err := f.PlanRevert(f.ctx, all, "", []*minidb.Table{g.Table}, false)
	require.ErrorIs(t, err, minidb.ErrLimit)
	for _, left := range []int{14, 4, 0} {
		plan, err := f.PlanRevert(f.ctx, all, "", []*minidb.Table{g.Table}, true)
		require.NoError(t, err)
		require.Equal(t, left > 0, plan.More)
		_, _, err = f.ApplyRevert(f.ctx, alice, plan, minidb.Revert{Guard: noGuard})
		require.NoError(t, err)
		require.Len(t, g.stored(), left)
	}
}
