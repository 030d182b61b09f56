package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// TestReplaysAreForThoseWhoStillMay: an answer is shown again as long as the rules are those under which it was shown
// first. What a principal has lost since is not in the answer either, and the write is not done again.
func TestReplaysAreForThoseWhoStillMay(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "editor", "viewer")
	p := newPlace(t, in)
	insert := func(status int) *answer {
		return p.must(t, status, "editor", "POST", p.rows(""), `{"fields":{"Name":"n","Secret":"planted"}}`, "Idempotency-Key", "k")
	}
	first := insert(201)
	require.Contains(t, first.body, "planted")
	again := insert(201)
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Another","columns":[]}`)
	require.Equal(t, first.body, insert(201).body, "other changes do not matter")

	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","columns":{"Secret":"hidden"}}`)
	a := insert(204)
	require.Empty(t, a.body)
	require.Equal(t, first.header.Get("Location"), a.header.Get("Location"))
	require.Equal(t, "true", a.header.Get("Idempotency-Replayed"))

	p.must(t, 204, "owner", "DELETE", p.at("/members/"+p.id("editor")), nil)
	a = insert(404)
	require.NotContains(t, a.body, "planted")
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body, `"exact":1`)
}

// TestCredentialsAreNotReplayed: the key of a view is shown once, also to whoever sends the request twice.
func TestCredentialsAreNotReplayed(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner"))
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"Things"}}}`).text(t, "id")
	p.must(t, 201, "owner", "POST", "/api/v1/views/"+view+"/api", `{"slug":"once"}`)
	keys := "/api/v1/views/" + view + "/api/keys"
	require.NotEmpty(t, p.must(t, 201, "owner", "POST", keys, nil, "Idempotency-Key", "k").text(t, "key"))
	a := p.must(t, 204, "owner", "POST", keys, nil, "Idempotency-Key", "k")
	require.Empty(t, a.body)
	require.Equal(t, 1, strings.Count(p.must(t, 200, "owner", "GET", "/api/v1/views/"+view+"/api", nil).body, `"id":"key_`), "one key was made")
}

// TestClientLeaves: a write with a key ends, and its answer is kept, though the client has gone before it was sent.
func TestClientLeaves(t *testing.T) {
	in := newInstance(t, nil, "root", "owner")
	p := newPlace(t, in)
	entered, left, went := make(chan struct{}), make(chan struct{}), make(chan struct{})
	in.api.mux.Handle("POST /slow/{table}", in.api.handle(route{method: "POST", path: "/slow/{table}", audience: accounts, body: bodyJSON, handler: func(c *call) error {
		close(entered)
		<-left
		select {
		case <-c.ctx().Done():
			t.Error("the write ended with its client")
		case <-time.After(100 * time.Millisecond):
		}
		defer close(went)
		return insertRow(c)
	}}))
	conn := dial(t, in)
	request := `{"fields":{"Name":"n"}}`
	send(t, conn, "POST /slow/"+p.table+" HTTP/1.1", in.tokens["owner"].Access.Reveal(), request, "Idempotency-Key: k")
	<-entered // a client that leaves before has asked for nothing
	require.NoError(t, conn.Close())
	close(left)
	<-went
	a := p.must(t, 201, "owner", "POST", "/slow/"+p.table, request, "Idempotency-Key", "k")
	require.Equal(t, "true", a.header.Get("Idempotency-Replayed"))
	require.Contains(t, a.body, `"Name":"n"`)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body, `"exact":1`)
}

// TestDoubtfulWrites: a write that fails in a way that says nothing of its effect is not done again under its key; one that
// was refused is.
func TestDoubtfulWrites(t *testing.T) {
	in := newInstance(t, nil, "root", "owner")
	p := newPlace(t, in)
	for path, after := range map[string]func(*call) error{
		"/panics": func(*call) error { panic("after the effect") },
		"/fails":  func(*call) error { return errors.New("after the effect") },
		"/breaks": func(c *call) error { _, _ = c.w.Write([]byte("half")); return errors.New("midway") },
	} {
		in.api.mux.Handle("POST "+path+"/{table}", in.api.handle(route{method: "POST", path: path + "/{table}", audience: accounts, body: bodyJSON, handler: func(c *call) error {
			if _, err := c.apply1(t, p); err != nil {
				return err
			}
			return after(c)
		}}))
		req, err := http.NewRequest(http.MethodPost, in.server.URL+path+"/"+p.table, strings.NewReader(`{}`))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", path)
		req.Header.Set("Authorization", "Bearer "+in.tokens["owner"].Access.Reveal())
		if res, err := http.DefaultClient.Do(req); err == nil {
			require.NotEqual(t, 201, res.StatusCode)
			_ = res.Body.Close()
		}
		for range 2 {
			a := p.must(t, 409, "owner", "POST", path+"/"+p.table, `{}`, "Idempotency-Key", path)
			require.Equal(t, "idempotency_unknown", a.text(t, "code"))
		}
	}
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body, `"exact":3`)
	in.join(t, p.workspace, "root", rbac.Viewer)
	p.must(t, 403, "root", "POST", p.rows(""), `{"fields":{"Name":"n"}}`, "Idempotency-Key", "k")
	p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("root")), `{"role":"editor"}`)
	p.must(t, 201, "root", "POST", p.rows(""), `{"fields":{"Name":"n"}}`, "Idempotency-Key", "k")
}

// apply1 inserts a row, as the effect of a request of which more follows.
func (c *call) apply1(t testing.TB, p *place) (*answer, error) {
	return p.must(t, 201, "owner", "POST", p.rows(""), `{"fields":{"Name":"n"}}`), nil
}
