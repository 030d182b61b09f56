package httpapi

import "testing"

func TestBasesTablesColumns(t *testing.T) {
	p := newPlace(t, shared)
	base, table := "/api/v1/bases/"+p.base, "/api/v1/tables/"+p.table
	column := table + "/columns/" + p.columns["Left"]
	p.check(t, []request{
		{name: "bases", who: "viewer", method: "GET", path: p.at("/bases"), status: 200, want: []string{p.base}},
		{name: "a name is taken", who: "owner", method: "POST", path: p.at("/bases"), body: `{"name":"b"}`, status: 409, want: []string{`"exists"`}},
		{name: "base", who: "viewer", method: "GET", path: base, status: 200, want: []string{`"version":1`}},
		{name: "rename base", who: "admin", method: "PATCH", path: base, body: `{"name":"Stock","icon":"box","version":1}`, status: 200, want: []string{`"version":2`, `"icon":"box"`}},
		{name: "an older version", who: "admin", method: "PATCH", path: base, body: `{"name":"X","version":1}`, status: 409, want: []string{`"current_version":2`}},

		{name: "tables", who: "viewer", method: "GET", path: base + "/tables", status: 200, want: []string{p.table, `"Secret"`}},
		{name: "table", who: "viewer", method: "GET", path: table, status: 200, want: []string{`"Price"`, `"scale":2`}},
		{name: "no column type", who: "owner", method: "POST", path: base + "/tables", body: `{"name":"T","columns":[{"name":"A","type":"blob"}]}`, status: 400, want: []string{"blob"}},
		{name: "default of the wrong type", who: "owner", method: "POST", path: base + "/tables", body: `{"name":"T","columns":[{"name":"A","type":"integer","default":"x"}]}`, status: 400, want: []string{"$.columns[0].default", "type_mismatch"}},
		{name: "two columns of a name", who: "owner", method: "POST", path: base + "/tables", body: `{"name":"T","columns":[{"name":"A","type":"text"},{"name":"a","type":"text"}]}`, status: 409},
		{name: "unknown key", who: "owner", method: "POST", path: base + "/tables", body: `{"name":"T","columns":[{"name":"A","type":"text","primary":true}]}`, status: 400, want: []string{"$.columns[0].primary"}},
		{name: "rename table", who: "admin", method: "PATCH", path: table, body: `{"name":"Parts"}`, status: 200, want: []string{`"Parts"`}},

		{name: "columns", who: "viewer", method: "GET", path: table + "/columns", status: 200, want: []string{p.columns["Day"]}},
		{name: "add column", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"Weight","type":"decimal","options":{"scale":3},"default":1.5}`, status: 201, want: []string{`"Weight"`, `"default":1.5`}},
		{name: "a built-in name", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"_id","type":"text"}`, status: 400},
		{name: "rename column", who: "admin", method: "PATCH", path: column, body: `{"name":"Stock","default":7}`, status: 200, want: []string{`"Stock"`, `"default":7`}},
		{name: "type stays", who: "admin", method: "PATCH", path: column, body: `{"type":"text"}`, status: 400, want: []string{"type"}},
		{name: "column of another table", who: "admin", method: "PATCH", path: table + "/columns/col_00000000000000000000000000", body: `{"name":"x"}`, status: 404},
		{name: "order must be complete", who: "admin", method: "PUT", path: table + "/columns/order", body: `{"columns":["` + p.columns["Day"] + `"]}`, status: 400},
		{name: "delete column", who: "admin", method: "DELETE", path: table + "/columns/" + p.columns["Day"], status: 204},
		{name: "gone", who: "viewer", method: "GET", path: table, status: 200, unwanted: []string{`"Day"`}},
		{name: "default of a new row", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"n"}}`, status: 201, want: []string{`"Stock":7`, `"Weight":1.5`}},

		{name: "delete table", who: "admin", method: "DELETE", path: table, status: 204},
		{name: "no rows any more", who: "owner", method: "GET", path: p.rows(""), status: 404},
		{name: "delete base", who: "admin", method: "DELETE", path: base, headers: []string{"If-Match", `"2"`}, status: 204},
		{name: "no base any more", who: "owner", method: "GET", path: base, status: 404},
	})
}

// TestHostileNames gives things names that are fragments of SQL, HTML and formulas (4, 51).
func TestHostileNames(t *testing.T) {
	p := newPlace(t, shared)
	const evil = `x"; drop table lt_table; --`
	p.must(t, 200, "owner", "PATCH", "/api/v1/tables/"+p.table+"/columns/"+p.columns["Name"], map[string]string{"name": evil})
	p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]string{evil: `'; delete from lt_row --`}})
	p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]string{evil: `<script>`}})
	p.check(t, []request{
		{name: "sort", who: "viewer", method: "GET", path: p.rows(`?sort=-x%22%3B+drop+table+lt_table%3B+--`), status: 400, want: []string{"?sort"}},
		{name: "sort, quoted", who: "viewer", method: "GET", path: p.rows(`?sort=%22-x%22%22%3B+drop+table+lt_table%3B+--%22`), status: 200, want: []string{"script"}},
		{name: "filter", who: "viewer", method: "GET", path: p.rows(`?x%22%3B+drop+table+lt_table%3B+--.eq=%3Cscript%3E`), status: 200, want: []string{`script`}, unwanted: []string{"delete"}},
		{name: "export", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table + "/export.csv", status: 200, want: []string{`"x""; drop table lt_table; --"`}},
		{name: "group and sort", who: "viewer", method: "POST", path: p.at("/query"), body: map[string]any{"source": map[string]string{"table": p.table},
			"group_by": []any{map[string]any{"name": "g", "expr": map[string]string{"k": "col", "id": evil}}}, "aggregates": []any{map[string]string{"name": "n", "function": "countall"}},
			"sorts": []string{"-g"}}, status: 200, want: []string{`"n":1`, "script"}},
	})
}
