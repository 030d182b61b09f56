package httpapi

import "testing"

// TestComputedColumns takes computed columns through their making, rows, filters, files and rules.
func TestComputedColumns(t *testing.T) {
	p := newPlace(t, shared)
	orders := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Orders","columns":[{"name":"Customer","type":"text"}]}`).text(t, "id")
	made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Lines","columns":[{"name":"Price","type":"decimal","options":{"scale":2}},
		{"name":"Count","type":"integer"},{"name":"Total","type":"formula","options":{"formula":"{Price} * Count /* each */"}},
		{"name":"Order","type":"link","options":{"link":{"table_id":"`+orders+`"}},"inverse":{"name":"Lines"}}]}`)
	lines := made.text(t, "id")
	total := made.text(t, "columns.2.id")
	table, lineRows := "/api/v1/tables/"+orders, "/api/v1/tables/"+lines+"/rows"
	sum := p.must(t, 201, "owner", "POST", table+"/columns", `{"name":"Sum","type":"rollup","options":{"through":{"link":"Lines","target":"Total","aggregate":"sum","filter":"Count > 0"}}}`).text(t, "id")
	order := p.must(t, 201, "editor", "POST", table+"/rows", `{"fields":{"Customer":"Ann"}}`).text(t, "id")
	p.must(t, 201, "editor", "POST", lineRows, `{"fields":{"Price":2.5,"Count":4,"Order":["`+order+`"]}}`)
	p.check(t, []request{
		{name: "computed", who: "viewer", method: "GET", path: table + "/rows", status: 200, want: []string{`"Sum":10`}},
		{name: "filtered and sorted", who: "viewer", method: "GET", path: lineRows + "?Total.gte=10&sort=-Total", status: 200, want: []string{`"Total":10`}},
		{name: "in a file", who: "viewer", method: "GET", path: table + "/export.csv", status: 200, want: []string{"Sum", ",10"}},
		{name: "described", who: "viewer", method: "GET", path: "/api/v1/tables/" + lines + "/columns", status: 200,
			want: []string{`"formula":"Price * Count /* each */"`, `"result":{"type":"number"`, `"computed":{"formula"`, `"reads":["col_`}},
		{name: "a filter by the names of today", who: "viewer", method: "GET", path: table + "/columns", status: 200, want: []string{`"filter":"Count \u003e 0"`, `"looks_at":["col_`, `"aggregate":"sum"`}},
		{name: "not written", who: "editor", method: "POST", path: lineRows, body: `{"fields":{"Total":7}}`, status: 400, want: []string{"$.fields.Total", "cannot be written"}},
		{name: "not imported", who: "editor", method: "POST", path: "/api/v1/tables/" + lines + "/import", body: "Total\n7\n", status: 400},
		{name: "a mistake", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"X","type":"formula","options":{"formula":"Sum + Smu"}}`, status: 400,
			want: []string{`"$.options.formula"`, `"unknown_column"`, `"from":6`, `"to":9`}},
		{name: "a mistake in a table", who: "admin", method: "POST", path: "/api/v1/bases/" + p.base + "/tables", body: `{"name":"X","columns":[{"name":"A","type":"text"},{"name":"B","type":"formula","options":{"formula":"A *"}}]}`,
			status: 400, want: []string{`"$.columns[1].options.formula"`}},
		{name: "another formula", who: "admin", method: "PATCH", path: table + "/columns/" + sum, body: `{"options":{"through":{"link":"Lines","target":"Count","aggregate":"max"}}}`, status: 200,
			want: []string{`"aggregate":"max"`}},
		{name: "computed anew", who: "viewer", method: "GET", path: table + "/rows", status: 200, want: []string{`"Sum":4`}},
		{name: "a circle", who: "admin", method: "PATCH", path: "/api/v1/tables/" + lines + "/columns/" + total, body: `{"options":{"formula":"Total + 1"}}`, status: 400, want: []string{`"cycle"`}},
		{name: "checked", who: "viewer", method: "POST", path: table + "/formula", body: `{"formula":"Sum > 3"}`, status: 200, want: []string{`"valid":true`, `"type":"bool"`}},
		{name: "checked and wrong", who: "viewer", method: "POST", path: table + "/formula", body: `{"formula":"Sum > TODAY()"}`, status: 200, want: []string{`"valid":false`, `"volatile"`, `"from":6`}},
		{name: "no table", who: "stranger", method: "POST", path: table + "/formula", body: `{"formula":"1"}`, status: 404},
	})
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+lines+`","role":"viewer","columns":{"Count":"hidden"}}`)
	p.check(t, []request{
		{name: "closed", who: "viewer", method: "GET", path: table + "/rows", status: 200, want: []string{"Ann"}, unwanted: []string{"Sum"}},
		{name: "closed in its own row", who: "viewer", method: "GET", path: lineRows, status: 200, want: []string{"Price"}, unwanted: []string{"Total"}},
		{name: "not filtered by", who: "viewer", method: "GET", path: table + "/rows?Sum.gte=1", status: 400, want: []string{"unknown_column"}},
		{name: "unknown to formulas", who: "viewer", method: "POST", path: "/api/v1/tables/" + lines + "/formula", body: `{"formula":"Total + 1"}`, status: 200, want: []string{`"unknown_column"`}},
		{name: "open to others", who: "editor", method: "GET", path: table + "/rows", status: 200, want: []string{`"Sum":4`}},
	})
}
