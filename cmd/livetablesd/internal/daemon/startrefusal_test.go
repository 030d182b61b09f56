package daemon

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWrongSettingsAreNamed: the operator learns which setting cannot be used, of all at once.
func TestWrongSettingsAreNamed(t *testing.T) {
	c := Config{DataDir: t.TempDir(), MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1, RateLimit: -1, Edge: Edge{RateLimitWorkspace: -1}, TrustedProxy: []string{"x"}}
	err := c.check()
	for _, flag := range []string{"--max-upload", "--rate-limit ", "--rate-limit-workspace", "--trusted-proxy"} {
		require.ErrorContains(t, err, flag)
	}
	require.NotContains(t, err.Error(), "--max-scan-rows")
}

// TestKeysAreNotBegunAnew: beside keys that cannot be read no new ones are made, and where there are none any more beside a
// database, the operator is told.
func TestKeysAreNotBegunAnew(t *testing.T) {
	open := func(dir string, log io.Writer) error {
		d, err := Open(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: dir, LogOutput: log, MaxUpload: 1, MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1}, io.Discard)
		if err != nil {
			return err
		}
		return d.close()
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "root.sealed"), []byte("a box of a key manager"), 0o644))
	require.ErrorContains(t, open(dir, io.Discard), "root.sealed", "its mode is wrong")
	require.NoError(t, os.Chmod(filepath.Join(dir, "root.sealed"), 0o600))
	require.ErrorContains(t, open(dir, io.Discard), "root.sealed", "it is damaged")
	require.NoFileExists(t, filepath.Join(dir, "master.key"))

	dir = t.TempDir()
	var log bytes.Buffer
	require.NoError(t, open(dir, &log))
	require.NotContains(t, log.String(), "no key file")
	require.NoError(t, os.Remove(filepath.Join(dir, "master.key")))
	require.NoError(t, open(dir, &log))
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "no key file")
}
