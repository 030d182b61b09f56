package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTextsBecomeLinksByLabels turns a column of texts into links, exports it by labels and takes the change back.
func TestTextsBecomeLinksByLabels(t *testing.T) {
	p := newPlace(t, shared)
	apollo := p.insert(`{"Name":"Apollo","Status":"open"}`)
	made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Tasks","columns":[{"name":"Task","type":"text"},{"name":"Project","type":"text"}]}`)
	table, column := made.text(t, "id"), made.text(t, "columns.1.id")
	at := "/api/v1/tables/" + table
	for _, project := range []string{"Apollo", "Gemini", "Apollo, Gemini"} {
		p.must(t, 201, "owner", "POST", at+"/rows", `{"fields":{"Task":"`+project+`","Project":"`+project+`"}}`)
	}
	change := func(more string) string {
		return `{"type":"link","options":{"link":{"table_id":"` + p.table + `"}}` + more + `}`
	}
	a := p.must(t, 200, "owner", "POST", at+"/columns/"+column+"/type", change(`,"preview":true`))
	require.Contains(t, a.body, `"changed":1,"lost":2`)
	require.Contains(t, a.body, `no row of the linked table is called \"Gemini\"`)
	p.must(t, 409, "owner", "POST", at+"/columns/"+column+"/type", change(""))
	a = p.must(t, 200, "owner", "POST", at+"/columns/"+column+"/type", change(`,"create_rows":true`))
	require.Contains(t, a.body, `"changed":3,"lost":0`)
	require.Contains(t, a.body, `"created":1`)
	require.Contains(t, p.must(t, 200, "owner", "GET", at+"/rows?Task.eq=Apollo", nil).body, `"Project":["`+apollo+`"]`)

	require.Contains(t, p.must(t, 200, "owner", "GET", at+"/export.ndjson?links=labels", nil).body, `"Project":["Apollo","Gemini"]`)
	require.Contains(t, p.must(t, 200, "owner", "GET", at+"/export.ndjson?links=ids", nil).body, apollo)
	p.must(t, 400, "owner", "GET", at+"/export.ndjson?links=names", nil)

	// A rule that keeps rows from somebody keeps links from becoming texts, and those whom it binds from making links.
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Status = \"open\""}`)
	p.must(t, 400, "owner", "POST", at+"/columns/"+column+"/type", `{"type":"text","options":{}}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor"}`)
	p.must(t, 200, "owner", "POST", at+"/columns/"+column+"/type", `{"type":"text","options":{}}`)
	require.Contains(t, p.must(t, 200, "owner", "GET", at+"/rows?Task.eq=Apollo", nil).body, `"Project":"Apollo"`)
}
