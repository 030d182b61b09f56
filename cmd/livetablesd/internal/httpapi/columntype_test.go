package httpapi

import "testing"

// TestColumnTypes takes columns of many types from their making through rows, filters, files and rules.
func TestColumnTypes(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Typed","columns":[
		{"name":"No","type":"autonumber"},{"name":"Mail","type":"email"},{"name":"Site","type":"url"},
		{"name":"Worth","type":"currency","options":{"currency":"EUR"},"default":1.5},{"name":"Share","type":"percent"},
		{"name":"Spent","type":"duration"},{"name":"Stars","type":"rating"},{"name":"Made","type":"created_time"},
		{"name":"Who","type":"user","options":{"generate":"user"}},{"name":"Doc","type":"json"},{"name":"Place","type":"geo_point"},
		{"name":"Day","type":"date","options":{"generate":"today"}},
		{"name":"Tags","type":"multi_select","default":["red"],"options":{"choices":[{"name":"red","colour":"red"},{"name":"blue"}]}}]}`)
	table := "/api/v1/tables/" + made.text(t, "id")
	rows := table + "/rows"
	p.must(t, 200, "owner", "POST", table+"/import", "Mail,Share,Spent,Worth,Tags,Place,Doc\nb@EXAMPLE.com,25 %,1:30:00,12.50 EUR,\"red, blue\",\"52.5, 13.4\",\"{\"\"a\"\": 1}\"\n",
		"Content-Type", "text/csv")
	p.check(t, []request{
		{name: "of a file", who: "viewer", method: "GET", path: rows, status: 200, want: []string{`"No":1`, `"Mail":"b@example.com"`, `"Share":0.25`, `"Spent":5400`,
			`"Worth":12.5`, `"Tags":["red","blue"]`, `"Place":[52.5,13.4]`, `"Doc":{"a":1}`, `"Made":"20`, `"Day":"20`, `"Who":"usr_`}},
		{name: "defaults", who: "editor", method: "POST", path: rows, body: `{"fields":{"Stars":4}}`, status: 201, want: []string{`"No":2`, `"Worth":1.5`, `"Tags":["red"]`, `"Stars":4`}},
		{name: "all that is wrong", who: "editor", method: "POST", path: rows, body: `{"fields":{"Mail":"x","Site":"javascript:alert(1)","Stars":6,"Who":"usr_none","Tags":["green"],"Place":[91,0]}}`,
			status: 400, want: []string{`"$.fields.Mail"`, `"$.fields.Site"`, `"$.fields.Stars"`, `"$.fields.Who"`, `"$.fields.Tags"`, `"$.fields.Place"`, `"format"`, `"max"`, `"member"`, `"choice"`, `"range"`}},
		{name: "filled by the database", who: "editor", method: "POST", path: rows, body: `{"fields":{"No":7,"Made":"2026-01-01T00:00:00Z"}}`, status: 400, want: []string{"No", "Made"}},
		{name: "has", who: "viewer", method: "GET", path: rows + "?Tags.has=blue", status: 200, want: []string{`"No":1`}, unwanted: []string{`"No":2`}},
		{name: "has of no list", who: "viewer", method: "GET", path: rows + "?Mail.has=blue", status: 400, want: []string{"type_mismatch"}},
		{name: "compare", who: "viewer", method: "GET", path: rows + "?Share.gte=0.2&sort=-Made", status: 200, want: []string{`"No":1`}, unwanted: []string{`"No":2`}},
		{name: "no order of lists", who: "viewer", method: "GET", path: rows + "?sort=Tags", status: 400},
		{name: "no currency", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"X","type":"currency","options":{"currency":"EURO"}}`, status: 400, want: []string{"option"}},
		{name: "an index of lists", who: "admin", method: "POST", path: table + "/indexes", body: `{"columns":["Tags"]}`, status: 400},

		{name: "rules that rows break", who: "admin", method: "PATCH", path: table, body: `{"rules":{"checks":[{"expr":"{Stars} > 4","message":"only the best"}]}}`, status: 400, want: []string{"2 rows"}},
		{name: "no formula", who: "admin", method: "PATCH", path: table, body: `{"rules":{"checks":[{"expr":"{Stars} >","message":"x"}]}}`, status: 400, want: []string{"$.rules.checks[0].expr"}},
		{name: "rules", who: "admin", method: "PATCH", path: table, body: `{"rules":{"uniques":[{"columns":["Mail","Day"]}],"checks":[{"expr":"{Worth} < 100","message":"too dear","column":"Worth"}]}}`,
			status: 200, want: []string{`"too dear"`, `"uniques"`}},
		{name: "a check", who: "editor", method: "POST", path: rows, body: `{"fields":{"Worth":100}}`, status: 400, want: []string{`"$.fields.Worth"`, `"check"`, "too dear"}},
		{name: "unique together", who: "editor", method: "POST", path: rows, body: `{"fields":{"Mail":"b@example.com"}}`, status: 400, want: []string{`"$.fields.Mail"`, `"unique"`}},
		{name: "rules are for those who alter tables", who: "editor", method: "PATCH", path: table, body: `{"rules":{}}`, status: 403},
	})
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+made.text(t, "id")+`","role":"viewer","columns":{"Worth":"hidden"}}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+made.text(t, "id")+`","role":"admin","columns":{"Worth":"hidden","_created_by":"hidden"}}`)
	p.check(t, []request{
		{name: "rules about what is hidden", who: "viewer", method: "GET", path: table, status: 200, want: []string{`"uniques"`}, unwanted: []string{"too dear"}},
		{name: "a column that shows what is hidden", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"By","type":"created_by"}`, status: 403},
		{name: "a column that shows what is not", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"At","type":"updated_time"}`, status: 201},
		{name: "nor are they lifted", who: "admin", method: "PATCH", path: table, body: `{"rules":{}}`, status: 403},
	})
}
