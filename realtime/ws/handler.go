package ws

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// Handler is the WebSocket endpoint. It must not be copied.
type Handler struct {
	options Options

	mu       sync.Mutex
	conns    map[*conn]struct{}
	perUser  map[userKey]int
	pending  int
	draining bool
	empty    chan struct{} // closed when draining and the last connection is gone
}

type userKey struct{ user, workspace string }

// New returns a handler. It starts nothing; connections live in the goroutines of their requests.
func New(options Options) (*Handler, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("websocket options: %w", err)
	}
	return &Handler{
		options: o, conns: make(map[*conn]struct{}), perUser: make(map[userKey]int), empty: make(chan struct{}),
	}, nil
}

// ServeHTTP upgrades the request and serves its connection until it ends. Refusals before the upgrade are ordinary
// responses: 403 for a foreign origin, 401 for a bad token in the header, 503 when full or draining.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refused := h.checkOrigin(r); refused != nil {
		refused.write(w)
		return
	}
	if refused := checkURL(r); refused != nil {
		refused.write(w)
		return
	}
	token, present, refused := bearer(r)
	if refused != nil {
		refused.write(w)
		return
	}
	c := newConn(h, r)
	if present {
		ctx, cancel := context.WithTimeout(r.Context(), h.options.Limits.Subscribe)
		subject, err := h.options.Authenticate(ctx, token, r)
		cancel()
		if err != nil {
			h.options.Logger.InfoContext(r.Context(), "websocket token refused", "error", err)
			authRefusal(err).write(w)
			return
		}
		c.subject = subject
	}
	if refused := h.add(c); refused != nil {
		refused.write(w)
		return
	}
	defer h.remove(c)
	raw := &capture{ResponseWriter: w}
	socket, err := websocket.Accept(raw, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin was checked above, more strictly
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     c.onPing,
	})
	if err != nil {
		return // Accept has answered
	}
	c.serve(socket, raw.conn)
}

// add counts a new connection in.
func (h *Handler) add(c *conn) *refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return &refusal{http.StatusServiceUnavailable, codeOverloaded, "the server is going away"}
	case len(h.conns) >= h.options.Limits.Connections, c.subject.User == "" && h.pending >= h.options.Limits.Pending:
		return &refusal{http.StatusServiceUnavailable, codeOverloaded, "too many connections"}
	}
	h.conns[c] = struct{}{}
	if c.pending = c.subject.User == ""; c.pending {
		h.pending++
		return nil
	}
	c.admitted = h.admitLocked(c.subject)
	return nil
}

// admit counts an authenticated connection of its user; false when there are too many.
func (h *Handler) admit(c *conn, subject Subject) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.pending {
		c.pending = false
		h.pending--
	}
	c.admitted = h.admitLocked(subject)
	return c.admitted
}

func (h *Handler) admitLocked(subject Subject) bool {
	key := userKey{subject.User, subject.Workspace}
	if h.perUser[key] >= h.options.Limits.PerUser {
		return false
	}
	h.perUser[key]++
	return true
}

// remove counts a connection out.
func (h *Handler) remove(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	if c.pending {
		h.pending--
	}
	if c.admitted {
		key := userKey{c.subject.User, c.subject.Workspace}
		if h.perUser[key]--; h.perUser[key] == 0 {
			delete(h.perUser, key)
		}
	}
	if h.draining && len(h.conns) == 0 {
		close(h.empty)
	}
}

// Shutdown refuses new connections, closes the open ones with CloseDraining after what waits in their queues, and waits
// until they are gone. When ctx ends first, the rest are cut off and its error is returned. Shutting down twice waits
// twice.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	if !h.draining {
		h.draining = true
		if len(h.conns) == 0 {
			close(h.empty)
		}
	}
	open := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		open = append(open, c)
	}
	h.mu.Unlock()
	for _, c := range open {
		c.fail(CloseDraining, "server is going away")
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
	}
	for _, c := range open {
		c.kill()
	}
	<-h.empty
	return fmt.Errorf("drain websockets: %w", ctx.Err())
}

// Connections is how many connections are open.
func (h *Handler) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}
