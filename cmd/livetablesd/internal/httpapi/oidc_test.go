package httpapi

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/oidctest"
)

// newIssued is an instance at which people log in at an issuer.
func newIssued(t *testing.T, secure bool) (*instance, *oidctest.Issuer) {
	t.Helper()
	issuer := oidctest.New(t, nil)
	guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"})
	require.NoError(t, err)
	options := &auth.OIDC{Issuer: issuer.URL(), ClientID: "tables", ClientSecret: secret("s"), Dial: guard.DialContext, Plain: guard.Lists,
		RedirectURL: "http://to.be.set" + OIDCCallback}
	in := newInstance(t, func(o *Options) {
		// The accounts of the instance once more, with the issuer.
		store, err := sqlite.OpenStore(t.Context(), filepath.Join(o.UploadDir, "accounts.db"), sqlite.StoreOptions{Relaxed: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		o.Auth, err = auth.Open(t.Context(), store, auth.Options{Keys: testKeys("tests"), Registration: auth.RegistrationOpen, Logger: o.Logger,
			OIDC: options, Limits: auth.Limits{PerAddress: 1e6, PerAccount: 1e6, Refresh: 1e6}})
		require.NoError(t, err)
		o.Secure = secure
	}, "owner")
	issuer.Register(oidctest.Client{ID: "tables", Secret: "s", RedirectURI: options.RedirectURL})
	issuer.Enter(oidctest.Person{Subject: "s-1", Email: "ann@example.com", EmailVerified: true, Name: "Ann"})
	return in, issuer
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	t      *testing.T
	in     *instance
	client *http.Client
	seen   []string // every address it was at or was sent to
}

func newBrowser(t *testing.T, in *instance) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, in: in, client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// get visits an address and answers where it leads. The public name of the instance is the test server.
func (b *browser) get(address string, status int) string {
	b.t.Helper()
	address = strings.Replace(address, "http://to.be.set", b.in.server.URL, 1)
	if strings.HasPrefix(address, "/") {
		address = b.in.server.URL + address
	}
	b.seen = append(b.seen, address)
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	require.NoError(b.t, err)
	res, err := b.client.Do(req)
	require.NoError(b.t, err)
	require.NoError(b.t, res.Body.Close())
	require.Equal(b.t, status, res.StatusCode, address)
	for _, c := range res.Cookies() {
		require.True(b.t, c.HttpOnly, c.Name)
		require.Equal(b.t, "/", c.Path)
		require.Empty(b.t, c.Domain)
		require.NotEqual(b.t, http.SameSiteNoneMode, c.SameSite)
	}
	return res.Header.Get("Location")
}

func (b *browser) cookies() []*http.Cookie {
	u, err := url.Parse(b.in.server.URL)
	require.NoError(b.t, err)
	return b.client.Jar.Cookies(u)
}

// redeem asks for the tokens of a login.
func (b *browser) redeem(headers ...string) *answer {
	b.t.Helper()
	var pairs []string
	for _, c := range b.cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if len(pairs) > 0 {
		headers = append(headers, "Cookie", strings.Join(pairs, "; "))
	}
	return b.in.do(b.t, "", "POST", "/api/v1/auth/oidc/token", nil, headers...)
}

func TestOIDCInABrowser(t *testing.T) {
	in, _ := newIssued(t, false)
	require.Equal(t, true, in.must(t, 200, "", "GET", "/api/v1/auth/oidc", nil).get(t, "enabled"))
	b := newBrowser(t, in)
	atIssuer := b.get("/api/v1/auth/oidc/start?next=%2Fapp%3Fx%3D1", 303)
	back := b.get(atIssuer, 302)
	require.Equal(t, "/app?x=1", b.get(back+"&session_state=what+issuers+send&scope=openid", 303))
	require.Len(t, b.cookies(), 1, "the flow is over, the ticket is there")
	got := b.redeem()
	require.Equal(t, 200, got.status, got.body)
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.Equal(t, "ann@example.com", got.text(t, "user.email"))
	in.tokens["ann"] = auth.Tokens{Access: secret(got.text(t, "access_token"))}
	in.must(t, 200, "ann", "GET", "/api/v1/auth/me", nil)

	// Attack 71: what opens anything was in no address.
	for _, address := range b.seen {
		for _, path := range []string{"access_token", "refresh_token"} {
			require.NotContains(t, address, got.text(t, path))
		}
	}
	require.Equal(t, 401, b.redeem().status, "once")
	b.get(back, 401) // replayed
	require.NotContains(t, in.log.String(), got.text(t, "refresh_token"))
}

func TestOIDCRefusesInABrowser(t *testing.T) {
	in, issuer := newIssued(t, false)
	t.Run("72, another host as the end", func(t *testing.T) {
		for _, next := range []string{"//evil.test", `/\evil.test`, "https://evil.test", "/%09/evil.test"} {
			require.Empty(t, newBrowser(t, in).get("/api/v1/auth/oidc/start?next="+url.QueryEscape(next), 400), next)
		}
	})
	t.Run("a crafted Host changes nothing", func(t *testing.T) {
		a := in.do(t, "", "GET", "/api/v1/auth/oidc/start", nil, "X-Forwarded-Host", "evil.test", "Forwarded", "host=evil.test")
		require.Equal(t, 303, a.status)
		require.NotContains(t, a.header.Get("Location"), "evil")
	})
	t.Run("login forced on another's browser", func(t *testing.T) {
		attacker, victim := newBrowser(t, in), newBrowser(t, in)
		back := attacker.get(attacker.get("/api/v1/auth/oidc/start", 303), 302)
		victim.get(back, 401)
		victim.get("/api/v1/auth/oidc/start", 303)
		victim.get(back, 401)
		require.Equal(t, 401, victim.redeem().status)
	})
	t.Run("57 and 61, tokens for a page of another origin", func(t *testing.T) {
		b := newBrowser(t, in)
		b.get(b.get(b.get("/api/v1/auth/oidc/start", 303), 302), 303)
		require.Equal(t, 403, b.redeem("Origin", "https://evil.test").status)
		require.Equal(t, 403, b.redeem("Sec-Fetch-Site", "cross-site").status)
		require.Equal(t, 200, b.redeem("Sec-Fetch-Site", "same-origin").status)
	})
	t.Run("78, GET redeems nothing", func(t *testing.T) {
		newBrowser(t, in).get("/api/v1/auth/oidc/token", 405)
	})
	t.Run("two states", func(t *testing.T) {
		b := newBrowser(t, in)
		b.get(b.get(b.get("/api/v1/auth/oidc/start", 303), 302)+"&state=x", 401)
	})
	t.Run("the issuer's words are not ours", func(t *testing.T) {
		issuer.Misbehave(oidctest.Fault{Code: "access_denied"})
		b := newBrowser(t, in)
		back := b.get(b.get("/api/v1/auth/oidc/start", 303), 302)
		a := in.do(t, "", "GET", strings.TrimPrefix(back, "http://to.be.set"), nil)
		require.Equal(t, 401, a.status)
		require.NotContains(t, a.body, "script")
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	})
	t.Run("the issuer is down", func(t *testing.T) {
		down, other := newIssued(t, false)
		other.Misbehave(oidctest.Fault{DiscoveryIssuer: "https://evil.test"})
		a := down.do(t, "", "GET", "/api/v1/auth/oidc/start", nil)
		require.Equal(t, 502, a.status)
		require.NotContains(t, a.body, "evil")
		require.NotContains(t, a.body, "127.0.0.1")
	})
	t.Run("not configured", func(t *testing.T) {
		plain := newInstance(t, nil, "owner")
		require.Equal(t, false, plain.must(t, 200, "", "GET", "/api/v1/auth/oidc", nil).get(t, "enabled"))
		plain.must(t, 404, "", "GET", "/api/v1/auth/oidc/start", nil)
		plain.must(t, 404, "", "GET", "/api/v1/auth/oidc/callback?state=x&code=y", nil)
		plain.must(t, 404, "", "POST", "/api/v1/auth/oidc/token", nil)
	})
}

// TestOIDCCookiesBehindTLS: where browsers come by https, no other host and no plain connection can set or see the cookies.
func TestOIDCCookiesBehindTLS(t *testing.T) {
	in, _ := newIssued(t, true)
	a := in.do(t, "", "GET", "/api/v1/auth/oidc/start", nil)
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	require.NoError(t, err)
	require.Equal(t, "__Host-lt_oidc_flow", cookie.Name)
	require.True(t, cookie.Secure && cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.LessOrEqual(t, time.Duration(cookie.MaxAge)*time.Second, 10*time.Minute)
	require.Less(t, len(a.header.Get("Set-Cookie")), 4096)
}
