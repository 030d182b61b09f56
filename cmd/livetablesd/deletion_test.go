package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// doomed is a workspace full of texts that occur nowhere else.
type doomed struct {
	id, table string
	canary    string
	version   any
}

// doomedWorkspace fills a workspace with a canary in everything that keeps a text: names, rows, history, rules, views and
// their slugs, connections, invites, service accounts, idempotency keys, imports, roles, settings.
func doomedWorkspace(p *process, canary string) doomed {
	t := p.t
	t.Helper()
	n := 0
	text := func() string { n++; return fmt.Sprintf("%s%03d", canary, n) }
	made := func(status int, method, path string, body any) map[string]any {
		t.Helper()
		got, doc := p.do(method, path, body)
		require.Equal(t, status, got, "%s %s: %v", method, path, doc)
		return doc
	}
	d := doomed{canary: canary}
	d.id = made(201, "POST", "/api/v1/workspaces", map[string]any{"name": text()})["id"].(string)
	at := "/api/v1/workspaces/" + d.id
	made(200, "PATCH", at, map[string]any{"settings": map[string]any{"a": text()}})
	project := made(201, "POST", at+"/projects", map[string]any{"name": text(), "description": text()})["id"]
	base := made(201, "POST", at+"/bases", map[string]any{"name": text(), "description": text(), "project_id": project})["id"].(string)
	d.table = made(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": text(), "columns": []any{
		map[string]any{"name": "Name", "type": "text", "description": text()}, map[string]any{"name": text(), "type": "text", "default": text()}}})["id"].(string)
	rows := "/api/v1/tables/" + d.table + "/rows"
	var row string
	for range 40 {
		row = made(201, "POST", rows, map[string]any{"fields": map[string]any{"Name": text()}, "reason": text()})["id"].(string)
	}
	made(200, "PATCH", rows+"/"+row, map[string]any{"fields": map[string]any{"Name": text()}})
	made(204, "DELETE", rows+"/"+row, nil)
	made(200, "PUT", at+"/rules", map[string]any{"table": d.table, "role": "viewer", "read": `Name <> "` + text() + `"`})
	view := made(201, "POST", at+"/views", map[string]any{"base_id": base, "name": text(), "query": map[string]any{"source": map[string]any{"table": d.table}, "filters": `Name <> "` + text() + `"`}})["id"].(string)
	made(201, "POST", "/api/v1/views/"+view+"/api", map[string]any{"slug": text(), "mode": "key"})
	made(201, "POST", "/api/v1/views/"+view+"/api/keys", nil)
	made(201, "POST", at+"/connections", map[string]any{"name": text(), "driver": "postgres", "host": "127.0.0.1", "port": 1, "tls": "off", "database": text(), "user": text(), "password": text()})
	made(201, "POST", at+"/invite", map[string]any{"email": text() + "@example.net", "role": "viewer"})
	made(201, "POST", at+"/service-accounts", map[string]any{"name": text(), "role": "viewer"})
	made(201, "POST", at+"/roles", map[string]any{"name": text(), "description": text(), "base": "viewer", "grants": []any{map[string]any{"action": "data.read"}}})
	p.post(rows, fmt.Sprintf(`{"fields":{"Name":%q}}`, text()), "Content-Type", "application/json", "Idempotency-Key", text())
	p.post("/api/v1/tables/"+d.table+"/import", "Name\n"+text()+"\n"+text()+"\n", "Content-Type", "text/csv")
	_, doc := p.do("GET", at, nil)
	d.version = doc["version"]
	return d
}

// post sends a body with headers.
func (p *process) post(path, body string, headers ...string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(body))
	require.NoError(p.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Header.Set("Authorization", "Bearer "+p.tok)
	res, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	require.NoError(p.t, res.Body.Close())
	require.Less(p.t, res.StatusCode, 300)
}

// reopen starts a daemon in a directory and logs its one account in, which is made on an empty one.
func reopen(t *testing.T, dir string, empty bool) *process {
	t.Helper()
	p := start(t, dir, "--allow-host", "127.0.0.1", "--rate-limit", "0")
	if empty {
		firstAccount(t, p, "a@example.com", "correct horse")
	}
	p.login("a@example.com", "correct horse")
	return p
}

// holds counts the bytes of a directory in which a text stands, and names the files.
func holds(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil // a temporary one
		}
		if n := bytes.Count(data, []byte(text)); n > 0 {
			files = append(files, fmt.Sprintf("%s: %d", filepath.Base(path), n))
		}
		return err
	}))
	return files
}

// purged waits until a text stands in no file of a directory.
func purged(t *testing.T, dir, text string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		if left := holds(t, dir, text); len(left) > 0 {
			c.Errorf("left in %v", left)
		}
	}, 20*time.Second, 100*time.Millisecond)
}

// picture is what a workspace answers to many questions.
func picture(p *process, d doomed) (list []string) {
	p.t.Helper()
	for _, path := range []string{"", "/members", "/bases", "/projects", "/views", "/connections", "/rules", "/roles", "/invites", "/service-accounts"} {
		status, doc := p.do("GET", "/api/v1/workspaces/"+d.id+path, nil)
		require.Equal(p.t, 200, status, path)
		text, err := json.Marshal(doc)
		require.NoError(p.t, err)
		list = append(list, string(text))
	}
	for _, path := range []string{"/api/v1/tables/" + d.table, "/api/v1/tables/" + d.table + "/rows?limit=1000", "/api/v1/tables/" + d.table + "/history?limit=900", "/api/v1/audit-logs?workspace_id=" + d.id + "&limit=900"} {
		status, doc := p.do("GET", path, nil)
		require.Equal(p.t, 200, status, path)
		delete(doc, "page") // cursors are sealed anew each time
		text, err := json.Marshal(doc)
		require.NoError(p.t, err)
		list = append(list, string(text))
	}
	return list
}

// TestDeletedWorkspaceLeavesNoByte deletes a workspace while writes, reads, exports and imports run in it, and looks for what
// was in it in every byte of the data directory, while another workspace stays as it was. In the end only one entry of the
// log says that there was a workspace of that id.
func TestDeletedWorkspaceLeavesNoByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := reopen(t, dir, true)
	gone := doomedWorkspace(p, "canarygone83710246")
	kept := doomedWorkspace(p, "canarykept51930664")
	before := picture(p, kept)
	require.NotEmpty(t, holds(t, dir, gone.canary))

	var wg sync.WaitGroup
	var stop atomic.Bool
	statuses := make([]map[int]int, 4)
	for i := range statuses {
		statuses[i] = map[int]int{}
		wg.Go(func() {
			q := *p
			for n := 0; !stop.Load(); n++ {
				path, method, body := "/api/v1/tables/"+gone.table+"/rows", "POST", any(map[string]any{"fields": map[string]any{"Name": fmt.Sprintf("%slate%d", gone.canary, n)}})
				switch i {
				case 1:
					path, method, body = "/api/v1/tables/"+gone.table+"/export.csv", "GET", nil
				case 2:
					path, method, body = "/api/v1/workspaces/"+gone.id+"/projects", "POST", map[string]any{"name": fmt.Sprintf("%sp%d", gone.canary, n)}
				case 3:
					path, method, body = "/api/v1/workspaces/"+gone.id+"/invite", "POST", map[string]any{"email": fmt.Sprintf("%s%d@example.net", gone.canary, n), "role": "viewer"}
				}
				status, _ := q.do(method, path, body)
				statuses[i][status]++
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	status, doc := p.do("DELETE", "/api/v1/workspaces/"+gone.id, nil)
	require.Equal(t, 204, status, doc)
	time.Sleep(200 * time.Millisecond)
	stop.Store(true)
	wg.Wait()
	for i, seen := range statuses {
		t.Logf("worker %d: %v", i, seen)
		require.Positive(t, seen[404], "worker %d went on after the deletion", i)
		require.Zero(t, seen[500], "worker %d", i)
	}
	purged(t, dir, gone.canary)
	require.Equal(t, before, picture(p, kept))
	require.NotEmpty(t, holds(t, dir, kept.canary))
	for _, path := range []string{"/api/v1/workspaces/" + gone.id, "/api/v1/tables/" + gone.table, "/api/v1/tables/" + gone.table + "/history", "/api/v1/audit-logs?workspace_id=" + gone.id} {
		status, _ := p.do("GET", path, nil)
		require.Equal(t, 404, status, path)
	}
	p.stop()
	require.Empty(t, holds(t, dir, gone.canary), "nor after the end, when the log was moved into the file")
	require.NotEmpty(t, holds(t, dir, gone.id), "that it was deleted is remembered")
}

// TestDeletionSurvivesKill kills the daemon at random moments of a deletion: afterwards the workspace is there as it was, or
// gone for good, and then its bytes go too.
func TestDeletionSurvivesKill(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "data")
	p := reopen(t, dir, true)
	there, gone := 0, 0
	for round := range 4 {
		d := doomedWorkspace(p, fmt.Sprintf("canarykill%d", rnd.Uint32()))
		before := picture(p, d)
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, err := http.NewRequest(http.MethodDelete, p.url+"/api/v1/workspaces/"+d.id, nil)
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "Bearer "+p.tok)
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}()
		time.Sleep(time.Duration(rnd.IntN(30)) * time.Millisecond)
		p.kill()
		<-done
		p = reopen(t, dir, false)
		if status, _ := p.do("GET", "/api/v1/workspaces/"+d.id, nil); status == 200 {
			there++
			require.Equal(t, before, picture(p, d), "round %d", round)
			status, _ := p.do("DELETE", "/api/v1/workspaces/"+d.id, nil)
			require.Equal(t, 204, status)
		} else {
			require.Equal(t, 404, status)
			gone++
		}
		purged(t, dir, d.canary)
	}
	t.Logf("%d times it was there, %d times it was gone", there, gone)
	p.stop()
}
