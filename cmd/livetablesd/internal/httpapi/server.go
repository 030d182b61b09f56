package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
	"github.com/livetables/livetables/realtime/ws"
)

// Server serves the API. Make one with New; it is used by many goroutines and starts none of its own.
type Server struct {
	opt        Options
	log        *slog.Logger
	mux        *http.ServeMux
	cross      *http.CrossOriginProtection
	limiter    limit.Limiter
	shares     limit.Shares
	sockets    *ws.Handler
	holders    *holders
	allowHosts []string // origins that CORS answers
	bodyTime   time.Duration
}

// New builds a server; all problems of the options are reported together.
func New(options Options) (*Server, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("http options: %w", err)
	}
	s := &Server{
		opt: o, log: o.Logger, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), allowHosts: o.Origins,
		limiter: o.Limiter, bodyTime: bodyTime,
		holders: &holders{byName: map[string]*holder{}},
	}
	for _, origin := range o.Origins {
		if err := s.cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("http options: origin %q: %w", origin, err)
		}
	}
	if s.sockets, err = s.newSockets(); err != nil {
		return nil, err
	}
	for _, r := range routes() {
		s.mux.Handle(r.pattern(), s.handle(r))
	}
	return s, nil
}

// Loads are what runs and what waits now, by the name of the share.
func (s *Server) Loads() map[string]limit.Load { return s.shares.Loads() }

// Drain closes the WebSockets, which an http.Server's Shutdown does not know of, and refuses new ones. It waits until they
// are gone or ctx ends.
func (s *Server) Drain(ctx context.Context) error { return s.sockets.Shutdown(ctx) }

// Close is Drain without patience. Closing twice is harmless.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.sockets.Shutdown(ctx)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	began := s.opt.Clock()
	w := &response{ResponseWriter: rw, request: requestID(r), client: s.clientAddress(r)}
	if r.ContentLength != 0 {
		// Also of a request that is refused unread: the rest of its body is waited for before it is answered.
		w.expectBody(s.bodyTime)
	}
	securityHeaders(w.Header(), s.secure(r))
	w.Header().Set("X-Request-Id", w.request)
	defer func() {
		lost := recover()
		if lost != nil && lost != http.ErrAbortHandler { //nolint:errorlint // recover gives the very value
			s.log.ErrorContext(r.Context(), "handler panicked", "request_id", w.request, "panic", lost, "stack", string(debug.Stack()))
			if w.status == 0 {
				w.problem(internalProblem())
				lost = nil
			} else {
				lost = http.ErrAbortHandler // half an answer must not look like a whole one
			}
		}
		if w.status == 0 && lost == nil {
			w.status = http.StatusSwitchingProtocols // taken over by the WebSocket
		}
		took := s.opt.Clock().Sub(began)
		s.opt.Metrics.Request(w.route, r.Method, w.status, took, w.bytes)
		s.logRequest(r, w, took)
		if lost != nil {
			panic(lost)
		}
	}()
	if !canonical(r) {
		w.problem(problemOf(http.StatusNotFound, "not_found", "there is no such route"))
		return
	}
	if s.cors(w, r) {
		return
	}
	if err := s.cross.Check(r); err != nil {
		w.problem(problemOf(http.StatusForbidden, "cross_origin", "the request comes from a page of another origin"))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// logRequest writes the line of a request in the access log. It names no place in the source, which takes time to find out and is the
// same for all of them.
func (s *Server) logRequest(r *http.Request, w *response, took time.Duration) {
	h := s.log.Handler()
	if !h.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	line.AddAttrs(slog.String("method", r.Method), slog.String("route", w.route), slog.Int("status", w.status), slog.Int64("bytes", w.bytes),
		slog.Duration("duration", took), slog.String("request_id", w.request), slog.String("principal", w.principal))
	_ = h.Handle(r.Context(), line) // as slog does
}

// canonical reports whether a path is written in the one way that routes are: without escapes, dots and empty segments.
// The multiplexer would answer others with redirects, and proxies in front may read them differently than we do.
func canonical(r *http.Request) bool {
	p := r.URL.Path
	return r.URL.RawPath == "" && p != "" && p[0] == '/' && path.Clean(p) == p
}

// cors answers preflights of the allowed origins and lets their pages read responses; true when the answer is complete.
// Credentials are never allowed: the API knows no cookies.
func (s *Server) cors(w *response, r *http.Request) bool {
	if len(s.allowHosts) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(s.allowHosts, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id, Idempotency-Replayed")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Idempotency-Key, Prefer, View-As, X-Api-Key, X-Request-Id")
	h.Set("Access-Control-Max-Age", "600")
	w.matched = true
	w.WriteHeader(http.StatusNoContent)
	return true
}
