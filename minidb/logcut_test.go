package minidb_test

import (
	"bytes"
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// cut moves the floor so that about so many entries are left, and removes nothing.
func (f *fixture) cut(left int64) minidb.Floor {
	f.Helper()
	policy := minidb.Retention{Entries: left}
	require.NoError(f, f.SetRetention(f.ctx, alice, f.workspace.ID, policy))
	floor, err := f.Floor(f.ctx, f.workspace.ID)
	require.NoError(f, err)
	var cut minidb.LogCut
	position := floor.Position
	for done := false; !done; {
		page, end, last, err := f.ChainedPage(f.ctx, f.workspace.ID, position, 1000)
		require.NoError(f, err)
		done = last
		for i := range page {
			if page[i].Chain.Sequence > end.Sequence-left {
				cut.End(&page[i])
				done = true
				break
			}
			cut.Take(&page[i])
			position = page[i].Position
		}
	}
	floor, err = f.CutLog(f.ctx, floor, policy, &cut)
	require.NoError(f, err)
	return floor
}

// suffix demands that what is left of the log is an end of it, and counts the entries at or below the floor and above it.
func (f *fixture) suffix() (below, above int64) {
	f.Helper()
	list, end, last, err := f.ChainedPage(f.ctx, f.workspace.ID, 0, 0)
	require.NoError(f, err)
	require.True(f, last)
	for i := range list {
		e := &list[i]
		digest, _ := audit.Digest(e, nil)
		require.Equal(f, digest, e.Chain.Hash)
		if i > 0 {
			require.Equal(f, list[i-1].Chain.Sequence+1, e.Chain.Sequence)
			require.True(f, bytes.Equal(list[i-1].Chain.Hash, e.Chain.Prev))
		}
		if e.Position <= end.Floor.Position {
			below++
		} else {
			above++
		}
	}
	require.Equal(f, end.Sequence, list[len(list)-1].Chain.Sequence)
	require.Equal(f, end.Floor.Sequence+1, list[below].Chain.Sequence)
	require.Equal(f, end.Floor.Hash, list[below].Chain.Prev)
	return below, above
}

// TestCutEndsInBetween stops the removal of what was cut at random moments, with writers beside it: the log is whole above its
// floor each time, and the next removal goes on.
func TestCutEndsInBetween(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	for n := range 6 {
		rows := make([]values, 220)
		for i := range rows {
			rows[i] = values{"Name": text(strconv.Itoa(n))}
		}
		_, err := g.try(g.insert(rows...), minidb.Guard{})
		require.NoError(t, err)
	}
	operations := f.count(`SELECT count(*) FROM lt_operation`)
	require.EqualValues(t, 6, operations)
	floor := f.cut(2 * 220)
	require.Greater(t, floor.Sequence, int64(4*220))
	below, above := f.suffix()
	require.Equal(t, floor.Sequence, below)
	require.GreaterOrEqual(t, above, int64(2*220))
	stack, err := f.UndoStack(f.ctx, f.workspace.ID, alice.ID, nil)
	require.NoError(t, err)
	require.Len(t, stack.Undo, 2, "the others are below the floor")

	for n := 1; below > 0; n++ {
		ctx, cancel := context.WithTimeout(f.ctx, time.Millisecond<<n)
		_, _ = f.RemoveCut(ctx, f.workspace.ID) // it ends anywhere, also in the middle of a transaction
		cancel()
		_, err = g.try(g.insert(values{"Name": text("beside")}), minidb.Guard{})
		require.NoError(t, err)
		left, kept := f.suffix()
		require.Equal(t, above+1, kept)
		require.LessOrEqual(t, left, below)
		below, above = left, kept
	}
	require.EqualValues(t, 2, f.count(`SELECT count(*) FROM lt_operation WHERE changes > 1`))
	left, err := f.CutLeft(f.ctx, 0)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestCutsAreRefused cuts with a policy and a floor that are not what they were.
func TestCutsAreRefused(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	for range 10 {
		_, err := g.try(g.insert(values{"Name": text("n")}), minidb.Guard{})
		require.NoError(t, err)
	}
	page, _, _, err := f.ChainedPage(f.ctx, f.workspace.ID, 0, 0)
	require.NoError(t, err)
	take := func(n int) *minidb.LogCut {
		var cut minidb.LogCut
		for i := range page[:n] {
			cut.Take(&page[i])
		}
		cut.End(&page[n])
		return &cut
	}
	none := minidb.Floor{Workspace: f.workspace.ID}
	_, err = f.CutLog(f.ctx, none, minidb.Retention{Days: 1}, take(4))
	require.ErrorIs(t, err, minidb.ErrSchemaChanged, "no such policy")
	require.NoError(t, f.SetRetention(f.ctx, alice, f.workspace.ID, minidb.Retention{Days: 1, Hold: true}))
	_, err = f.CutLog(f.ctx, none, minidb.Retention{Days: 1, Hold: true}, take(4))
	require.ErrorIs(t, err, minidb.ErrSchemaChanged, "it is held")
	require.NoError(t, f.SetRetention(f.ctx, alice, f.workspace.ID, minidb.Retention{Days: 1}))
	floor, err := f.CutLog(f.ctx, none, minidb.Retention{Days: 1}, take(4))
	require.NoError(t, err)
	require.Equal(t, page[3].Chain.Sequence, floor.Sequence)
	_, err = f.CutLog(f.ctx, none, minidb.Retention{Days: 1}, take(5))
	require.ErrorIs(t, err, minidb.ErrSchemaChanged, "the floor has moved")
	page = page[4:]
	page[2].Chain.Hash = page[1].Chain.Hash
	_, err = f.CutLog(f.ctx, floor, minidb.Retention{Days: 1}, take(3))
	require.ErrorIs(t, err, minidb.ErrLogFault, "no such entry")
	require.Error(t, f.Record(f.ctx, alice, audit.Entry{Workspace: f.workspace.ID, Action: audit.CutAction, ResourceType: "log"}), "only a cut tells of itself")
	_, err = f.RemoveCut(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	below, _ := f.suffix()
	require.Zero(t, below)

	// A workspace that is gone leaves nothing of its floor.
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	require.NoError(t, f.Purge(f.ctx, nil))
	require.Zero(t, f.count(`SELECT (SELECT count(*) FROM lt_floor) + (SELECT count(*) FROM lt_floor_table) + (SELECT count(*) FROM lt_retention)`))
}
