package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// published is a place with a view behind a key, of the admin.
func published(t *testing.T, in *instance, slug string) (p *place, view, key string) {
	t.Helper()
	p = newPlace(t, in)
	p.fill()
	view = p.must(t, 201, "admin", "POST", p.at("/views"), `{"base_id":"`+p.base+`","name":"`+slug+`","query":{"source":{"table":"Things"},"columns":["Name"]}}`).text(t, "id")
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"`+slug+`","mode":"key"}`)
	return p, view, p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api/keys", nil).text(t, "key")
}

// TestAttack22SocketOfAnotherWorkspace subscribes to a table of another workspace and listens while it changes.
func TestAttack22SocketOfAnotherWorkspace(t *testing.T) {
	victim := newPlace(t, shared)
	mine := shared.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"Mine"}`).text(t, "id")
	_, res, err := shared.dial(t, "stranger", victim.workspace, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	_, random, err := shared.dial(t, "stranger", "wsp_00000000000000000000000000", nil)
	require.Error(t, err)
	require.Equal(t, res.StatusCode, random.StatusCode)
	s, _, err := shared.dial(t, "stranger", mine, nil)
	require.NoError(t, err)
	refused := s.subscribe(victim.table)
	require.Contains(t, refused, "not_found")
	missing := s.subscribe("tbl_00000000000000000000000000")
	require.Equal(t, strings.ReplaceAll(missing, "tbl_00000000000000000000000000", "ID"), strings.ReplaceAll(refused, victim.table, "ID"))
	victim.insert(`{"Name":"a canary"}`)
	s.quiet(500 * time.Millisecond)
}

// TestAttack45UnpublishedIsGone takes a view off and asks for it in every way that worked before.
func TestAttack45UnpublishedIsGone(t *testing.T) {
	p, view, key := published(t, shared, "soon-gone")
	path := "/public/views/soon-gone/data"
	first := p.must(t, 200, "", "GET", path+"?limit=2", nil, "X-Api-Key", key)
	cursor := first.text(t, "page.next_cursor")
	p.must(t, 204, "admin", "DELETE", "/api/v1/views/"+view+"/api", nil)
	never := plainly(t, p.do(t, "", "GET", "/public/views/never-there/data", nil, "X-Api-Key", key))
	for name, headers := range map[string][]string{
		"the key": {"X-Api-Key", key}, "the key as bearer": {"Authorization", "Bearer " + key}, "no key": nil,
		"a cached copy": {"X-Api-Key", key, "If-None-Match", first.header.Get("ETag")}, "since then": {"X-Api-Key", key, "If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"},
	} {
		for _, query := range []string{"", "?limit=2&cursor=" + cursor} {
			a := p.do(t, "", "GET", path+query, nil, headers...)
			require.Equal(t, 404, a.status, name)
			require.Equal(t, never, plainly(t, a), name)
		}
	}
	// Published anew it has new keys: the old one stays dead.
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"soon-gone","mode":"key"}`)
	require.Equal(t, 401, p.do(t, "", "GET", path, nil, "X-Api-Key", key).status)
}

// TestAttack46KeyOfAnotherView shows the key of one view at another one, of the same workspace and of another, and in the URL.
func TestAttack46KeyOfAnotherView(t *testing.T) {
	_, one, key := published(t, shared, "first-view")
	p, other, second := published(t, shared, "second-view")
	p.must(t, 200, "", "GET", "/public/views/first-view/data", nil, "X-Api-Key", key)
	wrong := p.do(t, "", "GET", "/public/views/second-view/data", nil, "X-Api-Key", key)
	require.Equal(t, 401, wrong.status, "that the slug is taken is no secret: whoever has it was given it")
	require.Equal(t, plainly(t, p.do(t, "", "GET", "/public/views/second-view/data", nil)), plainly(t, wrong), "a key of elsewhere is as good as none")
	for _, name := range keyParams {
		a := p.do(t, "", "GET", "/public/views/second-view/data?"+name+"="+second, nil)
		require.Equal(t, 401, a.status, name)
		require.NotContains(t, a.body, "bolt")
	}
	// A key is no token of the API, and opens nothing beside its view.
	for _, path := range []string{"/api/v1/views/" + one, "/api/v1/views/" + one + "/data", "/api/v1/workspaces", "/api/v1/tables/" + p.table + "/rows"} {
		a := p.do(t, "", "GET", path, nil, "Authorization", "Bearer "+key)
		require.Equal(t, 401, a.status, path)
	}
	// Keys are deleted by the view that they belong to.
	id := p.must(t, 200, "admin", "GET", "/api/v1/views/"+other+"/api", nil).text(t, "keys.0.id")
	p.must(t, 404, "admin", "DELETE", "/api/v1/views/"+one+"/api/keys/"+id, nil)
	p.must(t, 200, "", "GET", "/public/views/second-view/data", nil, "X-Api-Key", second)
}

// TestAttack82PublishedViewInOtherHands has people take over a published view and a slug that is taken.
func TestAttack82PublishedViewInOtherHands(t *testing.T) {
	p, view, key := published(t, shared, "taken-slug")
	api := "/api/v1/views/" + view + "/api"
	before := p.must(t, 200, "owner", "GET", api, nil).body
	p.check(t, []request{
		{name: "an editor publishes it", who: "editor", method: "POST", path: api, body: `{"slug":"mine-now","mode":"public"}`, status: 403},
		{name: "an editor makes a key", who: "editor", method: "POST", path: api + "/keys", status: 403},
		{name: "an editor names another publisher", who: "editor", method: "PUT", path: api, body: `{"slug":"taken-slug","mode":"key","created_by":"` + p.id("editor") + `"}`, status: 400},
		{name: "a viewer takes it off", who: "viewer", method: "DELETE", path: api, status: 403},
		{name: "an editor changes what it shows", who: "editor", method: "PATCH", path: "/api/v1/views/" + view, body: `{"query":{"source":{"table":"Things"}}}`, status: 403},
	})
	// The slug, from the same workspace and from another: taken, and not by whom.
	other := newPlace(t, shared)
	theirs := other.must(t, 201, "owner", "POST", other.at("/views"), `{"base_id":"`+other.base+`","name":"V","query":{"source":{"table":"Things"}}}`).text(t, "id")
	a := other.must(t, 409, "owner", "POST", "/api/v1/views/"+theirs+"/api", `{"slug":"taken-slug","mode":"public"}`)
	for _, holder := range []string{view, p.workspace, p.id("admin"), "admin", p.base} {
		require.NotContains(t, a.body, holder)
	}
	require.Equal(t, before, p.must(t, 200, "owner", "GET", api, nil).body)
	p.must(t, 200, "", "GET", "/public/views/taken-slug/data", nil, "X-Api-Key", key)
	other.must(t, 404, "owner", "GET", "/api/v1/views/"+theirs+"/api", nil)
}
