package minidb_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// The import that is killed runs in a process of its own, which is told by these variables what to do.
const (
	killedPlace   = "LIVETABLES_KILLED_IMPORT_PLACE"
	killedArchive = "LIVETABLES_KILLED_IMPORT_ARCHIVE"
	killedBlobs   = "LIVETABLES_KILLED_IMPORT_BLOBS"
	killedAt      = "LIVETABLES_KILLED_IMPORT_AT"
)

// deadly ends its process, as a failing machine would, with a reading of the file.
type deadly struct {
	io.ReaderAt
	left *atomic.Int64
}

func (d deadly) ReadAt(b []byte, at int64) (int, error) {
	if d.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return d.ReaderAt.ReadAt(b, at)
}

// TestImportToBeKilled is the process that is killed; by itself it imports nothing.
func TestImportToBeKilled(t *testing.T) {
	if os.Getenv(killedPlace) == "" {
		require.Empty(t, os.Getenv(killedArchive))
		return
	}
	var place storetest.Place
	require.NoError(t, json.Unmarshal([]byte(os.Getenv(killedPlace)), &place))
	store, err := place.OpenStore(t.Context())
	require.NoError(t, err)
	db, err := minidb.Open(t.Context(), store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	blobs, err := blob.OpenDir(os.Getenv(killedBlobs))
	require.NoError(t, err)
	archive, err := os.ReadFile(os.Getenv(killedArchive))
	require.NoError(t, err)
	left := &atomic.Int64{}
	n, err := strconv.Atoi(os.Getenv(killedAt))
	require.NoError(t, err)
	left.Store(int64(n))
	_, err = db.ImportWorkspace(t.Context(), carol, deadly{bytes.NewReader(archive), left}, int64(len(archive)), blobs, minidb.ArchiveLimits{})
	require.NoError(t, err)
	_, _ = os.Stdout.WriteString("reads left: " + strconv.FormatInt(left.Load(), 10) + "\n")
}

// TestKilledImports kills an import at several places: nothing of it can be found, and it can be done again.
func TestKilledImports(t *testing.T) {
	l := newLives(t)
	archive := l.m.archive(l.workspace.ID)
	file := filepath.Join(t.TempDir(), "archive")
	require.NoError(t, os.WriteFile(file, archive, 0o600))
	run := func(place storetest.Place, blobs string, at int) (string, error) {
		doc, err := json.Marshal(place)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestImportToBeKilled$")
		cmd.Env = append(os.Environ(), killedPlace+"="+string(doc), killedArchive+"="+file, killedBlobs+"="+blobs, killedAt+"="+strconv.Itoa(at),
			"LIVETABLES_TEST_STORE="+storetest.Driver())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const many = 1_000_000
	out, err := run(storetest.Fresh(t), t.TempDir(), many)
	require.NoError(t, err, out)
	_, after, ok := bytes.Cut([]byte(out), []byte("reads left: "))
	require.True(t, ok, out)
	line, _, _ := bytes.Cut(after, []byte("\n"))
	left, err := strconv.Atoi(string(line))
	require.NoError(t, err)
	reads := many - left

	place, dir := storetest.Fresh(t), t.TempDir()
	for _, at := range []int{reads / 2, reads * 3 / 4, reads} {
		_, err := run(place, dir, at)
		require.Error(t, err, "killed at %d of %d", at, reads)
	}
	to := &mover{TB: t, DB: openAt(t, place, minidb.Options{}), ctx: t.Context()}
	to.blobs, err = blob.OpenDir(dir)
	require.NoError(t, err)
	f := &fixture{TB: t, DB: to.DB, ctx: to.ctx, place: place}
	require.Empty(t, mentions(f, l.workspace.ID))
	require.Empty(t, f.relations("tbl_", "edge_"))
	_, err = to.take(archive)
	require.NoError(t, err)
	require.True(t, bytes.Equal(archive, to.archive(l.workspace.ID)))
	// The contents that were stored belong to nobody: who sweeps the store is told so once no upload can be waiting for them.
	keys, err := to.blobs.List(to.ctx, "", "", 100)
	require.NoError(t, err)
	stray, err := to.StrayBlobs(to.ctx, keys)
	require.NoError(t, err)
	require.Empty(t, stray)
}
