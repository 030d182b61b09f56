package faultdisk

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// TestWhatACutLeaves: what was synced is there; of what was not, each sector is as it was after one of the writes to it, but
// for one that is torn; and over many cuts everything that is possible happens.
func TestWhatACutLeaves(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	var old, all, mixed, torn int
	for range 400 {
		n := &node{}
		n.write(bytes.Repeat([]byte{1}, 8*sector), 0)
		n.sync()
		n.write(bytes.Repeat([]byte{2}, 6*sector), 0)
		n.write(bytes.Repeat([]byte{3}, 6*sector), 4*sector)
		text := n.after(r)
		require.GreaterOrEqual(t, len(text), 8*sector)
		require.LessOrEqual(t, len(text), 10*sector)
		text = resize(text, 10*sector)
		seen := map[byte]bool{}
		for i := range 10 {
			part := text[i*sector : (i+1)*sector]
			if bytes.Count(part, part[:1]) != sector {
				torn++
			}
			possible := []byte{1, 2}
			switch {
			case i >= 8:
				possible = []byte{0, 3}
			case i >= 6:
				possible = []byte{1, 3}
			case i >= 4:
				possible = []byte{1, 2, 3}
			}
			require.Empty(t, bytes.Trim(part, string(possible)), "sector %d", i)
			seen[part[0]] = true
		}
		switch {
		case !seen[2] && !seen[3]:
			old++
		case !seen[0] && text[3*sector] == 2 && text[4*sector] == 3 && text[9*sector] == 3:
			all++
		default:
			mixed++
		}
	}
	require.Positive(t, old)
	require.Positive(t, all)
	require.Positive(t, mixed)
	require.Positive(t, torn)
}

// TestAForgottenWriteIsNotMadeDurableByTheNextSync, only by being written again.
func TestAForgottenWriteIsNotMadeDurableByTheNextSync(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	n := &node{}
	n.write([]byte("synced"), 0)
	n.sync()
	n.write([]byte("forgot"), 0)
	for !n.pending[0].lost {
		n.forget(r)
	}
	n.sync()
	require.Equal(t, "synced", string(n.synced))
	n.write([]byte("forgot"), 0)
	n.sync()
	require.Equal(t, "forgot", string(n.synced))
}

// TestNamesAreDurableWhenTheDirectoryWasSynced and not before.
func TestNamesAreDurableWhenTheDirectoryWasSynced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db-wal")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.db-shm"), []byte("index"), 0o600))
	d, err := New(t.Name(), dir)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Delete(path, false))
	fresh := &node{synced: []byte("new"), size: 3}
	d.nodes[path] = fresh
	d.names = append(d.names, nameChange{path, fresh})
	left := func() map[string]int {
		found := map[string]int{}
		for seed := range uint64(60) {
			into := t.TempDir()
			require.NoError(t, d.Cut(seed, into))
			text, err := os.ReadFile(filepath.Join(into, "a.db-wal"))
			if err != nil {
				require.ErrorIs(t, err, os.ErrNotExist)
			}
			found[string(text)]++
			require.NoFileExists(t, filepath.Join(into, "a.db-shm"))
		}
		return found
	}
	found := left()
	require.Positive(t, found["old"])
	require.Positive(t, found["new"])
	require.Positive(t, found[""])
	d.down = false
	require.NoError(t, d.SyncDir(dir))
	require.Equal(t, map[string]int{"new": 60}, left())
}
