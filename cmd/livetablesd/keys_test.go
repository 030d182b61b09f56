package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// command runs the program to its end.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command(binary, args...).CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	require.NoError(t, err, out)
	return out
}

func TestCommands(t *testing.T) {
	require.Contains(t, mustRun(t, "version"), "livetablesd ")
	help := mustRun(t, "--help")
	for _, want := range []string{"serve", "keys rotate", "keys show", "version"} {
		require.Contains(t, help, want)
	}
	require.Contains(t, mustRun(t, "serve", "--help"), "--demo")
	for _, args := range [][]string{{"keys"}, {"keys", "nonsense"}, {"keys", "rotate", "--nonsense"}, {"keys", "show", "--data-dir", t.TempDir()}, {"keys", "rotate", "--data-dir", t.TempDir()}} {
		_, err := command(t, args...)
		require.Error(t, err, args)
	}
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir)
	out, err := command(t, "keys", "rotate", "--data-dir", dir)
	require.Error(t, err)
	require.Contains(t, out, "in use by another livetablesd")
	require.Contains(t, mustRun(t, "keys", "show", "--data-dir", dir), "a daemon is running")
	_, err = command(t, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	require.Error(t, err, "two daemons in one directory")
	p.stop()
}

// connections makes n connections with passwords that begin with a planted text.
func (p *process) connections(ws string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, p.must(201, "POST", "/api/v1/workspaces/"+ws+"/connections", map[string]any{"name": fmt.Sprintf("c%d", i), "driver": "postgres",
			"host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "tls": "off", "password": fmt.Sprintf("hunter2-%d", i)})["id"].(string))
	}
	return ids
}

// opens reports how testing a connection ends: its server is not there, which is only found out once the password is open.
func (p *process) opens(id string) string {
	return p.must(200, "POST", "/api/v1/connections/"+id+"/test", nil)["code"].(string)
}

var rotatedTo = regexp.MustCompile(`rotating \d+ secrets to key (\S+)`)

// TestRotationKilled kills the rotation again and again, at random moments; what is left goes on under the key that was
// made first, everything opens in between, and no secret is written anywhere.
func TestRotationKilled(t *testing.T) {
	seed := testseed.Of(t)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "data")
	serveArgs := []string{"--allow-host", "127.0.0.1", "--rate-limit", "0"}
	p := start(t, dir, serveArgs...)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	const n = 150
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	ids := p.connections(ws, n)
	require.Equal(t, "source_unavailable", p.opens(ids[0]))
	p.stop()
	before := mustRun(t, "keys", "show", "--data-dir", dir)
	require.Contains(t, before, fmt.Sprintf("present, of %s, %d secrets", time.Now().UTC().Format(time.DateOnly), n))

	var printed bytes.Buffer
	killed, keys := 0, map[string]bool{}
	for range 60 {
		var out bytes.Buffer
		cmd := exec.Command(binary, "keys", "rotate", "--data-dir", dir)
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var err error
		select {
		case err = <-ended:
		case <-time.After(time.Duration(20+random.IntN(60)) * time.Millisecond):
			_ = cmd.Process.Kill()
			err = <-ended
		}
		printed.Write(out.Bytes())
		if m := rotatedTo.FindStringSubmatch(out.String()); m != nil {
			keys[m[1]] = true
		}
		if err == nil {
			break
		}
		killed++
		if killed%5 == 0 { // a daemon between two tries
			p = start(t, dir, serveArgs...)
			p.login("a@example.com", "correct horse")
			for _, i := range []int{0, n / 2, n - 1} {
				require.Equal(t, "source_unavailable", p.opens(ids[i]), "half-way everything opens")
			}
			p.stop()
		}
	}
	t.Logf("killed %d times", killed)
	out := mustRun(t, "keys", "rotate", "--no-new-key", "--drop-old", "--data-dir", dir)
	printed.WriteString(out)
	require.Contains(t, out, fmt.Sprintf("done: %d secrets", n))
	require.Contains(t, out, ", 0 that do not open")
	require.Contains(t, out, "dropped ")
	require.Positive(t, killed)
	require.NotEmpty(t, keys)

	shown := mustRun(t, "keys", "show", "--data-dir", dir)
	require.Equal(t, 1, strings.Count(shown, "key "), shown)
	require.Contains(t, shown, fmt.Sprintf("%d secrets", n))
	p = start(t, dir, serveArgs...)
	p.login("a@example.com", "correct horse")
	for _, id := range ids {
		require.Equal(t, "source_unavailable", p.opens(id))
	}
	logs := fmt.Sprint(p.all("/api/v1/audit-logs?workspace_id=" + ws + "&limit=500"))
	require.GreaterOrEqual(t, strings.Count(logs, "connection.rewrap"), n)
	require.NotContains(t, logs, "hunter2")
	p.stop()
	require.NotContains(t, printed.String(), "hunter2")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		require.NotContains(t, string(data), "hunter2", f.Name())
	}
}

// TestSignOut replaces what tokens are made from: a session from before is over.
func TestSignOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	p.must(200, "GET", "/api/v1/workspaces", nil)
	token := p.tok
	p.stop()
	mustRun(t, "keys", "rotate", "--drop-old", "--data-dir", dir)
	p = start(t, dir)
	p.tok = token
	p.must(200, "GET", "/api/v1/workspaces", nil)
	p.stop()
	mustRun(t, "keys", "rotate", "--sign-out", "--drop-old", "--data-dir", dir)
	p = start(t, dir)
	p.tok = token
	p.must(401, "GET", "/api/v1/workspaces", nil)
	p.login("a@example.com", "correct horse")
	p.stop()
}

// TestAttack41WeakKey starts with keys that are none: the daemon refuses, says why without showing the key, and leaves the
// file alone.
func TestAttack41WeakKey(t *testing.T) {
	good := filepath.Join(t.TempDir(), "data")
	start(t, good).stop()
	list, err := os.ReadFile(filepath.Join(good, "master.key"))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		data []byte
		mode os.FileMode
		want string
	}{
		"empty":             {nil, 0o600, "weak master key"},
		"short":             {[]byte("\x9f\x12\x7c\x55"), 0o600, "weak master key"},
		"zero":              {make([]byte, 32), 0o600, "weak master key"},
		"one byte repeated": {bytes.Repeat([]byte{0xA7}, 32), 0o600, "weak master key"},
		"documented sample": {[]byte("change-me-please-0123456789abcde"), 0o600, "weak master key"},
		"list cut off":      {list[:len(list)-9], 0o600, "weak master key"},
		"list without keys": {[]byte("livetables keys 1\n"), 0o600, "weak master key"},
		"later format":      {bytes.Replace(list, []byte("keys 1"), []byte("keys 9"), 1), 0o600, "weak master key"},
		"readable by group": {list, 0o640, "readable by others"},
		"readable by all":   {list, 0o604, "readable by others"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tc.mode != 0o600 {
				return
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "master.key")
			require.NoError(t, os.WriteFile(path, tc.data, 0o600))
			require.NoError(t, os.Chmod(path, tc.mode))
			out, err := command(t, "--data-dir", dir, "--listen", "127.0.0.1:0")
			require.Error(t, err)
			assert.Contains(t, out, tc.want)
			assert.NotContains(t, out, "change-me")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(tc.data, kept))
			require.NoFileExists(t, filepath.Join(dir, "livetables.db"), "nothing was begun")
		})
	}
}
