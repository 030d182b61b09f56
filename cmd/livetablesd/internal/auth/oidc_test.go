package auth

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/oidctest"
)

const callback = "https://tables.example.com/api/v1/auth/oidc/callback"

// withIssuer is a service with a root account and an issuer. The issuer is on a loopback port, which the operator has listed.
func withIssuer(t *testing.T, change func(*Options)) (*fixture, *oidctest.Issuer) {
	t.Helper()
	var issuer *oidctest.Issuer
	f := newFixture(t, func(o *Options) {
		issuer = oidctest.New(t, o.Clock)
		guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"})
		require.NoError(t, err)
		o.OIDC = &OIDC{
			Issuer: issuer.URL(), ClientID: "tables", ClientSecret: livetables.NewSecret("the client's + secret"), RedirectURL: callback,
			Dial: guard.DialContext, Plain: guard.Lists,
		}
		o.Registration = RegistrationOpen
		if change != nil {
			change(o)
		}
	})
	issuer.Register(oidctest.Client{ID: "tables", Secret: "the client's + secret", RedirectURI: callback})
	issuer.Enter(oidctest.Person{Subject: "s-1", Email: "Ann@Example.com", EmailVerified: true, Name: "Ann"})
	return f, issuer
}

// visit is a browser that follows a start to the issuer and comes back.
func (f *fixture) visit(start OIDCStart) OIDCAnswer {
	f.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, start.URL, nil)
	require.NoError(f.t, err)
	res, err := client.Do(req)
	require.NoError(f.t, err)
	require.NoError(f.t, res.Body.Close())
	require.Equal(f.t, http.StatusFound, res.StatusCode)
	back, err := url.Parse(res.Header.Get("Location"))
	require.NoError(f.t, err)
	require.Equal(f.t, callback, back.Scheme+"://"+back.Host+back.Path)
	q := back.Query()
	return OIDCAnswer{Flow: start.Flow, State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

func (f *fixture) start() OIDCStart {
	f.t.Helper()
	start, err := f.StartOIDC(f.t.Context(), "/app?x=1#y", home)
	require.NoError(f.t, err)
	return start
}

// enter is a whole login.
func (f *fixture) enter() (Tokens, error) {
	f.t.Helper()
	ticket, err := f.FinishOIDC(f.t.Context(), f.visit(f.start()), home)
	if err != nil {
		return Tokens{}, err
	}
	require.Equal(f.t, "/app?x=1#y", ticket.Next)
	return f.RedeemOIDC(f.t.Context(), ticket.Ticket, home)
}

func TestOIDCLogin(t *testing.T) {
	f, issuer := withIssuer(t, nil)
	f.root()
	first, err := f.enter()
	require.NoError(t, err)
	who := f.verify(first)
	require.Equal(t, "ann@example.com", who.Email)
	require.Equal(t, "Ann", who.Name)
	require.False(t, who.Admin)
	require.NotNil(t, first.User.VerifiedAt)

	// The same person under another address is the same account: the subject counts, and nothing else.
	issuer.Enter(oidctest.Person{Subject: "s-1", Email: "root@example.com", EmailVerified: true})
	second, err := f.enter()
	require.NoError(t, err)
	require.Equal(t, who.UserID, second.User.ID)
	require.Equal(t, "ann@example.com", second.User.Email)
	_, err = f.Refresh(t.Context(), second.Refresh, home)
	require.NoError(t, err)

	t.Run("no password opens the account", func(t *testing.T) {
		for _, password := range []string{"", "x", "password of ann@example.com"} {
			_, err := f.Login(t.Context(), Credentials{Email: "ann@example.com", Password: livetables.NewSecret(password)}, home)
			require.ErrorIs(t, err, ErrCredentials)
		}
	})
	require.Equal(t, []string{"auth.register", "auth.register", "auth.login", "auth.login"}, f.actions()[:4])
}

// TestOIDCKeysRotate replaces the issuer's keys between logins, and its algorithm.
func TestOIDCKeysRotate(t *testing.T) {
	f, issuer := withIssuer(t, nil)
	f.root()
	for _, algorithm := range []string{"RS256", "ES256", "RS256"} {
		issuer.Rotate(algorithm)
		_, err := f.enter()
		require.NoError(t, err)
		_, err = f.enter()
		require.NoError(t, err)
	}
	require.Equal(t, 3, issuer.Asked("/jwks"), "keys are fetched when there are new ones")
	require.Equal(t, 1, issuer.Asked("/.well-known/openid-configuration"))
	f.clock.Step(providerLife)
	_, err := f.enter()
	require.NoError(t, err)
	require.Equal(t, 2, issuer.Asked("/.well-known/openid-configuration"))
}

// TestOIDCIssuerComesAndGoes: an issuer that is down is not asked by everybody, and what was known of it holds for a day.
func TestOIDCIssuerComesAndGoes(t *testing.T) {
	f, issuer := withIssuer(t, nil)
	f.root()
	const description = "/.well-known/openid-configuration"
	down := oidctest.Fault{Serve: map[string]http.HandlerFunc{description: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}}}
	issuer.Misbehave(down)
	for range 3 {
		_, err := f.StartOIDC(t.Context(), "/", home)
		require.ErrorIs(t, err, ErrOIDCDown)
	}
	require.Equal(t, 1, issuer.Asked(description))
	issuer.Misbehave(oidctest.Fault{})
	f.clock.Step(retryAfter)
	_, err := f.enter()
	require.NoError(t, err)
	issuer.Misbehave(down)
	f.clock.Step(providerLife)
	for range 3 {
		_, err = f.enter()
		require.NoError(t, err)
	}
	require.Equal(t, 3, issuer.Asked(description))
	f.clock.Step(staleLife)
	_, err = f.StartOIDC(t.Context(), "/", home)
	require.ErrorIs(t, err, ErrOIDCDown)
}

func TestOIDCWhoMayComeIn(t *testing.T) {
	ann := oidctest.Person{Subject: "s-1", Email: "ann@example.com", EmailVerified: true}
	with := func(change func(*oidctest.Person)) oidctest.Person {
		p := ann
		change(&p)
		return p
	}
	unverified := func(v any) oidctest.Person {
		return with(func(p *oidctest.Person) { p.EmailVerified = v })
	}
	closed := func(o *Options) { o.Registration = RegistrationClosed }
	domains := func(o *Options) {
		closed(o)
		o.OIDC.AllowDomains = []string{"example.com"}
	}
	for name, c := range map[string]struct {
		change func(*Options)
		person oidctest.Person
		before func(f *fixture, root Identity)
		want   error
	}{
		"open":                            {person: ann},
		"closed":                          {closed, ann, nil, ErrRegistrationClosed},
		"closed, allowed domain":          {change: domains, person: ann},
		"closed, another domain":          {domains, with(func(p *oidctest.Person) { p.Email = "ann@example.org" }), nil, ErrRegistrationClosed},
		"closed, a subdomain":             {domains, with(func(p *oidctest.Person) { p.Email = "ann@mail.example.com" }), nil, ErrRegistrationClosed},
		"closed, the domain as an ending": {domains, with(func(p *oidctest.Person) { p.Email = "ann@evilexample.com" }), nil, ErrRegistrationClosed},
		"closed, the domain as local":     {domains, with(func(p *oidctest.Person) { p.Email = "example.com@evil.test" }), nil, ErrRegistrationClosed},
		"address not verified":            {nil, unverified(false), nil, ErrOIDCEmail},
		"nothing said of it":              {nil, unverified(nil), nil, ErrOIDCEmail},
		"verified as text":                {nil, unverified("true"), nil, ErrOIDCEmail},
		"verified as number":              {nil, unverified(1), nil, ErrOIDCEmail},
		"no address":                      {nil, with(func(p *oidctest.Person) { p.Email = "" }), nil, ErrOIDCEmail},
		"two addresses":                   {nil, with(func(p *oidctest.Person) { p.Email = "root@example.com,ann@example.com" }), nil, ErrOIDCEmail},
		"no subject":                      {nil, with(func(p *oidctest.Person) { p.Subject = "" }), nil, ErrOIDC},
		"the address of an account":       {nil, with(func(p *oidctest.Person) { p.Email = "bob@example.com" }), nil, ErrOIDCNotLinked},
		"linked by address": {change: func(o *Options) { o.OIDC.LinkByEmail = true },
			person: with(func(p *oidctest.Person) { p.Email = "BOB@example.com" })},
		"linked by an address that is not verified at the issuer": {func(o *Options) { o.OIDC.LinkByEmail = true },
			with(func(p *oidctest.Person) { p.Email, p.EmailVerified = "bob@example.com", "true" }), nil, ErrOIDCEmail},
		"linked by an address that is not verified here": {func(o *Options) { o.OIDC.LinkByEmail = true },
			with(func(p *oidctest.Person) { p.Email = "squatter@example.com" }), func(f *fixture, _ Identity) {
				_, err := f.Register(f.t.Context(), Registration{Email: "squatter@example.com", Password: passwordOf("squatter@example.com")}, home)
				require.NoError(f.t, err)
			}, ErrOIDCNotLinked},
	} {
		t.Run(name, func(t *testing.T) {
			f, issuer := withIssuer(t, c.change)
			root := f.root()
			f.user(root, "bob@example.com")
			if c.before != nil {
				c.before(f, root)
			}
			issuer.Enter(c.person)
			before := f.state()
			_, err := f.enter()
			if c.want == nil {
				require.NoError(t, err)
				_, err = f.enter()
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.want)
			require.Equal(t, before, f.state(), "nothing was stored")
		})
	}
	t.Run("before there is an admin", func(t *testing.T) {
		f, _ := withIssuer(t, nil)
		_, err := f.enter()
		require.ErrorIs(t, err, ErrSetup)
		require.Zero(t, f.state())
	})
}

// state counts what a login could leave behind.
func (f *fixture) state() (n [3]int64) {
	f.t.Helper()
	for i, table := range []string{"auth_account", "auth_session", "auth_oidc_link"} {
		n[i] = f.rows(table)
	}
	return n
}

func TestOIDCDisabledAccount(t *testing.T) {
	f, _ := withIssuer(t, nil)
	root := f.root()
	tokens, err := f.enter()
	require.NoError(t, err)
	ticket, err := f.FinishOIDC(t.Context(), f.visit(f.start()), home)
	require.NoError(t, err)
	_, err = f.DisableUser(t.Context(), root, tokens.User.ID)
	require.NoError(t, err)
	_, err = f.RedeemOIDC(t.Context(), ticket.Ticket, home)
	require.ErrorIs(t, err, ErrOIDC, "a login under way")
	_, err = f.enter()
	require.ErrorIs(t, err, ErrOIDC)
	require.NoError(t, f.DeleteUser(t.Context(), root, tokens.User.ID))
	require.Zero(t, f.rows("auth_oidc_link"))
	again, err := f.enter()
	require.NoError(t, err)
	require.NotEqual(t, tokens.User.ID, again.User.ID)
}

func TestOIDCOff(t *testing.T) {
	f := newFixture(t, nil)
	require.False(t, f.OIDCEnabled())
	_, err := f.StartOIDC(t.Context(), "/", home)
	require.ErrorIs(t, err, ErrNoOIDC)
	_, err = f.FinishOIDC(t.Context(), OIDCAnswer{}, home)
	require.ErrorIs(t, err, ErrNoOIDC)
	_, err = f.RedeemOIDC(t.Context(), livetables.NewSecret("x"), home)
	require.ErrorIs(t, err, ErrNoOIDC)
}

func TestOIDCSettings(t *testing.T) {
	guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"})
	require.NoError(t, err)
	good := OIDC{Issuer: "https://login.example.com/x", ClientID: "c", RedirectURL: callback, Dial: guard.DialContext, Plain: guard.Lists}
	require.NoError(t, good.check())
	for name, change := range map[string]func(*OIDC){
		"no issuer":          func(o *OIDC) { o.Issuer = "" },
		"plain http":         func(o *OIDC) { o.Issuer = "http://login.example.com" },
		"file":               func(o *OIDC) { o.Issuer = "file:///etc/passwd" },
		"password in it":     func(o *OIDC) { o.Issuer = "https://u:p@login.example.com" },
		"no client":          func(o *OIDC) { o.ClientID = "" },
		"no dialer":          func(o *OIDC) { o.Dial = nil },
		"no way back":        func(o *OIDC) { o.RedirectURL = "/callback" },
		"script as way back": func(o *OIDC) { o.RedirectURL = "javascript://x/%0aalert(1)" },
		"domain with @":      func(o *OIDC) { o.AllowDomains = []string{"@example.com"} },
		"wild card":          func(o *OIDC) { o.AllowDomains = []string{"*.example.com"} },
	} {
		o := good
		change(&o)
		require.Error(t, o.check(), name)
	}
}
