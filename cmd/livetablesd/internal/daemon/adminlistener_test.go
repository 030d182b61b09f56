package daemon

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// served is a daemon of a test, with a listener for operators.
type served struct{ public, admin string }

func serveDaemon(t *testing.T, change func(*Config)) served {
	t.Helper()
	c := Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Registration: "closed", MaxUpload: 1 << 20, MaxScanRows: 1000, MaxScanBytes: 1 << 20, QueryTimeout: time.Second,
		RateLimit: 1, ShutdownGrace: time.Second, LogLevel: "error", Edge: Edge{AdminListen: "127.0.0.1:0", RateLimitWorkspace: 5}, LogOutput: io.Discard}
	if change != nil {
		change(&c)
	}
	d, err := Open(t.Context(), c, io.Discard)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	return served{"http://" + d.Address(), "http://" + d.AdminAddress()}
}

func fetch(t *testing.T, url, host string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(text)
}

// TestAdminListener (R36, 56): operators find their figures at their own listener, and nobody finds them at the other.
func TestAdminListener(t *testing.T) {
	d := serveDaemon(t, nil)
	for range 30 {
		_, _, _ = fetch(t, d.public+"/api/v1/tables/tbl_planted/rows?Name.eq=planted", "")
	}
	_, _, _ = fetch(t, d.public+"/planted-path", "")
	status, _, text := fetch(t, d.admin+"/metrics", "")
	require.Equal(t, 200, status)
	for _, want := range []string{
		`livetables_http_requests_total{method="GET",route="/api/v1/tables/{table}/rows",status="401"}`, `livetables_http_requests_total{method="GET",route="none",status="404"} 1`,
		`livetables_http_request_duration_seconds_bucket{route="/api/v1/tables/{table}/rows"`, `livetables_limited_total{limit="address"}`,
		`livetables_connections{state="closed"} 0`, `livetables_source_reads_waiting 0`, "go_goroutines", "process_open_fds",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "planted", "nothing that a client wrote is a label")
	require.NotContains(t, text, "127.0.0.1")
	require.NotRegexp(t, regexp.MustCompile(`(usr|wsp|tbl|key|con)_[0-9a-z]{10}`), text)
	for path, want := range map[string]string{"/healthz": "ok", "/debug/vars": "memstats", "/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile"} {
		status, header, body := fetch(t, d.admin+path, "")
		require.Equal(t, 200, status, path)
		require.Contains(t, body, want)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", header.Get("Cache-Control"))
	}
	_, _, vars := fetch(t, d.admin+"/debug/vars", "")
	require.NotContains(t, vars, "cmdline", "flags may hold passwords")
	status, _, _ = fetch(t, d.admin+"/debug/pprof/cmdline", "")
	require.Equal(t, 404, status)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars"} {
		status, _, _ := fetch(t, d.public+path, "")
		require.Equal(t, 404, status, path)
		status, _, _ = fetch(t, d.admin+path, "rebound.example.com")
		require.Equal(t, http.StatusMisdirectedRequest, status, "a name that was made to lead here")
	}
	status, _, _ = fetch(t, d.admin+"/api/v1/workspaces", "")
	require.Equal(t, 404, status)
}

// TestAdminListenerStaysInside: an address that others reach is refused, unless somebody says that it is meant.
func TestAdminListenerStaysInside(t *testing.T) {
	open := func(address string, external bool) error {
		c := Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Registration: "closed", MaxUpload: 1, MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1, LogLevel: "error",
			Edge: Edge{AdminListen: address, AdminExternal: external}, LogOutput: io.Discard}
		d, err := Open(t.Context(), c, io.Discard)
		if err == nil {
			require.NoError(t, d.close())
		}
		return err
	}
	for _, address := range []string{":0", "0.0.0.0:0"} {
		require.ErrorContains(t, open(address, false), "--admin-external", address)
	}
	require.NoError(t, open("0.0.0.0:0", true))
	require.NoError(t, open("localhost:0", false))
	require.ErrorContains(t, open("nonsense", false), "--admin-listen")
}

func TestRates(t *testing.T) {
	require.Equal(t, -1.0, (&Config{RateLimit: 0, Edge: Edge{RateLimitWorkspace: 5}}).rates().PerWorkspace, "no limit is no limit")
	r := (&Config{RateLimit: 7, Edge: Edge{RateLimitWorkspace: 0}}).rates()
	require.Equal(t, "7 7 7 7 -1", fmt.Sprint(r.PerAddress, r.PerAccount, r.PerKey, r.Public, r.PerWorkspace))
	_, err := Open(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Registration: "closed", MaxUpload: 1, MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1,
		Edge: Edge{RedisURL: "nonsense://user:hidden@x"}, LogOutput: io.Discard}, io.Discard)
	require.ErrorContains(t, err, "--redis-url")
	require.False(t, strings.Contains(err.Error(), "hidden"))
}
