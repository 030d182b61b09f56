package daemon

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFilesDirApart tries to let connections lead to the daemon's own databases.
func TestFilesDirApart(t *testing.T) {
	root := t.TempDir()
	data, files := filepath.Join(root, "data"), filepath.Join(root, "files")
	require.NoError(t, os.MkdirAll(filepath.Join(data, "sub"), 0o700))
	require.NoError(t, os.Mkdir(files, 0o700))
	require.NoError(t, os.Symlink(data, filepath.Join(root, "link")))
	for _, dir := range []string{data, root, filepath.Join(data, "sub"), filepath.Join(root, "link"), filepath.Join(files, "..", "data"), filepath.Join(root, "missing")} {
		c := Config{Listen: "127.0.0.1:0", DataDir: data, FilesDir: dir, MaxUpload: 1, MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1}
		_, err := Open(t.Context(), c, io.Discard)
		require.ErrorContains(t, err, "--files-dir", dir)
	}
	require.NoError(t, (&Config{DataDir: data, FilesDir: files}).checkFilesDir())
	require.NoError(t, (&Config{DataDir: data}).checkFilesDir())
}
