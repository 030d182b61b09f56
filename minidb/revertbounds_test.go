package minidb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestRevertIsBoundInBytes: what taking changes back holds is bounded, whether it comes of many rows or of many changes of one,
// and a choice that is larger is taken in portions.
func TestRevertIsBoundInBytes(t *testing.T) {
	const most = 40_000
	f := newFixture(t, minidb.Options{MaxRevertBytes: most})
	g := f.table(goods)
	bob := minidb.Actor{ID: "usr_bob"}
	began := time.Now().Add(-time.Minute)
	note := func(c string) values { return values{"Notes": text(strings.Repeat(c, 2_000))} }
	var rows []values
	for range 30 {
		v := note("x")
		v["Name"] = text("n")
		rows = append(rows, v)
	}
	ids := g.add(rows...)
	for _, id := range ids {
		_, err := f.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.update(id, 0, note("y"))}})
		require.NoError(t, err)
	}
	all := minidb.Selection{Workspace: f.workspace.ID, Since: true, Actor: bob.ID, From: began}
	_, err := f.PlanRevert(f.ctx, all, "", []*minidb.Table{g.Table}, false)
	var over *minidb.LimitError
	require.ErrorAs(t, err, &over)
	require.Equal(t, "reverted_bytes", over.Name)
	portions, left := 0, true
	for ; left; portions++ {
		require.Less(t, portions, 30)
		plan, err := f.PlanRevert(f.ctx, all, "", []*minidb.Table{g.Table}, true)
		require.NoError(t, err)
		left = plan.More
		_, _, err = f.ApplyRevert(f.ctx, alice, plan, minidb.Revert{Guard: noGuard})
		require.NoError(t, err)
	}
	require.Greater(t, portions, 2)
	for id, row := range g.stored() {
		require.True(t, lqp.Equal(text(strings.Repeat("x", 2_000)), row["Notes"]), id)
	}

	// One row that was changed more often than can be held is refused, in portions too.
	for i := range 30 {
		_, err := f.Apply(f.ctx, []minidb.Actor{bob, alice}[i%2], []minidb.Write{{Table: g.Table, Mutation: g.update(ids[0], 0, note(string(rune('a'+i))))}})
		require.NoError(t, err)
	}
	all.Row = ids[0]
	_, err = f.PlanRevert(f.ctx, all, "", []*minidb.Table{g.Table}, true)
	require.ErrorAs(t, err, &over)
	require.Equal(t, "reverted_bytes", over.Name)
}
