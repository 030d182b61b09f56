package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv/transitserver"
)

// TestMoveToKeyManager takes a data directory from its key file to a key manager, through an outage and a rotation there.
func TestMoveToKeyManager(t *testing.T) {
	s := transitserver.Start(t)
	s.MakeKey(t, "lt", true)
	kms := []string{"--kms-address", s.Address, "--kms-key", "lt", "--kms-token-file", s.TokenFile}
	serveArgs := []string{"--allow-host", "127.0.0.1", "--rate-limit", "0"}
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, serveArgs...)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	token := p.tok
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	ids := p.connections(ws, 5)
	p.stop()
	require.Contains(t, mustRun(t, append([]string{"keys", "show", "--data-dir", dir}, kms...)...), "old, of ")
	require.NoFileExists(t, filepath.Join(dir, "root.sealed"), "showing changes nothing")

	p = start(t, dir, append(serveArgs, kms...)...)
	p.tok = token
	require.Equal(t, "source_unavailable", p.opens(ids[0]), "what the key file sealed opens, and the session goes on")
	p.stop()
	out := mustRun(t, append([]string{"keys", "rotate", "--drop-old", "--data-dir", dir}, kms...)...)
	require.Contains(t, out, "done: 5 secrets, 5 changed")
	require.NoFileExists(t, filepath.Join(dir, "master.key"))
	out, err := command(t, append([]string{"--data-dir", dir, "--listen", "127.0.0.1:0"}, serveArgs...)...)
	require.Error(t, err, "without the key manager it does not start, and makes no key file")
	require.Contains(t, out, "kept by a key manager")
	require.NoFileExists(t, filepath.Join(dir, "master.key"))

	p = start(t, dir, append(serveArgs, kms...)...)
	p.tok = token
	s.Mode(t, "sealed")
	for _, call := range []struct {
		method, path string
		body         map[string]any
	}{
		{"POST", "/api/v1/workspaces/" + ws + "/connections", map[string]any{"name": "new", "driver": "postgres", "host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "tls": "off", "password": "hunter2-new"}},
		{"PUT", "/api/v1/connections/" + ids[0], map[string]any{"name": "other", "driver": "postgres", "host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "tls": "off", "version": 1}},
		{"POST", "/api/v1/connections/" + ids[0] + "/query", map[string]any{"source": map[string]any{"table": "t"}}},
		{"GET", "/api/v1/connections/" + ids[0] + "/schema", nil},
	} {
		status, answer := p.do(call.method, call.path, call.body)
		require.Equal(t, 503, status, "%s: %v", call.path, answer)
		require.Equal(t, "key_manager_unavailable", answer["code"])
		require.NotContains(t, fmt.Sprint(answer), "hunter2")
		require.NotContains(t, fmt.Sprint(answer), strings.TrimPrefix(s.Address, "http://"), "where the key manager is, is no client's business")
	}
	require.Equal(t, "key_manager_unavailable", p.opens(ids[0]))
	resp := p.raw(t, "GET", "/api/v1/connections/"+ids[0]+"/schema")
	wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, wait)
	p.must(200, "GET", "/api/v1/workspaces", nil)
	s.Mode(t, "ok")
	require.Eventually(t, func() bool { return p.opens(ids[0]) == "source_unavailable" }, 15*time.Second, 100*time.Millisecond)
	p.stop()

	s.Rotate(t, "lt")
	out = mustRun(t, append([]string{"keys", "rotate", "--drop-old", "--data-dir", dir}, kms...)...)
	require.Contains(t, out, "to key transit:transit/lt:v2")
	require.Contains(t, out, "5 changed")
	s.Least(t, "lt", 2)
	require.Contains(t, mustRun(t, append([]string{"keys", "show", "--data-dir", dir}, kms...)...), "lt:v2: of the key manager, present, 5 secrets")
	p = start(t, dir, append(serveArgs, kms...)...)
	p.tok = token
	require.Equal(t, "source_unavailable", p.opens(ids[4]))
	p.stop()
	s.Kill()
	_, err = command(t, append([]string{"--data-dir", dir, "--listen", "127.0.0.1:0"}, kms...)...)
	require.Error(t, err, "a daemon does not start without its key manager")
	for _, args := range [][]string{{"keys", "rotate", "--sign-out"}, {"keys", "show"}} {
		_, err = command(t, append(append(args, "--data-dir", dir), kms...)...)
		require.Error(t, err)
	}
	secret, err := os.ReadFile(s.TokenFile)
	require.NoError(t, err)
	require.NotContains(t, out, strings.TrimSpace(string(secret)))
}

// raw asks and gives the answer's head.
func (p *process) raw(t *testing.T, method, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, p.url+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+p.tok)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}
