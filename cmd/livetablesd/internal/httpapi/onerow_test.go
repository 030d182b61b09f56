package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneRow: a row with all that may be asked for beside it, and in which order things are wrong.
func TestOneRow(t *testing.T) {
	p := newPlace(t, shared)
	id := p.insert(`{"Name":"gear","Left":12}`)
	row := p.rows("/" + id)
	none := "/api/v1/tables/tbl_01jf0000000000000000000000/rows/" + id
	p.check(t, []request{
		{name: "a row", who: "viewer", method: "GET", path: row, status: 200, want: []string{`{"id":"` + id + `","version":1,"fields":{`, `"Name":"gear"`, `"Left":12`, `},"created_at":"`}, unwanted: []string{`"lock"`, `"links"`}},
		{name: "keys by id", who: "viewer", method: "GET", path: row + "?keys=id", status: 200, want: []string{`"` + p.columns["Left"] + `":12`}, unwanted: []string{`"Left"`}},
		{name: "keys by name", who: "viewer", method: "GET", path: row + "?keys=name", status: 200, want: []string{`"Left":12`}},
		{name: "with labels", who: "viewer", method: "GET", path: row + "?expand=links,attachments&keys=id", status: 200, want: []string{`"links":{}`, `"links_complete":true`, `"` + p.columns["Left"] + `":12`}},
		{name: "lock it", who: "editor", method: "POST", path: row + "/lock", status: 200},
		{name: "with labels and a lock", who: "viewer", method: "GET", path: row + "?expand=links", status: 200, want: []string{`"links_complete":true,"lock":{"holder":"usr_`}},
		{name: "unlock it", who: "editor", method: "DELETE", path: row + "/lock", status: 204},
		{name: "no such row", who: "viewer", method: "GET", path: p.rows("/row_none"), status: 404, want: []string{`"not_found"`}},
		{name: "an odd row", who: "viewer", method: "GET", path: p.rows("/a%00b"), status: 404, want: []string{`"not_found"`}},
		{name: "wrong keys", who: "viewer", method: "GET", path: row + "?keys=x", status: 400, want: []string{`"?keys"`}},
		{name: "wrong labels", who: "viewer", method: "GET", path: row + "?expand=x", status: 400, want: []string{`"?expand"`}},
		{name: "wrong keys of no table", who: "viewer", method: "GET", path: none + "?keys=x", status: 404},
		{name: "wrong keys of somebody else's table", who: "stranger", method: "GET", path: row + "?expand=x", status: 404},
		{name: "wrong keys of a write", who: "editor", method: "PATCH", path: row + "?keys=x", body: `{"fields":{"Left":1},"version":1}`, status: 400, want: []string{`"?keys"`}},
		{name: "wrong keys of an insert", who: "editor", method: "POST", path: p.rows("?keys=x"), body: `{"fields":{"Name":"never"}}`, status: 400, want: []string{`"?keys"`}},
		{name: "nothing was written", who: "viewer", method: "GET", path: row, status: 200, want: []string{`"version":1`, `"Left":12`}},
		{name: "nor inserted", who: "viewer", method: "GET", path: p.rows("?Name.eq=never"), status: 200, want: []string{`"data":[]`}},
		{name: "who may not write is told so first", who: "viewer", method: "PATCH", path: row, body: `{"no":1}`, status: 403, want: []string{`"forbidden"`}},
		{name: "a write", who: "editor", method: "PATCH", path: row + "?keys=id", body: `{"fields":{"Left":1},"version":1}`, status: 200, want: []string{`"version":2`, `"` + p.columns["Left"] + `":1`}},
	})
	a := p.must(t, 200, "viewer", "GET", row, nil, "If-None-Match", `"2"`)
	require.Equal(t, `"2"`, a.header.Get("ETag"))
	require.Equal(t, []string{"no-store"}, a.header.Values("Cache-Control"))
	require.Equal(t, []string{"Authorization, X-Api-Key"}, a.header.Values("Vary"))
}
