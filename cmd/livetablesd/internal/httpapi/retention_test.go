package httpapi

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/rbac"
)

// TestRetention sets policies over HTTP and asks for what was cut: by the owner in person alone, and with a code of its own.
func TestRetention(t *testing.T) {
	p := newPlace(t, shared)
	row := p.insert(`{"Name":"a"}`)
	path := p.at("/retention")
	p.check(t, []request{
		{name: "none yet", who: "admin", method: "GET", path: path, status: 200, want: []string{`"days":0`, `"entries":0`, `"hold":false`, `"minimum_hours":168`}, unwanted: []string{"set_at", "begins", "held"}},
		{name: "not for editors", who: "editor", method: "GET", path: path, status: 403},
		{name: "nor strangers", who: "stranger", method: "GET", path: path, status: 404},
		{name: "set by an admin", who: "admin", method: "PUT", path: path, body: `{"days":30}`, status: 403},
		{name: "too short", who: "owner", method: "PUT", path: path, body: `{"days":1}`, status: 400, want: []string{"$.days"}},
		{name: "below nothing", who: "owner", method: "PUT", path: path, body: `{"entries":-1}`, status: 400, want: []string{"$.entries"}},
		{name: "unknown", who: "owner", method: "PUT", path: path, body: `{"years":1}`, status: 400},
		{name: "held", who: "owner", method: "PUT", path: path, body: `{"days":30,"entries":500,"hold":true}`, status: 200, want: []string{`"held":{"by":"hold"`}},
		{name: "in the log", who: "owner", method: "GET", path: "/api/v1/audit-logs?action=workspace.retention&workspace_id=" + p.workspace, status: 200, want: []string{`"field":"hold"`}, unwanted: []string{"cut_before"}},
		{name: "to be cut", who: "owner", method: "PUT", path: path, body: `{"entries":2}`, status: 200},
	})
	p.grant(t, "owner", "key", []rbac.Action{rbac.DeleteWorkspace, rbac.ReadAudit})
	p.check(t, []request{
		{name: "no key sets it", who: "key", method: "PUT", path: path, body: `{"days":30}`, status: 403, want: []string{"login_required"}},
		{name: "a key reads it", who: "key", method: "GET", path: path, status: 200, want: []string{`"entries":2`}},
	})
	delete(p.tokens, "key")

	before := time.Now()
	time.Sleep(2 * time.Millisecond)
	for _, name := range []string{"b", "c", "d"} {
		p.must(t, 200, "owner", "PATCH", p.rows("/"+row), `{"fields":{"Name":"`+name+`"}}`)
	}
	cutter, err := livetables.New(livetables.Options{Store: p.db, LogTime: -1})
	require.NoError(t, err)
	require.NoError(t, cutter.CutLogs(t.Context()))
	require.NoError(t, cutter.Close())
	asOf := "?as_of=" + url.QueryEscape(before.UTC().Format(time.RFC3339Nano))
	p.check(t, []request{
		{name: "as of", who: "viewer", method: "GET", path: p.rows(asOf), status: 410, want: []string{`"code":"history_cut"`, `"cut_before":"`}},
		{name: "a version", who: "viewer", method: "GET", path: p.rows("/" + row + "/diff?from=1"), status: 410, want: []string{"history_cut"}},
		{name: "reverted", who: "editor", method: "POST", path: p.at("/revert"), body: `{"table_id":"` + p.table + `","from":"` + before.UTC().Format(time.RFC3339Nano) + `"}`, status: 410, want: []string{"cut_before"}},
		{name: "history", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table + "/history", status: 200, want: []string{`"has_more":false,"cut_before":"`}},
		{name: "history of a row", who: "viewer", method: "GET", path: p.rows("/" + row + "/history"), status: 200, want: []string{`"cut_before":"`}},
		{name: "a page that is not the last", who: "viewer", method: "GET", path: p.rows("/" + row + "/history?limit=1"), status: 200, unwanted: []string{`"cut_before":"`}},
		{name: "what is whole", who: "viewer", method: "GET", path: p.rows("/" + row + "/history?from=" + url.QueryEscape(time.Now().UTC().Format(time.RFC3339Nano))), status: 200, unwanted: []string{`"cut_before":"`}},
		{name: "the log", who: "owner", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace, status: 200, want: []string{`"cut_before":"`, `"action":"log.cut"`}},
		{name: "deleted rows", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table + "/trash", status: 200, want: []string{`"cut_before":"`}},
		{name: "older forms", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table + "/schema/versions", status: 200, want: []string{`"cut_before":"`}},
		{name: "the policy", who: "admin", method: "GET", path: path, status: 200, want: []string{`"begins":"`, `"cut_at":"`, `"set_by":"` + p.id("owner")}},
	})
}
