package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parts is a table that links to the place's Things, in both directions where inverse is not empty.
func (p *place) parts(name, inverse string) (table, column string) {
	p.t.Helper()
	if inverse != "" {
		inverse = `,"inverse":{"name":"` + inverse + `"}`
	}
	made := p.must(p.t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"`+name+`","columns":[{"name":"Part","type":"text"},
		{"name":"Thing","type":"link","options":{"link":{"table_id":"`+p.table+`"}}`+inverse+`}]}`)
	return made.text(p.t, "id"), made.text(p.t, "columns.1.id")
}

// TestAttack68LinkToARowOutOfSight has editors whom a rule keeps from some rows of the linked table link to such a row, and
// look for its id and its title in every place where the cell of a link may show.
func TestAttack68LinkToARowOutOfSight(t *testing.T) {
	p := newPlace(t, shared)
	secret := p.insert(`{"Name":"the canary","Status":"done"}`)
	open := p.insert(`{"Name":"plain","Status":"open"}`)
	table, _ := p.parts("Parts", "Parts")
	row := p.must(t, 201, "owner", "POST", "/api/v1/tables/"+table+"/rows", `{"fields":{"Part":"p","Thing":["`+secret+`","`+open+`"]}}`).text(t, "id")
	rows := "/api/v1/tables/" + table + "/rows"
	// Before the rule an editor sees all of it.
	a := p.must(t, 200, "editor", "GET", rows+"?expand=links", nil)
	require.Contains(t, a.body, secret)
	require.Contains(t, a.body, "the canary")
	require.Contains(t, a.body, `"links_complete":true`)

	// What an editor gets for a row that is not there is what is said of one in another table.
	gone := "row_00000000000000000000000000"
	missing := p.must(t, 400, "editor", "POST", rows, `{"fields":{"Thing":["`+gone+`"]}}`)
	elsewhere := p.must(t, 400, "editor", "POST", rows, `{"fields":{"Thing":["`+row+`"]}}`)
	require.Equal(t, plainly(t, missing), strings.ReplaceAll(plainly(t, elsewhere), row, gone))

	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Status = \"open\""}`)
	view := p.must(t, 201, "owner", "POST", p.at("/views"), `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"Parts"},"columns":["Part","Thing"]}}`).text(t, "id")
	var body strings.Builder
	for _, path := range []string{rows, rows + "?expand=links", rows + "/" + row, rows + "/" + row + "?expand=links", rows + "?sort=Part&fields=Part,Thing",
		"/api/v1/tables/" + table + "/history", "/api/v1/tables/" + table + "/rows/" + row + "/history", "/api/v1/views/" + view + "/data",
		p.at("/tables/") + "", "/api/v1/tables/" + table, "/api/v1/tables/" + table + "/columns"} {
		a := p.do(t, "editor", "GET", path, nil)
		body.WriteString(a.body)
	}
	for _, query := range []string{
		`{"source":{"table":"Parts"}}`,
		`{"source":{"table":"Parts"},"group_by":["Thing"],"aggregates":[{"name":"n","function":"countall"}]}`,
		`{"source":{"table":"Parts"},"columns":[{"name":"first","expr":"ARRAY_FIRST(Thing)"},{"name":"text","expr":"ARRAY_JOIN(Thing, \",\")"}]}`,
	} {
		a := p.do(t, "editor", "POST", p.at("/query"), query)
		body.WriteString(a.body)
	}
	require.NotContains(t, body.String(), secret)
	require.NotContains(t, body.String(), "the canary")
	require.Contains(t, body.String(), `"Thing":["`+open+`"]`, "links to rows in sight are shown")
	require.Contains(t, body.String(), `"first":null`, "formulas are over all links or none")

	// A filter with the id finds as much as one with any id.
	for _, id := range []string{secret, gone} {
		a := p.must(t, 200, "editor", "GET", rows+"?Thing.has="+id, nil)
		require.Contains(t, a.body, `"data":[]`)
	}
	// Nor is anything linked: by insert, update, bulk or import, whatever the row.
	said := map[string]string{}
	for _, id := range []string{secret, gone} {
		for _, w := range []struct{ method, path, body string }{
			{"POST", rows, `{"fields":{"Part":"q","Thing":["` + id + `"]}}`},
			{"PATCH", rows + "/" + row, `{"fields":{"Thing":["` + id + `"]},"overwrite":true}`},
			{"POST", rows + "/bulk", `{"op":"insert","rows":[{"fields":{"Thing":["` + id + `"]}}]}`},
		} {
			a := p.do(t, "editor", w.method, w.path, w.body)
			require.Contains(t, []int{400, 403}, a.status, "%s %s: %s", w.method, w.path, a.body)
			require.NotContains(t, a.body, "canary")
			answer := strings.ReplaceAll(plainly(t, a), id, "ID")
			if said[w.method+w.path] == "" {
				said[w.method+w.path] = answer
			}
			require.Equal(t, said[w.method+w.path], answer, "rows out of sight and nowhere are refused alike")
		}
	}
	// A row is written with its other cells and with links in sight, which keeps the links out of sight.
	p.must(t, 200, "editor", "PATCH", rows+"/"+row, `{"fields":{"Part":"p2"},"overwrite":true}`)
	answer := p.must(t, 200, "editor", "PATCH", rows+"/"+row, `{"fields":{"Thing":[]},"overwrite":true}`)
	require.NotContains(t, answer.body, secret)
	a = p.must(t, 200, "owner", "GET", rows+"/"+row, nil)
	require.Contains(t, a.body, secret)
	require.Contains(t, a.body, "p2")

	// The bearer of a published view's key sees rows of the view, and ids of no others.
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"linked-parts","mode":"key"}`)
	key := p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api/keys", nil).text(t, "key")
	a = p.must(t, 200, "", "GET", "/public/views/linked-parts/data", nil, "X-Api-Key", key)
	require.Contains(t, a.body, "p2")
	require.NotContains(t, a.body, "row_")
}

// TestTwoWayLinksAskForBothRights has an editor change linked rows that a rule lets nobody but others change.
func TestTwoWayLinksAskForBothRights(t *testing.T) {
	p := newPlace(t, shared)
	mine := p.insert(`{"Name":"mine","Status":"open"}`)
	theirs := p.insert(`{"Name":"theirs","Status":"done"}`)
	table, _ := p.parts("Parts", "Parts")
	oneWay, _ := p.parts("Notes", "")
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","update":"Status = \"open\""}`)
	rows := "/api/v1/tables/" + table + "/rows"
	row := p.must(t, 201, "editor", "POST", rows, `{"fields":{"Part":"p","Thing":["`+mine+`"]}}`).text(t, "id")
	require.Contains(t, p.must(t, 200, "editor", "GET", p.rows("/"+mine), nil).body, row)
	p.must(t, 403, "editor", "POST", rows, `{"fields":{"Part":"p","Thing":["`+theirs+`"]}}`)
	p.must(t, 403, "editor", "PATCH", rows+"/"+row, `{"fields":{"Thing":["`+mine+`","`+theirs+`"]},"overwrite":true}`)
	// A one-way link changes nothing of the rows that it names.
	p.must(t, 201, "editor", "POST", "/api/v1/tables/"+oneWay+"/rows", `{"fields":{"Thing":["`+theirs+`"]}}`)
	// What a row says of others goes with it.
	p.must(t, 201, "owner", "POST", rows, `{"fields":{"Part":"q","Thing":["`+theirs+`"]}}`)
	list := p.must(t, 200, "editor", "GET", rows+"?Part.eq=q", nil)
	p.must(t, 204, "editor", "DELETE", rows+"/"+list.text(t, "data.0.id")+"?overwrite=true", nil)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("/"+theirs), nil).body, `"Parts":null`)
	// A column that is read-only for them is so from the other side too.
	inverse := ""
	for i := range 8 {
		if c := p.must(t, 200, "owner", "GET", "/api/v1/tables/"+p.table, nil); c.text(t, "columns."+string(rune('0'+i))+".name") == "Parts" {
			inverse = c.text(t, "columns."+string(rune('0'+i))+".id")
		}
	}
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","columns":{"`+inverse+`":"read_only"}}`)
	p.must(t, 403, "editor", "POST", rows, `{"fields":{"Part":"p","Thing":["`+mine+`"]}}`)
}

// TestLinkColumnsOverHTTP makes, changes and reads link columns.
func TestLinkColumnsOverHTTP(t *testing.T) {
	p := newPlace(t, shared)
	bolt := p.insert(`{"Name":"bolt"}`)
	columns := "/api/v1/tables/" + p.table + "/columns"
	c := p.must(t, 201, "owner", "POST", columns, `{"name":"Next","type":"link","options":{"link":{"table_id":"","single":true}}}`)
	require.Equal(t, p.table, c.text(t, "options.link.table_id"))
	column := c.text(t, "id")
	gear := p.insert(`{"Name":"gear","Next":["` + bolt + `"]}`)
	p.must(t, 400, "owner", "PATCH", columns+"/"+column, `{"inverse":{"name":"Name"},"one_way":true}`)
	p.must(t, 200, "owner", "PATCH", columns+"/"+column, `{"inverse":{"name":"Before"}}`)
	a := p.must(t, 200, "owner", "GET", p.rows("/"+bolt)+"?expand=links", nil)
	require.Equal(t, gear, a.text(t, "fields.Before.0"))
	require.Equal(t, "gear", a.text(t, "links."+p.table+"."+gear))
	p.must(t, 200, "owner", "PATCH", columns+"/"+column, `{"one_way":true,"options":{"link":{"single":false}}}`)
	a = p.must(t, 200, "owner", "GET", p.rows("/"+bolt), nil)
	require.NotContains(t, a.body, "Before")
	p.must(t, 400, "owner", "GET", p.rows("")+"?expand=rows", nil)
	p.must(t, 404, "owner", "POST", columns, `{"name":"L","type":"link","options":{"link":{"table_id":"tbl_00000000000000000000000000"}}}`)
	p.must(t, 400, "owner", "POST", columns, `{"name":"L","type":"link"}`)
	// The settings of the table say what its rows are called.
	p.must(t, 200, "owner", "PATCH", "/api/v1/tables/"+p.table, `{"settings":{"primary_column":"`+p.columns["Price"]+`"}}`)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+bolt), `{"fields":{"Price":2.5},"overwrite":true}`)
	a = p.must(t, 200, "owner", "GET", p.rows("")+"?expand=links&Name.eq=gear", nil)
	require.Contains(t, a.body, `"`+bolt+`":2.5`)
}
