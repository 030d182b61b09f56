package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatASyncDidNotTakeIsWrittenAgain: after a sync that failed an entry may be seen in the file and never reach the disk.
// It must not count as handed over.
func TestWhatASyncDidNotTakeIsWrittenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f, err := OpenFile(path, FileOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	require.NoError(t, f.WriteEntries(t.Context(), []Entry{{Position: 1, Action: "first"}}))
	size := f.size
	_, err = f.file.WriteAt([]byte(`{"position":2,"action":"seen"}`+"\n"), size)
	require.NoError(t, err)
	require.NoError(t, f.file.Close()) // as after a sync and a truncation that failed
	f.file, f.broken = nil, true
	require.NoError(t, f.WriteEntries(t.Context(), []Entry{{Position: 2, Action: "second"}}))
	require.Equal(t, int64(2), f.Position())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "second")
	require.NotContains(t, string(text), "seen")
}
