package ws

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// refusal is an answer before the upgrade.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch r.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(r.status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"code":%q,"title":%q}`+"\n", r.status, r.code, r.message)
}

// checkOrigin compares exactly. Without a list the page must come from the host that it asks.
func (h *Handler) checkOrigin(r *http.Request) *refusal {
	denied := &refusal{http.StatusForbidden, codeForbidden, "origin not allowed"}
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 0:
		return nil
	case len(origins) > 1:
		return denied
	case len(h.options.Origins) > 0:
		if !slices.Contains(h.options.Origins, origins[0]) {
			return denied
		}
		return nil
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origins[0] || !strings.EqualFold(u.Host, r.Host) {
		return denied
	}
	return nil
}

// tokenParameters are names under which a token must not be sent: URLs end up in logs and histories.
var tokenParameters = []string{"token", "access_token", "auth", "authorization", "jwt", "key", "api_key"}

func checkURL(r *http.Request) *refusal {
	for name := range r.URL.Query() {
		if slices.Contains(tokenParameters, strings.ToLower(name)) {
			return &refusal{http.StatusBadRequest, codeBadRequest, "credentials do not belong into the URL"}
		}
	}
	return nil
}

// bearer takes the token from the Authorization header; present is false without the header.
func bearer(r *http.Request) (token string, present bool, refused *refusal) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", true, &refusal{http.StatusUnauthorized, codeUnauthorized, "a bearer token is expected"}
	}
	return token, true, nil
}

// authRefusal is the answer to a token that Authenticate did not accept.
func authRefusal(err error) *refusal {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return &refusal{http.StatusUnauthorized, codeUnauthorized, ErrUnauthorized.Error()}
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound):
		return &refusal{http.StatusForbidden, codeForbidden, ErrForbidden.Error()}
	}
	return &refusal{http.StatusServiceUnavailable, codeUnavailable, "cannot authenticate at the moment"}
}

// capture keeps the network connection that the WebSocket library takes over: closing that is the only way to end a
// connection whose other side neither reads nor answers, without waiting.
type capture struct {
	http.ResponseWriter
	conn net.Conn
}

func (c *capture) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(c.ResponseWriter).Hijack()
	c.conn = conn
	return conn, rw, err
}
