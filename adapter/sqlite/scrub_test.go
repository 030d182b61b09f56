package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// canaries counts a text in the store's files.
func canaries(t *testing.T, path, text string) (n int) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		n += bytes.Count(data, []byte(text))
	}
	return n
}

func TestScrubOverwritesWhatWasDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := OpenStore(t.Context(), path, StoreOptions{BusyTimeout: 100 * time.Millisecond})
	require.NoError(t, err)
	defer s.Close()
	mustExec(t, s, "CREATE TABLE note (id INTEGER PRIMARY KEY, t TEXT)")
	for range 20 {
		mustExec(t, s, "INSERT INTO note (t) VALUES ('a canary'), ('kept')")
	}
	mustExec(t, s, "DELETE FROM note WHERE t = 'a canary'")
	require.Positive(t, canaries(t, path, "a canary"), "the log still has it")

	// While somebody reads an older state, it stays.
	require.NoError(t, s.Read(t.Context(), func(tx adapter.Tx) error {
		r, err := tx.Query(t.Context(), "SELECT t FROM note")
		require.NoError(t, err)
		require.True(t, r.Next())
		mustExec(t, s, "INSERT INTO note (t) VALUES ('kept')")
		require.ErrorIs(t, s.Scrub(context.Background()), adapter.ErrTemporary)
		return r.Close()
	}))
	require.NoError(t, s.Scrub(t.Context()))
	require.Zero(t, canaries(t, path, "a canary"))
	require.Equal(t, [][]string{{"21"}}, queryAll(t, s, "SELECT count(*) FROM note WHERE t = 'kept'"))
	mustExec(t, s, "INSERT INTO note (t) VALUES (?)", lqp.TextValue("after"))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Scrub(t.Context()), adapter.ErrUnavailable)
}
