package httpapi

import "testing"

// TestProjects walks through the routes of projects.
func TestProjects(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "owner", "POST", p.at("/projects"), `{"name":"Shop","description":"all of it"}`)
	id := made.text(t, "id")
	path := "/api/v1/projects/" + id
	p.check(t, []request{
		{name: "one", who: "viewer", method: "GET", path: path, status: 200, want: []string{`"name":"Shop"`, `"description":"all of it"`, `"version":1`}},
		{name: "list", who: "viewer", method: "GET", path: p.at("/projects"), status: 200, want: []string{id}},
		{name: "list by parameter", who: "viewer", method: "GET", path: "/api/v1/projects?workspace_id=" + p.workspace, status: 200, want: []string{id}},
		{name: "list of nothing", who: "viewer", method: "GET", path: "/api/v1/projects", status: 400, want: []string{"?workspace_id"}},
		{name: "the same name", who: "admin", method: "POST", path: "/api/v1/projects?workspace_id=" + p.workspace, body: `{"name":"shop"}`, status: 409, want: []string{"exists"}},
		{name: "no name", who: "admin", method: "POST", path: p.at("/projects"), body: `{"name":" "}`, status: 400, want: []string{"$.name"}},
		{name: "unknown key", who: "admin", method: "POST", path: p.at("/projects"), body: `{"name":"X","workspace_id":"y"}`, status: 400, want: []string{"$.workspace_id"}},
		{name: "by an editor", who: "editor", method: "POST", path: p.at("/projects"), body: `{"name":"X"}`, status: 403},
		{name: "by a stranger", who: "stranger", method: "GET", path: path, status: 404, unwanted: []string{"Shop"}},
		{name: "an old version", who: "admin", method: "PATCH", path: path, body: `{"name":"X","version":7}`, status: 409, want: []string{"current_version"}},
		{name: "rename", who: "admin", method: "PATCH", path: path, body: `{"name":"Store"}`, headers: []string{"If-Match", `"1"`}, status: 200, want: []string{`"version":2`}},
		{name: "a base into it", who: "admin", method: "PATCH", path: "/api/v1/bases/" + p.base, body: `{"project_id":"` + id + `"}`, status: 200, want: []string{`"project_id":"` + id}},
		{name: "a base made in it", who: "admin", method: "POST", path: p.at("/bases"), body: `{"name":"B2","project_id":"` + id + `"}`, status: 201, want: []string{`"project_id":"` + id}},
		{name: "delete it with bases", who: "admin", method: "DELETE", path: path, status: 409, want: []string{"not_empty"}},
		{name: "a base out of it", who: "admin", method: "PATCH", path: "/api/v1/bases/" + p.base, body: `{"project_id":""}`, status: 200, unwanted: []string{"project_id"}},
		{name: "delete it and keep the other", who: "admin", method: "DELETE", path: path + "?keep_bases=true&version=2", status: 204},
		{name: "gone", who: "owner", method: "GET", path: path, status: 404},
		{name: "its base is not", who: "viewer", method: "GET", path: p.at("/bases"), status: 200, want: []string{"B2"}, unwanted: []string{id}},
		{name: "all of it is in the log", who: "owner", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace + "&resource_id=" + id, status: 200, want: []string{"project.create", "project.update", "project.delete"}},
	})
}
