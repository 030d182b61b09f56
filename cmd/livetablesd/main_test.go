package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary is the daemon, built once for the tests that need a process of its own.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "livetablesd")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "livetablesd")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build livetablesd: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running daemon.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	out *output // standard output
	tok string
}

// output collects what a process writes while it is read.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// find waits until the output matches and gives the first group.
func (o *output) find(t *testing.T, pattern string) string {
	t.Helper()
	var m []string
	require.Eventually(t, func() bool {
		m = regexp.MustCompile(pattern).FindStringSubmatch(o.String())
		return m != nil
	}, 5*time.Second, 5*time.Millisecond, "no %s in the output", pattern)
	return m[1]
}

var readyLine = regexp.MustCompile(`msg=ready address=(\S+)`)

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, out: &output{}}
	p.cmd = exec.Command(binary, append([]string{"--data-dir", dir, "--listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Stdout = p.out
	log, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
			go func() { _, _ = io.Copy(io.Discard, log) }()
			t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
			return p
		}
		t.Log(lines.Text())
	}
	t.Fatal("the daemon did not get ready")
	return nil
}

// stop ends the daemon as an operator does and reads what it wrote.
func (p *process) stop() string {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(p.t, p.cmd.Wait())
	return p.out.String()
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed: that is its error
}

func (p *process) do(method, path string, body any) (int, map[string]any) {
	p.t.Helper()
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(p.t, err)
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, p.url+path, reader)
	require.NoError(p.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.tok != "" {
		req.Header.Set("Authorization", "Bearer "+p.tok)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	answer := map[string]any{}
	_ = json.NewDecoder(resp.Body).Decode(&answer) // empty answers stay empty
	return resp.StatusCode, answer
}

func (p *process) must(status int, method, path string, body any) map[string]any {
	p.t.Helper()
	got, answer := p.do(method, path, body)
	require.Equal(p.t, status, got, "%s %s: %v", method, path, answer)
	return answer
}

// all walks a list to its end.
func (p *process) all(path string) (list []map[string]any) {
	p.t.Helper()
	for cursor := ""; ; {
		answer := p.must(200, "GET", path+cursor, nil)
		for _, r := range answer["data"].([]any) {
			list = append(list, r.(map[string]any))
		}
		next, more := answer["page"].(map[string]any)["next_cursor"].(string)
		if !more {
			return list
		}
		cursor = "&cursor=" + next
	}
}

func (p *process) login(email, password string) {
	p.t.Helper()
	p.tok = ""
	p.tok = p.must(200, "POST", "/api/v1/auth/login", map[string]any{"email": email, "password": password})["access_token"].(string)
}

// firstAccount uses the setup token of an empty instance, which its standard output shows.
func firstAccount(t *testing.T, p *process, email, password string) {
	t.Helper()
	token := p.out.find(t, `"setup_token":"([^"]+)"`)
	p.must(201, "POST", "/api/v1/auth/setup", map[string]any{"setup_token": token, "email": email, "name": "First", "password": password})
}

func TestEverythingSurvivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir)
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})["id"].(string)
	table := p.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "T",
		"columns": []any{map[string]any{"name": "N", "type": "integer"}}})["id"].(string)
	for i := range 20 {
		p.must(201, "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": map[string]any{"N": i}})
	}
	text := p.stop()
	assert.NotContains(t, text, "correct horse")

	for range 3 { // stopped, then killed
		p = start(t, dir)
		p.login("a@example.com", "correct horse")
		rows := p.must(200, "GET", "/api/v1/tables/"+table+"/rows?count=exact&sort=N", nil)
		assert.Len(t, rows["data"], 20)
		audit := p.must(200, "GET", "/api/v1/audit-logs?workspace_id="+ws+"&resource_type=row&limit=500", nil)
		assert.Len(t, audit["data"], 20, "each change has exactly one record")
		p.kill()
	}
}

func TestDemoPrintsWhatWorks(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "data"), "--demo")
	p.login("demo@example.com", p.out.find(t, `password (\S+) \(`))
	table := p.out.find(t, `tables/(tbl_\w+)/rows`)
	rows := p.must(200, "GET", "/api/v1/tables/"+table+"/rows?filter=Quantity+*+%7BUnit+price%7D+%3E+300&sort=-Unit+price", nil)
	assert.NotEmpty(t, rows["data"])
	p.tok = p.out.find(t, `Bearer (ltk_[\w.-]+)`)
	view := p.must(200, "GET", "/public/views/demo-open-orders/data", nil)
	assert.Len(t, view["data"], 4)
	p.tok = ""
	p.must(401, "GET", "/public/views/demo-open-orders/data", nil)
	p.must(200, "GET", "/healthz", nil)
	p.must(200, "GET", "/readyz", nil)
	p.stop()
}

// What was acknowledged is there after kill -9, once, with one record of it.
func TestKilledWhileWriting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "--rate-limit", "0")
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})["id"].(string)
	table := p.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "T",
		"columns": []any{map[string]any{"name": "N", "type": "integer", "unique": true}}})["id"].(string)
	const writers = 4
	acknowledged := make(chan string, 100_000)
	done := make(chan struct{})
	for w := range writers {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := 0; ; i++ {
				n := w*1_000_000 + i
				body := strings.NewReader(fmt.Sprintf(`{"fields":{"N":%d}}`, n))
				req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/tables/"+table+"/rows", body)
				if err != nil {
					return
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Authorization", "Bearer "+p.tok)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusCreated {
					return
				}
				acknowledged <- strconv.Itoa(n)
			}
		}()
	}
	time.Sleep(700 * time.Millisecond)
	p.kill()
	for range writers {
		<-done
	}
	close(acknowledged)

	p = start(t, dir, "--rate-limit", "0")
	p.login("a@example.com", "correct horse")
	stored := map[string]bool{}
	for _, r := range p.all("/api/v1/tables/" + table + "/rows?limit=500") {
		stored[strconv.FormatInt(int64(r["fields"].(map[string]any)["N"].(float64)), 10)] = true
	}
	records := len(p.all("/api/v1/audit-logs?workspace_id=" + ws + "&resource_type=row&limit=500"))
	count := 0
	for n := range acknowledged {
		count++
		assert.True(t, stored[n], "%s was acknowledged and is gone", n)
	}
	assert.Positive(t, count)
	assert.Len(t, stored, records, "each row has exactly one record")
	t.Logf("%d acknowledged, %d stored", count, len(stored))
}

func TestSettingsAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		args       []string
	}{
		{"unknown flag", "unknown flag", []string{"--nonsense"}},
		{"bad proxy", "neither an address nor a network", []string{"--trusted-proxy", "somewhere"}},
		{"bad rate", "--rate-limit must not be below zero", []string{"--rate-limit=-1"}},
		{"bad host", "allowed hosts", []string{"--allow-host", "not a host"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := exec.Command(binary, append([]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, tc.args...)...).CombinedOutput()
			require.Error(t, err)
			assert.Contains(t, string(out), tc.want)
		})
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "master.key"), []byte("short"), 0o600))
	out, err := exec.Command(binary, "--data-dir", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	require.Error(t, err, "a key that is no key is refused")
	assert.Contains(t, string(out), "key")
}
