package httpapi

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// instance is a whole daemon without its command line: stores, engine, accounts and a server on a loopback port.
type instance struct {
	api    *Server
	engine *livetables.Engine
	db     *minidb.DB
	data   adapter.Store // below db, for tests that change what is stored behind its back
	auth   *auth.Service
	server *httptest.Server
	log    *logBuffer
	tokens map[string]auth.Tokens // by short name of the account
	stop   []func() error
	dir    string
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// testKeys derive keys from a text.
type testKeys string

func (k testKeys) Derive(purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

func startInstance(ctx context.Context, dir string, change func(*Options)) (in *instance, err error) {
	in = &instance{log: &logBuffer{}, tokens: map[string]auth.Tokens{}, dir: dir}
	logger := slog.New(slog.NewTextHandler(in.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	data, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return nil, err
	}
	in.data = data
	accounts, err := sqlite.OpenStore(ctx, filepath.Join(dir, "accounts.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return nil, err
	}
	if in.db, err = minidb.Open(ctx, data, minidb.Options{Logger: logger}); err != nil {
		return nil, err
	}
	keys, err := livetables.LoadKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, err
	}
	files := filepath.Join(dir, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return nil, err
	}
	if err := writeShop(ctx, filepath.Join(files, "shop.db")); err != nil {
		return nil, err
	}
	guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"}) // where test servers are
	if err != nil {
		return nil, err
	}
	blobs, err := blob.OpenDir(filepath.Join(dir, "attachments"))
	if err != nil {
		return nil, err
	}
	in.engine, err = livetables.New(livetables.Options{Store: in.db, Blobs: blobs, SpillDir: filepath.Join(dir, "spill"), Logger: logger, Sealer: keys, Files: files, Dial: guard.DialContext, Plain: guard.Lists, Admit: Admit, Exporters: Exporters(),
		Openers: map[string]adapter.Opener{"sqlite": sqlite.Open, "postgres": postgres.Open, "mysql": mysql.Open, "mongodb": mongodb.Open}})
	if err != nil {
		return nil, err
	}
	in.auth, err = auth.Open(ctx, accounts, auth.Options{Keys: testKeys("tests"), Logger: logger,
		Limits: auth.Limits{PerAddress: 1e6, PerAccount: 1e6, Refresh: 1e6},
		Record: in.db.TakeOver})
	if err != nil {
		return nil, err
	}
	box, err := livetables.NewBox(keys.Derive("http idempotency"))
	if err != nil {
		return nil, err
	}
	once, err := idempotency.Open(ctx, accounts, idempotency.Options{Sealer: box, Logger: logger})
	if err != nil {
		return nil, err
	}
	opt := Options{Engine: in.engine, Idempotency: once, Auth: in.auth, Logger: logger, UploadDir: dir, RateLimit: RateLimit{PerAddress: -1, PerAccount: -1, PerKey: -1, PerWorkspace: -1, Public: -1}}
	if change != nil {
		change(&opt)
	}
	if in.api, err = New(opt); err != nil {
		return nil, err
	}
	in.server = httptest.NewServer(in.api)
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- in.engine.Run(running) }()
	go func() { ended <- in.auth.RunAudit(running) }()
	in.stop = []func() error{
		in.api.Close, func() error { in.server.Close(); return nil }, func() error { cancel(); return errors.Join(<-ended, <-ended) },
		in.engine.Close, in.db.Close, data.Close, accounts.Close,
	}
	return in, nil
}

// writeShop makes an external database: customers and their invoices.
func writeShop(ctx context.Context, path string) error {
	store, err := sqlite.OpenStore(ctx, path, sqlite.StoreOptions{})
	if err != nil {
		return err
	}
	err = store.Write(ctx, func(tx adapter.Tx) error {
		for _, sql := range []string{
			`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT)`,
			`CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id), total INTEGER NOT NULL)`,
			`INSERT INTO customer VALUES (1, 'Ann', 'NO'), (2, 'Bob', 'SE'), (3, 'Cia', 'NO')`,
			`INSERT INTO invoice VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30), (4, 3, 40), (5, 3, 50)`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, store.Close())
}

func (in *instance) close() error {
	var errs []error
	for _, stop := range in.stop {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

// shared is the instance that most tests use, each in workspaces of its own: accounts cost a password hash each.
var shared *instance

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "httpapi")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Each account and login takes a hash, a quarter of all the time of these tests; what a hash is worth is tested in package auth.
	auth.DefaultHash = auth.HashParams{Memory: 64, Time: 1, Threads: 1}
	if shared, err = startInstance(context.Background(), dir, nil); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.close()) }()
	if err := shared.people("root", "owner", "admin", "editor", "viewer", "stranger"); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// people makes accounts and logs them in; the first one is the instance's admin.
func (in *instance) people(names ...string) error {
	ctx := context.Background()
	for i, name := range names {
		if i == 0 {
			token, _, err := in.auth.SetupToken(ctx)
			if err != nil {
				return err
			}
			tokens, err := in.auth.Register(ctx, auth.Registration{Email: mail(name), Name: name,
				Password: livetables.NewSecret(password(name)), SetupToken: livetables.NewSecret(token)}, auth.Client{})
			if err != nil {
				return err
			}
			in.tokens[name] = tokens
			continue
		}
		root, err := in.auth.Verify(ctx, in.tokens[names[0]].Access.Reveal())
		if err != nil {
			return err
		}
		if _, err := in.auth.CreateUser(ctx, root, auth.NewUser{Email: mail(name), Name: name, Password: livetables.NewSecret(password(name))}); err != nil {
			return err
		}
		if in.tokens[name], err = in.auth.Login(ctx, auth.Credentials{Email: mail(name), Password: livetables.NewSecret(password(name))}, auth.Client{}); err != nil {
			return err
		}
	}
	return nil
}

// renew gives the accounts whose tokens are half gone new ones: on a slow machine all tests together take longer than a token
// lives, and most share one instance.
func (in *instance) renew(t testing.TB) {
	t.Helper()
	for name, old := range in.tokens {
		if time.Until(old.AccessExpiresAt) > auth.MaxAccessTTL/2 || old.SessionID == "" {
			continue
		}
		tokens, err := in.auth.Refresh(t.Context(), old.Refresh, auth.Client{})
		require.NoError(t, err, "renew the tokens of %s", name)
		in.tokens[name] = tokens
	}
}

var bg = context.Background()

func secret(text string) livetables.Secret { return livetables.NewSecret(text) }

func mail(name string) string     { return name + "@example.com" }
func password(name string) string { return "the password of " + name }

// newInstance is an instance of a test's own.
func newInstance(t testing.TB, change func(*Options), people ...string) *instance {
	t.Helper()
	in, err := startInstance(t.Context(), t.TempDir(), change)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, in.close()) })
	require.NoError(t, in.people(people...))
	return in
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// get reads a member of the body: get("page.next_cursor"), get("data.0.id").
func (a *answer) get(t testing.TB, path string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	for _, key := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			var ok bool
			v, ok = in[key]
			require.True(t, ok, "no %s in %s", path, a.body)
		case []any:
			var i int
			_, err := fmt.Sscan(key, &i)
			require.NoError(t, err)
			require.Less(t, i, len(in), "no %s in %s", path, a.body)
			v = in[i]
		default:
			t.Fatalf("no %s in %s", path, a.body)
		}
	}
	return v
}

func (a *answer) text(t testing.TB, path string) string {
	t.Helper()
	s, ok := a.get(t, path).(string)
	require.True(t, ok, "%s is no text in %s", path, a.body)
	return s
}

// do sends a request as an account ("" for nobody). body is a text to send as it is or a value to send as JSON; headers
// are pairs.
func (in *instance) do(t testing.TB, who, method, path string, body any, headers ...string) *answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case io.Reader:
		reader = b
	default:
		doc, err := json.Marshal(b)
		require.NoError(t, err)
		reader = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, in.server.URL+path, reader)
	require.NoError(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		tokens, ok := in.tokens[who]
		require.True(t, ok, "nobody is called %s", who)
		req.Header.Set("Authorization", "Bearer "+tokens.Access.Reveal())
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return &answer{res.StatusCode, res.Header, string(text)}
}

// must is do with the status that is expected.
func (in *instance) must(t testing.TB, status int, who, method, path string, body any, headers ...string) *answer {
	t.Helper()
	a := in.do(t, who, method, path, body, headers...)
	require.Equal(t, status, a.status, "%s %s as %q: %s", method, path, who, a.body)
	return a
}
