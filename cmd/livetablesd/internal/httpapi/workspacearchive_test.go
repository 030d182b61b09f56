package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

var tarType = []string{"Content-Type", archiveType}

const importPath = "/api/v1/workspaces/import"

// TestWorkspaceArchive moves a workspace to another installation over HTTP and back: owners alone get it, it is the same
// file there, and nobody but who brought it has any right in it.
func TestWorkspaceArchive(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	p.hideSecret()
	path := p.at("/archive")
	p.check(t, []request{
		{name: "admins", who: "admin", method: "GET", path: path, status: 403},
		{name: "viewers", who: "viewer", method: "GET", path: path, status: 403},
		{name: "strangers", who: "stranger", method: "GET", path: path, status: 404},
		{name: "nobody", method: "GET", path: path, status: 401},
		{name: "nobody imports", method: "POST", path: importPath, body: "x", status: 401},
		{name: "what is no file", who: "owner", method: "POST", path: importPath, body: `{}`, status: 422, want: []string{"invalid_archive"}},
	})
	p.grant(t, "owner", "key", []rbac.Action{rbac.DeleteWorkspace, rbac.ReadData, rbac.ReadAudit})
	p.check(t, []request{
		{name: "a key", who: "key", method: "GET", path: path, status: 403, want: []string{"login_required"}},
		{name: "a key imports", who: "key", method: "POST", path: importPath, body: "x", status: 403, want: []string{"login_required"}},
	})
	delete(p.tokens, "key")
	made := p.must(t, 201, "owner", "POST", p.at("/roles"), `{"name":"Remover","base":"viewer","grants":[{"action":"workspace.delete"}]}`).text(t, "id")
	p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("viewer")), `{"role":"`+made+`"}`)
	require.Equal(t, http.StatusForbidden, p.do(t, "viewer", "GET", path, nil).status, "the right to delete is not the right to have it")

	got := p.must(t, 200, "owner", "GET", path, nil)
	require.Equal(t, archiveType, got.header.Get("Content-Type"))
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.NotContains(t, got.body, "@example.com", "accounts are not in it")
	require.Equal(t, got.body, p.must(t, 200, "owner", "GET", path, nil).body)
	require.Equal(t, http.StatusConflict, p.do(t, "stranger", "POST", importPath, got.body, tarType...).status, "it is here already")

	other := newInstance(t, nil, "bringer", "other")
	created := other.must(t, 201, "bringer", "POST", importPath, got.body, tarType...)
	require.Equal(t, p.workspace, created.text(t, "id"))
	require.Equal(t, "owner", created.text(t, "role"))
	require.Equal(t, got.body, other.must(t, 200, "bringer", "GET", path, nil).body)
	require.Equal(t, http.StatusNotFound, other.do(t, "other", "GET", p.at(""), nil).status)
	require.Len(t, other.must(t, 200, "bringer", "GET", p.at("/members"), nil).get(t, "data"), 1)
	rows := p.must(t, 200, "owner", "GET", p.rows("?sort=Price"), nil)
	require.Equal(t, rows.get(t, "data"), other.must(t, 200, "bringer", "GET", p.rows("?sort=Price"), nil).get(t, "data"))
	history := other.must(t, 200, "bringer", "GET", "/api/v1/audit-logs?workspace_id="+p.workspace, nil)
	require.Equal(t, true, history.get(t, "data.0.imported"))
	other.must(t, 201, "bringer", "POST", p.rows(""), `{"fields":{"Name":"new"}}`)
	fresh := other.must(t, 200, "bringer", "GET", "/api/v1/audit-logs?workspace_id="+p.workspace+"&limit=1", nil)
	require.NotContains(t, fresh.body, `"imported"`)

	// And back again, in the place of the one that is deleted, with what happened there.
	p.must(t, 204, "owner", "DELETE", p.at(""), nil)
	require.NoError(t, p.engine.Purge(t.Context()))
	p.must(t, 201, "stranger", "POST", importPath, other.must(t, 200, "bringer", "GET", path, nil).body, tarType...)
	require.Equal(t, http.StatusNotFound, p.do(t, "owner", "GET", p.at(""), nil).status, "who had it before has it no more")
	p.must(t, 200, "stranger", "GET", p.rows(""), nil)
}

// TestAttack85UnknownArchives sends archives of versions and formats that there are none of, and archives with something wrong.
func TestAttack85UnknownArchives(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "owner", "stranger")) // whose stored state is looked at as a whole
	p.fill()
	archive := p.must(t, 200, "owner", "GET", p.at("/archive"), nil).body
	size := archive[124:136]
	state := p.stored(t)
	for name, body := range map[string]string{
		"version 2":         strings.Replace(archive, `"version":1`, `"version":2`, 1),
		"version 0":         strings.Replace(archive, `"version":1`, `"version":0`, 1),
		"version -1":        strings.Replace(archive, `"version":1,`, `"version":-1`, 1),
		"version as text":   strings.Replace(archive, `"version":1,"a`, `"version":"","`, 1),
		"another format":    strings.Replace(archive, `"livetables workspace archive"`, `"livetables workspace ARCHIVE"`, 1),
		"a link":            archive[:156] + "2" + archive[157:],
		"a name with a way": strings.Replace(archive, `"log.ndjson"`, `"../lo.json"`, 1),
		"a huge size":       strings.Replace(archive, size, "77777777777\x00", 1),
		"cut":               archive[:len(archive)/2],
		"more":              archive + "x",
		"a plain text":      "PK\x03\x04 no archive",
		"nothing":           "",
		"an altered entry":  strings.Replace(archive, `"action":"row.insert"`, `"action":"row.INSERT"`, 1),
	} {
		require.NotEqual(t, archive, body, name)
		p.refused(t, state, attack{name: name, who: "stranger", method: "POST", path: importPath, body: body, headers: tarType, status: 422, code: "invalid_archive"})
	}
}
