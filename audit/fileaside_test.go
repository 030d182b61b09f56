package audit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFullFilesAreSetAside: whatever is closed, killed or written twice in between, the files together have every entry once.
func TestFullFilesAreSetAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit[1].jsonl")
	whole := func() (out []int64) {
		names, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, n := range names {
			out = append(out, positions(t, filepath.Join(dir, n.Name()))...)
		}
		slices.Sort(out)
		return out
	}
	f, err := OpenFile(path, FileOptions{MaxBytes: 1000})
	require.NoError(t, err)
	for p := int64(1); p <= 30; p++ {
		require.NoError(t, f.WriteEntries(t.Context(), entries(max(1, p-2), p)), "some of them again")
		if p%7 == 0 {
			require.NoError(t, f.Close())
			f, err = OpenFile(path, FileOptions{MaxBytes: 1000})
			require.NoError(t, err)
			require.Equal(t, p, f.Position())
		}
	}
	require.NoError(t, f.Close())
	require.Equal(t, span(1, 30), whole())
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl.*"))
	require.NoError(t, err)
	require.Greater(t, len(names), 3)
	for _, n := range names {
		got := positions(t, n)
		require.Regexp(t, `\.jsonl\.[0-9]{19}$`, n)
		require.Less(t, len(got), 10)
	}

	// A crash after the renaming: there is no file of the name.
	last := positions(t, path)
	require.NoError(t, os.Rename(path, path+".0000000000000000030"))
	f, err = OpenFile(path, FileOptions{MaxBytes: 1000})
	require.NoError(t, err)
	require.Equal(t, last[len(last)-1], f.Position())
	require.NoError(t, f.WriteEntries(t.Context(), entries(28, 31)))
	require.NoError(t, f.Close())
	require.Equal(t, span(1, 31), whole())
}

// TestNameIsTaken: nothing is overwritten.
func TestNameIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f, err := OpenFile(path, FileOptions{MaxBytes: 1})
	require.NoError(t, err)
	require.NoError(t, f.WriteEntries(t.Context(), entries(1, 1)))
	require.NoError(t, os.WriteFile(path+".0000000000000000001", []byte("mine"), 0o600))
	require.ErrorContains(t, f.WriteEntries(t.Context(), entries(2, 2)), "exists")
	require.NoError(t, os.Remove(path+".0000000000000000001"))
	require.NoError(t, f.WriteEntries(t.Context(), entries(2, 2)))
	require.NoError(t, f.Close())
	require.Equal(t, []int64{2}, positions(t, path))
}
