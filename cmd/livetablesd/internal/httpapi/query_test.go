package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuery(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	query := p.at("/query")
	p.check(t, []request{
		{name: "by the table's name", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":["Price > 1","Live"],"columns":["Name","Price"],"count":"exact"}`, status: 200,
			want: []string{`{"columns":[{"name":"Name","type":"text"},{"name":"Price","type":"number"}],"data":[{"fields":{"Name":"gear","Price":14.5}}],"page":{"next_cursor":null,"has_more":false},"count":{"exact":1}}`}},
		{name: "groups", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"` + p.table + `"},"group_by":["Status"],"aggregates":[{"name":"n","function":"countall"},{"name":"worth","function":"sum","expr":"Price * Left"}],"sorts":["-n","Status"],"having":"n > 1"}`, status: 200,
			want: []string{`"data":[{"fields":{"Status":null,"n":2,"worth":0}},{"fields":{"Status":"open","n":2,"worth":777}}]`}},
		{name: "computed", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"` + p.table + `"},"computed_columns":[{"name":"Worth","expr":"Price * Left"}],"columns":["Name","Worth"],"sorts":["-Worth"],"pagination":{"limit":1}}`, status: 200,
			want: []string{`{"Name":"motor","Worth":597}`, `"has_more":true`}},
		{name: "in the syntax of expr", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":[{"formula":"Price > 1 && Live","syntax":"expr"}],"computed_columns":[{"name":"Loud","expr":{"formula":"Name | upper()","syntax":"expr"}}],"columns":["Loud"]}`, status: 200, want: []string{`{"Loud":"GEAR"}`}},
		{name: "a mistake in the syntax of expr", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":{"formula":"map(Name, #)","syntax":"expr"}}`, status: 400, want: []string{`"$.filters.formula"`, `map takes a closure here`, `"to":11`}},
		{name: "a syntax that is none", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":{"formula":"Live","syntax":"js"}}`, status: 400, want: []string{`"$.filters.syntax"`}},
		{name: "facts of the record", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":"Name = \"gear\" AND CREATED_TIME() <= NOW() AND LAST_MODIFIED_TIME() >= CREATED_TIME()","computed_columns":[{"name":"id","expr":"LEFT(RECORD_ID(), 4)"}],"columns":["id"]}`, status: 200, want: []string{`"data":[{"fields":{"id":"row_"}}]`}},
		{name: "a fact that the source does not know", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":"AUTO_NUMBER() > 1"}`, status: 400, want: []string{`no column that answers auto_number`}},
		{name: "one's own id", who: "owner", method: "POST", path: query, body: `{"source":{"table":"Things"},"filters":"_created_by = CURRENT_USER()","columns":["Name"],"pagination":{"limit":1}}`, status: 200, want: []string{`"Name"`}},
		{name: "explain", who: "owner", method: "POST", path: query + "/explain", body: `{"source":{"table":"Things"},"filters":"Price > 1"}`, status: 200, want: []string{`"parts"`, `"driver":"sqlite"`}},
		{name: "analyze", who: "owner", method: "POST", path: query + "/explain?analyze=true", body: `{"source":{"table":"Things"},"filters":"Price > 1"}`, status: 200, want: []string{`"tree":{"step":"read"`, `"actual":{"rows":`, `"requests":1`}},
		{name: "analyze oddly", who: "owner", method: "POST", path: query + "/explain?analyze=perhaps", body: `{"source":{"table":"Things"}}`, status: 400, want: []string{`"?analyze"`}},
		{name: "explain for people", who: "owner", method: "POST", path: query + "/explain", body: `{"source":{"table":"Things"},"filters":"Price > 1"}`, headers: []string{"Accept", "text/plain"}, status: 200, want: []string{"mini-DB", "pushed"}},
	})
}

// TestCursors changes cursors and uses them where they do not belong (6).
func TestCursors(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	other := newPlace(t, shared)
	other.fill()
	list := p.rows("?sort=Price&limit=2")
	cursor := p.must(t, 200, "viewer", "GET", list, nil).text(t, "page.next_cursor")
	p.must(t, 200, "viewer", "GET", list+"&cursor="+cursor, nil)
	for i := range cursor {
		flipped := []byte(cursor)
		if flipped[i]++; flipped[i] > 'z' {
			flipped[i] = 'A'
		}
		if i == len(cursor)-1 && len(cursor)%4 != 0 {
			continue // its last bits may mean nothing
		}
		a := p.do(t, "viewer", "GET", p.rows("?sort=Price&limit=2&cursor="+strings.ReplaceAll(string(flipped), "`", "%60")), nil)
		require.Equal(t, 400, a.status, "byte %d: %s", i, a.body)
		require.Contains(t, a.body, "invalid_cursor")
	}
	p.check(t, []request{
		{name: "another order", who: "viewer", method: "GET", path: p.rows("?sort=-Price&cursor=" + cursor), status: 400, want: []string{"invalid_cursor"}},
		{name: "another filter", who: "viewer", method: "GET", path: p.rows("?sort=Price&Live.eq=true&cursor=" + cursor), status: 400, want: []string{"invalid_cursor"}},
		{name: "another table", who: "viewer", method: "GET", path: other.rows("?sort=Price&cursor=" + cursor), status: 400, want: []string{"invalid_cursor"}},
		{name: "another reader", who: "editor", method: "GET", path: p.rows("?sort=Price&cursor=" + cursor), status: 400, want: []string{"invalid_cursor"}},
		{name: "after a change of the rules", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Secret":"hidden"}}`, status: 200},
		{name: "it begins anew", who: "viewer", method: "GET", path: p.rows("?sort=Price&cursor=" + cursor), status: 400, want: []string{"invalid_cursor"}},
	})
}
