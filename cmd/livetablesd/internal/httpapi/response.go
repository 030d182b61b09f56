package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/livetables/livetables/minidb"
)

// response watches what is answered, for the access log, and turns the multiplexer's own refusals into problems.
type response struct {
	http.ResponseWriter
	request   string // id
	client    netip.Addr
	route     string // pattern, empty when none matched
	principal string
	matched   bool // a route's handler has taken over
	discard   bool // a refusal of the multiplexer has been replaced
	status    int
	bytes     int64
	tee       *bytes.Buffer // keeps the body too, for repeats; nil for none
}

// Unwrap lets http.ResponseController find what the server's writer can do.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if !w.matched {
		w.discard = true
		switch status {
		case http.StatusMethodNotAllowed:
			w.problem(problemOf(status, "method_not_allowed", "the route has other methods: "+w.Header().Get("Allow")))
		default:
			w.problem(problemOf(http.StatusNotFound, "not_found", "there is no such route"))
		}
		return
	}
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if w.discard {
		return len(b), nil
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	if w.tee != nil {
		if w.tee.Len() <= maxReplay {
			w.tee.Write(b)
		}
		return len(b), nil // the answer is kept for a client that has gone
	}
	return n, err
}

// How long a client may take to send its body and to take a part of the answer: one that reads or writes a byte now and
// then would hold a connection, and with a list a reader of the database, for as long as it likes.
const (
	bodyTime   = time.Minute
	uploadTime = time.Hour
	writeTime  = 90 * time.Second // of a whole short answer, and of each part of a long one: longer than a query may run
)

// expectBody sets how long the body may take to arrive. A writer that knows no deadlines has none.
func (w *response) expectBody(within time.Duration) {
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(time.Now().Add(within))
}

// extend gives the next part of the answer its time.
func (w *response) extend() {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTime))
}

// problem answers with a problem document. Nothing may have been written before.
func (w *response) problem(p *Problem) {
	p.RequestID = w.request
	body, err := json.Marshal(p)
	if err != nil { // plain fields and documents that were checked before
		body = []byte(`{"status":500,"code":"internal"}`)
	}
	h := w.Header()
	h.Del("Content-Length")
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body will not be read
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(p.retryAfter), 10))
	}
	discard := w.discard
	w.matched, w.discard = true, false
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client has gone: there is nobody to tell
	w.discard = discard
}

// requestID is the client's own id of the request when it is harmless, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) == 0 || len(id) > 64 {
		return minidb.NewID("req")
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return minidb.NewID("req")
		}
	}
	return id
}

// What is on every response. Handlers replace values or add to them, which copies these.
var (
	noSniff     = []string{"nosniff"}
	noFrames    = []string{"DENY"}
	noContents  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer  = []string{"no-referrer"}
	sameOrigin  = []string{"same-origin"}
	noStore     = []string{"no-store"}
	variesByWho = []string{"Authorization, X-Api-Key"}
	onlyTLS     = []string{"max-age=31536000"}
)

// securityHeaders are on every response. Names are in canonical form.
func securityHeaders(h http.Header, secure bool) {
	h["X-Content-Type-Options"] = noSniff
	h["X-Frame-Options"] = noFrames
	h["Content-Security-Policy"] = noContents
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	// Answers depend on who asks and on the rights of the moment: no cache, shared or private, may give them again.
	h["Cache-Control"] = noStore
	h["Vary"] = variesByWho
	if secure {
		h["Strict-Transport-Security"] = onlyTLS
	}
}
