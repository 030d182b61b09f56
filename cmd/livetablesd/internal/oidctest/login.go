package oidctest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
)

// authorize sends the browser back with a code, as if the person had logged in and agreed.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	client, person, fault := i.state()
	q := r.URL.Query()
	// What is wrong with the client or its address is never answered by a redirect (RFC 6749, section 4.1.2.1).
	if q.Get("client_id") != client.ID || q.Get("redirect_uri") != client.RedirectURI {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {i.URL()}}
	if fault.Iss != "" {
		back.Set("iss", fault.Iss)
	}
	challenge := q.Get("code_challenge")
	switch {
	case fault.Code != "":
		back.Set("error", fault.Code)
		back.Set("error_description", "<script>alert(1)</script>")
	case q.Get("response_type") != "code" || q.Get("nonce") == "" || q.Get("state") == "",
		!fault.NoPKCE && (challenge == "" || q.Get("code_challenge_method") != "S256"):
		back.Set("error", "invalid_request")
	default:
		code := random()
		i.mu.Lock()
		i.codes[code] = grant{person, q.Get("nonce"), challenge, client.RedirectURI, i.now().Add(codeLife)}
		i.mu.Unlock()
		back.Set("code", code)
	}
	w.Header().Set("Location", client.RedirectURI+"?"+back.Encode())
	w.WriteHeader(http.StatusFound)
}

// token trades a code for an ID token. A code is good once.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	client, _, fault := i.state()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	id, secret, basic := r.BasicAuth()
	if basic { // both are form-encoded first (RFC 6749, section 2.3.1)
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != client.ID || subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1 {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	code := r.PostForm.Get("code")
	i.mu.Lock()
	g, ok := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || i.now().After(g.until) || r.PostForm.Get("redirect_uri") != g.from || !fault.NoPKCE && proof != g.challenge {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": random(), "token_type": "Bearer", "expires_in": 300, "id_token": i.idToken(g),
	})
}
