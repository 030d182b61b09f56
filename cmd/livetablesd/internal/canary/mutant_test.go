package canary

import (
	"bytes"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func newTestFlock() *flock { return newFlock(rand.New(rand.NewPCG(1, 1))) }

// mutant is a proxy before the daemon that leaks in one way.
type mutant struct {
	mu      sync.Mutex
	last    []byte   // the largest answer to a member
	sockets []string // the Authorization headers of sockets
	seen    map[string][]byte
}

func (m *mutant) front(change func(m *mutant, proxy http.Handler, w http.ResponseWriter, r *http.Request), edit func(m *mutant, res *http.Response, body []byte) []byte) func(string) (string, func()) {
	return func(daemon string) (string, func()) {
		target, err := url.Parse(daemon)
		if err != nil {
			panic(err)
		}
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		if edit != nil {
			proxy.ModifyResponse = func(res *http.Response) error {
				if res.StatusCode == http.StatusSwitchingProtocols {
					return nil
				}
				body, err := io.ReadAll(res.Body)
				if err != nil {
					return err
				}
				body = edit(m, res, body)
				res.Body = io.NopCloser(bytes.NewReader(body))
				res.Header.Del("Content-Length")
				res.ContentLength = int64(len(body))
				return nil
			}
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if change != nil {
				change(m, proxy, w, r)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
		return server.URL, server.Close
	}
}

// learn keeps what a member was answered.
func (m *mutant) learn(res *http.Response, body []byte) {
	if res.StatusCode == http.StatusOK && bytes.Contains(body, []byte("cnry")) && len(body) > len(m.last) {
		m.last = bytes.Clone(body)
	}
}

// TestMutantsAreFound plants leaks before the daemon, one at a time, and sees that each is found.
func TestMutantsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a daemon for each")
	}
	for name, c := range map[string]struct {
		what   string // of the finding
		change func(m *mutant, proxy http.Handler, w http.ResponseWriter, r *http.Request)
		edit   func(m *mutant, res *http.Response, body []byte) []byte
	}{
		"a cache that knows the address only": {what: "in the body", edit: func(m *mutant, res *http.Response, body []byte) []byte {
			m.mu.Lock()
			defer m.mu.Unlock()
			at := res.Request.URL.Path
			if old, ok := m.seen[at]; ok && res.Request.Method == http.MethodGet {
				return old
			}
			if res.StatusCode == http.StatusOK {
				m.seen[at] = bytes.Clone(body)
			}
			return body
		}},
		"a header with what somebody else asked for": {what: "in the header", edit: func(m *mutant, res *http.Response, body []byte) []byte {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.learn(res, body)
			if i := bytes.Index(m.last, []byte("cnry")); i >= 0 {
				some := m.last[i:min(i+40, len(m.last))]
				if end := bytes.IndexFunc(some, func(r rune) bool { return r < ' ' || r > '~' }); end >= 0 { // it may be of a file
					some = some[:end]
				}
				res.Header.Set("X-Debug", string(some))
			}
			return body
		}},
		"a refusal that tells what is there": {what: "something about another tenant", edit: func(_ *mutant, res *http.Response, body []byte) []byte {
			if res.StatusCode == http.StatusNotFound && res.Request.Method == http.MethodDelete {
				res.StatusCode = http.StatusConflict
			}
			return body
		}},
		"a log of answers": {what: "in the log", edit: func(_ *mutant, _ *http.Response, body []byte) []byte {
			slog.Warn("answered", "body", string(body[:min(len(body), 2000)]))
			return body
		}},
		"sockets of somebody else": {what: "a socket opened", change: func(m *mutant, proxy http.Handler, w http.ResponseWriter, r *http.Request) {
			const back = 3 // everybody opens one socket for each tenant
			m.mu.Lock()
			if r.URL.Path == "/api/v1/ws" {
				m.sockets = append(m.sockets, r.Header.Get("Authorization"))
				r.Header.Set("Authorization", m.sockets[max(0, len(m.sockets)-1-back)])
			}
			m.mu.Unlock()
			proxy.ServeHTTP(w, r)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mutant{seen: map[string][]byte{}}
			r, err := Run(t.Context(), Options{Requests: 4_000, Seed: 3, Workers: 2, Tenants: 2, KeepGoing: true, bare: true, Front: m.front(c.change, c.edit)})
			require.NoError(t, err)
			require.NotEmpty(t, r.Findings)
			var what []string
			for _, f := range r.Findings {
				what = append(what, f.What)
			}
			require.Contains(t, strings.Join(what, "\n"), c.what)
		})
	}
}

// TestSecretsInFilesAreFound leaves a secret in a file of the daemon.
func TestSecretsInFilesAreFound(t *testing.T) {
	c := &campaign{world: &world{flock: newTestFlock(), dir: t.TempDir()}}
	secret := c.world.plant(nil, "a password", 0, secret)
	row := c.world.plant(nil, "a row", 1, told)
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "data"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "data", "a.db"), []byte("x"+row+"y"), 0o600))
	require.NoError(t, c.searchFiles())
	require.Empty(t, c.report.Findings)
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "data", "b.db"), []byte("x"+secret+"y"), 0o600))
	require.NoError(t, c.searchFiles())
	require.Len(t, c.report.Findings, 1)
	require.Equal(t, "a password", c.report.Findings[0].Planted)
}
