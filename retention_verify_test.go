package livetables_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// cutLog makes a workspace whose log was cut, with a head below the floor, one at it and one above, and what is left of its entries.
func cutLog(t *testing.T) (*world, *livetables.Engine, []audit.Entry) {
	w := newWorld(t)
	ctx, e := t.Context(), w.cutter()
	g := w.table("Goods", stock[:2]...)
	for i := range 9 {
		w.insert(w.owner, g, []string{fmt.Sprintf("item %d", i), "1"})
		if i == 2 {
			require.NoError(t, w.engine.SignHeads(ctx))
		}
	}
	w.keep(e, 8)
	w.insert(w.owner, g, []string{"later", "1"})
	require.NoError(t, w.engine.SignHeads(ctx))
	w.keep(e, 7)
	w.insert(w.owner, g, []string{"last", "1"})
	require.NoError(t, e.As(rbac.Principal{ID: "owner"}).SetRetention(ctx, w.workspace, minidb.Retention{Entries: 1})) // most of it is due
	require.NoError(t, w.engine.SignHeads(ctx))
	entries, end, _, err := w.db.ChainedPage(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	require.Greater(t, len(entries), 7)
	require.Equal(t, end.Floor.Sequence+1, entries[0].Chain.Sequence)
	require.Greater(t, end.Floor.Sequence, int64(5))
	w.raw(`CREATE TABLE keep_change AS SELECT * FROM lt_change`, `CREATE TABLE keep_chain AS SELECT * FROM lt_chain`, `CREATE TABLE keep_head AS SELECT * FROM lt_head`,
		`CREATE TABLE keep_floor AS SELECT * FROM lt_floor`)
	return w, e, entries
}

// TestTamperingWithACutLog removes, changes and forges at and around the floor: each time the first bad entry is named, and nothing is
// cut from a log that is not what was written.
func TestTamperingWithACutLog(t *testing.T) {
	w, e, entries := cutLog(t)
	ctx := t.Context()
	sound := w.verify(w.workspace, livetables.VerifyOptions{})
	require.Nil(t, sound.Fault)
	require.EqualValues(t, len(entries), sound.Entries)
	floor := sound.Floor
	require.Equal(t, entries[0].Chain.Prev, floor.Hash)

	first, second, last := entries[0], entries[1], entries[len(entries)-1]
	hash := func(h []byte) string { return fmt.Sprintf("x'%x'", h) }
	moved := func(to *audit.Entry) string {
		return fmt.Sprintf(`UPDATE lt_floor SET sequence = %d, hash = %s, position = %d`, to.Chain.Sequence, hash(to.Chain.Hash), to.Position)
	}
	for _, c := range []struct {
		name     string
		kind     audit.FaultKind
		sequence int64
		do       []string
	}{
		{"the first entries removed", audit.Missing, first.Chain.Sequence, []string{fmt.Sprintf(`DELETE FROM lt_change WHERE position <= %d AND workspace = '%s'`, second.Position, w.workspace)}},
		{"and the floor moved", audit.Missing, floor.Sequence + 1, []string{fmt.Sprintf(`DELETE FROM lt_change WHERE position <= %d AND workspace = '%s'`, second.Position, w.workspace), moved(&second)}},
		{"the floor moved up alone", audit.Missing, floor.Sequence + 1, []string{moved(&second)}},
		{"the floor moved to a hash of nothing", audit.BadFloor, second.Chain.Sequence, []string{moved(&second), `UPDATE lt_floor SET hash = x'0102'`}},
		{"the floor moved down", audit.Missing, floor.Sequence, []string{fmt.Sprintf(`UPDATE lt_floor SET sequence = %d`, floor.Sequence-1)}},
		{"the floor's hash", audit.Changed, floor.Sequence, []string{`UPDATE lt_floor SET hash = x'0102'`}},
		{"no floor", audit.Missing, 1, []string{`DELETE FROM lt_floor`}},
		{"an entry after the floor", audit.Changed, first.Chain.Sequence, []string{fmt.Sprintf(`UPDATE lt_change SET actor = 'mallory' WHERE position = %d`, first.Position)}},
		{"an entry below the floor", audit.Inserted, 0, []string{fmt.Sprintf(`UPDATE lt_change SET chain_sequence = 0, position = %d WHERE position = %d`, floor.Position, last.Position)}},
		{"the tail", audit.CutTail, last.Chain.Sequence, []string{fmt.Sprintf(`DELETE FROM lt_change WHERE position = %d`, last.Position)}},
	} {
		w.raw(c.do...)
		fault := w.wrong(w.workspace, livetables.VerifyOptions{})
		require.Equal(t, c.kind, fault.Kind, "%s: %v", c.name, fault)
		require.Equal(t, c.sequence, fault.Sequence, "%s: %v", c.name, fault)
		before, err := w.db.LastPosition(ctx)
		require.NoError(t, err)
		if c.kind != audit.CutTail && c.kind != audit.Inserted { // which a cut does not come near, and takes away
			require.Error(t, e.CutLogs(ctx), c.name)
			after, err := w.db.LastPosition(ctx)
			require.NoError(t, err)
			require.Equal(t, before, after, c.name)
		}
		w.restore()
		w.raw(`DELETE FROM lt_floor`, `INSERT INTO lt_floor SELECT * FROM keep_floor`)
	}
	require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault)
}

// TestHeadsOfACutLog holds heads from outside against a log that was cut since.
func TestHeadsOfACutLog(t *testing.T) {
	w, e, entries := cutLog(t)
	ctx := t.Context()
	w.keep(e, 4)
	require.NoError(t, w.engine.SignHeads(ctx))
	left, end, _, err := w.db.ChainedPage(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	head := func(en *audit.Entry) audit.Head {
		h := audit.Head{Workspace: w.workspace, Sequence: en.Chain.Sequence, Hash: en.Chain.Hash, At: time.Now().Truncate(time.Millisecond)}
		h.Sign(key)
		return h
	}
	at := audit.Entry{Chain: &audit.Link{Sequence: end.Floor.Sequence, Hash: end.Floor.Hash}}
	with := livetables.VerifyOptions{Keys: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)},
		Heads: []audit.Head{head(&entries[0]), head(&at), head(&left[0])}}
	r := w.verify(w.workspace, with)
	require.Nil(t, r.Fault)
	heads, err := w.db.Heads(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	require.NotEmpty(t, heads)
	require.GreaterOrEqual(t, heads[0].Sequence, end.Floor.Sequence)
	require.EqualValues(t, len(heads)+2, r.Heads, "those of the store, of the floor and above it")
	at.Chain.Hash = entries[0].Chain.Hash
	with.Heads = []audit.Head{head(&at)}
	require.Equal(t, end.Floor.Sequence, w.wrong(w.workspace, with).Sequence, "the log was written anew below the floor")
}

// TestCutsStopAtWhatHolds asks policies, sinks and people what may be cut.
func TestCutsStopAtWhatHolds(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	g := w.table("Goods", stock[:2]...)
	for i := range 9 {
		w.insert(w.owner, g, []string{fmt.Sprintf("item %d", i), "1"})
	}
	count := func() int64 {
		r := w.verify(w.workspace, livetables.VerifyOptions{})
		require.Nil(t, r.Fault)
		return r.Entries
	}
	all := count()

	// The engine keeps what is younger than a week, and says so.
	for _, refused := range []minidb.Retention{{Days: 6}, {Days: -1}, {Entries: -1}, {Days: 40_000}} {
		require.Equal(t, livetables.CodeInvalid, livetables.Code(w.owner.SetRetention(ctx, w.workspace, refused)), "%+v", refused)
	}
	require.NoError(t, w.owner.SetRetention(ctx, w.workspace, minidb.Retention{Entries: 1}))
	require.NoError(t, w.engine.CutLogs(ctx))
	require.Equal(t, all+1, count())
	now := time.Now()
	later := w.beside(livetables.Options{Clock: func() time.Time { return now.Add(7*24*time.Hour + time.Minute) }})
	require.NoError(t, w.owner.SetRetention(ctx, w.workspace, minidb.Retention{Days: 8}))
	require.NoError(t, later.CutLogs(ctx))
	require.Equal(t, all+2, count(), "nothing is 8 days old")

	// Who may set and see it.
	for _, a := range []*livetables.Access{w.admin, w.editor, w.viewer} {
		require.ErrorIs(t, a.SetRetention(ctx, w.workspace, minidb.Retention{}), livetables.ErrForbidden)
	}
	scoped := w.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.DeleteWorkspace, rbac.ReadAudit}}})
	require.ErrorIs(t, scoped.SetRetention(ctx, w.workspace, minidb.Retention{}), livetables.ErrForbidden)
	require.ErrorIs(t, w.stranger.SetRetention(ctx, w.workspace, minidb.Retention{}), livetables.ErrNotFound)
	_, err := w.editor.Retention(ctx, w.workspace)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	policy, err := w.admin.Retention(ctx, w.workspace)
	require.NoError(t, err)
	require.Equal(t, minidb.Retention{Days: 8}, policy.Retention)
	require.EqualValues(t, 168, policy.MinimumHours)
	require.Equal(t, "owner", policy.SetBy)
	require.Nil(t, policy.Begins)
	require.Nil(t, policy.Held)

	// A sink that never took anything, one that stands still, and one that goes on.
	stuck := w.beside(livetables.Options{LogTime: -1, Sinks: map[string]livetables.AuditSink{"late": idleSink{}}})
	owner := stuck.As(rbac.Principal{ID: "owner"})
	require.NoError(t, owner.SetRetention(ctx, w.workspace, minidb.Retention{Entries: 2}))
	require.NoError(t, stuck.CutLogs(ctx))
	require.Equal(t, all+3, count())
	policy, err = owner.Retention(ctx, w.workspace)
	require.NoError(t, err)
	require.Equal(t, &livetables.RetentionHold{By: livetables.HoldSink}, policy.Held)
	entries, _, _, err := w.db.ChainedPage(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	require.NoError(t, w.db.SetCursor(ctx, "sink:late", entries[4].Position))
	cutter := w.cutter() // which has no such sink: its place counts all the same
	require.NoError(t, cutter.CutLogs(ctx))
	floor, err := w.db.Floor(ctx, w.workspace)
	require.NoError(t, err)
	require.LessOrEqual(t, floor.Position, entries[4].Position)
	require.NotZero(t, floor.Sequence)
	policy, err = cutter.As(rbac.Principal{ID: "owner"}).Retention(ctx, w.workspace)
	require.NoError(t, err)
	require.Equal(t, livetables.HoldSink, policy.Held.By)
	require.NotNil(t, policy.Held.Since)
	name, since, err := cutter.SlowestSink(ctx)
	require.NoError(t, err)
	require.Equal(t, "late", name)
	require.False(t, since.IsZero())
	require.Error(t, stuck.ForgetSink(ctx, "late"), "it is in use")
	require.NoError(t, cutter.ForgetSink(ctx, "late"))
	require.ErrorIs(t, cutter.ForgetSink(ctx, "late"), livetables.ErrNotFound)
	require.NoError(t, cutter.CutLogs(ctx))
	require.EqualValues(t, 3, count(), "two and the entry of the cut")

	// A hold, and a log that is not what was written.
	require.NoError(t, w.owner.SetRetention(ctx, w.workspace, minidb.Retention{Entries: 1, Hold: true}))
	n := count()
	require.NoError(t, cutter.CutLogs(ctx))
	require.Equal(t, n, count())
	policy, err = w.owner.Retention(ctx, w.workspace)
	require.NoError(t, err)
	require.Equal(t, livetables.HoldPolicy, policy.Held.By)
	w.raw(fmt.Sprintf(`UPDATE lt_change SET reason = 'x' WHERE workspace = '%s' AND action <> 'log.cut'`, w.workspace))
	require.NoError(t, w.owner.SetRetention(ctx, w.workspace, minidb.Retention{Entries: 1}))
	err = cutter.CutLogs(ctx)
	var fault *audit.Fault
	require.ErrorAs(t, err, &fault)
	policy, err = cutter.As(rbac.Principal{ID: "owner"}).Retention(ctx, w.workspace)
	require.NoError(t, err)
	require.Equal(t, livetables.HoldFault, policy.Held.By)
}

// idleSink is a sink that is never asked.
type idleSink struct{ livetables.AuditSink }
