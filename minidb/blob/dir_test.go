package blob_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/minidb/blob/blobtest"
)

func TestDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.OpenDir(dir)
	require.NoError(t, err)
	blobtest.Run(t, s)
	for _, key := range []string{"ws_a", "ws_b", "ws_c", "ws_c1", "ws_d", "ws_e"} {
		names, err := s.List(t.Context(), key, "", 1000)
		require.NoError(t, err)
		require.NoError(t, s.Delete(t.Context(), names...))
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range left { // what failed leaves at most the empty place
		require.NoError(t, os.Remove(filepath.Join(dir, e.Name())))
	}
}

// TestDirAfterACrash: what was underway long ago is removed, what is underway is not, and neither is a blob.
func TestDirAfterACrash(t *testing.T) {
	dir := t.TempDir()
	s, err := blob.OpenDir(dir)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), "ws_a/att_1", strings.NewReader("x"), 1))
	old, young := filepath.Join(dir, "ws_a", ".part-old"), filepath.Join(dir, "ws_a", ".part-young")
	for _, name := range []string{old, young} {
		require.NoError(t, os.WriteFile(name, []byte("ha"), 0o600))
	}
	past := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(old, past, past))
	s, err = blob.OpenDir(dir)
	require.NoError(t, err)
	require.NoFileExists(t, old)
	require.FileExists(t, young)
	keys, err := s.List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"ws_a/att_1"}, keys)
	info, err := os.Stat(filepath.Join(dir, "ws_a", "att_1"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.ErrorIs(t, s.Put(t.Context(), "ws_a/att_1", strings.NewReader("y"), 1), os.ErrExist)
}

// ExampleOpenDir keeps one blob and reads a part of it.
func ExampleOpenDir() {
	dir, err := os.MkdirTemp("", "blobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := blob.OpenDir(dir)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := s.Put(ctx, "ws_1/att_1", strings.NewReader("hello, world"), 12); err != nil {
		log.Fatal(err)
	}
	r, err := s.Open(ctx, "ws_1/att_1", 7, -1)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	fmt.Println(string(text), err)
	// Output: world <nil>
}
