package httpapi

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttack83Headers looks at the security headers of every route, with and without a token, of every refusal and of what
// is no route.
func TestAttack83Headers(t *testing.T) {
	for _, r := range routes() {
		path := strings.NewReplacer("{$}", "").Replace(r.path)
		for _, who := range []string{"", "owner"} {
			if who != "" && (strings.HasSuffix(path, "/logout") || strings.HasSuffix(path, "/revoke-everything")) {
				continue // it would succeed
			}
			a := shared.do(t, who, r.method, path, nil)
			checkHeaders(t, r.method+" "+path, a)
			if r.audience == accounts && who == "" {
				require.Equal(t, 401, a.status, "%s %s", r.method, path)
			}
			require.NotContains(t, []int{500, 502}, a.status, "%s %s: %s", r.method, path, a.body)
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
			checkHeaders(t, method+" "+path, shared.do(t, "", method, path, nil))
		}
	}
	for _, path := range []string{"/nothing", "/api/v1", "/api/v2/auth/login", "/api/v1/auth/login", "//", "/%2e%2e", "/public/views/none/data", "/public/views/none/data?key=x"} {
		checkHeaders(t, path, shared.do(t, "", "GET", path, nil))
	}
	checkHeaders(t, "a large body", shared.do(t, "", "POST", "/api/v1/auth/login", `{"email":"`+strings.Repeat("x", 1<<20)+`"}`))
}

func checkHeaders(t *testing.T, what string, a *answer) {
	t.Helper()
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), what)
	require.Equal(t, "DENY", a.header.Get("X-Frame-Options"), what)
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", what)
	require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'", what)
	require.Equal(t, "no-referrer", a.header.Get("Referrer-Policy"), what)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"), what)
	require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Resource-Policy"), what)
	require.Contains(t, a.header.Get("Vary"), "Authorization", what)
	require.NotEmpty(t, a.header.Get("X-Request-Id"), what)
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), what)
	require.Empty(t, a.header.Get("Strict-Transport-Security"), what+": without TLS it says nothing")
	for _, name := range []string{"Server", "X-Powered-By", "Via"} { // (56)
		require.Empty(t, a.header.Get(name), what)
	}
	for _, cookie := range a.header.Values("Set-Cookie") { // only a login at another site has one, for its way back
		require.Contains(t, what, "/auth/oidc/", what)
		require.Contains(t, cookie, "HttpOnly", what)
		require.Contains(t, cookie, "SameSite=", what)
	}
	if kind := a.header.Get("Content-Type"); strings.Contains(kind, "html") {
		require.Regexp(t, `^(GET|HEAD) /$|/auth/oidc/`, what)
	}
	if a.status >= 400 && a.body != "" && !strings.Contains(what, "/auth/oidc/") {
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), what)
	}
}

// TestStrictTransport: the header is sent to clients that use TLS, with us or with a trusted proxy, and to no others.
func TestStrictTransport(t *testing.T) {
	in := newInstance(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, "root")
	ask := func(change func(*http.Request)) string {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		change(r)
		w := httptest.NewRecorder()
		in.api.ServeHTTP(w, r)
		return w.Header().Get("Strict-Transport-Security")
	}
	require.NotEmpty(t, ask(func(r *http.Request) { r.TLS = &tls.ConnectionState{} }))
	require.NotEmpty(t, ask(func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1"; r.Header.Set("X-Forwarded-Proto", "https") }))
	require.Empty(t, ask(func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1"; r.Header.Set("X-Forwarded-Proto", "http") }))
	require.Empty(t, ask(func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1" }))
	require.Empty(t, ask(func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1"; r.Header.Set("X-Forwarded-Proto", "https") }))
}

// TestAttack56NothingForOperators asks the public listener for what operators look at.
func TestAttack56NothingForOperators(t *testing.T) {
	version := regexp.MustCompile(`go1\.\d|v\d+\.\d+\.\d+|livetables/\d`)
	for _, path := range []string{"/metrics", "/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/api/v1/metrics", "/api/v1/debug/pprof", "/version", "/api/v1/version", "/api/v1/status", "/.env", "/server-status", "/actuator"} {
		for _, who := range []string{"", "root"} {
			a := shared.must(t, 404, who, "GET", path, nil)
			require.NotRegexp(t, version, a.body)
		}
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/nothing", "/api/v1/workspaces"} {
		a := shared.do(t, "", "GET", path, nil)
		require.NotRegexp(t, version, a.body, path)
		for name, values := range a.header {
			require.NotRegexp(t, version, strings.Join(values, " "), path+" "+name)
		}
	}
}

// TestAttack47OneURLManyReaders fetches one URL as several people, with each other's entity tags: everybody gets what is
// his, and nobody a 304.
func TestAttack47OneURLManyReaders(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	p.hideSecret()
	id := p.insert(`{"Name":"row","Secret":"planted"}`)
	for _, path := range []string{p.rows("/" + id), p.rows("?Name.eq=row"), p.at(""), p.at("/members")} {
		first := p.must(t, 200, "owner", "GET", path, nil)
		tags := []string{first.header.Get("ETag"), `"1"`, "*"}
		for _, tag := range tags {
			for who, status := range map[string]int{"viewer": 200, "owner": 200, "stranger": 404, "": 401} {
				a := p.must(t, status, who, "GET", path, nil, "If-None-Match", tag, "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")
				if who != "owner" {
					require.NotContains(t, a.body, "planted")
				}
				require.Equal(t, "no-store", a.header.Get("Cache-Control"))
				require.Empty(t, a.header.Get("Last-Modified"))
			}
		}
		require.Equal(t, first.body, p.must(t, 200, "owner", "GET", path, nil).body)
	}
}

// TestAttack62CORS: without a list no origin is answered; with one exactly those on it, and none with credentials.
func TestAttack62CORS(t *testing.T) {
	in := newInstance(t, func(o *Options) { o.Origins = []string{"https://app.example.com"} }, "root")
	for _, r := range routes() {
		path := strings.NewReplacer("{$}", "").Replace(r.path)
		for _, origin := range []string{"https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com", "https://APP.example.com", "https://app.example.com:444"} {
			for _, server := range []*instance{shared, in} {
				a := server.do(t, "", "OPTIONS", path, nil, "Origin", origin, "Access-Control-Request-Method", r.method, "Access-Control-Request-Headers", "authorization")
				for name := range a.header {
					require.NotContains(t, name, "Access-Control-Allow", "%s %s", origin, path)
				}
			}
		}
		a := in.must(t, 204, "", "OPTIONS", path, nil, "Origin", "https://app.example.com", "Access-Control-Request-Method", r.method)
		require.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
		require.Contains(t, strings.Join(a.header.Values("Vary"), ","), "Origin")
	}
}

// TestAttack61ForeignPages: forms and scripts of other origins change nothing, whatever cookies and bodies they bring.
func TestAttack61ForeignPages(t *testing.T) {
	p := newPlace(t, shared)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"} {
		for _, headers := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
			{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		} {
			a := p.do(t, "owner", "POST", p.rows(""), `{"fields":{"Name":"foreign"}}`, append(headers, "Content-Type", kind, "Cookie", "session=1; access_token=x")...)
			require.Equal(t, 403, a.status, "%s %v: %s", kind, headers, a.body)
			require.Equal(t, "cross_origin", a.text(t, "code"))
		}
	}
	// A cookie alone is nobody.
	token := p.tokens["owner"].Access.Reveal()
	p.must(t, 401, "", "POST", p.rows(""), `{"fields":{"Name":"foreign"}}`, "Cookie", "access_token="+token+"; Authorization=Bearer "+token)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body, `"exact":0`)
}

// TestAttack72Redirects: nothing redirects anywhere, and a forged Host is not in any answer.
func TestAttack72Redirects(t *testing.T) {
	for _, path := range []string{"//evil.test", "/%5Cevil.test", "/api/v1/workspaces/", "/healthz/", "//evil.test/api/v1", "/?next=//evil.test", "/api/v1/auth/login?next=/%5Cevil.test", "/api//v1"} {
		for _, method := range []string{"GET", "POST"} {
			req, err := http.NewRequestWithContext(t.Context(), method, shared.server.URL+path, nil)
			require.NoError(t, err)
			req.Host = "evil.test"
			client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			res, err := client.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			_ = res.Body.Close()
			require.Empty(t, res.Header.Get("Location"), path)
			require.False(t, res.StatusCode >= 300 && res.StatusCode < 400, path)
			require.NotContains(t, string(body), "evil.test", path)
		}
	}
}

// TestAttack71TokensInURLs: a token in a URL is not looked at, on any route, and no answer tells where it came from.
func TestAttack71TokensInURLs(t *testing.T) {
	p := newPlace(t, shared)
	token := p.tokens["owner"].Access.Reveal()
	for _, name := range []string{"token", "access_token", "key", "api_key", "apikey", "authorization", "refresh_token"} {
		for _, path := range []string{p.rows(""), p.at(""), "/api/v1/auth/me", "/api/v1/ws", "/public/views/none/data"} {
			a := p.do(t, "", "GET", path+"?"+name+"="+token, nil)
			require.GreaterOrEqual(t, a.status, 400, path)
			require.Less(t, a.status, 500, path)
			require.NotContains(t, a.body, token)
		}
	}
	require.NotContains(t, p.log.String(), token)
}
