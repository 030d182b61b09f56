package minidb_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestWorkspaceMoves exports a workspace with something of everything, imports it elsewhere, and exports it from there: the
// bytes are the same, whatever the databases are.
func TestWorkspaceMoves(t *testing.T) {
	l := newLives(t)
	first := l.m.archive(l.workspace.ID)
	require.True(t, bytes.Equal(first, l.m.archive(l.workspace.ID)), "an export changes nothing")
	for _, never := range []string{"sealed-secret", "hash-of-a-key", "never attached"} {
		require.NotContains(t, string(first), never)
	}
	entries, err := l.History(l.ctx, minidb.HistoryQuery{Action: "workspace.export"})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, []string{alice.ID, l.workspace.ID}, []string{entries[0].Actor, entries[0].Resource})
	for _, to := range elsewhere(t) {
		begun, err := to.LastPosition(to.ctx)
		require.NoError(t, err)
		w, err := to.take(first)
		require.NoError(t, err)
		require.Equal(t, l.workspace.ID, w.ID)
		require.True(t, bytes.Equal(first, to.archive(w.ID)), "the archive of the copy is another one")
		l.lived(to, begun)
		_, err = to.take(first)
		require.ErrorIs(t, err, minidb.ErrExists)
	}
}

// lived checks what there is in a database that the workspace has moved to, and that it goes on living there.
func (l *lives) lived(to *mover, begun int64) {
	t := l.TB
	s, err := to.Snapshot(l.ctx, l.workspace.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]rbac.Role{carol.ID: rbac.Owner}, s.Members, "nobody comes along")
	require.Empty(t, s.Shares)
	require.Len(t, s.Connections, 1)
	require.True(t, s.Connections[0].Waits)
	require.Empty(t, s.Connections[0].Secret)
	there := &fixture{TB: l.TB, DB: to.DB, ctx: l.ctx, workspace: l.workspace, base: l.base}
	same := func(of *table) *table {
		t.Helper()
		now, ok := s.Table(of.ID)
		require.True(t, ok)
		copied := &table{fixture: there, Table: now}
		require.Equal(t, of.stored(), copied.stored())
		return copied
	}
	g := same(l.goods)
	same(l.files)
	tasks, projects := same(l.tasks), same(l.projects)

	// Consumers of the log of this database are told of the import and of nothing that happened elsewhere.
	changes, err := to.Changes(l.ctx, begun, 0)
	require.NoError(t, err)
	var actions []string
	for _, e := range changes {
		actions = append(actions, e.Action)
	}
	require.Equal(t, []string{"workspace.import", "workspace.export"}, actions)
	require.Equal(t, carol.ID, changes[0].Actor)
	history, err := to.History(l.ctx, minidb.HistoryQuery{Workspace: l.workspace.ID, Limit: 10_000})
	require.NoError(t, err)
	for _, e := range history {
		require.True(t, e.Imported, e.Action)
	}
	verifyChain(t, to.DB, l.workspace.ID)

	// It goes on: computed columns follow, the trash is emptied into its places, operations are undone, history is read.
	p := rowKeys(projects)
	projects.do(projects.update(p[1], 0, values{"Hours": num(100)}))
	require.Equal(t, num(2*(103+100)), projects.reload().stored()[p[1]]["Sum"])
	require.NoError(t, there.restore(l.tasksNext, minidb.Recovery{}))
	require.NotEmpty(t, tasks.reload().stored()[rowKeys(tasks)[0]]["Next"].Items())
	require.NoError(t, there.restore(l.other, minidb.Recovery{}))
	require.NoError(t, there.restore(l.stock, minidb.Recovery{Loose: true}))
	g.reload()
	require.Equal(t, num(7), g.stored()[l.operation]["Stock"])
	past, err := to.RowAsOf(l, g, l.operation)
	require.NoError(t, err)
	require.Equal(t, num(3), past)
	stack, err := to.UndoStack(l.ctx, l.workspace.ID, alice.ID, nil)
	require.NoError(t, err)
	require.NotEmpty(t, stack.Undo)
	verifyChain(t, to.DB, l.workspace.ID)
}

// RowAsOf is what was in the column Stock when the row was made.
func (m *mover) RowAsOf(l *lives, g *table, row string) (lqp.Value, error) {
	entries, err := m.History(m.ctx, minidb.HistoryQuery{Workspace: l.workspace.ID, Resource: row, Action: "row.insert"})
	if err != nil || len(entries) != 1 {
		return lqp.Value{}, err
	}
	image, err := g.Row(entries[0].After)
	if err != nil {
		return lqp.Value{}, err
	}
	for i, c := range g.Schema().Columns {
		if c.Name == "Stock" {
			return image[i], nil
		}
	}
	return lqp.Value{}, nil
}

// verifyChain follows the chain of a workspace from its first entry to its end.
func verifyChain(t require.TestingT, db *minidb.DB, workspace string) {
	after, sequence := int64(0), int64(0)
	var prev, working []byte
	for {
		page, end, last, err := db.ChainedPage(tctx, workspace, after, 100)
		require.NoError(t, err)
		for i := range page {
			e := &page[i]
			var digest []byte
			digest, working = audit.Digest(e, working)
			require.Equal(t, sequence+1, e.Chain.Sequence)
			require.Equal(t, prev, e.Chain.Prev)
			require.Equal(t, digest, e.Chain.Hash)
			sequence, prev, after = e.Chain.Sequence, e.Chain.Hash, e.Position
		}
		if last {
			require.Equal(t, end.Sequence, sequence)
			return
		}
	}
}
