package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
	"github.com/livetables/livetables/realtime"
	"github.com/livetables/livetables/realtime/ws"
)

func socketRoutes() []route {
	return []route{{method: "GET", path: api + "/ws", handler: serveSocket, audience: sockets}}
}

func serveSocket(c *call) error {
	if !strings.EqualFold(c.r.Header.Get("Upgrade"), "websocket") {
		c.w.Header().Set("Upgrade", "websocket")
		return problemOf(http.StatusUpgradeRequired, "upgrade_required", "this route is a WebSocket")
	}
	c.s.sockets.ServeHTTP(c.w, c.r)
	return nil
}

func (s *Server) newSockets() (*ws.Handler, error) {
	h, err := ws.New(ws.Options{Authenticate: s.socketSubject, Recheck: s.recheckSocket, Source: rooms{s}, Origins: s.opt.Origins, Logger: s.log})
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return h, nil
}

// socketSubject finds out whose socket it is and for which workspace, named by workspace_id in the URL.
func (s *Server) socketSubject(ctx context.Context, token string, r *http.Request) (ws.Subject, error) {
	if len(token) > maxToken {
		return ws.Subject{}, ws.ErrUnauthorized
	}
	who, err := s.opt.Auth.Verify(ctx, token)
	if err != nil {
		return ws.Subject{}, socketError(err)
	}
	workspace := r.URL.Query().Get("workspace_id")
	if err := s.sponsored(ctx, who); err != nil {
		return ws.Subject{}, socketError(err)
	}
	if _, err := s.opt.Engine.As(principalOf(who)).Can(ctx, workspace, rbac.ReadData, ""); err != nil {
		return ws.Subject{}, socketError(err)
	}
	return ws.Subject{User: who.UserID, Workspace: workspace, Session: s.holders.add(who, s.opt.Clock()), ExpiresAt: who.ExpiresAt}, nil
}

// recheckSocket asks whether the session behind an open socket still counts.
func (s *Server) recheckSocket(ctx context.Context, subject ws.Subject) error {
	who, ok := s.holders.find(subject.Session, s.opt.Clock())
	if !ok {
		return ws.ErrUnauthorized
	}
	return socketError(s.stillCounts(ctx, who))
}

// holders are the identities behind open sockets, which are asked about every other second. One that has not been asked
// about for holderLife has no socket any more.
type holders struct {
	mu     sync.Mutex
	count  int64
	byName map[string]*holder
	swept  time.Time
}

type holder struct {
	who  auth.Identity
	used time.Time
}

const holderLife = 5 * time.Minute

// add keeps an identity and answers the name under which it is found.
func (h *holders) add(who auth.Identity, now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.swept) > holderLife {
		maps.DeleteFunc(h.byName, func(_ string, held *holder) bool { return now.Sub(held.used) > holderLife })
		h.swept = now
	}
	h.count++
	name := strconv.FormatInt(h.count, 36)
	h.byName[name] = &holder{who, now}
	return name
}

func (h *holders) find(name string, now time.Time) (auth.Identity, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, ok := h.byName[name]
	if !ok {
		return auth.Identity{}, false
	}
	held.used = now
	return held.who, true
}

// rooms are the engine's tables in the form that sockets know.
type rooms struct{ s *Server }

var _ ws.Source = rooms{}

// Subscribe implements ws.Source.
func (r rooms) Subscribe(ctx context.Context, subject ws.Subject, room string, since *realtime.Position) (ws.Stream, error) {
	table, ok := strings.CutPrefix(room, "/data/")
	if !ok {
		return nil, ws.ErrNotFound
	}
	who, ok := r.s.holders.find(subject.Session, r.s.opt.Clock())
	if !ok {
		return nil, ws.ErrUnauthorized
	}
	access := r.s.opt.Engine.As(principalOf(who))
	t, err := access.Table(ctx, table)
	if err != nil {
		return nil, socketError(err)
	}
	if t.Workspace != subject.Workspace {
		return nil, ws.ErrNotFound
	}
	sub, err := access.Subscribe(ctx, table, since)
	if err != nil {
		return nil, socketError(err)
	}
	return tableStream{sub}, nil
}

// tableStream is a subscription in the form that sockets know.
type tableStream struct{ *livetables.Subscription }

// Next implements ws.Stream.
func (t tableStream) Next(ctx context.Context) (ws.Frame, error) {
	f, err := t.Subscription.Next(ctx)
	if err != nil {
		return ws.Frame{}, socketError(err)
	}
	ops := f.Ops
	if ops == nil {
		ops = []livetables.RowChange{}
	}
	data, err := json.Marshal(struct {
		Ops []livetables.RowChange `json:"ops"`
	}{ops})
	if err != nil {
		return ws.Frame{}, fmt.Errorf("encode frame: %w", err)
	}
	return ws.Frame{Event: f.Event, Position: f.Position, At: f.At, Data: data}, nil
}

// socketError says an error in the words of sockets.
func socketError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, auth.ErrUnauthenticated):
		return errors.Join(ws.ErrUnauthorized, err)
	case errors.Is(err, livetables.ErrRevoked):
		return errors.Join(ws.ErrRevoked, err)
	}
	switch livetables.Code(err) {
	case livetables.CodeNotFound, livetables.CodeArchived:
		return errors.Join(ws.ErrNotFound, err)
	case livetables.CodeForbidden:
		return errors.Join(ws.ErrForbidden, err)
	case livetables.CodeSourceUnavailable, livetables.CodeTimeout:
		return errors.Join(ws.ErrUnavailable, err)
	case livetables.CodeSchemaChanged:
		return errors.Join(ws.ErrSchemaChanged, err)
	case livetables.CodeHistoryCut:
		return errors.Join(ws.ErrUnrecoverable, err)
	}
	return err
}
