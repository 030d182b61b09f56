package httpapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRouting(t *testing.T) {
	shared.check(t, []request{
		{name: "unknown route", method: "GET", path: "/api/v1/nothing", status: 404, want: []string{`"not_found"`}},
		{name: "wrong method", method: "PUT", path: "/api/v1/auth/login", status: 405, want: []string{"method_not_allowed", "POST"}},
		{name: "health in the query (42)", method: "GET", path: "/api/v1/workspaces?x=/healthz", status: 401},
		{name: "two slashes (42)", method: "GET", path: "//api/v1/workspaces", status: 404},
		{name: "slashes inside (42)", method: "GET", path: "/api//v1/workspaces", status: 404},
		{name: "dots (42)", method: "GET", path: "/healthz/../api/v1/workspaces", status: 404},
		{name: "escaped dots (42)", method: "GET", path: "/api/v1/%2e%2e/v1/workspaces", status: 404},
		{name: "escaped slash", method: "GET", path: "/api/v1/workspaces%2Fx", status: 404},
		{name: "trailing slash (72)", method: "GET", path: "/api/v1/workspaces/", status: 404},
		{name: "HTML wanted (77)", method: "GET", path: "/api/v1/%3Cscript%3E", headers: []string{"Accept", "text/html"}, status: 404, unwanted: []string{"<script>"}},
		{name: "HTML wanted of an error that echoes (77)", who: "owner", method: "GET", path: "/api/v1/workspaces?%3Cscript%3E=1", headers: []string{"Accept", "text/html"}, status: 400, unwanted: []string{"<script>"}},
		{name: "front page", method: "GET", path: "/", status: 200, want: []string{"Live Tables"}, unwanted: []string{"<script", "v1.", "go1"}},
		{name: "alive", method: "GET", path: "/healthz", status: 200, want: []string{"ok"}},
		{name: "ready", method: "GET", path: "/readyz", status: 200, want: []string{"ready"}},
	})
	a := shared.do(t, "", "DELETE", "/api/v1/auth/me", nil)
	require.Equal(t, 405, a.status)
	require.Equal(t, "GET, HEAD, PATCH", a.header.Get("Allow"))
	require.Equal(t, "abc-1", shared.do(t, "", "GET", "/healthz", nil, "X-Request-Id", "abc-1").header.Get("X-Request-Id"))
	require.NotEqual(t, "a b", shared.do(t, "", "GET", "/healthz", nil, "X-Request-Id", "a b").header.Get("X-Request-Id"))
}

func TestReadyFails(t *testing.T) {
	in := newInstance(t, func(o *Options) {
		o.Ready = func(context.Context) error { return errors.New("disk /secret/path is gone") }
	})
	a := in.must(t, 503, "", "GET", "/readyz", nil)
	require.NotContains(t, a.body, "secret")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	in.must(t, 200, "", "GET", "/healthz", nil)
}

func TestCrossOrigin(t *testing.T) {
	const friend, foe = "https://app.example.com", "https://evil.example"
	in := newInstance(t, func(o *Options) { o.Origins = []string{friend} }, "owner")
	ask := func(method, origin string, headers ...string) *answer {
		return in.do(t, "owner", method, "/api/v1/workspaces", nil, append(headers, "Origin", origin)...)
	}
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	a := ask("OPTIONS", friend, preflight...)
	require.Equal(t, 204, a.status)
	require.Equal(t, friend, a.header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, friend, ask("GET", friend).header.Get("Access-Control-Allow-Origin"))
	a = ask("OPTIONS", foe, preflight...)
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, ask("GET", foe).header.Get("Access-Control-Allow-Origin"))
	post := func(origin, body, kind string) int {
		return in.do(t, "owner", "POST", "/api/v1/workspaces", body, "Origin", origin, "Sec-Fetch-Site", "cross-site", "Content-Type", kind).status
	}
	require.Equal(t, 201, post(friend, `{"name":"x"}`, "application/json"))
	require.Equal(t, 403, post(foe, `{"name":"x"}`, "application/json"))
	require.Equal(t, 403, post(foe, `{"name":"x"}`, "text/plain"))                                                                    // (61)
	require.Empty(t, shared.do(t, "", "OPTIONS", "/api/v1/workspaces", nil, "Origin", foe).header.Get("Access-Control-Allow-Origin")) // (62)
}

func TestRateLimits(t *testing.T) {
	now := time.Now()
	in := newInstance(t, func(o *Options) {
		o.RateLimit = RateLimit{PerAddress: 1, PerAccount: 0.5, Public: 0.3, Entries: 2}
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Clock = func() time.Time { return now }
	}, "owner")
	try := func(who, path, forwarded string) (refused int) {
		for range 20 {
			if a := in.do(t, who, "GET", path, nil, "X-Forwarded-For", forwarded); a.status == 429 {
				require.NotEmpty(t, a.header.Get("Retry-After"))
				require.Contains(t, a.body, "rate_limited")
				refused++
			}
		}
		return refused
	}
	require.Equal(t, 10, try("", "/api/v1/workspaces", "198.51.100.1"), "ten seconds' worth for an address")
	require.Equal(t, 20, try("", "/api/v1/workspaces", "203.0.113.9, 198.51.100.1"), "what stands further left is anybody's (55)")
	require.Equal(t, 15, try("owner", "/api/v1/workspaces", "198.51.100.2"), "five for an account")
	require.Equal(t, 17, try("", "/public/views/nothing/data", "198.51.100.3"))
	require.Equal(t, 0, try("", "/healthz", "198.51.100.1"))
	now = now.Add(2 * time.Second)
	require.Equal(t, 19, try("owner", "/api/v1/workspaces", "198.51.100.2"))
}

func TestClientAddress(t *testing.T) {
	s := &Server{opt: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for _, test := range []struct{ name, socket, forwarded, want string }{
		{"no proxy", "198.51.100.7:1", "1.2.3.4", "198.51.100.7"},
		{"one proxy", "10.0.0.1:1", "198.51.100.7", "198.51.100.7"},
		{"a forged hop", "10.0.0.1:1", "6.6.6.6, 198.51.100.7", "198.51.100.7"},
		{"two proxies", "10.0.0.1:1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"only proxies", "10.0.0.1:1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"no header", "10.0.0.1:1", "", "10.0.0.1"},
		{"nonsense", "10.0.0.1:1", "unknown", "10.0.0.1"},
		{"with a port", "10.0.0.1:1", "198.51.100.7:999", "198.51.100.7"},
		{"mapped", "[::ffff:10.0.0.1]:1", "198.51.100.7", "198.51.100.7"},
		{"IPv6", "[fd00::1]:1", "2001:db8::7", "2001:db8::7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.socket
			r.Header.Set("X-Forwarded-For", test.forwarded)
			require.Equal(t, test.want, s.clientAddress(r).String())
		})
	}
	require.Equal(t, addressKey(netip.MustParseAddr("2001:db8::1")), addressKey(netip.MustParseAddr("2001:db8::ffff")))
}

// TestAccessLog demands one line for a request, without what the request carried.
func TestAccessLog(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	in.do(t, "owner", "POST", p.rows("?dry_run=true"), `{"fields":{"Name":"private-value"}}`, "X-Request-Id", "find-me")
	in.do(t, "owner", "GET", p.rows("?Name.eq=private-value"), nil)
	log := in.log.String()
	require.Equal(t, 1, strings.Count(log, "find-me"))
	require.Contains(t, log, `route=/api/v1/tables/{table}/rows status=200`)
	require.Contains(t, log, "principal="+in.id("owner"))
	require.NotContains(t, log, "private-value")
	require.NotContains(t, log, in.tokens["owner"].Access.Reveal())
}

func TestPanics(t *testing.T) {
	in := newInstance(t, nil)
	in.api.mux.Handle("GET /boom", in.api.handle(route{method: "GET", path: "/boom", audience: everybody, handler: func(*call) error { panic("secret detail") }}))
	in.api.mux.Handle("GET /late", in.api.handle(route{method: "GET", path: "/late", audience: everybody, handler: func(c *call) error {
		_, _ = c.w.Write([]byte("half"))
		return errors.New("too late")
	}}))
	a := in.must(t, 500, "", "GET", "/boom", nil)
	require.NotContains(t, a.body, "secret")
	require.Contains(t, in.log.String(), "secret detail")
	res, err := http.Get(in.server.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	require.Error(t, err, "half an answer must not look whole")
}

// TestSlowBody sends a body and stops half-way: the request ends by itself.
func TestSlowBody(t *testing.T) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(shared.server.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"email\""))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	reply, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(reply), "400 Bad Request")
	require.Contains(t, string(reply), "incomplete_body")
}

func TestOptions(t *testing.T) {
	_, err := New(Options{Origins: []string{"https://Example.com/path"}, UploadDir: "/nowhere", MaxBody: -1})
	for _, want := range []string{"Engine", "Auth", "Example.com", "UploadDir", "negative"} {
		require.ErrorContains(t, err, want)
	}
}
