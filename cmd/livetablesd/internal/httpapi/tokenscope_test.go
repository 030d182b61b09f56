package httpapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/rbac"
)

// gatherTold gathers the texts and numbers of a document, but for what differs from one answer to the next.
func gatherTold(v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			switch key {
			case "next_cursor", "has_more", "reason", "request_id", "updated_at", "version":
			default:
				into[key] = true
				gatherTold(member, into)
			}
		}
	case []any:
		for _, member := range v {
			gatherTold(member, into)
		}
	case string, float64:
		into[fmt.Sprint(v)] = true
	}
}

func toldBy(t *testing.T, body string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	var v any
	require.NoError(t, json.Unmarshal([]byte(body), &v), body)
	gatherTold(v, found)
	return found
}

// TestTokensGetNoMoreThanTheirPerson asks at random with tokens of random scopes and again as their person: what a token is
// told, its person is told too, and what it changes, its person may change.
func TestTokensGetNoMoreThanTheirPerson(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 0))
	in := newInstance(t, nil, "owner", "admin", "editor", "viewer")
	one, two := newPlace(t, in), newPlace(t, in)
	var resources []string
	var requests []request
	for i, p := range []*place{one, two} {
		p.fill()
		p.hideSecret()
		p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Left > 2"}`)
		row := p.insert(fmt.Sprintf(`{"Name":"row of %d","Left":5,"Secret":"s-%d"}`, i, i))
		view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"Things"},"columns":["Name"]}}`).text(t, "id")
		resources = append(resources, p.workspace, p.base, p.table, view)
		for _, path := range []string{
			p.at(""), p.at("/members"), p.at("/bases"), p.at("/rules"), p.at("/connections"), p.at("/can?action=rows.write"), "/api/v1/workspaces",
			"/api/v1/bases/" + p.base, "/api/v1/bases/" + p.base + "/tables", "/api/v1/bases/" + p.base + "/views", "/api/v1/views/" + view,
			"/api/v1/views/" + view + "/data", "/api/v1/tables/" + p.table, p.rows(""), p.rows("?sort=-Left&limit=2"), p.rows("/" + row),
			p.rows("/" + row + "/history"), "/api/v1/audit-logs?workspace_id=" + p.workspace,
		} {
			requests = append(requests, request{method: "GET", path: path})
		}
		requests = append(requests,
			request{method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"},"columns":["Name","Left"]}`},
			request{method: "POST", path: p.at("/query"), body: `{"source":{"view":"` + view + `"}}`},
			request{method: "PATCH", path: p.rows("/" + row), body: `{"fields":{"Left":5}}`},
			request{method: "PATCH", path: "/api/v1/bases/" + p.base, body: `{"name":"B"}`},
			request{method: "PATCH", path: p.at(""), body: `{"name":"W"}`})
	}
	actions := allActions()
	told, refused := 0, 0
	for n := range 60 {
		who := []string{"owner", "admin", "editor", "viewer"}[r.IntN(4)]
		scope := []rbac.Action{actions[r.IntN(len(actions))]}
		if r.IntN(4) > 0 {
			scope = append(scope, rbac.ReadData)
		}
		for range r.IntN(4) {
			scope = append(scope, actions[r.IntN(len(actions))])
		}
		var on []string
		for range r.IntN(3) {
			on = append(on, resources[r.IntN(len(resources))])
		}
		token := fmt.Sprintf("t%d", n)
		id := in.grant(t, who, token, scope, on...)
		for _, i := range r.Perm(len(requests))[:25] {
			q := requests[i]
			narrow := in.do(t, token, q.method, q.path, q.body)
			if narrow.status >= 400 {
				require.Less(t, narrow.status, 500, "%s %s: %s", q.method, q.path, narrow.body)
				refused++
				continue
			}
			told++
			wide := in.do(t, who, q.method, q.path, q.body)
			require.Equal(t, wide.status, narrow.status, "%s %s as %s, token %v on %v: %s", q.method, q.path, who, scope, on, wide.body)
			whole := toldBy(t, wide.body)
			for leaf := range toldBy(t, narrow.body) {
				require.True(t, whole[leaf], "%s %s: %s is told %q with a token and not in person", q.method, q.path, who, leaf)
			}
			require.True(t, reached(on, q.path, one, two), "%s %s is outside of %v", q.method, q.path, strings.Join(on, " "))
		}
		in.must(t, 204, who, "DELETE", "/api/v1/auth/tokens/"+id, nil)
	}
	t.Logf("%d answers compared, %d refusals", told, refused)
	require.Greater(t, told, 100)
	require.Greater(t, refused, 100)
}

// reached reports whether a scope's resources are in the workspace that a path leads to.
func reached(on []string, path string, places ...*place) bool {
	if len(on) == 0 || path == "/api/v1/workspaces" {
		return true
	}
	for _, p := range places {
		if strings.Contains(path, p.workspace) || strings.Contains(path, p.base) || strings.Contains(path, p.table) {
			for _, id := range on {
				if id == p.workspace || id == p.base || id == p.table {
					return true
				}
				// A view's id says nothing of its workspace here.
				if strings.HasPrefix(id, "viw_") {
					return true
				}
			}
			return false
		}
	}
	return true
}
