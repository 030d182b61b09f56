package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// discarded is an entry of the trash: a table that was deleted.
func (p *place) discarded(t testing.TB) string {
	t.Helper()
	table := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Discarded"}`).text(t, "id")
	p.must(t, 204, "owner", "DELETE", "/api/v1/tables/"+table, nil)
	return p.trashed(t, table)
}

// trashed is the entry of a resource in the trash.
func (p *place) trashed(t testing.TB, resource string) string {
	t.Helper()
	list := p.must(t, 200, "owner", "GET", p.at("/trash"), nil).body
	for part := range strings.SplitSeq(list, `{"id":"`) {
		if strings.Contains(part, `"resource_id":"`+resource+`"`) {
			id, _, _ := strings.Cut(part, `"`)
			return id
		}
	}
	require.Fail(t, "not in the trash", resource)
	return ""
}

func TestSchemaLife(t *testing.T) {
	p := newPlace(t, shared)
	base := "/api/v1/bases/" + p.base
	made := p.must(t, 201, "admin", "POST", base+"/tables", `{"name":"Stock","icon":"box","colour":"teal","columns":[
		{"name":"Code","type":"text","options":{"pattern":"^[A-Z]+$","min_length":2,"max_length":4}},{"name":"Place","type":"text"},
		{"name":"N","type":"integer","options":{"min":0,"max":10}},{"name":"M","type":"integer"}],
		"rules":{"uniques":[{"columns":["Code","Place"]}],"checks":[{"expr":"N <= M","message":"more than there is","column":"N"}]}}`)
	require.Contains(t, made.body, `"uniques":[{"id":"idx_`)
	table := "/api/v1/tables/" + made.text(t, "id")
	column := func(name string) string {
		list := p.must(t, 200, "owner", "GET", table+"/columns", nil).body
		for part := range strings.SplitSeq(list, `{"id":"`) {
			if strings.Contains(part, `"name":"`+name+`"`) {
				id, _, _ := strings.Cut(part, `"`)
				return table + "/columns/" + id
			}
		}
		require.Fail(t, "no column", name)
		return ""
	}
	n, code := column("N"), column("Code")
	row := func(fields string) string { return `{"fields":` + fields + `}` }
	id := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
	p.check(t, []request{
		{name: "a row", who: "editor", method: "POST", path: table + "/rows", body: row(`{"Code":"AB","Place":"x","N":1,"M":2}`), status: 201},
		{name: "a pattern", who: "editor", method: "POST", path: table + "/rows", body: row(`{"Code":"ab","N":1,"M":2}`), status: 400, want: []string{`"pattern"`}},
		{name: "a length", who: "editor", method: "POST", path: table + "/rows", body: row(`{"Code":"A","N":1,"M":2}`), status: 400, want: []string{`"too_short"`}},
		{name: "a length", who: "editor", method: "POST", path: table + "/rows", body: row(`{"Code":"ABCDE","N":1,"M":2}`), status: 400, want: []string{`"too_long"`}},
		{name: "a range", who: "editor", method: "POST", path: table + "/rows", body: row(`{"N":-1,"M":2}`), status: 400, want: []string{`"min"`}},
		{name: "a range", who: "editor", method: "POST", path: table + "/rows", body: row(`{"N":11,"M":20}`), status: 400, want: []string{`"max"`}},
		{name: "a check", who: "editor", method: "POST", path: table + "/rows", body: row(`{"N":3,"M":2}`), status: 400, want: []string{"more than there is"}},
		{name: "unique together", who: "editor", method: "POST", path: table + "/rows", body: row(`{"Code":"AB","Place":"x","N":1,"M":2}`), status: 400, want: []string{`"unique"`}},
		{name: "no colour", who: "admin", method: "PATCH", path: table, body: `{"colour":"loud"}`, status: 400, want: []string{"colour"}},
		{name: "no icon", who: "admin", method: "PATCH", path: base, body: `{"icon":"Not an icon"}`, status: 400, want: []string{"icon"}},

		{name: "the impact", who: "admin", method: "GET", path: n + "/impact", status: 200, want: []string{`"refused":true`, `"kind":"check"`, `"effect":"lifted"`}},
		{name: "not for editors", who: "editor", method: "GET", path: n + "/impact", status: 403},
		{name: "no such change", who: "admin", method: "GET", path: table + "/impact?change=burn", status: 400},
		{name: "refused", who: "admin", method: "DELETE", path: n, status: 409, want: []string{`"code":"breaks"`, `"preview":{`}},
		{name: "forced", who: "admin", method: "DELETE", path: n + "?force=true", status: 204},
		{name: "gone", who: "admin", method: "PATCH", path: n, body: `{"name":"X"}`, status: 404},
		{name: "in the trash", who: "admin", method: "GET", path: p.at("/trash"), status: 200, want: []string{id(n), `"kind":"column"`, `"expires_at":"2`}},
		{name: "which is not for editors of rows", who: "viewer", method: "GET", path: p.at("/trash"), status: 403},
		{name: "nor for strangers", who: "stranger", method: "GET", path: p.at("/trash"), status: 404},
	})
	item := "/api/v1/trash/" + p.trashed(t, id(n))
	p.check(t, []request{
		{name: "the name is taken", who: "admin", method: "POST", path: item + "/restore", body: `{"name":"Code"}`, status: 409, want: []string{`"exists"`}},
		{name: "not for others", who: "editor", method: "POST", path: item + "/restore", status: 404},
		{name: "back", who: "admin", method: "POST", path: item + "/restore", status: 200, want: []string{id(n)}},
		{name: "once", who: "admin", method: "POST", path: item + "/restore", status: 404},
		{name: "with its check", who: "editor", method: "POST", path: table + "/rows", body: row(`{"N":3,"M":2}`), status: 400, want: []string{"more than there is"}},

		{name: "put away", who: "admin", method: "POST", path: column("Place") + "/archive", body: `{"force":true}`, status: 204},
		{name: "without an end", who: "admin", method: "GET", path: p.at("/trash"), status: 200, want: []string{`"archived":true`, `"expires_at":null`}},
		{name: "emptied", who: "admin", method: "DELETE", path: p.at("/trash"), status: 200, want: []string{`{"deleted":0}`}},
		{name: "a copy", who: "admin", method: "POST", path: code + "/duplicate", body: `{"name":"Code 2","cells":true,"position":0}`, status: 201, want: []string{`"position":0`}},
		{name: "moved", who: "admin", method: "PATCH", path: code, body: `{"position":0}`, status: 200, want: []string{`"position":0`}},
		{name: "moved too far", who: "admin", method: "PATCH", path: code, body: `{"position":20}`, status: 400},
		{name: "a copy of the table", who: "admin", method: "POST", path: table + "/duplicate", body: `{"rows":true}`, status: 201, want: []string{`"Stock copy"`, `"colour":"teal"`}},
		{name: "another type", who: "admin", method: "POST", path: code + "/type", body: `{"type":"integer","accept_loss":true}`, status: 200, want: []string{`"lost":1`}},
	})
	versions := p.must(t, 200, "viewer", "GET", table+"/schema/versions?limit=1", nil)
	require.Contains(t, versions.body, `"has_more":true`)
	require.Contains(t, versions.body, `"action":"column.update"`)
	var last int
	_, err := fmt.Sscanf(versions.body[strings.Index(versions.body, `"version":`):], `"version":%d`, &last)
	require.NoError(t, err)
	p.check(t, []request{
		{name: "as it was", who: "viewer", method: "GET", path: fmt.Sprintf("%s/schema?version=%d", table, last-1), status: 200, want: []string{`"type":"text"`}},
		{name: "never", who: "viewer", method: "GET", path: table + "/schema?version=999", status: 404},
		{name: "what changed", who: "viewer", method: "GET", path: fmt.Sprintf("%s/schema/diff?from=%d", table, last-1), status: 200, want: []string{`{"field":"type","before":"text","after":"integer"}`}},
		{name: "a preview", who: "admin", method: "POST", path: table + "/schema/revert", body: fmt.Sprintf(`{"change":%d,"preview":true}`, last), status: 200, want: []string{`"restored":1`}},
		{name: "not for editors", who: "editor", method: "POST", path: table + "/schema/revert", body: fmt.Sprintf(`{"change":%d}`, last), status: 403},
		{name: "of another version", who: "admin", method: "POST", path: table + "/schema/revert", body: fmt.Sprintf(`{"change":%d,"version":1}`, last), status: http.StatusConflict},
		{name: "taken back", who: "admin", method: "POST", path: table + "/schema/revert", body: fmt.Sprintf(`{"change":%d}`, last), status: 200, want: []string{`"restored":1`}},
		{name: "the cell is back", who: "viewer", method: "GET", path: table + "/rows", status: 200, want: []string{`"AB"`}},
		{name: "no such change", who: "admin", method: "POST", path: table + "/schema/revert", body: `{"change":0}`, status: 404},
	})
	other := p.must(t, 201, "admin", "POST", p.at("/bases"), `{"name":"Elsewhere","icon":"🏪"}`).text(t, "id")
	p.must(t, 200, "admin", "PATCH", table, `{"base_id":"`+other+`"}`)
	p.must(t, 200, "admin", "PUT", "/api/v1/bases/"+other+"/tables/order", `{"tables":["`+id(table)+`"]}`)
	p.must(t, 204, "admin", "DELETE", "/api/v1/bases/"+other, nil)
	entry := p.trashed(t, other)
	p.must(t, 204, "admin", "DELETE", "/api/v1/trash/"+entry, nil)
	p.must(t, 404, "owner", "DELETE", "/api/v1/trash/"+entry, nil)
	p.must(t, 404, "owner", "GET", table, nil)
}
