package httpapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// names are the values of the column Name in a list, in order.
func names(t *testing.T, a *answer) []string {
	t.Helper()
	var doc struct {
		Data []struct {
			Fields map[string]any `json:"fields"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &doc), a.body)
	list := []string{}
	for _, row := range doc.Data {
		list = append(list, row.Fields["Name"].(string))
	}
	return list
}

func TestListRows(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	for _, test := range []struct {
		name, query string
		want        []string
	}{
		{"sort", "?sort=-Price,Name", []string{"motor", "gear", "spring", "bolt", `a,b "c"`}},
		{"nulls first ascending", "?sort=Price&limit=2", []string{`a,b "c"`, "bolt"}},
		{"at least", "?Price.gte=14.5&sort=Name", []string{"gear", "motor"}},
		{"lge by their other names", "?Price.ge=14.5&Price.le=14.50", []string{"gear"}},
		{"between", "?Left.gt=0&Left.lt=900&sort=Left", []string{"motor", "gear"}},
		{"in", "?Status.in=open,done&sort=Name", []string{"bolt", "gear", "motor"}},
		{"in with a comma", `?Name.in=bolt,"a,b ""c"""&sort=Name`, []string{`a,b "c"`, "bolt"}},
		{"in of numbers", "?Left.in=3,12&sort=Left", []string{"motor", "gear"}},
		{"contains", "?Name.contains=o&sort=Name", []string{"bolt", "motor"}},
		{"starts with", "?Name.starts_with=s", []string{"spring"}},
		{"empty", "?Price.is_empty=true", []string{`a,b "c"`}},
		{"not empty", "?Status.is_empty=false&sort=Name", []string{"bolt", "gear", "motor"}},
		{"a date", "?Day.lt=2026-02-11&sort=Day", []string{"bolt", "gear"}},
		{"a truth value", "?Live.eq=true&sort=Name", []string{"bolt", "gear"}},
		{"not equal", "?Status.ne=open&sort=Name", []string{`a,b "c"`, "gear", "spring"}},
		{"formula", "?filter=" + url.QueryEscape(`Price * Left > 170 AND Live`) + "&sort=Name", []string{"bolt", "gear"}},
		{"formula in the syntax of expr", "?syntax=expr&filter=" + url.QueryEscape(`Price * Left > 170 && Live`) + "&sort=Name", []string{"bolt", "gear"}},
		{"formula and filter", "?filter=" + url.QueryEscape(`Price > 1`) + "&Live.eq=false&sort=Name", []string{"motor", "spring"}},
		{"by column id", "?" + p.columns["Left"] + ".eq=12", []string{"gear"}},
		{"by row id", "?_version.eq=1&sort=Name&limit=1", []string{`a,b "c"`}},
		{"nothing", "?Name.eq=nope", []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := p.must(t, 200, "viewer", "GET", p.rows(strings.ReplaceAll(strings.ReplaceAll(test.query, `"`, "%22"), " ", "+")), nil)
			require.Equal(t, test.want, names(t, a))
		})
	}
	p.check(t, []request{
		{name: "fields", who: "viewer", method: "GET", path: p.rows("?fields=Left,Name&Name.eq=gear"), status: 200, want: []string{`"version":1,"fields":{"Left":12,"Name":"gear"}}]`}, unwanted: []string{"created_at"}},
		{name: "keys by id", who: "viewer", method: "GET", path: p.rows("?keys=id&Name.eq=gear"), status: 200, want: []string{`"` + p.columns["Left"] + `":12`}, unwanted: []string{`"Left"`}},
		{name: "count", who: "viewer", method: "GET", path: p.rows("?count=exact&limit=1"), status: 200, want: []string{`"has_more":true`, `"count":{"exact":5}`}},
		{name: "empty page", who: "viewer", method: "GET", path: p.rows("?Name.eq=x"), status: 200, want: []string{`{"data":[],"page":{"next_cursor":null,"has_more":false}}`}},
	})
}

// TestWalk follows cursors through more rows than fit one flush, no row missing and none twice.
func TestWalk(t *testing.T) {
	p := newPlace(t, shared)
	const total = 1500
	for from := 0; from < total; from += 500 {
		var rows []map[string]any
		for i := from; i < from+500; i++ {
			rows = append(rows, map[string]any{"fields": map[string]any{"Name": strings.Repeat("n", 100), "Left": i, "Price": i % 7}})
		}
		p.must(t, 200, "owner", "POST", p.rows("/bulk"), map[string]any{"op": "insert", "rows": rows}, "Prefer", "return=minimal")
	}
	seen := map[float64]bool{}
	path := p.rows("?sort=-Price&limit=400")
	for cursor := ""; ; {
		a := p.must(t, 200, "viewer", "GET", path+cursor, nil)
		var doc struct {
			Data []struct {
				Fields map[string]any `json:"fields"`
			} `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &doc))
		for _, row := range doc.Data {
			at := row.Fields["Left"].(float64)
			require.False(t, seen[at])
			seen[at] = true
		}
		if a.get(t, "page.has_more") == false {
			break
		}
		cursor = "&cursor=" + a.text(t, "page.next_cursor")
	}
	require.Len(t, seen, total)
}

func TestRowWrites(t *testing.T) {
	p := newPlace(t, shared)
	made := p.must(t, 201, "editor", "POST", p.rows(""), `{"fields":{"Name":"gear","Price":14.5}}`)
	id := made.text(t, "id")
	require.Equal(t, "/api/v1/tables/"+p.table+"/rows/"+id, made.header.Get("Location"))
	require.Equal(t, `"1"`, made.header.Get("ETag"))
	row := p.rows("/" + id)
	p.check(t, []request{
		{name: "get", who: "viewer", method: "GET", path: row, status: 200, want: []string{`"Price":14.5`, `"version":1`, p.id("editor")}},
		{name: "update", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":15},"version":1,"reason":"dearer"}`, status: 200, want: []string{`"Price":15`, `"version":2`}},
		{name: "If-Match of an older version shows the row", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":16}}`, headers: []string{"If-Match", `"1"`}, status: 412,
			want: []string{`"current_version":2`, `"current":{"id":"` + id + `","version":2,"fields":{"Name":"gear","Price":15`}},
		{name: "so does the version in the body", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":16},"version":1}`, status: 412, want: []string{`"current"`}},
		{name: "If-Match of this version", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":16}}`, headers: []string{"If-Match", `"2"`}, status: 200, want: []string{`"version":3`}},
		{name: "dry run", who: "editor", method: "PATCH", path: row + "?dry_run=true", body: `{"fields":{"Price":99}}`, status: 200, want: []string{`"Price":99`}},
		{name: "changed nothing", who: "viewer", method: "GET", path: row, status: 200, want: []string{`"Price":16`, `"version":3`}},
		{name: "minimal", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":17}}`, headers: []string{"Prefer", "return=minimal"}, status: 204},
		{name: "type mismatch", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":"dear","Live":3,"Nope":1}}`, status: 400, want: []string{`"$.fields.Price"`, "type_mismatch", `"$.fields.Live"`, `"$.fields.Nope"`, "unknown_column"}},
		{name: "no whole number", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Left":1.5}}`, status: 400, want: []string{`"$.fields.Left"`, `"scale"`}},
		{name: "too many decimals", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":1.005}}`, status: 400, want: []string{`"$.fields.Price"`, `"scale"`}},
		{name: "no choice", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Status":"lost"}}`, status: 400, want: []string{`"$.fields.Status"`, `"choice"`}},
		{name: "required", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Price":1}}`, status: 400, want: []string{`"$.fields.Name"`, "required"}},
		{name: "built-in column", who: "editor", method: "PATCH", path: row, body: `{"fields":{"_version":9}}`, status: 400, want: []string{"$.fields._version"}},
		{name: "object in a text (10)", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":{"$oid":"1"}}}`, status: 400},
		{name: "delete an older version", who: "editor", method: "DELETE", path: row, headers: []string{"If-Match", `"1"`}, status: 412},
		{name: "delete, dry run", who: "editor", method: "DELETE", path: row + "?dry_run=true", status: 204},
		{name: "delete", who: "editor", method: "DELETE", path: row + "?reason=sold", status: 204},
		{name: "gone", who: "editor", method: "DELETE", path: row, status: 404},
		{name: "no id", who: "viewer", method: "GET", path: p.rows("/nothing"), status: 404},
	})
	require.Equal(t, []string{"row.delete", "row.update", "row.update", "row.update", "row.insert"}, p.entries(id))
	history := p.must(t, 200, "viewer", "GET", row+"/history", nil)
	require.Contains(t, history.body, `"reason":"dearer"`)
	require.NotContains(t, history.body, "127.0.0.1")
}

// entries are the actions in the audit log of a workspace about one resource, newest first.
func (p *place) entries(id string) []string {
	p.t.Helper()
	a := p.must(p.t, 200, "owner", "GET", "/api/v1/audit-logs?limit=900&workspace_id="+p.workspace+"&resource_id="+id, nil)
	var doc struct{ Data []struct{ Action string } }
	require.NoError(p.t, json.Unmarshal([]byte(a.body), &doc))
	list := []string{}
	for _, e := range doc.Data {
		list = append(list, e.Action)
	}
	return list
}
