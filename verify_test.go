package livetables_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
)

// blobs are bytes as SQLite has them in its SQL.
var blobs = regexp.MustCompile(`x'([0-9a-f]*)'`)

// raw runs statements in the store behind everybody's back.
func (w *world) raw(statements ...string) {
	w.t.Helper()
	require.NoError(w.t, w.db.Adapter().Write(context.Background(), func(tx adapter.Tx) error {
		for _, sql := range statements {
			if storetest.Driver() == ddl.Postgres {
				sql = blobs.ReplaceAllString(sql, `'\x$1'::bytea`)
			}
			if _, err := tx.Exec(context.Background(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	}))
}

func (w *world) verify(workspace string, opt livetables.VerifyOptions) livetables.LogReport {
	w.t.Helper()
	r, err := w.engine.VerifyLog(context.Background(), workspace, opt)
	require.NoError(w.t, err)
	return r
}

// wrong is the fault of a log that must have one.
func (w *world) wrong(workspace string, opt livetables.VerifyOptions) *audit.Fault {
	w.t.Helper()
	f := w.verify(workspace, opt).Fault
	require.NotNil(w.t, f)
	return f
}

// logged makes a workspace whose log has all kinds of entries, with a head in the middle, and the entries of its chain.
func logged(t *testing.T) (*world, []audit.Entry) {
	w := newWorld(t)
	ctx := t.Context()
	g := w.table("Goods", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "Notes", Type: minidb.LongTextColumn})
	require.NoError(t, w.engine.SignHeads(ctx))
	for i := range 6 {
		w.insert(w.owner, g, []string{fmt.Sprintf("item %d", i), "é \x01\n\" \\ 漢 \u2028"})
	}
	require.NoError(t, w.engine.SignHeads(ctx))
	w.insert(w.owner, g, []string{"last", ""})
	entries, _, _, err := w.db.ChainedPage(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	require.Greater(t, len(entries), 10)
	w.raw(`CREATE TABLE keep_change AS SELECT * FROM lt_change`, `CREATE TABLE keep_chain AS SELECT * FROM lt_chain`, `CREATE TABLE keep_head AS SELECT * FROM lt_head`)
	return w, entries
}

func (w *world) restore() {
	w.t.Helper()
	w.raw(`DELETE FROM lt_change`, `INSERT INTO lt_change SELECT * FROM keep_change`, `DELETE FROM lt_chain`, `INSERT INTO lt_chain SELECT * FROM keep_chain`,
		`DELETE FROM lt_head`, `INSERT INTO lt_head SELECT * FROM keep_head`)
}

// TestEveryTamperingIsNamed changes every field of every entry, removes, copies and exchanges every entry and cuts the tail
// everywhere: each time the first bad entry is named.
func TestEveryTamperingIsNamed(t *testing.T) {
	w, entries := logged(t)
	sound := w.verify(w.workspace, livetables.VerifyOptions{})
	require.Nil(t, sound.Fault)
	require.EqualValues(t, len(entries), sound.Entries)
	require.EqualValues(t, 2, sound.Heads)

	check := func(name string, kinds []audit.FaultKind, sequence int64, statements ...string) {
		t.Helper()
		w.raw(statements...)
		r := w.verify(w.workspace, livetables.VerifyOptions{})
		require.NotNil(t, r.Fault, name)
		require.Contains(t, kinds, r.Fault.Kind, "%s: %v", name, r.Fault)
		require.Equal(t, sequence, r.Fault.Sequence, "%s: %v", name, r.Fault)
		w.restore()
	}
	one := func(k ...audit.FaultKind) []audit.FaultKind { return k }
	texts := []string{"id", "actor", "action", "resource_type", "resource", "table_id", "batch", "request", "address", "reason"}
	numbers := []string{"at", "table_offset", "version"}
	last := int64(len(entries))
	for i := range entries {
		p, seq := entries[i].Position, entries[i].Chain.Sequence
		set := func(column, value string, kinds ...audit.FaultKind) {
			t.Helper()
			check(fmt.Sprintf("entry %d: %s", seq, column), kinds, seq, fmt.Sprintf(`UPDATE lt_change SET %s = %s WHERE position = %d`, column, value, p))
		}
		for _, c := range texts {
			set(c, c+" || 'x'", audit.Changed)
		}
		for _, c := range numbers {
			set(c, c+" + 100000", audit.Changed)
		}
		for _, c := range []string{"before_doc", "after_doc"} {
			set(c, `CASE WHEN `+c+` IS NULL THEN '{}' ELSE NULL END`, audit.Changed)
			set(c, `coalesce(`+c+`, '') || ' '`, audit.Changed)
		}
		set("chain_salt", "x'00'", audit.Changed)
		set("chain_hash", "x'01'", audit.Changed)
		set("chain_hash", "NULL", audit.Changed)
		set("chain_prev", "x'01'", audit.Changed)
		for _, n := range []int64{0, 1, 2, seq - 1, seq + 1, last, last + 1, 1 << 40} {
			if n != seq {
				set("chain_sequence", strconv.FormatInt(n, 10), audit.Changed)
			}
		}
		gone := one(audit.Missing)
		if seq == last {
			gone = one(audit.CutTail)
		}
		set("workspace", "'wsp_other'", gone...)
		check(fmt.Sprintf("entry %d removed", seq), gone, seq, fmt.Sprintf(`DELETE FROM lt_change WHERE position = %d`, p))
		check(fmt.Sprintf("tail cut at %d", seq), one(audit.CutTail), seq,
			fmt.Sprintf(`DELETE FROM lt_change WHERE workspace = '%s' AND position >= %d`, w.workspace, p))
		copied := `INSERT INTO lt_change SELECT %d, 'chg_copy', at, workspace, actor, action, resource_type, resource, '', 0, version,
			before_doc, after_doc, batch, request, address, reason, %s, chain_salt, chain_prev, chain_hash, origin FROM lt_change WHERE position = %d`
		check(fmt.Sprintf("entry %d copied to the end", seq), one(audit.Inserted), last+1, fmt.Sprintf(copied, 1<<40, strconv.FormatInt(last+1, 10), p))
		// All that follow move up by one to make room: their positions are wrong from here on.
		check(fmt.Sprintf("entry put in before %d", seq), one(audit.Inserted), seq, fmt.Sprintf(`UPDATE lt_change SET position = -position-1 WHERE position >= %d`, p),
			`UPDATE lt_change SET position = -position WHERE position < 0`, fmt.Sprintf(copied, p, strconv.FormatInt(seq, 10), p+1))
		if i > 0 {
			q := entries[i-1].Position
			check(fmt.Sprintf("entries %d and %d exchanged", seq-1, seq), one(audit.Reordered, audit.Changed), seq-1,
				fmt.Sprintf(`UPDATE lt_change SET position = -1 WHERE position = %d`, p), fmt.Sprintf(`UPDATE lt_change SET position = %d WHERE position = %d`, p, q),
				fmt.Sprintf(`UPDATE lt_change SET position = %d WHERE position = -1`, q))
		}
	}
	require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault)
}

// TestRewrittenLogIsFound plays somebody who knows how the chain is made and writes it anew from an entry on.
func TestRewrittenLogIsFound(t *testing.T) {
	w, entries := logged(t)
	ctx := t.Context()
	kept, err := w.owner.LogHead(ctx, w.workspace)
	require.NoError(t, err)
	require.True(t, kept.Signed())
	require.Equal(t, w.engine.LogKey(), kept.PublicKey)
	require.EqualValues(t, len(entries), kept.Sequence)
	_, err = w.editor.LogHead(ctx, w.workspace)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = w.stranger.LogHead(ctx, w.workspace)
	require.ErrorIs(t, err, livetables.ErrNotFound)

	rewrite := func(from int) {
		var prev []byte
		var statements []string
		for i := range entries {
			e := entries[i]
			link := *e.Chain
			e.Chain = &link
			if i == from {
				e.Actor = "usr_innocent"
			}
			if i >= from {
				e.Chain.Prev = prev
				e.Chain.Hash, _ = audit.Digest(&e, nil)
				before := "NULL"
				if prev != nil {
					before = fmt.Sprintf("x'%x'", prev)
				}
				statements = append(statements, fmt.Sprintf(`UPDATE lt_change SET actor = '%s', chain_prev = %s, chain_hash = x'%x' WHERE position = %d`,
					e.Actor, before, e.Chain.Hash, e.Position))
			}
			prev = e.Chain.Hash
		}
		w.raw(append(statements, fmt.Sprintf(`UPDATE lt_chain SET hash = x'%x' WHERE workspace = '%s'`, prev, w.workspace))...)
	}
	heads, err := w.db.Heads(ctx, w.workspace, 0, 0)
	require.NoError(t, err)
	require.Len(t, heads, 2)
	for from := range entries {
		rewrite(from)
		r := w.verify(w.workspace, livetables.VerifyOptions{})
		if int64(from) < heads[1].Sequence {
			require.NotNil(t, r.Fault, from)
			require.Equal(t, audit.Changed, r.Fault.Kind)
		} else {
			require.Nil(t, r.Fault, "no head was signed since")
		}
		r = w.verify(w.workspace, livetables.VerifyOptions{Heads: []audit.Head{kept}})
		require.NotNil(t, r.Fault, "the head that was kept outside tells")
		// Without the heads in the store, and the note of them.
		w.raw(`DELETE FROM lt_head`)
		require.Equal(t, audit.BadHead, w.wrong(w.workspace, livetables.VerifyOptions{}).Kind, "%d", from)
		w.raw(`UPDATE lt_chain SET signed = 0`)
		require.Equal(t, audit.Changed, w.wrong(w.workspace, livetables.VerifyOptions{Heads: []audit.Head{kept}}).Kind)
		w.restore()
	}
	// The tail is cut with everything that the store knows of it.
	cut := entries[len(entries)-3]
	w.raw(fmt.Sprintf(`DELETE FROM lt_change WHERE workspace = '%s' AND position > %d`, w.workspace, cut.Position), `DELETE FROM lt_head`,
		fmt.Sprintf(`UPDATE lt_chain SET signed = 0, sequence = %d, hash = x'%x' WHERE workspace = '%s'`, cut.Chain.Sequence, cut.Chain.Hash, w.workspace))
	require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault)
	f := w.verify(w.workspace, livetables.VerifyOptions{Heads: []audit.Head{kept}}).Fault
	require.NotNil(t, f)
	require.Equal(t, audit.CutTail, f.Kind)
	require.Equal(t, cut.Chain.Sequence+1, f.Sequence)
	require.Equal(t, cut.Position, f.Position)
	w.restore()

	// Heads of somebody else's key, and every field of a head and of the end of the chain.
	_, foreign, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	forged := heads[1]
	forged.Sign(foreign)
	w.raw(fmt.Sprintf(`UPDATE lt_head SET public_key = x'%x', signature = x'%x' WHERE workspace = '%s' AND sequence = %d`, []byte(forged.PublicKey), forged.Signature, w.workspace, forged.Sequence))
	require.Equal(t, audit.BadHead, w.wrong(w.workspace, livetables.VerifyOptions{}).Kind)
	require.Nil(t, w.verify(w.workspace, livetables.VerifyOptions{Keys: []ed25519.PublicKey{forged.PublicKey}}).Fault)
	w.restore()
	for _, change := range []string{"lt_head SET sequence = sequence - 1", "lt_head SET sequence = -sequence", "lt_head SET hash = x'01'", "lt_head SET at = at + 1", "lt_head SET public_key = x'01'", "lt_head SET signature = x'01'",
		"lt_head SET workspace = 'wsp_other'", "lt_chain SET sequence = sequence + 1", "lt_chain SET sequence = sequence - 1", "lt_chain SET hash = x'01'", "lt_chain SET signed = signed + 1",
		"lt_chain SET signed = 0", "lt_chain SET workspace = 'wsp_other'"} {
		w.raw(`UPDATE ` + change + ` WHERE workspace = '` + w.workspace + `'`)
		require.NotNil(t, w.verify(w.workspace, livetables.VerifyOptions{}).Fault, change)
		w.restore()
	}
}

func TestSoundLogsVerify(t *testing.T) {
	w, _ := logged(t)
	ctx := t.Context()
	g := w.table("More", minidb.ColumnSpec{Name: "A", Type: minidb.TextColumn})
	other, err := w.owner.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 300 {
				w.insert(w.owner, g, []string{strconv.Itoa(i)})
				if i%100 == 0 {
					if err := w.engine.SignHeads(ctx); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if f := w.verify(w.workspace, livetables.VerifyOptions{}).Fault; f != nil {
				t.Error(f)
			}
		}
	})
	wg.Wait()
	calls := 0
	r := w.verify(w.workspace, livetables.VerifyOptions{Progress: func(livetables.LogReport) { calls++ }})
	require.Nil(t, r.Fault)
	require.Greater(t, r.Entries, int64(1200))
	require.Equal(t, 3, calls, "a call for every page")

	kept, err := w.owner.LogHead(ctx, other.ID)
	require.NoError(t, err)
	require.NoError(t, w.owner.DeleteWorkspace(ctx, other.ID, 1))
	w.close()
	w.open()
	require.NoError(t, w.engine.Purge(ctx))
	all := func() (faults []*audit.Fault) {
		seen := map[string]bool{}
		require.NoError(t, w.engine.VerifyLogs(ctx, livetables.VerifyOptions{Heads: []audit.Head{kept}}, func(r livetables.LogReport) {
			seen[r.Workspace] = true
			if r.Fault != nil {
				faults = append(faults, r.Fault)
			}
		}))
		require.True(t, seen[""] && seen[w.workspace])
		return faults
	}
	require.Empty(t, all(), "what is left of a deleted workspace says where its log ended")
	w.raw(`DELETE FROM lt_change WHERE action = 'workspace.delete'`)
	require.Len(t, all(), 2, "in the log of no workspace an entry is missing, and a workspace is gone without a word")
}
