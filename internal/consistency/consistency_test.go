package consistency

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
)

// program is the daemon, built once for the tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "consistency")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "livetablesd")
	if err := daemontest.Build(context.Background(), program); err != nil {
		panic(err)
	}
	return m.Run()
}

func campaignOf(t *testing.T, o Options) *Report {
	t.Helper()
	o.Program, o.Dir, o.Seed = program, t.TempDir(), testseed.Of(t)
	report, err := Run(t.Context(), o)
	if missing := (*testenv.MissingError)(nil); errors.As(err, &missing) && !testenv.KindPostgres.Required() {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Log(report)
	return report
}

// TestTwoDaemonsAgree is a short campaign. The long ones are "make consistency".
func TestTwoDaemonsAgree(t *testing.T) {
	report := campaignOf(t, Options{Operations: 400})
	require.Zero(t, report.Found, report)
	require.Positive(t, report.Reads)
	require.Positive(t, report.Writes)
	require.Positive(t, report.Conflicts)
	require.Positive(t, report.Appends)
	for code := range report.Codes {
		require.Equal(t, "conflicts of appends", code)
	}
}

// memory is a proxy that remembers readings for a while, as a daemon with a cache that nobody empties would.
func memory(daemon string) (string, func()) {
	var mu sync.Mutex
	type kept struct {
		answer *httptest.ResponseRecorder
		at     time.Time
	}
	known := map[string]kept{}
	return proxy(daemon, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		k, ok := known[r.URL.String()]
		mu.Unlock()
		if !ok || time.Since(k.at) > 100*time.Millisecond {
			k = kept{httptest.NewRecorder(), time.Now()}
			next.ServeHTTP(k.answer, r)
			mu.Lock()
			known[r.URL.String()] = k
			mu.Unlock()
		}
		w.WriteHeader(k.answer.Code)
		_, _ = w.Write(k.answer.Body.Bytes())
	})
}

// careless is a proxy that takes the versions out of writes, as a daemon that does not compare them would.
func careless(daemon string) (string, func()) {
	return proxy(daemon, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		for {
			before, after, found := bytes.Cut(body, []byte(`"version":`))
			if !found {
				break
			}
			body = append(bytes.TrimSuffix(before, []byte(",")), bytes.TrimLeft(after, "0123456789")...)
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}

func proxy(daemon string, serve func(w http.ResponseWriter, r *http.Request, next http.Handler)) (string, func()) {
	target, err := url.Parse(daemon)
	if err != nil {
		panic(err) // of a daemon that is running
	}
	next := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, next) }))
	return server.URL, server.Close
}

// TestFaultsAreFound plants faults before the daemons.
func TestFaultsAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		front func(string) (string, func())
		want  []string
	}{
		"stale reads":  {memory, []string{"fit into no order", "was acknowledged does not have it"}},
		"lost updates": {careless, []string{"fit into no order", "no beginning"}},
	} {
		t.Run(name, func(t *testing.T) {
			report := campaignOf(t, Options{Operations: 400, Front: tc.front})
			for _, want := range tc.want {
				require.Contains(t, strings.Join(report.Violations, "\n"), want)
			}
		})
	}
}
