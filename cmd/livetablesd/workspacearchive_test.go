package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// TestMoveWorkspace moves a workspace between two data directories by the commands of the operator.
func TestMoveWorkspace(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	p := start(t, from)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "Moving"})["id"].(string)
	p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})
	p.stop()
	file, again := filepath.Join(t.TempDir(), "w.tar"), filepath.Join(t.TempDir(), "again.tar")
	mustRun(t, "export-workspace", "--data-dir", from, "--workspace", ws, file)
	out, err := command(t, "export-workspace", "--data-dir", from, "--workspace", ws, file)
	require.Error(t, err, out)

	q := start(t, to)
	firstAccount(t, q, "b@example.com", "correct horse")
	q.login("b@example.com", "correct horse")
	owner := q.must(200, "GET", "/api/v1/auth/me", nil)["id"].(string)
	q.stop()
	out, err = command(t, "import-workspace", "--data-dir", to, "--owner", "b@example.com", file)
	require.Error(t, err, out)
	nobody := minidb.NewID("usr")
	out, err = command(t, "import-workspace", "--data-dir", to, "--owner", nobody, file)
	require.Error(t, err, out)
	require.Contains(t, out, "there is no account "+nobody)
	mustRun(t, "import-workspace", "--data-dir", to, "--owner", owner, file) // and nothing was left of those before
	mustRun(t, "export-workspace", "--data-dir", to, "--workspace", ws, again)
	require.Contains(t, mustRun(t, "audit", "verify", "--data-dir", to), "ok workspace "+ws)
	one, err := os.ReadFile(file)
	require.NoError(t, err)
	two, err := os.ReadFile(again)
	require.NoError(t, err)
	require.Equal(t, one, two)
	q = start(t, to)
	q.login("b@example.com", "correct horse")
	require.Equal(t, "owner", q.must(200, "GET", "/api/v1/workspaces/"+ws, nil)["role"])
	q.stop()
}
