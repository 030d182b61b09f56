package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/audit/webhook"
	"github.com/livetables/livetables/internal/testenv"
)

// installation is a database that daemons share.
type installation struct {
	t          *testing.T
	dir, url   string
	hook       *httptest.Server
	secretFile string

	mu  sync.Mutex
	got []audit.Entry // by the receiver of audit records
}

func newInstallation(t *testing.T) *installation {
	in := &installation{t: t, dir: t.TempDir(), url: testenv.Postgres(t)}
	secret := strings.Repeat("hook-secret-", 4)
	in.secretFile = filepath.Join(in.dir, "hook")
	require.NoError(t, os.WriteFile(in.secretFile, []byte(secret), 0o600))
	in.hook = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b webhook.Batch
		if webhook.Verify([]byte(secret), r.Header, body, time.Now(), time.Minute) != nil || json.Unmarshal(body, &b) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.got = append(in.got, b.Entries...)
	}))
	t.Cleanup(in.hook.Close)
	return in
}

// args are those of every daemon of the installation.
func (in *installation) args() []string {
	return []string{"--database-url", in.url, "--keys-dir", filepath.Join(in.dir, "keys"), "--rate-limit", "0",
		"--audit-webhook-url", in.hook.URL, "--audit-webhook-secret-file", in.secretFile, "--allow-host", strings.TrimPrefix(in.hook.URL, "http://")}
}

func (in *installation) start(name string) *process {
	in.t.Helper()
	require.NoError(in.t, os.MkdirAll(filepath.Join(in.dir, "keys"), 0o700))
	return start(in.t, filepath.Join(in.dir, name), in.args()...)
}

// heard is how often the receiver got the making of each base.
func (in *installation) heard() map[string]int {
	in.mu.Lock()
	defer in.mu.Unlock()
	times := map[string]int{}
	for _, e := range in.got {
		if e.Action == "base.create" {
			times[e.Resource]++
		}
	}
	return times
}

// TestTwoDaemons has two daemons on one database: what is done at one of them holds at the other.
func TestTwoDaemons(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	a := in.start("a")
	firstAccount(t, a, "a@example.com", "correct horse")
	b := in.start("b")
	a.login("a@example.com", "correct horse")
	b.tok = a.tok
	ws := a.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := b.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})["id"].(string)
	table := a.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "T",
		"columns": []any{map[string]any{"name": "N", "type": "integer"}}})["id"].(string)

	// A change at one of them is told by the other.
	header := http.Header{"Authorization": {"Bearer " + b.tok}}
	socket, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(b.url, "http")+"/api/v1/ws?workspace_id="+url.QueryEscape(ws), &websocket.DialOptions{HTTPHeader: header})
	require.NoError(t, err)
	defer func() { _ = socket.CloseNow() }()
	_ = resp
	require.NoError(t, socket.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"id":1,"op":"subscribe","room":"/data/%s"}`, table)))
	_, text, err := socket.Read(t.Context())
	require.NoError(t, err, "the answer to the subscription")
	require.NotContains(t, string(text), "error")
	row := a.must(201, "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": map[string]any{"N": 1}})["id"].(string)
	began := time.Now()
	for !strings.Contains(string(text), row) {
		_, text, err = socket.Read(t.Context())
		require.NoError(t, err)
	}
	require.Less(t, time.Since(began), 5*time.Second)

	// A repeat with a key is answered by the other, and nothing is done twice.
	status, first, replayed := a.once(table, 2)
	require.Equal(t, 201, status)
	require.False(t, replayed)
	status, second, replayed := b.once(table, 2)
	require.Equal(t, 201, status)
	require.True(t, replayed)
	require.Equal(t, first, second)

	// Either knows of a job of the other.
	job := a.must(202, "POST", "/api/v1/tables/"+table+"/export?format=csv", nil)["id"].(string)
	var now map[string]any
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if now = b.must(200, "GET", "/api/v1/jobs/"+job, nil); now["state"] != "running" {
			break
		}
	}
	require.Equal(t, "done", now["state"], now)

	// A right that is taken at one is gone at the other at once, a session within seconds.
	user := a.must(201, "POST", "/api/v1/users", map[string]any{"email": "m@example.com", "name": "M", "password": "a long password"})["id"].(string)
	a.must(201, "POST", "/api/v1/workspaces/"+ws+"/members", map[string]any{"user_id": user, "role": "editor"})
	member := &process{t: t, url: b.url}
	member.login("m@example.com", "a long password")
	member.must(201, "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": map[string]any{"N": 3}})
	a.must(200, "PUT", "/api/v1/workspaces/"+ws+"/members/"+user, map[string]any{"role": "viewer"})
	member.must(403, "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": map[string]any{"N": 4}})
	a.must(200, "DELETE", "/api/v1/users/"+user+"/sessions", nil)
	require.Eventually(t, func() bool { status, _ := member.do("GET", "/api/v1/auth/me", nil); return status == 401 }, 5*time.Second, 50*time.Millisecond)

	// No command that changes keys works beside them, and looking at the log does.
	out, err := command(t, append([]string{"keys", "rotate", "--data-dir", filepath.Join(in.dir, "c")}, in.args()[:4]...)...)
	require.Error(t, err)
	require.Contains(t, out, "a daemon is running on the database")
	out = mustRun(t, append([]string{"audit", "verify", "--data-dir", filepath.Join(in.dir, "c")}, in.args()[:4]...)...)
	require.Contains(t, out, "ok workspace "+ws)
	a.stop()
	b.stop()
	out = mustRun(t, append([]string{"keys", "rotate", "--data-dir", filepath.Join(in.dir, "c")}, in.args()[:4]...)...)
	require.Contains(t, out, "done: 0 secrets")
	a = in.start("a")
	a.login("a@example.com", "correct horse")
	a.must(200, "GET", "/api/v1/tables/"+table+"/rows/"+row, nil)
}

// TestSinksAreServedOnce kills the daemon that hands audit records over: the other one goes on, and nothing comes twice while
// both are there.
func TestSinksAreServedOnce(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	a := in.start("a")
	firstAccount(t, a, "a@example.com", "correct horse")
	a.login("a@example.com", "correct horse")
	ws := a.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	b := in.start("b")
	b.tok = a.tok
	made := map[string]int{}
	make := func(p *process, n int) {
		for i := range n {
			made[p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": fmt.Sprint(len(made), " ", i)})["id"].(string)] = 1
		}
	}
	make(a, 10)
	make(b, 10)
	require.Eventually(t, func() bool { return len(in.heard()) == 20 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, made, in.heard())
	a.kill()
	make(b, 10)
	require.Eventually(t, func() bool { return len(in.heard()) == 30 }, 30*time.Second, 50*time.Millisecond)
	a = in.start("a") // the other one keeps what it has taken
	make(b, 5)
	require.Eventually(t, func() bool { return len(in.heard()) == 35 }, 10*time.Second, 20*time.Millisecond)
	// What was heard just before the end of its teller may not have been noted as told.
	underWay := func(n int) {
		t.Helper()
		heard, twice := in.heard(), 0
		for id := range made {
			require.Contains(t, []int{1, 2}, heard[id])
			twice += heard[id] - 1
		}
		require.Len(t, heard, len(made))
		require.LessOrEqual(t, twice, n)
	}
	underWay(10)
	b.stop() // and gives it back
	a.tok = b.tok
	make(a, 5)
	require.Eventually(t, func() bool { return len(in.heard()) == 40 }, 10*time.Second, 20*time.Millisecond)
	underWay(15)
	a.stop()
}

// TestDatabaseIsRefused: what is wrong with a database is said in words, and no password is in them.
func TestDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	good, err := url.Parse(in.url)
	require.NoError(t, err)
	p := in.start("a")
	firstAccount(t, p, "a@example.com", "correct horse")
	other := func(change func(u *url.URL)) string {
		u := *good
		u.User = url.UserPassword(good.User.Username(), "secret-of-the-database")
		change(&u)
		return u.String()
	}
	file := filepath.Join(in.dir, "open-to-all")
	require.NoError(t, os.WriteFile(file, []byte(in.url), 0o600))
	require.NoError(t, os.Chmod(file, 0o644)) //nolint:gosec // that is what is refused
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"nobody is there":          {[]string{"--database-url", other(func(u *url.URL) { u.Host = "127.0.0.1:1" })}, "does not answer"},
		"no such database":         {[]string{"--database-url", other(func(u *url.URL) { u.Path = "/nothing" })}, `has no database "nothing"`},
		"no such user":             {[]string{"--database-url", other(func(u *url.URL) { u.User = url.UserPassword("nobody_at_all", "secret-of-the-database") })}, `refuses the user "nobody_at_all"`},
		"no rights":                {[]string{"--database-url", other(func(u *url.URL) { u.User = url.UserPassword(powerless(t, in.url), "secret-of-the-database") })}, "must be allowed to create schemas"},
		"no right to make schemas": {[]string{"--database-schema", "another", "--database-url", other(func(u *url.URL) { u.User = url.UserPassword(powerless(t, in.url), "secret-of-the-database") })}, "must be allowed to create schemas"},
		"another scheme":           {[]string{"--database-url", "mysql://root:secret-of-the-database@localhost/x"}, "only postgres://"},
		"no database":              {[]string{"--database-url", "postgres://root:secret-of-the-database@localhost"}, "the database is missing"},
		"a parameter":              {[]string{"--database-url", other(func(u *url.URL) { u.RawQuery = "options=-c" })}, "sslmode is the only parameter"},
		"weak TLS":                 {[]string{"--database-url", other(func(u *url.URL) { u.RawQuery = "sslmode=prefer" })}, "sslmode is verify-full"},
		"no URL":                   {[]string{"--database-url", "postgres://root:secret-of-the-database%zz@localhost/x"}, "is no URL"},
		"a file for all":           {[]string{"--database-url-file", file}, "can be read by everybody"},
		"both":                     {[]string{"--database-url", in.url, "--database-url-file", file}, "exclude each other"},
		"a long schema":            {[]string{"--database-url", in.url, "--database-schema", "sixteen_letters_"}, "at most 15"},
		"no keys":                  {[]string{"--database-url", in.url}, "keys are in another data directory"},
		"the keys of others":       {[]string{"--database-url", in.url, "--keys-dir", otherKeys(t)}, "not those that the database was made with"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := command(t, append([]string{"serve", "--data-dir", dir, "--listen", "127.0.0.1:0"}, tc.args...)...)
			require.Error(t, err)
			require.Contains(t, out, tc.want)
			require.NotContains(t, out, "secret-of-the-database")
			require.NoFileExists(t, filepath.Join(dir, "master.key"), "no keys are made beside those in use")
		})
	}
	p.stop()
	// A database can be named in a file, and one that several share keeps other schemas apart.
	require.NoError(t, os.Chmod(file, 0o600))
	q := start(t, filepath.Join(in.dir, "q"), "--database-url-file", file, "--database-schema", "second")
	firstAccount(t, q, "q@example.com", "correct horse")
	q.stop()
}

// powerless is a user of the server who may connect and nothing else.
func powerless(t *testing.T, database string) string {
	t.Helper()
	name := testenv.Name(t)
	run := func(sql string) {
		conn, err := pgx.Connect(context.Background(), database)
		require.NoError(t, err)
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(context.Background(), sql)
		require.NoError(t, err)
	}
	run("CREATE ROLE " + name + " LOGIN")
	t.Cleanup(func() { run("DROP ROLE " + name) })
	return name
}

// otherKeys is a directory with a key file of its own.
func otherKeys(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	start(t, dir).stop()
	return dir
}
