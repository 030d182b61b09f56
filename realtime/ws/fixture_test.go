package ws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/realtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rooms is a Source of append-only rooms.
type rooms struct {
	mu    sync.Mutex
	byID  map[string]*log
	calls int
	open  atomic.Int64 // streams
	fail  error        // of Subscribe
	plain bool         // streams are not Revocable
	given []*logStream
}

type log struct {
	frames  []Frame
	first   int64         // offset of frames[0], after which the log is kept
	changed chan struct{} // closed and replaced by every change
	ended   error         // given to every stream
	denied  map[string]bool
}

func newRooms(names ...string) *rooms {
	r := &rooms{byID: make(map[string]*log)}
	for _, name := range names {
		r.byID[name] = &log{first: 1, changed: make(chan struct{}), denied: make(map[string]bool)}
	}
	return r
}

const epoch = "k1"

// add appends frames with data to a room.
func (r *rooms) add(name string, data ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.byID[name]
	for _, d := range data {
		l.frames = append(l.frames, Frame{
			Event: "data:update", At: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC), Data: json.RawMessage(d),
			Position: realtime.Position{Epoch: epoch, Offset: l.first + int64(len(l.frames))},
		})
	}
	l.wake()
}

// revoke takes access away without waking anybody.
func (r *rooms) revoke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, st := range r.given {
		st.revoked.Store(true)
	}
}

// end makes all streams of a room fail.
func (r *rooms) end(name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[name].ended = err
	r.byID[name].wake()
}

func (l *log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (r *rooms) Subscribe(ctx context.Context, s Subject, name string, since *realtime.Position) (Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if errors.Is(r.fail, context.DeadlineExceeded) {
		r.mu.Unlock()
		<-ctx.Done()
		r.mu.Lock()
		return nil, ctx.Err()
	}
	if r.fail != nil {
		return nil, r.fail
	}
	l, ok := r.byID[name]
	if !ok || l.denied[s.User] {
		return nil, fmt.Errorf("room %s: %w", name, ErrNotFound)
	}
	st := &logStream{rooms: r, log: l, mode: "snapshot", next: l.first + int64(len(l.frames))}
	if since != nil && since.Epoch == epoch && since.Offset >= l.first-1 && since.Offset < st.next {
		st.mode, st.next = "replay", since.Offset+1
	}
	r.open.Add(1)
	r.given = append(r.given, st)
	if r.plain {
		return struct{ Stream }{st}, nil
	}
	return st, nil
}

type logStream struct {
	rooms   *rooms
	log     *log
	mode    string
	next    int64
	revoked atomic.Bool
}

func (s *logStream) Start() (string, realtime.Position) {
	return s.mode, realtime.Position{Epoch: epoch, Offset: s.next - 1}
}

func (s *logStream) Next(ctx context.Context) (Frame, error) {
	for {
		s.rooms.mu.Lock()
		l := s.log
		if l.ended != nil {
			defer s.rooms.mu.Unlock()
			s.revoked.Store(errors.Is(l.ended, ErrRevoked))
			return Frame{}, l.ended
		}
		if i := s.next - l.first; i < int64(len(l.frames)) {
			defer s.rooms.mu.Unlock()
			s.next++
			return l.frames[i], nil
		}
		changed := l.changed
		s.rooms.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Frame{}, ctx.Err()
		}
	}
}

func (s *logStream) Close()        { s.rooms.open.Add(-1) }
func (s *logStream) Revoked() bool { return s.revoked.Load() }

// fixture is a handler behind a real server.
type fixture struct {
	t       *testing.T
	rooms   *rooms
	handler *Handler
	server  *httptest.Server

	mu       sync.Mutex
	subjects map[string]Subject // by token
	authErr  error
	auths    int
	sessions map[string]error // what Recheck answers
	log      strings.Builder
}

func newFixture(t *testing.T, limits Limits, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, rooms: newRooms("/data/tbl_1", "/data/tbl_2"),
		subjects: map[string]Subject{
			"ann": {User: "usr_ann", Workspace: "wsp_1", Session: "ses_ann"},
			"bob": {User: "usr_bob", Workspace: "wsp_1", Session: "ses_bob"},
		},
		sessions: map[string]error{},
	}
	options := Options{
		Source: f.rooms, Limits: limits, Authenticate: f.authenticate, Recheck: f.recheck,
		Logger: slog.New(slog.NewTextHandler(f, nil)),
	}
	if change != nil {
		change(&options)
	}
	h, err := New(options)
	require.NoError(t, err)
	f.handler = h
	f.server = httptest.NewServer(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.Shutdown(ctx)
		f.server.Close()
		require.Zero(t, f.rooms.open.Load(), "streams stay open")
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Zero(t, h.pending)
		require.Empty(t, h.perUser)
	})
	return f
}

// Write takes the log.
func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *fixture) authenticate(_ context.Context, token string, _ *http.Request) (Subject, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.auths++
	if f.authErr != nil {
		return Subject{}, f.authErr
	}
	s, ok := f.subjects[token]
	if !ok {
		return s, fmt.Errorf("%w: secret reason", ErrUnauthorized)
	}
	return s, nil
}

func (f *fixture) recheck(_ context.Context, s Subject) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sessions[s.Session]
}

func (f *fixture) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// client is a connected client.
type client struct {
	t      *testing.T
	socket *websocket.Conn
}

func (f *fixture) try(header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	return websocket.Dial(ctx, f.server.URL, &websocket.DialOptions{HTTPHeader: header})
}

// dial connects without credentials.
func (f *fixture) dial() *client {
	f.t.Helper()
	return f.dialWith(nil)
}

func (f *fixture) dialWith(header http.Header) *client {
	f.t.Helper()
	socket, _, err := f.try(header)
	require.NoError(f.t, err)
	socket.SetReadLimit(-1)
	f.t.Cleanup(func() { _ = socket.CloseNow() })
	return &client{f.t, socket}
}

// login connects with a token in the header.
func (f *fixture) login(token string) *client {
	f.t.Helper()
	return f.dialWith(http.Header{"Authorization": {"Bearer " + token}})
}

func (c *client) send(text string) {
	c.t.Helper()
	require.NoError(c.t, c.socket.Write(c.t.Context(), websocket.MessageText, []byte(text)))
}

func (c *client) read() (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	kind, data, err := c.socket.Read(ctx)
	if err == nil && kind != websocket.MessageText {
		err = fmt.Errorf("message of kind %v", kind)
	}
	return string(data), err
}

// want demands that the next message is exactly this.
func (c *client) want(text string) {
	c.t.Helper()
	got, err := c.read()
	require.NoError(c.t, err)
	require.JSONEq(c.t, text, got)
	require.True(c.t, json.Valid([]byte(got)))
}

// ask sends a command and demands its reply.
func (c *client) ask(command, reply string) {
	c.t.Helper()
	c.send(command)
	c.want(reply)
}

// ends reads on and demands that the server closes with a code.
func (c *client) ends(code websocket.StatusCode) websocket.CloseError {
	c.t.Helper()
	for {
		_, err := c.read()
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		require.ErrorAs(c.t, err, &closed)
		require.Equal(c.t, code, closed.Code, closed.Reason)
		return closed
	}
}

// gone waits until the server has no connection left.
func (f *fixture) gone() {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.handler.Connections() == 0 }, 10*time.Second, 2*time.Millisecond)
}
