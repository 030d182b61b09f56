package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/audit/webhook"
)

// tamper runs a statement in the database of a daemon that is not running.
func tamper(t *testing.T, dir, sql string) {
	t.Helper()
	store, err := sqlite.OpenStore(t.Context(), filepath.Join(dir, "livetables.db"), sqlite.StoreOptions{})
	require.NoError(t, err)
	require.NoError(t, store.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), sql)
		return err
	}))
	require.NoError(t, store.Close())
}

func TestVerifyAudit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	heads := filepath.Join(t.TempDir(), "heads.jsonl")
	p := start(t, dir, "--audit-heads-file", heads)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "Audited"})["id"].(string)
	for i := range 5 {
		p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": fmt.Sprint("b", i)})
	}
	head := p.must(200, "GET", "/api/v1/workspaces/"+ws+"/audit-logs/head", nil)
	out, err := command(t, "audit", "verify", "--data-dir", dir)
	require.Error(t, err)
	require.Contains(t, out, "in use")
	p.stop()
	out = mustRun(t, "audit", "verify", "--data-dir", dir, "--heads-file", heads)
	require.Contains(t, out, fmt.Sprintf("ok workspace %s: %v entries, 2 signed heads", ws, head["sequence"]), "one in the database, one outside")
	require.Contains(t, out, "ok entries of no workspace")
	require.Contains(t, out, head["public_key"])
	mustRun(t, "audit", "verify", "--data-dir", dir, "--workspace", ws)

	// The tail is cut with all that the database knew of it: only the file outside tells.
	tamper(t, dir, `DELETE FROM lt_head`)
	tamper(t, dir, `DELETE FROM lt_change WHERE workspace = '`+ws+`' AND chain_sequence > 3`)
	tamper(t, dir, `UPDATE lt_chain SET signed = 0, sequence = 3, hash = (SELECT chain_hash FROM lt_change c WHERE c.workspace = lt_chain.workspace AND chain_sequence = 3) WHERE workspace = '`+ws+`'`)
	mustRun(t, "audit", "verify", "--data-dir", dir, "--workspace", ws)
	out, err = command(t, "audit", "verify", "--data-dir", dir, "--workspace", ws, "--heads-file", heads)
	require.Error(t, err)
	require.Contains(t, out, "entry 4 ")
	require.Contains(t, out, "cut_tail")
	tamper(t, dir, `UPDATE lt_change SET actor = 'usr_other' WHERE workspace = '`+ws+`' AND chain_sequence = 2`)
	out, err = command(t, "audit", "verify", "--data-dir", dir)
	require.Error(t, err)
	require.Contains(t, out, "BAD workspace "+ws+": entry 2 ")
	require.Contains(t, out, "changed")
	_, err = command(t, "audit", "verify", "--data-dir", dir, "--trust-key", "zz")
	require.Error(t, err)
}

// TestAuditWebhook has a receiver that is not there, hangs, refuses and is restarted, and a daemon that is killed: nothing is
// lost, the order stays, and no write waits.
func TestAuditWebhook(t *testing.T) {
	secret := strings.Repeat("hook-secret-", 4)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	var mu sync.Mutex
	var got []audit.Entry
	requests := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b webhook.Batch
		if webhook.Verify([]byte(secret), r.Header, body, time.Now(), time.Minute) != nil || json.Unmarshal(body, &b) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if requests++; requests%3 == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		got = append(got, b.Entries...)
	})
	serveHook := func() *http.Server {
		l, err := net.Listen("tcp", address)
		require.NoError(t, err)
		s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
		go func() { _ = s.Serve(l) }()
		return s
	}
	dir := filepath.Join(t.TempDir(), "data")
	args := []string{"--audit-webhook-url", "http://" + address + "/hook?token=tok-777", "--audit-webhook-secret-file", file, "--allow-host", address}
	p := start(t, dir, args...)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "Hooked"})["id"].(string)
	base := func(i int) {
		p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": fmt.Sprint("base ", i)})
	}
	began := time.Now()
	for i := range 20 { // nobody listens there
		base(i)
	}
	require.Less(t, time.Since(began), 5*time.Second)
	count := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range got {
			if e.Workspace == ws && e.Action == "base.create" {
				n++
			}
		}
		return n
	}
	hook := serveHook()
	require.Eventually(t, func() bool { return count() >= 20 }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, hook.Close())
	base(20)
	p.kill()
	hook = serveHook()
	defer func() { _ = hook.Close() }()
	p = start(t, dir, args...)
	require.Eventually(t, func() bool { return count() >= 21 }, 20*time.Second, 20*time.Millisecond)
	p.stop()
	mu.Lock()
	defer mu.Unlock()
	seen, last := map[string]bool{}, int64(0)
	for _, e := range got {
		if seen[e.ID] {
			continue // at least once
		}
		seen[e.ID] = true
		require.Equal(t, last+1, e.Position, "in order and without a gap")
		last = e.Position
		require.NotNil(t, e.Chain)
		digest, _ := audit.Digest(&e, nil)
		require.Equal(t, digest, e.Chain.Hash, "a receiver can verify what it got")
	}
}
