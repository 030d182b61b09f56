package httpapi

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoleMatrix tries every action of the matrix as every role: below the lowest role that may, 403.
func TestRoleMatrix(t *testing.T) {
	p := newPlace(t, shared)
	row := p.insert(`{"Name":"n"}`)
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	base, table := "/api/v1/bases/"+p.base, "/api/v1/tables/"+p.table
	con := p.must(t, 201, "owner", "POST", p.at("/connections"), `{"name":"c","driver":"sqlite","file":"shop.db"}`)
	connection := "/api/v1/connections/" + con.text(t, "id")
	ranks := map[string]int{"viewer": 1, "editor": 2, "admin": 3, "owner": 4}
	for _, a := range []struct {
		lowest, method, path, body string
	}{
		{"viewer", "GET", p.at(""), ""}, {"viewer", "GET", p.at("/members"), ""}, {"viewer", "GET", p.at("/bases"), ""},
		{"viewer", "GET", base, ""}, {"viewer", "GET", base + "/tables", ""}, {"viewer", "GET", table, ""},
		{"viewer", "GET", table + "/columns", ""}, {"viewer", "GET", p.rows(""), ""}, {"viewer", "GET", p.rows("/" + row), ""},
		{"viewer", "GET", table + "/history", ""}, {"viewer", "GET", table + "/export.csv", ""}, {"viewer", "GET", p.at("/views"), ""},
		{"viewer", "GET", "/api/v1/views/" + view, ""}, {"viewer", "GET", "/api/v1/views/" + view + "/data", ""},
		{"viewer", "POST", p.at("/query"), `{"source":{"table":"` + p.table + `"}}`}, {"viewer", "GET", p.at("/connections"), ""},
		{"viewer", "GET", connection, ""},

		{"editor", "POST", p.rows(""), `{"fields":{"Name":"x"}}`}, {"editor", "PATCH", p.rows("/" + row), `{"fields":{"Name":"x"}}`},
		{"editor", "POST", p.rows("/bulk"), `{"op":"insert","rows":[{"fields":{"Name":"x"}}]}`},
		{"editor", "POST", "/api/v1/views", `{"base_id":"` + p.base + `","name":"%s","query":{"source":{"table":"` + p.table + `"}}}`},
		{"editor", "POST", p.at("/views"), `{"base_id":"` + p.base + `","name":"2 %s","query":{"source":{"table":"` + p.table + `"}}}`},
		{"editor", "PATCH", "/api/v1/views/" + view, `{"name":"%s"}`},

		{"admin", "POST", p.at("/bases"), `{"name":"%s"}`}, {"admin", "PATCH", base, `{"description":"x"}`},
		{"admin", "POST", base + "/tables", `{"name":"%s"}`}, {"admin", "PATCH", table, `{"description":"x"}`},
		{"admin", "POST", table + "/columns", `{"name":"%s","type":"text"}`},
		{"admin", "PATCH", table + "/columns/" + p.columns["Left"], `{"description":"x"}`},
		{"viewer", "POST", p.at("/query/explain"), `{"source":{"table":"` + p.table + `"}}`},
		{"admin", "GET", "/api/v1/audit-logs?workspace_id=" + p.workspace, ""}, {"admin", "GET", p.at("/rules"), ""},
		{"admin", "PUT", p.at("/rules"), `{"table":"` + p.table + `","role":"viewer","columns":{"Secret":"read_only"}}`},
		{"admin", "POST", p.at("/connections"), `{"name":"%s","driver":"sqlite","file":"shop.db"}`},
		{"admin", "POST", connection + "/test", ""}, {"admin", "PATCH", p.at(""), `{"name":"W2"}`},
		{"admin", "PUT", "/api/v1/views/" + view + "/api", `{"slug":"nothing-yet","mode":"public"}`},
		{"owner", "PUT", p.at("/members/" + p.id("viewer")), `{"role":"admin"}`},
	} {
		for _, role := range []string{"viewer", "editor", "admin", "owner"} {
			if a.method == "PUT" && strings.Contains(a.path, "/members/") && role == "owner" {
				continue // it would work, and change the matrix
			}
			var body any
			if a.body != "" {
				body = strings.ReplaceAll(a.body, "%s", "by "+role)
			}
			got := p.do(t, role, a.method, a.path, body)
			if ranks[role] < ranks[a.lowest] {
				require.Equal(t, 403, got.status, "%s %s as %s: %s", a.method, a.path, role, got.body)
			} else {
				require.NotContains(t, []int{401, 403, 500}, got.status, "%s %s as %s: %s", a.method, a.path, role, got.body)
			}
		}
		var body any
		if a.body != "" {
			body = a.body
		}
		require.Equal(t, 404, p.do(t, "stranger", a.method, a.path, body).status, "%s %s as a stranger", a.method, a.path)
		require.Equal(t, 401, p.do(t, "", a.method, a.path, body).status, "%s %s as nobody", a.method, a.path)
	}
}

var requestIDs = regexp.MustCompile(`req_[0-9a-z]{26}`)

// TestForeignLooksMissing asks for what is in somebody else's workspace and for what never was (20): the answers are the
// same, byte by byte.
func TestForeignLooksMissing(t *testing.T) {
	p := newPlace(t, shared)
	row := p.insert(`{"Name":"n"}`)
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	con := p.must(t, 201, "owner", "POST", p.at("/connections"), `{"name":"c","driver":"sqlite","file":"shop.db"}`).text(t, "id")
	p.must(t, 201, "owner", "POST", "/api/v1/views/"+view+"/api", `{"slug":"foreign-looks-missing"}`)
	own := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"mine"}`).text(t, "id")
	const zeros = "_00000000000000000000000000"
	missing := strings.NewReplacer(p.workspace, "wsp"+zeros, p.base, "bas"+zeros, p.table, "tbl"+zeros, row, "row"+zeros,
		view, "viw"+zeros, con, "con"+zeros, p.columns["Name"], "col"+zeros, p.id("viewer"), "usr"+zeros)
	table := "/api/v1/tables/" + p.table
	for _, a := range []struct{ method, path, body string }{
		{"GET", p.at(""), ""}, {"PATCH", p.at(""), `{"name":"x"}`}, {"DELETE", p.at(""), ""}, {"GET", p.at("/can?action=data.read"), ""},
		{"GET", p.at("/members"), ""}, {"POST", p.at("/members"), `{"user_id":"usr_00000000000000000000000001","role":"viewer"}`}, {"DELETE", p.at("/members/" + p.id("viewer")), ""},
		{"PUT", p.at("/members/" + p.id("viewer")), `{"role":"viewer"}`}, {"GET", p.at("/rules"), ""}, {"PUT", p.at("/rules"), `{"table":"x","role":"viewer"}`},
		{"GET", p.at("/bases"), ""}, {"POST", p.at("/bases"), `{"name":"x"}`}, {"GET", "/api/v1/bases/" + p.base, ""}, {"PATCH", "/api/v1/bases/" + p.base, `{"name":"x"}`},
		{"DELETE", "/api/v1/bases/" + p.base, ""}, {"GET", "/api/v1/bases/" + p.base + "/tables", ""}, {"POST", "/api/v1/bases/" + p.base + "/tables", `{"name":"x"}`},
		{"GET", table, ""}, {"PATCH", table, `{"name":"x"}`}, {"DELETE", table, ""}, {"GET", table + "/columns", ""}, {"POST", table + "/columns", `{"name":"x","type":"text"}`},
		{"PATCH", table + "/columns/" + p.columns["Name"], `{"name":"x"}`}, {"DELETE", table + "/columns/" + p.columns["Name"], ""},
		{"GET", p.rows(""), ""}, {"GET", p.rows("?Nope.eq=1"), ""}, {"POST", p.rows(""), `{"fields":{"Nope":1}}`}, {"GET", p.rows("/" + row), ""},
		{"PATCH", p.rows("/" + row), `{"fields":{}}`}, {"DELETE", p.rows("/" + row), ""}, {"POST", p.rows("/bulk"), `{"op":"x"}`},
		{"GET", table + "/history", ""}, {"GET", p.rows("/" + row + "/history"), ""}, {"GET", table + "/export.csv", ""},
		{"POST", p.at("/query"), `{"source":{"table":"x"}}`}, {"POST", p.at("/query"), `{"broken":1}`}, {"POST", p.at("/query/explain"), `{"source":{"table":"x"}}`},
		{"GET", p.at("/connections"), ""}, {"POST", p.at("/connections"), `{"name":"x"}`}, {"GET", "/api/v1/connections?workspace_id=" + p.workspace, ""},
		{"GET", "/api/v1/connections/" + con, ""}, {"PUT", "/api/v1/connections/" + con, `{"name":"x"}`}, {"DELETE", "/api/v1/connections/" + con, ""},
		{"POST", "/api/v1/connections/" + con + "/test", ""}, {"GET", "/api/v1/connections/" + con + "/schema", ""}, {"POST", "/api/v1/connections/" + con + "/query", `{"source":{"table":"x"}}`},
		{"GET", p.at("/views"), ""}, {"POST", p.at("/views"), `{"base_id":"` + p.base + `","name":"x"}`}, {"POST", "/api/v1/views", `{"base_id":"` + p.base + `","name":"x"}`},
		{"POST", "/api/v1/workspaces/" + own + "/views", `{"base_id":"` + p.base + `","name":"x"}`},
		{"GET", "/api/v1/views/" + view, ""}, {"PATCH", "/api/v1/views/" + view, `{"name":"x"}`}, {"DELETE", "/api/v1/views/" + view, ""}, {"GET", "/api/v1/views/" + view + "/data", ""},
		{"GET", "/api/v1/views/" + view + "/api", ""}, {"POST", "/api/v1/views/" + view + "/api", `{"slug":"abc"}`}, {"PUT", "/api/v1/views/" + view + "/api", `{"slug":"abc"}`},
		{"DELETE", "/api/v1/views/" + view + "/api", ""}, {"POST", "/api/v1/views/" + view + "/api/keys", ""},
		{"GET", "/api/v1/audit-logs?workspace_id=" + p.workspace, ""},
	} {
		var foreign, random any
		if a.body != "" {
			foreign, random = a.body, missing.Replace(a.body)
		}
		one, two := p.do(t, "stranger", a.method, a.path, foreign), p.do(t, "stranger", a.method, missing.Replace(a.path), random)
		require.Equal(t, 404, one.status, "%s %s: %s", a.method, a.path, one.body)
		require.Equal(t, 404, two.status, "%s %s: %s", a.method, missing.Replace(a.path), two.body)
		require.Equal(t, requestIDs.ReplaceAllString(two.body, ""), requestIDs.ReplaceAllString(one.body, ""), "%s %s", a.method, a.path)
	}
	t.Run("foreign tables in one's own workspace", func(t *testing.T) {
		for _, id := range []string{p.table, view} {
			ours := p.do(t, "stranger", "POST", "/api/v1/workspaces/"+own+"/query", `{"source":{"table":"`+id+`"}}`)
			require.Equal(t, 400, ours.status)
			never := p.do(t, "stranger", "POST", "/api/v1/workspaces/"+own+"/query", `{"source":{"table":"`+missing.Replace(id)+`"}}`)
			require.Equal(t, requestIDs.ReplaceAllString(missing.Replace(ours.body), ""), requestIDs.ReplaceAllString(never.body, ""))
		}
		ours := p.do(t, "stranger", "POST", "/api/v1/workspaces/"+own+"/query", `{"source":{"connection":"`+con+`","table":"t"}}`)
		require.Equal(t, 400, ours.status)
	})
	require.Equal(t, 3, len(p.entries(row))+len(p.entries(view))+len(p.entries(con)), "nothing was done")
}

// TestHiddenColumn looks for a hidden column everywhere (23, 24, 25, 27).
func TestHiddenColumn(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	id := p.insert(`{"Name":"with","Secret":"s-with"}`)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+id), `{"fields":{"Secret":"s-changed","Left":1}}`)
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"},"columns":["Name","Secret"]}}`).text(t, "id")
	guess := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"G","query":{"source":{"table":"`+p.table+`"},"filters":"Secret = \"s-gear\"","columns":["Name"]}}`).text(t, "id")
	p.hideSecret()
	secret := p.columns["Secret"]
	hidden := []string{"Secret", "s-with", "s-gear", "s-changed", secret}
	table, query := "/api/v1/tables/"+p.table, p.at("/query")
	q := func(rest string) string { return `{"source":{"table":"` + p.table + `"}` + rest + `}` }
	p.check(t, []request{
		{name: "table", who: "viewer", method: "GET", path: table, status: 200, unwanted: hidden},
		{name: "tables", who: "viewer", method: "GET", path: "/api/v1/bases/" + p.base + "/tables", status: 200, unwanted: hidden},
		{name: "columns", who: "viewer", method: "GET", path: table + "/columns", status: 200, unwanted: hidden},
		{name: "rows", who: "viewer", method: "GET", path: p.rows("?keys=id"), status: 200, want: []string{"gear"}, unwanted: hidden},
		{name: "row", who: "viewer", method: "GET", path: p.rows("/" + id), status: 200, want: []string{"with"}, unwanted: hidden},
		{name: "history", who: "viewer", method: "GET", path: table + "/history", status: 200, want: []string{"row.update", "with"}, unwanted: hidden},
		{name: "history of the row", who: "viewer", method: "GET", path: p.rows("/" + id + "/history"), status: 200, want: []string{"row.update"}, unwanted: hidden},
		{name: "export", who: "viewer", method: "GET", path: table + "/export.csv", status: 200, want: []string{"gear"}, unwanted: hidden},
		{name: "query", who: "viewer", method: "POST", path: query, body: q(""), status: 200, want: []string{"gear"}, unwanted: hidden},
		{name: "view of it", who: "viewer", method: "GET", path: "/api/v1/views/" + view + "/data", status: 200, want: []string{"gear"}, unwanted: hidden},
		{name: "views", who: "viewer", method: "GET", path: p.at("/views"), status: 200, unwanted: hidden},
		{name: "view that filters by it closes", who: "viewer", method: "GET", path: "/api/v1/views/" + guess + "/data", status: 422, want: []string{"view_closed"}, unwanted: append([]string{"gear"}, hidden...)},
		{name: "owner sees it", who: "owner", method: "GET", path: p.rows(""), status: 200, want: []string{"s-gear"}},
	})
	// Every way to name it is answered like a name that never was.
	for _, a := range []struct{ method, path, body string }{
		{"GET", p.rows("?Secret.starts_with=s&count=exact"), ""}, {"GET", p.rows("?Secret.is_empty=false"), ""}, {"GET", p.rows("?sort=Secret"), ""},
		{"GET", p.rows("?fields=Secret"), ""}, {"GET", p.rows("?filter=Secret%3D1"), ""}, {"GET", p.rows("?filter=LEN(Secret)%3E1&count=exact"), ""},
		{"GET", table + "/export.csv?sort=-Secret", ""}, {"GET", "/api/v1/views/" + view + "/data?Secret.eq=x", ""}, {"GET", "/api/v1/views/" + view + "/data?sort=Secret", ""},
		{"POST", query, q(`,"filters":"Secret = \"x\""`)}, {"POST", query, q(`,"sorts":["Secret"]`)}, {"POST", query, q(`,"columns":["Secret"]`)},
		{"POST", query, q(`,"group_by":["Secret"]`)}, {"POST", query, q(`,"aggregates":[{"name":"m","function":"max","expr":"Secret"}]`)},
		{"POST", query, q(`,"aggregates":[{"name":"m","function":"count_unique","expr":"Secret"}]`)}, {"POST", query, q(`,"computed_columns":[{"name":"c","expr":"UPPER(Secret)"}]`)},
		{"POST", query, q(`,"joins":[{"source":{"table":"` + p.table + `","alias":"b"},"on":"b.Secret = Things.Name"}]`)},
	} {
		never := strings.NewReplacer("Secret", "Sacred")
		var one, two any
		if a.body != "" {
			one, two = a.body, never.Replace(a.body)
		}
		hidden, unknown := p.do(t, "viewer", a.method, a.path, one), p.do(t, "viewer", a.method, never.Replace(a.path), two)
		require.Equal(t, 400, hidden.status, "%s %s: %s", a.path, a.body, hidden.body)
		require.Equal(t, requestIDs.ReplaceAllString(unknown.body, ""), requestIDs.ReplaceAllString(never.Replace(hidden.body), ""), "%s %s", a.path, a.body)
	}
}
