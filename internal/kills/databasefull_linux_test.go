package kills

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
)

// TestDatabaseDiskFullWithoutRestart fills the disk of the database's tables, while its log has room on another: the server
// stays and refuses. With room again everything goes on, and neither server nor daemon was restarted.
func TestDatabaseDiskFullWithoutRestart(t *testing.T) {
	if mounting(t) {
		return
	}
	server, err := testenv.NewKillable()
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	require.NoError(t, server.Kill())
	disk := smallDisk(t, 52)
	log := server.Dir() + "-log"
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", `mv "$1/pg_wal" "$3"; ln -s "$3" "$1/pg_wal"; cp -a "$1" "$2/data"; rm -r "$1"; ln -s "$2/data" "$1"`,
		"sh", server.Dir(), disk, log).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, server.Start())
	data := t.TempDir()
	p, err := daemontest.Start(t.Context(), program, "--data-dir", data, "--listen", "127.0.0.1:0", "--rate-limit", "0", "--database-url", server.URL)
	require.NoError(t, err)
	f := newFiller(t, p)
	require.True(t, f.fill("first", 2000, 5), "the disk is full at last")
	require.NotEmpty(t, f.done)
	t.Logf("full after %d writes; refusals: %v", len(f.done), f.codes)
	f.check()
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=300m"))
	before := len(f.done)
	require.False(t, f.fill("second", 5, 1), "there is room again")
	require.Len(t, f.done, before+5)
	f.check()
	require.NoError(t, p.Stop())
	out, err = exec.CommandContext(t.Context(), program, "audit", "verify", "--data-dir", data, "--database-url", server.URL).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
