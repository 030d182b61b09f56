package minidb_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// chained demands that every entry of every workspace is tied to the one before it, and counts them.
func chained(f *fixture) (entries int) {
	f.Helper()
	ends, err := f.Chains(f.ctx, "", true, false, 0)
	require.NoError(f, err)
	for _, want := range ends {
		var prev []byte
		position, n := int64(0), int64(0)
		for last := false; !last; {
			var page []audit.Entry
			page, _, last, err = f.ChainedPage(f.ctx, want.Workspace, position, 1000)
			require.NoError(f, err)
			for i := range page {
				e := &page[i]
				n++
				digest, _ := audit.Digest(e, nil)
				if e.Chain.Sequence != n || !bytes.Equal(e.Chain.Prev, prev) || !bytes.Equal(e.Chain.Hash, digest) {
					f.Fatalf("entry %d of %q does not follow entry %d", e.Position, want.Workspace, n-1)
				}
				prev, position = e.Chain.Hash, e.Position
				entries++
			}
		}
		require.Equal(f, want.Sequence, n)
		require.Equal(f, want.Hash, prev)
	}
	return entries
}

// TestChainOfOldEntries takes the links away from a database, as one has none that is older than they are.
func TestChainOfOldEntries(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	for range 5 {
		rows := make([]values, 1000)
		for i := range rows {
			rows[i] = values{"Name": text("n")}
		}
		_, err := g.try(g.insert(rows...), minidb.Guard{})
		require.NoError(t, err)
	}
	_, err := f.CreateWorkspace(f.ctx, alice, "Second")
	require.NoError(t, err)
	n := chained(f)
	require.EqualValues(t, f.count("SELECT count(*) FROM lt_change"), n)
	require.NoError(t, f.Adapter().Write(f.ctx, func(tx adapter.Tx) error {
		for _, sql := range []string{`UPDATE lt_change SET chain_sequence = 0, chain_salt = NULL, chain_prev = NULL, chain_hash = NULL`, `DELETE FROM lt_chain`,
			`UPDATE lt_meta SET value = 'pending' WHERE name = 'chain'`} {
			if _, err := tx.Exec(f.ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}))
	again := &fixture{TB: t, DB: openAt(t, f.place, minidb.Options{}), ctx: f.ctx}
	require.Equal(t, n, chained(again))
	_, err = again.CreateWorkspace(f.ctx, alice, "Third")
	require.NoError(t, err)
	require.Greater(t, chained(again), n)

	// Later, an entry without a link is not taken for an old one.
	require.NoError(t, f.Adapter().Write(f.ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(f.ctx, `UPDATE lt_change SET chain_sequence = 0 WHERE position = 3`)
		return err
	}))
	reopened := openAt(t, f.place, minidb.Options{})
	links, err := reopened.Changes(f.ctx, 2, 1)
	require.NoError(t, err)
	require.Zero(t, links[0].Chain.Sequence)
}
