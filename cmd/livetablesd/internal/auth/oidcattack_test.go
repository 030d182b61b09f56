package auth

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/oidctest"
)

// rows is how many rows a table has.
func (f *fixture) rows(table string) (n int64) {
	f.t.Helper()
	require.NoError(f.t, f.store.Read(f.t.Context(), func(tx adapter.Tx) error {
		return each(f.t.Context(), tx, `SELECT count(*) FROM `+table, nil, func(r row) error {
			n = r.int(0)
			return nil
		})
	}))
	return n
}

// TestAttack37IDTokens lets the issuer, or somebody who speaks in its name, send ID tokens that are not what they should be.
func TestAttack37IDTokens(t *testing.T) {
	claims := func(change func(map[string]any)) oidctest.Fault { return oidctest.Fault{Claims: change} }
	forge := func(make func(*oidctest.Issuer, map[string]any) string) oidctest.Fault {
		return oidctest.Fault{Forge: make}
	}
	for name, fault := range map[string]oidctest.Fault{
		"alg none": forge(func(_ *oidctest.Issuer, c map[string]any) string {
			return oidctest.SignWith(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", c)
		}),
		"no signature": forge(func(i *oidctest.Issuer, c map[string]any) string {
			text := i.Sign(c)
			return text[:strings.LastIndexByte(text, '.')+1]
		}),
		"HMAC with the client secret": forge(func(i *oidctest.Issuer, c map[string]any) string {
			return oidctest.SignWith(jwt.SigningMethodHS256, []byte("the client's + secret"), i.KeyID(), c)
		}),
		"HMAC with the public key": forge(func(i *oidctest.Issuer, c map[string]any) string {
			return oidctest.SignWith(jwt.SigningMethodHS256, i.PublicModulus(), i.KeyID(), c)
		}),
		"unknown key": forge(func(i *oidctest.Issuer, c map[string]any) string { return i.SignUnpublished(c) }),
		"one of our own access tokens": forge(func(_ *oidctest.Issuer, c map[string]any) string {
			c["aud"] = "livetables"
			return oidctest.SignWith(jwt.SigningMethodHS256, testKeys("fixture").Derive("access token"), accessKey, c)
		}),
		"no token":            forge(func(*oidctest.Issuer, map[string]any) string { return "" }),
		"garbage":             forge(func(*oidctest.Issuer, map[string]any) string { return "a.b.c" }),
		"aud of another":      claims(func(c map[string]any) { c["aud"] = "other" }),
		"no aud":              claims(func(c map[string]any) { delete(c, "aud") }),
		"several aud":         claims(func(c map[string]any) { c["aud"] = []string{"tables", "other"} }),
		"azp of another":      claims(func(c map[string]any) { c["azp"] = "other" }),
		"iss of another":      claims(func(c map[string]any) { c["iss"] = "https://evil.test" }),
		"iss with a slash":    claims(func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }),
		"no iss":              claims(func(c map[string]any) { delete(c, "iss") }),
		"nonce of another":    claims(func(c map[string]any) { c["nonce"] = "x" }),
		"no nonce":            claims(func(c map[string]any) { delete(c, "nonce") }),
		"expired":             claims(func(c map[string]any) { c["exp"] = c["iat"] }),
		"no exp":              claims(func(c map[string]any) { delete(c, "exp") }),
		"from the future":     claims(func(c map[string]any) { c["iat"] = c["iat"].(int64) + 60 }),
		"from long ago":       claims(func(c map[string]any) { c["iat"] = c["iat"].(int64) - 3600 }),
		"no iat":              claims(func(c map[string]any) { delete(c, "iat") }),
		"not yet":             claims(func(c map[string]any) { c["nbf"] = c["iat"].(int64) + 3600 }),
		"no sub":              claims(func(c map[string]any) { delete(c, "sub") }),
		"long sub":            claims(func(c map[string]any) { c["sub"] = strings.Repeat("s", 256) }),
		"wrong at_hash":       claims(func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }),
		"error":               {Code: "access_denied"},
		"answer of another":   {Iss: "https://evil.test"},
		"sub as a list":       claims(func(c map[string]any) { c["sub"] = []string{"s-1"} }),
		"e-mail as an object": claims(func(c map[string]any) { c["email"] = map[string]any{"$ne": nil} }),
	} {
		t.Run(name, func(t *testing.T) {
			f, issuer := withIssuer(t, nil)
			f.root()
			before := f.state()
			issuer.Misbehave(fault)
			_, err := f.enter()
			require.ErrorIs(t, err, ErrOIDC)
			require.NotContains(t, err.Error(), "<script>")
			require.Equal(t, before, f.state(), "nothing was stored")
			issuer.Misbehave(oidctest.Fault{})
			_, err = f.enter()
			require.NoError(t, err, "the same login without the fault")
		})
	}
}

// TestOIDCStateIsForOneBrowserAndOneLogin tries answers that are not those to a login's own start.
func TestOIDCStateIsForOneBrowserAndOneLogin(t *testing.T) {
	f, _ := withIssuer(t, nil)
	f.root()
	refused := func(t *testing.T, in OIDCAnswer) {
		t.Helper()
		before := f.state()
		_, err := f.FinishOIDC(t.Context(), in, home)
		require.ErrorIs(t, err, ErrOIDC)
		require.Equal(t, before, f.state())
	}
	t.Run("replayed", func(t *testing.T) {
		in := f.visit(f.start())
		_, err := f.FinishOIDC(t.Context(), in, home)
		require.NoError(t, err)
		refused(t, in)
		in.Code = f.visit(f.start()).Code
		refused(t, in)
	})
	t.Run("the answer to an attacker's start in a victim's browser", func(t *testing.T) {
		attacker, victim := f.visit(f.start()), f.start()
		attacker.Flow = victim.Flow
		refused(t, attacker)
		attacker.Flow = livetables.Secret{}
		refused(t, attacker)
	})
	t.Run("a code from another login", func(t *testing.T) {
		in, other := f.visit(f.start()), f.visit(f.start())
		in.Code = other.Code // the verifier and the nonce are not the code's
		refused(t, in)
	})
	t.Run("too late", func(t *testing.T) {
		in := f.visit(f.start())
		f.clock.Step(flowLife)
		refused(t, in)
	})
	t.Run("flows of our own making", func(t *testing.T) {
		in := f.visit(f.start())
		for i := range len(in.Flow.Reveal()) {
			bad := []byte(in.Flow.Reveal())
			bad[i] ^= 1
			in := in
			in.Flow = livetables.NewSecret(string(bad))
			refused(t, in)
		}
		in.Flow = livetables.NewSecret(strings.Repeat("A", 1<<20))
		refused(t, in)
	})
	t.Run("empty state", func(t *testing.T) {
		in := f.visit(f.start())
		in.State = ""
		refused(t, in)
	})
	t.Run("two at once", func(t *testing.T) {
		in := f.visit(f.start())
		var mu sync.Mutex
		good := 0
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := f.FinishOIDC(t.Context(), in, home); err == nil {
					mu.Lock()
					good++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Equal(t, 1, good)
	})
}

func TestOIDCTicketIsGoodOnce(t *testing.T) {
	f, _ := withIssuer(t, nil)
	f.root()
	ticket := func() livetables.Secret {
		out, err := f.FinishOIDC(t.Context(), f.visit(f.start()), home)
		require.NoError(t, err)
		return out.Ticket
	}
	used := ticket()
	_, err := f.RedeemOIDC(t.Context(), used, home)
	require.NoError(t, err)
	_, err = f.RedeemOIDC(t.Context(), used, home)
	require.ErrorIs(t, err, ErrOIDC, "again")
	late := ticket()
	f.clock.Step(flowLife)
	for name, bad := range map[string]livetables.Secret{
		"used": used, "late": late, "empty": {}, "made up": livetables.NewSecret(randomText()), "hash": livetables.NewSecret(ticketHash(used)),
	} {
		_, err := f.RedeemOIDC(t.Context(), bad, home)
		require.ErrorIs(t, err, ErrOIDC, name)
	}
	require.Equal(t, int64(2), f.rows("auth_session"), "root's and one login")
	f.start()
	_, err = f.FinishOIDC(t.Context(), f.visit(f.start()), home)
	require.NoError(t, err)
	require.Equal(t, int64(1), f.rows("auth_oidc_flow"), "what is over is forgotten")
}

// TestOIDCIssuerIsHostile: what the issuer sends is an answer of a stranger.
func TestOIDCIssuerIsHostile(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat(`{"a":`, 1<<14))); err != nil {
				return
			}
		}
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}
	serve := func(path string, with http.HandlerFunc) oidctest.Fault {
		return oidctest.Fault{Serve: map[string]http.HandlerFunc{path: with}}
	}
	const description = "/.well-known/openid-configuration"
	for name, fault := range map[string]oidctest.Fault{
		"endless description":          serve(description, endless),
		"endless keys":                 serve("/jwks", endless),
		"endless token":                serve("/token", endless),
		"redirected description":       serve(description, redirect),
		"redirected keys":              serve("/jwks", redirect),
		"redirected token":             serve("/token", redirect),
		"server error":                 serve("/token", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }),
		"names another issuer":         {DiscoveryIssuer: "https://evil.test"},
		"token endpoint inside":        {Endpoints: map[string]string{"token_endpoint": "http://169.254.169.254/token"}},
		"keys inside":                  {Endpoints: map[string]string{"jwks_uri": "https://10.0.0.5/jwks"}},
		"keys in a file":               {Endpoints: map[string]string{"jwks_uri": "file:///etc/passwd"}},
		"authorization endpoint plain": {Endpoints: map[string]string{"authorization_endpoint": "http://evil.test/authorize"}},
		"authorization by script":      {Endpoints: map[string]string{"authorization_endpoint": "javascript://evil.test/%0aalert(1)"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, issuer := withIssuer(t, nil)
			f.root()
			before := f.state()
			issuer.Misbehave(fault)
			began := time.Now()
			start, err := f.StartOIDC(t.Context(), "/", home)
			if err == nil {
				_, err = f.FinishOIDC(t.Context(), f.visit(start), home)
			}
			require.Error(t, err)
			require.True(t, isAny(err, ErrOIDC, ErrOIDCDown), err)
			require.Less(t, time.Since(began), issuerTimeout)
			require.Less(t, len(err.Error()), 1000)
			require.Equal(t, before, f.state())
			require.Zero(t, issuer.Asked("/elsewhere"), "redirects are not followed")
		})
	}
}

func isAny(err error, targets ...error) bool {
	return wrapUnless(err, "", targets...) == err //nolint:errorlint // it returns the very error
}

// TestAttack72Next: a login ends on our own host.
func TestAttack72Next(t *testing.T) {
	f, _ := withIssuer(t, nil)
	for _, next := range []string{
		"", "//evil.test", `/\evil.test`, `\/evil.test`, `\\evil.test`, "https://evil.test", "javascript:alert(1)", "evil.test", "///evil.test",
		"/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "/%09/evil.test", "/%5cevil.test", "/%2f%2fevil.test/%0d%0aX: y",
		"/x\r\nSet-Cookie: a=b", "/\u2028x", "/\x00", "/" + strings.Repeat("a", maxNext), "/a\xff", "/%zz",
		"//evil.test/..;/", "/%2Fevil.test", "?next=/", "#x", "./x",
	} {
		_, err := f.StartOIDC(t.Context(), next, home)
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid, "%q", next)
	}
	for _, next := range []string{"/", "/app", "/app/?a=b&c=//d", "/app#/orders", "/%C3%A4", "/a//b"} {
		_, err := f.StartOIDC(t.Context(), next, home)
		require.NoError(t, err, next)
	}
}

// FuzzOwnPath: whatever passes is a path for everybody who reads it.
func FuzzOwnPath(f *testing.F) {
	for _, seed := range []string{"/", "//x", `/\x`, "/%2fx", "/a?b#c", "/\tx"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !ownPath(s) {
			return
		}
		// Browsers remove tabs and line feeds and take backslashes for slashes before they look.
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
		if !strings.HasPrefix(seen, "/") || strings.HasPrefix(seen, "//") {
			t.Fatalf("%q leads elsewhere", s)
		}
	})
}
