package httpapi

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// innocent are the routes of data that a token may call whatever its scope, and that tell it nothing of anybody.
//
// The first lists nothing, the second is the same for everybody. That there is a workspace, its name, the role there and what
// may be done is told to every token that leads there; no token without an action can be made.
var innocent = []string{
	"GET /api/v1/workspaces", "GET /api/v1/templates",
	"GET /api/v1/workspaces/{workspace}", "GET /api/v1/workspaces/{workspace}/permissions",
}

// TestTokensScopedToNothing calls every route with an owner's tokens that allow nothing: with no action at all, with one that
// nothing asks for, with every action on things that are not there, with every action in another workspace. None is answered
// with more than what everybody may know, and none changes anything.
func TestTokensScopedToNothing(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger")
	other, p := newPlace(t, in), newPlace(t, in)
	p.fill()
	path, known := pathOf(t, p), bodies(p)
	p.must(t, 201, "owner", "POST", p.at("/projects"), `{"name":"a canary of projects"}`)

	in.grant(t, "owner", "no action", onlyRead)
	db, err := sqlite3.Open(filepath.Join(in.dir, "accounts.db"))
	require.NoError(t, err)
	require.NoError(t, db.Exec(`PRAGMA busy_timeout = 5000; UPDATE auth_key SET actions = ''`))
	require.NoError(t, db.Close())
	in.grant(t, "owner", "not there", allActions(), "tbl_00000000000000000000000000")
	in.grant(t, "owner", "another workspace", allActions(), other.workspace, other.base, other.table)

	// Keys are told so before anything is read of what they ask; what they are used for is written down now and not later.
	for _, token := range []string{"no action", "not there", "another workspace"} {
		in.do(t, token, "GET", "/api/v1/workspaces", nil)
	}
	state := p.stored(t)
	asked := 0
	for _, r := range routes() {
		if r.audience != accounts {
			continue
		}
		for _, token := range []string{"no action", "not there", "another workspace"} {
			body := any(nil)
			if text, ok := known[r.pattern()]; ok {
				body = text
			}
			a := in.do(t, token, r.method, path(r), body)
			what := r.pattern() + " with " + token + ": " + a.body
			state.unchanged(t, what)
			asked++
			if !r.takesKeys() {
				require.Equal(t, http.StatusForbidden, a.status, what)
				require.Equal(t, "login_required", a.text(t, "code"), what)
				continue
			}
			if slices.Contains(innocent, r.pattern()) && (token == "no action" || !strings.Contains(r.path, "{")) {
				require.NotContains(t, a.body, `"allowed":true`, what)
				continue
			}
			require.Contains(t, []int{400, 403, 404, 415}, a.status, what)
			for _, unwanted := range []string{p.workspace, p.base, p.table, "canary", mail("viewer")} {
				require.NotContains(t, a.body, unwanted, what)
			}
		}
	}
	require.Greater(t, asked, 250)
}

// needs is the action without which a route that takes keys does nothing and tells nothing; of two, either will do. "" is for
// those that tell every bearer of a token for the workspace what is no secret to them.
var needs = map[string]string{
	"GET /api/v1/workspaces/{workspace}/audit-logs/head":          "audit.read",
	"GET /api/v1/workspaces/{workspace}/audit-logs/export.ndjson": "audit.read",

	"GET /api/v1/workspaces/{workspace}":             "",
	"GET /api/v1/workspaces/{workspace}/can":         "",
	"GET /api/v1/workspaces/{workspace}/permissions": "",
	"PATCH /api/v1/workspaces/{workspace}":           "workspace.update",
	"DELETE /api/v1/workspaces/{workspace}":          "workspace.delete",
	"GET /api/v1/workspaces/{workspace}/networks":    "workspace.update",
	"PUT /api/v1/workspaces/{workspace}/networks":    "members.grant_admin",
	"GET /api/v1/workspaces/{workspace}/retention":   "audit.read",

	"POST /api/v1/workspaces/{workspace}/invite":             "members.manage",
	"GET /api/v1/workspaces/{workspace}/invites":             "members.manage",
	"DELETE /api/v1/workspaces/{workspace}/invites/{invite}": "members.manage",
	"GET /api/v1/workspaces/{workspace}/members":             "data.read members.manage roles.manage",
	"POST /api/v1/workspaces/{workspace}/members":            "members.manage",
	"PUT /api/v1/workspaces/{workspace}/members/{user}":      "members.manage",
	"DELETE /api/v1/workspaces/{workspace}/members/{user}":   "members.manage",
	"GET /api/v1/workspaces/{workspace}/rules":               "rules.manage",
	"PUT /api/v1/workspaces/{workspace}/rules":               "rules.manage",
	"DELETE /api/v1/workspaces/{workspace}/rules":            "rules.manage",
	"GET /api/v1/workspaces/{workspace}/roles":               "data.read members.manage roles.manage",
	"POST /api/v1/workspaces/{workspace}/roles":              "roles.manage",
	"PUT /api/v1/workspaces/{workspace}/roles/{role}":        "roles.manage",
	"DELETE /api/v1/workspaces/{workspace}/roles/{role}":     "roles.manage",
	"GET /api/v1/workspaces/{workspace}/caps":                "rules.manage",
	"PUT /api/v1/workspaces/{workspace}/caps":                "rules.manage",
	"DELETE /api/v1/workspaces/{workspace}/caps":             "rules.manage",

	"GET /api/v1/workspaces/{workspace}/projects":                             "data.read",
	"GET /api/v1/projects/{project}":                                          "data.read",
	"POST /api/v1/workspaces/{workspace}/projects":                            "tables.alter",
	"PATCH /api/v1/projects/{project}":                                        "tables.alter",
	"DELETE /api/v1/projects/{project}":                                       "tables.alter",
	"GET /api/v1/workspaces/{workspace}/bases":                                "data.read",
	"POST /api/v1/workspaces/{workspace}/bases":                               "tables.alter",
	"GET /api/v1/bases/{base}":                                                "data.read",
	"PATCH /api/v1/bases/{base}":                                              "tables.alter",
	"DELETE /api/v1/bases/{base}":                                             "tables.alter",
	"POST /api/v1/bases/{base}/duplicate":                                     "tables.alter",
	"PUT /api/v1/bases/{base}/tables/order":                                   "tables.alter",
	"GET /api/v1/bases/{base}/impact":                                         "tables.alter",
	"GET /api/v1/tables/{table}/impact":                                       "tables.alter",
	"GET /api/v1/tables/{table}/columns/{column}/impact":                      "tables.alter",
	"GET /api/v1/views/{view}/impact":                                         "views.alter",
	"GET /api/v1/connections/{connection}/impact":                             "connections.manage",
	"POST /api/v1/tables/{table}/duplicate":                                   "tables.alter",
	"POST /api/v1/tables/{table}/columns/{column}/archive":                    "tables.alter",
	"POST /api/v1/tables/{table}/columns/{column}/duplicate":                  "tables.alter",
	"GET /api/v1/tables/{table}/schema":                                       "data.read",
	"GET /api/v1/tables/{table}/schema/versions":                              "data.read",
	"GET /api/v1/tables/{table}/schema/diff":                                  "data.read",
	"POST /api/v1/tables/{table}/schema/revert":                               "tables.alter",
	"GET /api/v1/workspaces/{workspace}/trash":                                "tables.alter views.alter",
	"DELETE /api/v1/workspaces/{workspace}/trash":                             "tables.alter views.alter",
	"POST /api/v1/trash/{trash}/restore":                                      "tables.alter",
	"DELETE /api/v1/trash/{trash}":                                            "tables.alter",
	"POST /api/v1/bases/{base}/import":                                        "tables.alter",
	"GET /api/v1/bases/{base}/tables":                                         "data.read",
	"POST /api/v1/bases/{base}/tables":                                        "tables.alter",
	"GET /api/v1/tables/{table}":                                              "data.read",
	"PATCH /api/v1/tables/{table}":                                            "tables.alter",
	"DELETE /api/v1/tables/{table}":                                           "tables.alter",
	"POST /api/v1/tables/{table}/archive":                                     "tables.alter",
	"POST /api/v1/tables/{table}/restore":                                     "tables.alter",
	"GET /api/v1/tables/{table}/columns":                                      "data.read",
	"POST /api/v1/tables/{table}/columns":                                     "tables.alter",
	"PUT /api/v1/tables/{table}/columns/order":                                "tables.alter",
	"PATCH /api/v1/tables/{table}/columns/{column}":                           "tables.alter",
	"DELETE /api/v1/tables/{table}/columns/{column}":                          "tables.alter",
	"POST /api/v1/tables/{table}/columns/{column}/type":                       "tables.alter",
	"POST /api/v1/tables/{table}/formula":                                     "data.read",
	"GET /api/v1/tables/{table}/indexes":                                      "data.read",
	"POST /api/v1/tables/{table}/indexes":                                     "tables.alter",
	"DELETE /api/v1/tables/{table}/indexes/{index}":                           "tables.alter",
	"GET /api/v1/tables/{table}/index-suggestions":                            "tables.alter",
	"GET /api/v1/tables/{table}/rows":                                         "data.read",
	"POST /api/v1/tables/{table}/rows":                                        "rows.write",
	"POST /api/v1/tables/{table}/rows/bulk":                                   "rows.write",
	"POST /api/v1/tables/{table}/columns/{column}/attachments":                "rows.write",
	"GET /api/v1/tables/{table}/rows/{row}/attachments/{column}/{attachment}": "data.read",
	"POST /api/v1/tables/{table}/rows/move":                                   "rows.write",
	"GET /api/v1/tables/{table}/rows/{row}":                                   "data.read",
	"PATCH /api/v1/tables/{table}/rows/{row}":                                 "rows.write",
	"DELETE /api/v1/tables/{table}/rows/{row}":                                "rows.write",
	"POST /api/v1/tables/{table}/rows/{row}/lock":                             "rows.write",
	"DELETE /api/v1/tables/{table}/rows/{row}/lock":                           "rows.write",
	"GET /api/v1/tables/{table}/history":                                      "data.read",
	"GET /api/v1/tables/{table}/rows/{row}/history":                           "data.read",
	"GET /api/v1/tables/{table}/rows/{row}/diff":                              "data.read",
	"POST /api/v1/tables/{table}/rows/{row}/revert/{entry}":                   "rows.write",
	"POST /api/v1/workspaces/{workspace}/revert":                              "rows.write",
	"GET /api/v1/tables/{table}/trash":                                        "data.read",
	"POST /api/v1/tables/{table}/trash/restore":                               "rows.write",
	"GET /api/v1/workspaces/{workspace}/undo":                                 "rows.write",
	"POST /api/v1/workspaces/{workspace}/undo":                                "rows.write",
	"POST /api/v1/workspaces/{workspace}/redo":                                "rows.write",
	"GET /api/v1/tables/{table}/export.csv":                                   "data.read",
	"GET /api/v1/tables/{table}/export.ndjson":                                "data.read",
	"GET /api/v1/tables/{table}/export.json":                                  "data.read",
	"GET /api/v1/tables/{table}/export.xlsx":                                  "data.read",
	"GET /api/v1/tables/{table}/export.parquet":                               "data.read",
	"POST /api/v1/tables/{table}/export":                                      "data.read",
	"POST /api/v1/tables/{table}/import":                                      "rows.write",
	"POST /api/v1/tables/{table}/import/preview":                              "rows.write",
	"POST /api/v1/bases/{base}/import/preview":                                "tables.alter",
	"GET /api/v1/workspaces/{workspace}/jobs":                                 "data.read",
	"GET /api/v1/jobs/{job}":                                                  "data.read",
	"GET /api/v1/jobs/{job}/file":                                             "data.read",
	"DELETE /api/v1/jobs/{job}":                                               "data.read",
	"POST /api/v1/workspaces/{workspace}/query":                               "data.read",
	"POST /api/v1/workspaces/{workspace}/query/explain":                       "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export.csv":                    "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export.ndjson":                 "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export.json":                   "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export.xlsx":                   "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export.parquet":                "data.read",
	"POST /api/v1/workspaces/{workspace}/query/export":                        "data.read",
	"GET /api/v1/workspaces/{workspace}/connections":                          "data.read connections.manage",
	"POST /api/v1/workspaces/{workspace}/connections":                         "connections.manage",
	"GET /api/v1/connections/{connection}":                                    "data.read connections.manage",
	"GET /api/v1/connections/{connection}/health":                             "data.read connections.manage",
	"GET /api/v1/connections/{connection}/schema":                             "data.read",
	"PUT /api/v1/connections/{connection}":                                    "connections.manage",
	"DELETE /api/v1/connections/{connection}":                                 "connections.manage",
	"POST /api/v1/connections/{connection}/test":                              "connections.manage",
	"POST /api/v1/connections/{connection}/query":                             "data.read",
	"POST /api/v1/connections/{connection}/query/explain":                     "data.read",
	"GET /api/v1/workspaces/{workspace}/views":                                "data.read",
	"POST /api/v1/workspaces/{workspace}/views":                               "views.alter",
	"GET /api/v1/views/{view}":                                                "data.read",
	"GET /api/v1/views/{view}/data":                                           "data.read",
	"PATCH /api/v1/views/{view}":                                              "views.alter",
	"DELETE /api/v1/views/{view}":                                             "views.alter",
	"GET /api/v1/views/{view}/api":                                            "views.share",
	"POST /api/v1/views/{view}/api":                                           "views.share",
	"PUT /api/v1/views/{view}/api":                                            "views.share",
	"DELETE /api/v1/views/{view}/api":                                         "views.share",
	"POST /api/v1/views/{view}/api/keys":                                      "views.share",
	"DELETE /api/v1/views/{view}/api/keys/{key}":                              "views.share",
}

// TestEveryRouteAsksForItsAction calls every route in a workspace with a right request and an owner's token that allows
// everything but the action that the route needs: it is refused and changes nothing. A new route has to be named in needs.
func TestEveryRouteAsksForItsAction(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger")
	p := newPlace(t, in)
	p.fill()
	path, known := pathOf(t, p), bodies(p)
	invite := p.must(t, 201, "owner", "POST", p.at("/invite"), `{"email":"new@example.net","role":"viewer"}`).text(t, "id")
	granted := map[string]bool{}
	for _, without := range needs {
		if without == "" || granted[without] {
			continue
		}
		granted[without] = true
		in.grant(t, "owner", "all but "+without, slices.DeleteFunc(allActions(), func(a rbac.Action) bool {
			return slices.Contains(strings.Fields(without), string(a))
		}))
		in.do(t, "all but "+without, "GET", "/api/v1/templates", nil)
	}
	state := p.stored(t)
	there := map[string]bool{}
	for _, r := range routes() {
		if !r.takesKeys() || !strings.Contains(r.path, "{") {
			continue
		}
		there[r.pattern()] = true
		without, ok := needs[r.pattern()]
		if !ok {
			t.Errorf("%s is not named in needs", r.pattern())
		}
		if without == "" {
			continue
		}
		at, headers := strings.Replace(path(r), "{invite}", invite, 1), []string(nil)
		body := any(nil)
		if text, ok := known[r.pattern()]; ok {
			body = text
		}
		if r.body == bodyFile {
			body, headers = "Name\nx\n", csvType
		}
		switch r.pattern() {
		case "DELETE /api/v1/workspaces/{workspace}/rules":
			at += "?table=" + p.table + "&role=viewer"
		case "DELETE /api/v1/workspaces/{workspace}/caps":
			at += "?resource=" + p.table + "&role=viewer"
		case "POST /api/v1/bases/{base}/import":
			at += "?name=Imported"
		}
		a := in.do(t, "all but "+without, r.method, at, body, headers...)
		if a.status != 403 && a.status != 404 {
			t.Errorf("%s without %s: %d %s", r.pattern(), without, a.status, a.body)
		}
		state.unchanged(t, r.pattern())
	}
	for pattern := range needs {
		if !there[pattern] {
			t.Errorf("needs names %s, which is no route for keys", pattern)
		}
	}
}
