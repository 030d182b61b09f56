package httpapi

import "testing"

func TestIndexes(t *testing.T) {
	p := newPlace(t, shared)
	table := "/api/v1/tables/" + p.table
	made := p.must(t, 201, "admin", "POST", table+"/indexes", `{"columns":["-Left",{"column":"Name","direction":"asc"}]}`)
	id := made.text(t, "id")
	p.check(t, []request{
		{name: "list", who: "viewer", method: "GET", path: table + "/indexes", status: 200,
			want: []string{`"kind":"key"`, `{"column":"_created_at","direction":"asc"}`, id, `"direction":"desc"`}},
		{name: "for those who alter tables", who: "editor", method: "POST", path: table + "/indexes", body: `{"columns":["Name"]}`, status: 403},
		{name: "the same again", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":["-Left","Name"]}`, status: 409, want: []string{"exists"}},
		{name: "unknown column", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":["Lft"]}`, status: 400, want: []string{"$.columns[0]", "unknown_column"}},
		{name: "no columns", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":[]}`, status: 400},
		{name: "no column at all", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":["Name",7]}`, status: 400, want: []string{"$.columns[1]"}},
		{name: "no direction", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":[{"column":"Name","direction":"up"}]}`, status: 400, want: []string{"$.columns[0]"}},
		{name: "an option that is none", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":[{"column":"Name","nulls":"last"}]}`, status: 400},
		{name: "an older version", who: "owner", method: "POST", path: table + "/indexes", body: `{"columns":["Name"],"version":1}`, status: 409, want: []string{"conflict"}},
		{name: "of others", who: "stranger", method: "GET", path: table + "/indexes", status: 404},
		{name: "hide a column", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Left":"hidden"}}`, status: 200},
		{name: "and the index of it", who: "viewer", method: "GET", path: table + "/indexes", status: 200, want: []string{`"kind":"created"`}, unwanted: []string{id, `"own"`}},
		{name: "drop it as an editor", who: "editor", method: "DELETE", path: table + "/indexes/" + id, status: 403},
		{name: "drop it", who: "admin", method: "DELETE", path: table + "/indexes/" + id, status: 204},
		{name: "once", who: "admin", method: "DELETE", path: table + "/indexes/" + id, status: 404},
		{name: "history", who: "owner", method: "GET", path: "/api/v1/audit-logs?resource_type=index&workspace_id=" + p.workspace, status: 200, want: []string{"index.create", "index.delete", id}},
	})
}
