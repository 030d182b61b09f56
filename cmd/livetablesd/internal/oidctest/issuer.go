package oidctest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Client is the one relying party that an Issuer knows.
type Client struct {
	ID, Secret  string
	RedirectURI string // compared exactly
}

// Person is who comes to log in. The zero Person has no subject, which no relying party may accept.
type Person struct {
	Subject string
	Email   string
	// EmailVerified is written as it is: true, false, a text, or nil for no such claim.
	EmailVerified any
	Name          string
}

// Fault changes what an Issuer does. The zero Fault changes nothing.
type Fault struct {
	// Claims is called with the claims of an ID token before it is signed; nil leaves them.
	Claims func(claims map[string]any)
	// Forge makes the ID token from its claims instead of the signing key; nil signs properly.
	Forge func(i *Issuer, claims map[string]any) string
	// Code answers an authorization request with an error of RFC 6749, section 4.1.2.1, such as "access_denied".
	Code string
	// Iss is sent as the issuer in the answer of the authorization endpoint (RFC 9207), empty for the true one.
	Iss string
	// DiscoveryIssuer is named by the discovery document, empty for the true one.
	DiscoveryIssuer string
	// Endpoints are put into the discovery document in place of the true ones, by their names there.
	Endpoints map[string]string
	// Serve answers requests of a path in place of the issuer.
	Serve map[string]http.HandlerFunc
	// NoPKCE lets codes be traded without a verifier.
	NoPKCE bool
}

// Issuer is a running issuer. Its methods may be called from many goroutines; it ends with its test.
type Issuer struct {
	server *httptest.Server

	mu     sync.Mutex
	client Client
	person Person
	fault  Fault
	keys   []signingKey // the last one signs
	codes  map[string]grant
	asked  map[string]int // requests by path
	now    func() time.Time
}

// grant is what an authorization code stands for until it is traded.
type grant struct {
	person                 Person
	nonce, challenge, from string
	until                  time.Time
}

// codeLife is how long an authorization code may be traded.
const codeLife = time.Minute

// New starts an issuer with one key. now is the clock of its tokens, nil for time.Now.
func New(t testing.TB, now func() time.Time) *Issuer {
	t.Helper()
	if now == nil {
		now = time.Now
	}
	i := &Issuer{codes: map[string]grant{}, asked: map[string]int{}, now: now}
	i.Rotate("RS256")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.jwks)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.asked[r.URL.Path]++
		serve := i.fault.Serve[r.URL.Path]
		i.mu.Unlock()
		if serve != nil {
			serve(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	return i
}

// URL is the issuer's identifier.
func (i *Issuer) URL() string { return i.server.URL }

// Register sets the relying party.
func (i *Issuer) Register(c Client) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.client = c
}

// Enter says who comes to log in from now on.
func (i *Issuer) Enter(p Person) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.person = p
}

// Misbehave sets what the issuer does wrong from now on; the zero Fault ends it.
func (i *Issuer) Misbehave(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = f
}

// Asked counts the requests of a path.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

func (i *Issuer) state() (Client, Person, Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.client, i.person, i.fault
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	_, _, fault := i.state()
	doc := map[string]any{
		"issuer":                                         i.URL(),
		"authorization_endpoint":                         i.URL() + "/authorize",
		"token_endpoint":                                 i.URL() + "/token",
		"jwks_uri":                                       i.URL() + "/jwks",
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256", "none", "HS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if fault.DiscoveryIssuer != "" {
		doc["issuer"] = fault.DiscoveryIssuer
	}
	for name, url := range fault.Endpoints {
		doc[name] = url
	}
	answer(w, http.StatusOK, doc)
}

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // a client that left is its own business
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]string{"error": code})
}

func random() string { return rand.Text() }
