package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	issuerTimeout = 10 * time.Second // of each request to the issuer
	maxIssuerBody = 1 << 20          // bytes of each of its answers
	// providerLife is how long the issuer's description and the keys read since are believed. New keys are looked for as
	// soon as a token names one that is not known; this makes old ones go.
	providerLife = time.Hour
	// staleLife is how long they are believed while the issuer cannot be asked again, and retryAfter how long it is not asked
	// after it failed to answer: everybody who wants to log in would wait for it in turn.
	staleLife  = 24 * time.Hour
	retryAfter = 5 * time.Second
	// maxTokenAge is how old an ID token may be although it has not expired: it was made for us a moment ago.
	maxTokenAge = 10 * time.Minute
)

// idTokenAlgorithms are the signatures that ID tokens may have. None of them is made with a secret that others know too.
var idTokenAlgorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// issuer speaks with the OpenID Connect issuer. Its description is fetched when it is needed first, so that the daemon starts
// without it. It is safe for concurrent use.
type issuer struct {
	options OIDC
	client  *http.Client
	clock   func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider
	readAt   time.Time
	failed   error // of the last attempt, nil after a good one
	failedAt time.Time
}

// person is whom the issuer says somebody is.
type person struct {
	subject  string
	email    string // normalised; empty when the issuer does not vouch for one
	fullName string
}

func newIssuer(o OIDC, clock func() time.Time) *issuer {
	i := &issuer{options: o, clock: clock}
	i.client = &http.Client{
		Timeout: issuerTimeout,
		// None of what is asked of an issuer is answered by a redirect, and one could lead anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &issuerTransport{options: &i.options, next: &http.Transport{
			DialContext: o.Dial, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: issuerTimeout, ResponseHeaderTimeout: issuerTimeout, MaxResponseHeaderBytes: 64 << 10,
		}},
	}
	return i
}

// issuerTransport holds the issuer to TLS and bounds what it sends.
type issuerTransport struct {
	options *OIDC
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *issuerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.options.checkURL(r.URL.String()); err != nil { // the issuer's own description names addresses too
		return nil, err
	}
	res, err := t.next.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxIssuerBody}
	}
	return res, err
}

// boundedBody ends a body that is too long with an error.
type boundedBody struct {
	io.ReadCloser
	left int64
}

var errIssuerBody = errors.New("the issuer's answer is too long")

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errIssuerBody
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// checkURL refuses addresses that are not https, unless their host may be spoken to without it.
func (o *OIDC) checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("no address of an issuer")
	}
	if u.Scheme == "https" {
		return nil
	}
	port := 80
	if u.Port() != "" {
		port, _ = strconv.Atoi(u.Port()) // 0 is in no list
	}
	if u.Scheme != "http" || o.Plain == nil || !o.Plain(u.Hostname(), port) {
		return fmt.Errorf("%s://%s is not https and not among the hosts that may do without", u.Scheme, u.Host)
	}
	return nil
}

// context carries the client to the libraries.
func (i *issuer) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, i.client)
}

// present is the issuer's description, fetched anew when it has become old. While the issuer is down an old one will do.
func (i *issuer) present(ctx context.Context) (*oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.clock()
	age := now.Sub(i.readAt)
	if i.provider != nil && age >= 0 && age < providerLife {
		return i.provider, nil
	}
	stale := i.provider != nil && age >= 0 && age < staleLife
	if wait := now.Sub(i.failedAt); i.failed != nil && wait >= 0 && wait < retryAfter {
		if stale {
			return i.provider, nil
		}
		return nil, i.failed
	}
	// The first caller's request may end before the keys are fetched with the same context.
	p, err := oidc.NewProvider(i.context(context.WithoutCancel(ctx)), i.options.Issuer)
	if err != nil {
		i.failed, i.failedAt = fmt.Errorf("%w: %s", ErrOIDCDown, clip(err.Error(), 300)), now
		if stale {
			return i.provider, nil
		}
		return nil, i.failed
	}
	i.provider, i.readAt, i.failed = p, now, nil
	return p, nil
}

func (i *issuer) config(p *oidc.Provider) *oauth2.Config {
	c := &oauth2.Config{
		ClientID: i.options.ClientID, ClientSecret: i.options.ClientSecret.Reveal(), RedirectURL: i.options.RedirectURL,
		Endpoint: p.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
	// Guessing would send the code twice.
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	var description struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = p.Claims(&description) // without the list the default of the standard holds
	if c.ClientSecret == "" || len(description.Methods) > 0 && !slices.Contains(description.Methods, "client_secret_basic") {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// authorizationURL is where the browser goes.
func (i *issuer) authorizationURL(ctx context.Context, f flow) (string, error) {
	p, err := i.present(ctx)
	if err != nil {
		return "", err
	}
	c := i.config(p)
	if err := i.options.checkURL(c.Endpoint.AuthURL); err != nil {
		return "", fmt.Errorf("%w: authorization endpoint: %w", ErrOIDCDown, err)
	}
	return c.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// person trades a code for an ID token and checks it.
func (i *issuer) person(ctx context.Context, f flow, code string, now time.Time) (person, error) {
	p, err := i.present(ctx)
	if err != nil {
		return person{}, err
	}
	token, err := i.config(p).Exchange(i.context(ctx), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response.StatusCode < 500 {
			return person{}, fmt.Errorf("%w: code refused: %s", ErrOIDC, clip(refused.ErrorCode, 64))
		}
		return person{}, fmt.Errorf("%w: %s", ErrOIDCDown, clip(err.Error(), 300))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return person{}, fmt.Errorf("%w: no ID token", ErrOIDC)
	}
	verifier := p.Verifier(&oidc.Config{ClientID: i.options.ClientID, SupportedSigningAlgs: idTokenAlgorithms, Now: func() time.Time { return now }})
	id, err := verifier.Verify(i.context(ctx), raw)
	if err != nil {
		return person{}, fmt.Errorf("%w: %s", ErrOIDC, clip(err.Error(), 300))
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return person{}, fmt.Errorf("%w: %w", ErrOIDC, err)
		}
	}
	return i.read(id, f, now)
}

// read checks what the verifier does not and takes from an ID token what we need.
func (i *issuer) read(id *oidc.IDToken, f flow, now time.Time) (person, error) {
	var claims struct {
		Party    string          `json:"azp"`
		Email    string          `json:"email"`
		Verified json.RawMessage `json:"email_verified"`
		Name     string          `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return person{}, fmt.Errorf("%w: claims: %s", ErrOIDC, clip(err.Error(), 300))
	}
	switch {
	case id.Issuer != i.options.Issuer: // the library lets one well-known issuer name itself in two ways
		return person{}, fmt.Errorf("%w: ID token of another issuer", ErrOIDC)
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1:
		return person{}, fmt.Errorf("%w: ID token of another login", ErrOIDC)
	case id.Subject == "" || len(id.Subject) > 255:
		return person{}, fmt.Errorf("%w: ID token without a usable subject", ErrOIDC)
	case !now.Before(id.Expiry):
		return person{}, fmt.Errorf("%w: ID token has expired", ErrOIDC)
	case id.IssuedAt.After(now.Add(clockDrift)) || id.IssuedAt.Before(now.Add(-maxTokenAge)):
		return person{}, fmt.Errorf("%w: ID token is of another time", ErrOIDC)
	case claims.Party != "" && claims.Party != i.options.ClientID || claims.Party == "" && len(id.Audience) > 1:
		return person{}, fmt.Errorf("%w: ID token was made for another party", ErrOIDC)
	}
	out := person{subject: id.Subject}
	var p problems
	if out.fullName = p.name(claims.Name); p.err() != nil {
		out.fullName = "" // a name is a courtesy
	}
	// A text "true" is not the truth: who is careless about the type may be about the meaning.
	if string(claims.Verified) == "true" {
		out.email, _ = NormalizeEmail(claims.Email)
	}
	return out, nil
}
