package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

// grant makes a personal access token of an account and lets tests use it under a name of its own.
func (in *instance) grant(t testing.TB, who, as string, actions []rbac.Action, resources ...string) (id string) {
	t.Helper()
	made := in.must(t, 201, who, "POST", "/api/v1/auth/tokens", map[string]any{
		"name": as, "scopes": actions, "resources": orEmpty(resources), "expires_at": time.Now().Add(time.Hour),
	})
	in.tokens[as] = auth.Tokens{Access: secret(made.text(t, "token"))}
	return made.text(t, "id")
}

func allActions() (all []rbac.Action) {
	for a := range rbac.Actions() {
		all = append(all, a)
	}
	return all
}

var onlyRead = []rbac.Action{rbac.ReadData}

func TestTokenLife(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	p.fill()
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	made := in.must(t, 201, "owner", "POST", "/api/v1/auth/tokens", `{"name":"ci","scopes":["data.read"],"resources":["`+p.table+`"],"expires_at":"`+end+`"}`)
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
	token, id := made.text(t, "token"), made.text(t, "id")
	require.True(t, strings.HasPrefix(token, "ltp_"+made.text(t, "prefix")[4:]+"."))
	in.tokens["ci"] = auth.Tokens{Access: secret(token)}
	require.Equal(t, p.must(t, 200, "owner", "GET", p.rows("?sort=Name"), nil).body, p.must(t, 200, "ci", "GET", p.rows("?sort=Name"), nil).body)

	listed := in.must(t, 200, "owner", "GET", "/api/v1/auth/tokens", nil)
	require.NotContains(t, listed.body, token[len("ltp_")+16:])
	require.NotEmpty(t, listed.text(t, "data.0.last_used_at"))
	require.Contains(t, in.log.String(), id, "the log knows the token by its id")
	require.NotContains(t, in.log.String(), token[len("ltp_")+16:])

	in.check(t, []request{
		{"unknown key", "owner", "POST", "/api/v1/auth/tokens", `{"name":"x","scopes":["data.read"],"expires_at":"` + end + `","admin":true}`, nil, 400, nil, nil},
		{"no expiry", "owner", "POST", "/api/v1/auth/tokens", `{"name":"x","scopes":["data.read"]}`, nil, 400, []string{"$.expires_at"}, nil},
		{"two years", "owner", "POST", "/api/v1/auth/tokens", `{"name":"x","scopes":["data.read"],"expires_at":"2036-01-01T00:00:00Z"}`, nil, 400, []string{"$.expires_at"}, nil},
		{"scope as text", "owner", "POST", "/api/v1/auth/tokens", `{"name":"x","scopes":"data.read","expires_at":"` + end + `"}`, nil, 400, nil, nil},
		{"all actions at once", "owner", "POST", "/api/v1/auth/tokens", `{"name":"x","scopes":["*"],"expires_at":"` + end + `"}`, nil, 400, []string{"$.scopes"}, nil},
		{"nobody", "", "POST", "/api/v1/auth/tokens", `{}`, nil, 401, nil, nil},
		{"GET deletes nothing (78)", "owner", "GET", "/api/v1/auth/tokens/" + id, nil, nil, 405, nil, nil},
		{"in the address", "", "GET", p.rows("?access_token=" + token), nil, nil, 401, nil, nil},
		{"with a word before", "", "GET", p.rows(""), nil, []string{"Authorization", "Token " + token}, 401, nil, nil},
		{"long", "", "GET", p.rows(""), nil, []string{"Authorization", "Bearer " + token + strings.Repeat("x", 8<<10)}, 401, nil, nil},
	})
	// 36: dead with the next request.
	in.must(t, 204, "owner", "DELETE", "/api/v1/auth/tokens/"+id, nil)
	in.must(t, 401, "ci", "GET", p.rows(""), nil)
	in.must(t, 404, "owner", "DELETE", "/api/v1/auth/tokens/"+id, nil)

	in.grant(t, "owner", "one", onlyRead)
	in.grant(t, "owner", "two", onlyRead)
	require.InDelta(t, 2, in.must(t, 200, "owner", "DELETE", "/api/v1/auth/tokens", nil).get(t, "deleted"), 0)
	in.must(t, 401, "two", "GET", p.rows(""), nil)
	in.grant(t, "owner", "three", onlyRead)
	in.must(t, 204, "owner", "POST", "/api/v1/auth/revoke-everything", nil)
	in.must(t, 401, "three", "GET", p.rows(""), nil)
	in.must(t, 401, "owner", "GET", p.rows(""), nil)
}

// TestKeysAreForData tries every route with a token that may do everything: those of accounts are for people.
func TestKeysAreForData(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	in.grant(t, "owner", "all", allActions())
	people := 0
	for _, r := range routes() {
		if r.audience != accounts || r.takesKeys() {
			require.NotContains(t, r.path, "/users", "of people")
			require.NotContains(t, r.path, "service-account", "of people")
			continue
		}
		people++
		path := strings.NewReplacer("{workspace}", p.workspace, "{user}", in.id("owner")).Replace(r.path)
		a := in.do(t, "all", r.method, path, nil)
		require.Equal(t, http.StatusForbidden, a.status, "%s: %s", r.pattern(), a.body)
		require.Equal(t, "login_required", a.text(t, "code"), r.pattern())
	}
	require.Greater(t, people, 20)
	in.must(t, 403, "all", "POST", "/api/v1/auth/logout", `{}`)
	in.must(t, 200, "owner", "GET", "/api/v1/auth/me", nil)
}

func TestScopeOfTokens(t *testing.T) {
	in := newInstance(t, nil, "owner", "editor")
	p, other := newPlace(t, in), newPlace(t, in)
	row := p.insert(`{"Name":"bolt"}`)
	second := in.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"More","columns":[{"name":"Name","type":"text"}]}`).text(t, "id")
	in.grant(t, "owner", "reads", onlyRead)
	in.grant(t, "owner", "one table", []rbac.Action{rbac.ReadData, rbac.WriteRows}, p.table)
	in.grant(t, "owner", "writes", []rbac.Action{rbac.WriteRows}, p.table)
	in.grant(t, "owner", "workspace", []rbac.Action{rbac.ReadData, rbac.UpdateWorkspace}, p.workspace)
	in.grant(t, "editor", "editor's", allActions())
	in.grant(t, "owner", "nothing here", allActions(), "tbl_00000000000000000000000000")

	rename := `{"fields":{"Name":"gear"}}`
	in.check(t, []request{
		{"read", "reads", "GET", p.rows(""), nil, nil, 200, []string{"bolt"}, nil},
		{"reading does not write", "reads", "PATCH", p.rows("/" + row), rename, nil, 403, nil, []string{"bolt"}},
		{"reading does not rename", "reads", "PATCH", p.at(""), `{"name":"X"}`, nil, 403, nil, nil},
		{"reading does not make workspaces", "reads", "POST", "/api/v1/workspaces", `{"name":"X"}`, nil, 403, nil, nil},
		{"everything makes no workspaces", "editor's", "POST", "/api/v1/workspaces", `{"name":"X"}`, nil, 403, nil, nil},
		{"reading does not leave", "reads", "DELETE", p.at("/members/" + in.id("owner")), nil, nil, 403, nil, nil},
		{"the table", "one table", "PATCH", p.rows("/" + row), rename, nil, 200, []string{"gear"}, nil},
		{"no other table", "one table", "GET", "/api/v1/tables/" + second + "/rows", nil, nil, 404, nil, nil},
		{"no other workspace", "one table", "GET", other.at(""), nil, nil, 404, nil, nil},
		{"no other workspace's members", "one table", "GET", other.at("/members"), nil, nil, 404, nil, nil},
		{"no other workspace's table", "one table", "GET", other.rows(""), nil, nil, 404, nil, nil},
		{"its workspace in the list", "one table", "GET", "/api/v1/workspaces", nil, nil, 200, []string{p.workspace}, []string{other.workspace}},
		{"no structure", "one table", "POST", "/api/v1/tables/" + p.table + "/columns", `{"name":"X","type":"text"}`, nil, 403, nil, nil},
		{"writing does not read", "writes", "GET", p.rows(""), nil, nil, 404, nil, []string{"gear"}},
		{"the workspace", "workspace", "PATCH", p.at(""), `{"name":"X"}`, nil, 200, nil, nil},
		{"another workspace", "workspace", "PATCH", other.at(""), `{"name":"X"}`, nil, 404, nil, nil},
		{"no more than the editor", "editor's", "PATCH", p.at(""), `{"name":"Y"}`, nil, 403, nil, nil},
		{"no more than the editor, deleting", "editor's", "DELETE", p.at(""), nil, nil, 403, nil, nil},
		{"nothing", "nothing here", "GET", "/api/v1/workspaces", nil, nil, 200, []string{`"data":[]`}, nil},
		{"nothing, by id", "nothing here", "GET", p.at(""), nil, nil, 404, nil, nil},
	})
	require.Equal(t, "gear", in.must(t, 200, "owner", "GET", p.rows("/"+row), nil).text(t, "fields.Name"))

	// The user's rights of the moment bound the token's.
	in.must(t, 200, "editor's", "PATCH", p.rows("/"+row), `{"fields":{"Name":"nut"}}`)
	in.must(t, 200, "owner", "PUT", p.at("/members/"+in.id("editor")), `{"role":"viewer"}`)
	in.must(t, 403, "editor's", "PATCH", p.rows("/"+row), rename)
	in.must(t, 204, "owner", "DELETE", p.at("/members/"+in.id("editor")), nil)
	in.must(t, 404, "editor's", "GET", p.rows(""), nil)
}

// TestIdempotencyIsOfOneToken: what a session has done is not told again to a token of the same person.
func TestIdempotencyIsOfOneToken(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	in.grant(t, "owner", "reads", onlyRead)
	body := `{"fields":{"Name":"the secret name"}}`
	in.must(t, 201, "owner", "POST", p.rows(""), body, "Idempotency-Key", "k1")
	require.NotContains(t, in.must(t, 403, "reads", "POST", p.rows(""), body, "Idempotency-Key", "k1").body, "secret name")
	// A key is shown once, also to those who repeat themselves.
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	ask := `{"name":"ci","scopes":["data.read"],"expires_at":"` + end + `"}`
	first := in.must(t, 201, "owner", "POST", "/api/v1/auth/tokens", ask, "Idempotency-Key", "k2").text(t, "token")
	require.NotContains(t, in.do(t, "owner", "POST", "/api/v1/auth/tokens", ask, "Idempotency-Key", "k2").body, first)
}

// TestAttack36TokenSockets opens sockets with tokens and deletes these.
func TestAttack36TokenSockets(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p := newPlace(t, in)
	second := in.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"More","columns":[{"name":"Name","type":"text"}]}`).text(t, "id")
	id := in.grant(t, "owner", "socket", onlyRead, p.table)
	in.grant(t, "owner", "writer", []rbac.Action{rbac.WriteRows})
	s, _, err := in.dial(t, "socket", p.workspace, nil)
	require.NoError(t, err)
	require.Contains(t, s.subscribe(p.table), `"ok"`)
	require.Contains(t, s.subscribe(second), "not_found", "the socket is as narrow as the token")
	p.insert(`{"Name":"before"}`)
	require.Contains(t, s.next(), "before")

	blind, _, err := in.dial(t, "writer", p.workspace, nil)
	require.NoError(t, err)
	require.Contains(t, blind.subscribe(p.table), "not_found", "what may not be read is not heard of")

	in.must(t, 204, "owner", "DELETE", "/api/v1/auth/tokens/"+id, nil)
	began := time.Now()
	for err = nil; err == nil; {
		_, _, err = s.conn.Read(t.Context())
	}
	require.Less(t, time.Since(began), 5*time.Second)
	require.NotEqual(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "closed, not lost")
	_, res, err := in.dial(t, "socket", p.workspace, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
}
