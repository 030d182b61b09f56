package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// socket is a WebSocket of an account in a workspace.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
}

// dial opens a socket; who "" sends no token.
func (in *instance) dial(t testing.TB, who, workspace string, header http.Header) (*socket, *http.Response, error) {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	if who != "" {
		header.Set("Authorization", "Bearer "+in.tokens[who].Access.Reveal())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	url := "ws" + strings.TrimPrefix(in.server.URL, "http") + "/api/v1/ws?workspace_id=" + workspace
	conn, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, res, err
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t, conn}, res, nil
}

func (s *socket) send(text string) {
	s.t.Helper()
	require.NoError(s.t, s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)))
}

// next waits for the next message, unwrapping one of a batch.
func (s *socket) next() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	_, data, err := s.conn.Read(ctx)
	require.NoError(s.t, err)
	return string(data)
}

// quiet demands that nothing comes for a while.
func (s *socket) quiet(d time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	_, data, err := s.conn.Read(ctx) // which ends the connection
	require.Error(s.t, err, string(data))
}

func (s *socket) subscribe(table string) string {
	s.t.Helper()
	s.send(`{"id":1,"op":"subscribe","room":"/data/` + table + `"}`)
	return s.next()
}

func TestSocketHearsChanges(t *testing.T) {
	p := newPlace(t, shared)
	row := p.insert(`{"Name":"gear","Secret":"s-gear"}`)
	p.hideSecret()
	viewer, _, err := p.dial(t, "viewer", p.workspace, nil)
	require.NoError(t, err)
	require.Contains(t, viewer.subscribe(p.table), `"mode":"snapshot"`)
	owner, _, err := p.dial(t, "owner", p.workspace, nil)
	require.NoError(t, err)
	owner.subscribe(p.table)

	p.must(t, 200, "editor", "PATCH", p.rows("/"+row), `{"fields":{"Left":7,"Secret":"s-new"}}`)
	frame := viewer.next()
	require.Contains(t, frame, "data:update")
	require.Contains(t, frame, row)
	require.Contains(t, frame, `"ver":2`)
	require.Contains(t, frame, `"`+p.columns["Left"]+`":7`)
	require.NotContains(t, frame, "s-new")
	require.NotContains(t, frame, p.columns["Secret"])
	require.Equal(t, 1, strings.Count(frame, row))
	require.Contains(t, owner.next(), "s-new")

	// A change of the hidden column alone is none for the viewer; the next visible one comes without a gap.
	p.must(t, 200, "editor", "PATCH", p.rows("/"+row), `{"fields":{"Secret":"s-newer"}}`)
	p.must(t, 200, "editor", "PATCH", p.rows("/"+row), `{"fields":{"Left":8}}`)
	next := viewer.next()
	require.Contains(t, next, `"`+p.columns["Left"]+`":8`)
	var one, two struct{ Offset int64 }
	require.NoError(t, json.Unmarshal([]byte(frame), &one))
	require.NoError(t, json.Unmarshal([]byte(next), &two))
	require.Equal(t, one.Offset+1, two.Offset)
	viewer.quiet(300 * time.Millisecond)
}

func TestSocketRefusals(t *testing.T) {
	p := newPlace(t, shared)
	t.Run("another workspace's table (22)", func(t *testing.T) {
		own := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"mine"}`).text(t, "id")
		s, _, err := p.dial(t, "stranger", own, nil)
		require.NoError(t, err)
		foreign := s.subscribe(p.table)
		require.Contains(t, foreign, "not_found")
		require.Equal(t, foreign, s.subscribe("tbl_00000000000000000000000000"))
		p.insert(`{"Name":"n"}`)
		s.quiet(300 * time.Millisecond)
	})
	t.Run("one's own table of another workspace", func(t *testing.T) {
		other := newPlace(t, shared)
		s, _, err := p.dial(t, "owner", p.workspace, nil)
		require.NoError(t, err)
		require.Contains(t, s.subscribe(other.table), "not_found")
	})
	t.Run("another workspace", func(t *testing.T) {
		_, res, err := p.dial(t, "stranger", p.workspace, nil)
		require.Error(t, err)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	})
	t.Run("a foreign page (57)", func(t *testing.T) {
		_, res, err := p.dial(t, "owner", p.workspace, http.Header{"Origin": {"https://evil.example"}})
		require.Error(t, err)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	})
	t.Run("a token in the URL", func(t *testing.T) {
		_, res, err := p.dial(t, "", p.workspace+"&token=x", nil)
		require.Error(t, err)
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
	})
	t.Run("without a credential nothing happens (58)", func(t *testing.T) {
		s, _, err := p.dial(t, "", p.workspace, nil)
		require.NoError(t, err)
		s.send(`{"id":1,"op":"subscribe","room":"/data/` + p.table + `"}`)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, data, err := s.conn.Read(ctx)
		if err == nil {
			require.Contains(t, string(data), "unauthorized")
			_, _, err = s.conn.Read(ctx)
		}
		require.Error(t, err)
		require.NoError(t, ctx.Err(), "closed within 5 s")
	})
	t.Run("plain GET", func(t *testing.T) {
		require.GreaterOrEqual(t, p.do(t, "owner", "GET", "/api/v1/ws?workspace_id="+p.workspace, nil).status, 400)
	})
}

// TestSocketLosesRights removes a member and logs one out while their sockets are open (70).
func TestSocketLosesRights(t *testing.T) {
	in := newInstance(t, nil, "owner", "viewer", "editor")
	p := newPlace(t, in)
	for _, who := range []string{"viewer", "editor"} {
		s, _, err := in.dial(t, who, p.workspace, nil)
		require.NoError(t, err)
		require.Contains(t, s.subscribe(p.table), `"ok"`)
		if who == "viewer" {
			in.must(t, 204, "owner", "DELETE", p.at("/members/"+in.id("viewer")), nil)
		} else {
			in.must(t, 204, who, "POST", "/api/v1/auth/logout", nil)
		}
		began := time.Now()
		p.insert(`{"Name":"after"}`)
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
			_, data, err := s.conn.Read(ctx)
			cancel()
			if who == "viewer" && err == nil {
				require.NotContains(t, string(data), "after")
				require.Contains(t, string(data), "error")
				break
			}
			if err != nil {
				break
			}
		}
		require.Less(t, time.Since(began), 5*time.Second)
	}
}

func TestDrain(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	s, _, err := in.dial(t, "owner", p.workspace, nil)
	require.NoError(t, err)
	s.subscribe(p.table)
	done := make(chan error, 1)
	go func() { done <- in.api.Drain(t.Context()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _, err = s.conn.Read(ctx)
	require.Equal(t, websocket.StatusCode(4503), websocket.CloseStatus(err))
	require.NoError(t, <-done)
	_, res, err := in.dial(t, "owner", p.workspace, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}
