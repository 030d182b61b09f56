package httpapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestViewsAndPublishing(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	made := p.must(t, 201, "editor", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"Cheap","query":{"source":{"table":"Things"},"filters":"Price < 100",
		"computed_columns":[{"name":"Worth","expr":"Price * Left"}],"columns":["Name","Price","Worth"],"sorts":["-Price"]}}`)
	view := "/api/v1/views/" + made.text(t, "id")
	p.check(t, []request{
		{name: "bad query", who: "editor", method: "POST", path: "/api/v1/views", body: `{"base_id":"` + p.base + `","name":"X","query":{"source":{"table":"Things"},"filters":"Nope"}}`, status: 400, want: []string{"$.query.filters"}},
		{name: "bad form of a query", who: "editor", method: "POST", path: p.at("/views"), body: `{"base_id":"` + p.base + `","name":"X","query":{"from":"Things"}}`, status: 400, want: []string{"$.query.from"}},
		{name: "no query", who: "editor", method: "POST", path: p.at("/views"), body: `{"base_id":"` + p.base + `","name":"X"}`, status: 400, want: []string{"$.query"}},
		{name: "list", who: "viewer", method: "GET", path: "/api/v1/views?workspace_id=" + p.workspace, status: 200, want: []string{`"Cheap"`, `"query":null`}},
		{name: "get", who: "editor", method: "GET", path: view, status: 200, want: []string{p.columns["Price"]}},
		{name: "data", who: "viewer", method: "GET", path: view + "/data", status: 200, want: []string{`"data":[{"fields":{"Name":"gear","Price":14.5,"Worth":174}},{"fields":{"Name":"spring"`}, unwanted: []string{"motor", "Left"}},
		{name: "narrowed", who: "viewer", method: "GET", path: view + "/data?Worth.gt=0&sort=Name&fields=Name&count=exact", status: 200, want: []string{`"data":[{"fields":{"Name":"bolt"}},{"fields":{"Name":"gear"}}]`, `"exact":2`}},
		{name: "by formula", who: "viewer", method: "GET", path: view + "/data?filter=Worth%3E175", status: 200, want: []string{"bolt"}, unwanted: []string{"gear"}},
		{name: "a column of the table, not of the view", who: "viewer", method: "GET", path: view + "/data?Left.gt=0", status: 400, want: []string{"unknown_column"}},
		{name: "rename", who: "editor", method: "PATCH", path: view, body: `{"name":"Cheaper","version":1}`, status: 200, want: []string{`"version":2`}},
		{name: "an older version", who: "editor", method: "PATCH", path: view, body: `{"name":"X"}`, headers: []string{"If-Match", `"1"`}, status: 409},
		{name: "columns may be renamed", who: "owner", method: "PATCH", path: "/api/v1/tables/" + p.table + "/columns/" + p.columns["Left"], body: `{"name":"Stock"}`, status: 200},
		{name: "the view holds", who: "viewer", method: "GET", path: view + "/data?fields=Worth", status: 200, want: []string{"174"}},
	})

	slug := "cheap-" + p.workspace[4:]
	public := "/public/views/" + slug + "/data"
	p.check(t, []request{
		{name: "not published", method: "GET", path: public, status: 404},
		{name: "editors do not publish", who: "editor", method: "POST", path: view + "/api", body: `{"slug":"` + slug + `"}`, status: 403},
		{name: "bad slug", who: "admin", method: "POST", path: view + "/api", body: `{"slug":"A B"}`, status: 400, want: []string{"$.slug"}},
		{name: "bad mode", who: "admin", method: "POST", path: view + "/api", body: `{"slug":"` + slug + `","mode":"open"}`, status: 400, want: []string{"$.mode"}},
		{name: "PUT publishes nothing", who: "admin", method: "PUT", path: view + "/api", body: `{"slug":"` + slug + `"}`, status: 404},
		{name: "publish", who: "admin", method: "POST", path: view + "/api", body: `{"slug":"` + slug + `"}`, status: 201},
		{name: "once", who: "admin", method: "POST", path: view + "/api", body: `{"slug":"` + slug + `"}`, status: 409},
		{name: "a past expiry", who: "admin", method: "POST", path: view + "/api/keys", body: `{"expires_at":"2020-01-01T00:00:00Z"}`, status: 400, want: []string{"$.expires_at"}},
		{name: "no key", method: "GET", path: public, status: 401, want: []string{"key_required"}, unwanted: []string{"gear", "Worth"}},
		{name: "a wrong key", method: "GET", path: public, headers: []string{"X-Api-Key", "key_00000000000000000000000000.x"}, status: 401},
		{name: "an account's token", who: "owner", method: "GET", path: public, status: 401},
	})
	made = p.must(t, 201, "admin", "POST", view+"/api/keys", `{"expires_at":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`)
	key, id := made.text(t, "key"), made.text(t, "id")
	with := []string{"X-Api-Key", key}
	p.check(t, []request{
		{name: "with its key", method: "GET", path: public + "?limit=1", headers: with, status: 200, want: []string{`"gear"`, `"has_more":true`}},
		{name: "as a bearer", method: "GET", path: public, headers: []string{"Authorization", "Bearer " + key}, status: 200, want: []string{`"gear"`}},
		{name: "both", method: "GET", path: public, headers: []string{"Authorization", "Bearer " + key, "X-Api-Key", key}, status: 401},
		{name: "in the URL (46)", method: "GET", path: public + "?key=" + key, status: 401, want: []string{"key_in_url"}},
		{name: "also beside the header (46)", method: "GET", path: public + "?api_key=x", headers: with, status: 401},
		{name: "columns outside the view (43)", method: "GET", path: public + "?Stock.gt=1", headers: with, status: 400, want: []string{"unknown_column"}},
		{name: "fields outside (43)", method: "GET", path: public + "?fields=Stock", headers: with, status: 400},
		{name: "sort outside (43)", method: "GET", path: public + "?sort=Secret", headers: with, status: 400},
		{name: "formula outside (43)", method: "GET", path: public + "?filter=Stock%3E1", headers: with, status: 400, want: []string{"unknown_column"}},
		{name: "group (43)", method: "GET", path: public + "?group=Stock", headers: with, status: 400},
		{name: "narrowed", method: "GET", path: public + "?Price.lt=1&fields=Name", headers: with, status: 200, want: []string{`"data":[{"fields":{"Name":"bolt"}}]`}},
		{name: "the key opens nothing else", method: "GET", path: view, headers: []string{"Authorization", "Bearer " + key}, status: 401},
		{name: "nor is written through", method: "POST", path: public, body: `{}`, headers: with, status: 405},
		{name: "shown once", who: "admin", method: "GET", path: view + "/api", status: 200, want: []string{id, slug}, unwanted: []string{key, "hash"}},
		{name: "audit without it (60)", who: "owner", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace, status: 200, want: []string{"share.create"}, unwanted: []string{key}},
	})
	t.Run("the key of another view (46)", func(t *testing.T) {
		second := "/api/v1/views/" + p.must(t, 201, "editor", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"Two","query":{"source":{"table":"Things"}}}`).text(t, "id")
		p.must(t, 201, "admin", "POST", second+"/api", `{"slug":"two-`+slug+`"}`)
		other := p.must(t, 201, "admin", "POST", second+"/api/keys", nil).text(t, "key")
		p.must(t, 401, "", "GET", public, nil, "X-Api-Key", other)
		p.must(t, 409, "admin", "PUT", second+"/api", `{"slug":"`+slug+`"}`) // (82)
	})
	t.Run("the publisher's rights decide", func(t *testing.T) {
		p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("admin")), `{"role":"viewer"}`)
		p.must(t, 404, "", "GET", public, nil, with...)
		p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("admin")), `{"role":"admin"}`)
		p.must(t, 200, "", "GET", public, nil, with...)
	})
	p.check(t, []request{
		{name: "revoke", who: "admin", method: "DELETE", path: view + "/api/keys/" + id, status: 204},
		{name: "at once (36)", method: "GET", path: public, headers: with, status: 401},
		{name: "public", who: "admin", method: "PUT", path: view + "/api", body: `{"slug":"` + slug + `","mode":"public"}`, status: 200},
		{name: "without a key then", method: "GET", path: public, status: 200, want: []string{"gear"}},
		{name: "unpublish", who: "admin", method: "DELETE", path: view + "/api", status: 204},
		{name: "at once (45)", method: "GET", path: public, headers: with, status: 404},
		{name: "delete", who: "editor", method: "DELETE", path: view, status: 204},
		{name: "gone", who: "editor", method: "GET", path: view + "/data", status: 404},
	})
	require.NotContains(t, p.log.String(), key)
}
