package httpapi

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManualOrder(t *testing.T) {
	p := newPlace(t, shared)
	var ids []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		ids = append(ids, p.insert(`{"Name":"`+name+`","Left":`+map[bool]string{true: "1", false: "100"}[name != "c"]+`}`))
	}
	order := func(who, query string) (names string) {
		t.Helper()
		for cursor := ""; ; {
			a := p.must(t, 200, who, "GET", p.rows("?sort=_order&limit=2"+query+cursor), nil)
			for _, row := range a.get(t, "data").([]any) {
				names += row.(map[string]any)["fields"].(map[string]any)["Name"].(string)
			}
			require.NotContains(t, a.body, "_order")
			if a.get(t, "page.has_more") != true {
				return names
			}
			cursor = "&cursor=" + a.text(t, "page.next_cursor")
		}
	}
	require.Equal(t, "abcde", order("editor", ""))
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Left < 50"}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"viewer","read":"Left < 50"}`)
	move := func(who, body string, status int) *answer {
		t.Helper()
		return p.must(t, status, who, "POST", p.rows("/move"), body)
	}
	a := move("editor", `{"rows":["`+ids[4]+`","`+ids[0]+`"],"after":"`+ids[1]+`","reason":"drag"}`, 200)
	require.Contains(t, a.body, `"affected":2`)
	require.Contains(t, a.body, `"id":"`+ids[4]+`","version":2`)
	require.Equal(t, "beacd", order("owner", ""))
	require.Equal(t, "bead", order("editor", ""), "rows out of sight leave no gap")
	move("editor", `{"rows":["`+ids[3]+`"],"first":true}`, 200)
	require.Equal(t, "dbeac", order("owner", ""))
	p.insert(`{"Name":"f","Left":1}`)
	require.Equal(t, "dbeacf", order("owner", ""))

	// In plans and views.
	q := p.must(t, 200, "editor", "POST", p.at("/query"), `{"source":{"table":"Things"},"columns":["Name"],"sorts":["-_order"]}`)
	names := ""
	for _, row := range q.get(t, "data").([]any) {
		names += row.(map[string]any)["fields"].(map[string]any)["Name"].(string)
	}
	require.Equal(t, "faebd", names)

	p.check(t, []request{
		{name: "a row out of sight", who: "editor", method: "POST", path: p.rows("/move"), body: `{"rows":["` + ids[2] + `"],"first":true}`, status: 404},
		{name: "next to a row out of sight", who: "editor", method: "POST", path: p.rows("/move"), body: `{"rows":["` + ids[1] + `"],"after":"` + ids[2] + `"}`, status: 404},
		{name: "by a viewer", who: "viewer", method: "POST", path: p.rows("/move"), body: `{"rows":["` + ids[1] + `"],"first":true}`, status: 403},
		{name: "by a stranger", who: "stranger", method: "POST", path: p.rows("/move"), body: `{"rows":["` + ids[1] + `"],"first":true}`, status: 404},
		{name: "nowhere", who: "editor", method: "POST", path: p.rows("/move"), body: `{"rows":["` + ids[1] + `"]}`, status: 400},
		{name: "a dry run", who: "editor", method: "POST", path: p.rows("/move?dry_run=true"), body: `{"rows":["` + ids[1] + `"],"last":true}`, status: 200, want: []string{`"dry_run":true`, `"affected":1`}},
		// What orders rows is compared with nothing and shown nowhere: it would tell of rows between two others.
		{name: "filtered by", who: "editor", method: "GET", path: p.rows("?_order.gt=a"), status: 400},
		{name: "in a formula", who: "editor", method: "GET", path: p.rows("?filter=_order%20%3E%20%22a%22"), status: 400},
		{name: "chosen", who: "editor", method: "GET", path: p.rows("?fields=_order"), status: 400},
		{name: "selected", who: "editor", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"},"columns":["_order"]}`, status: 400, want: []string{"unknown_column"}},
		{name: "computed with", who: "editor", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"},"computed_columns":[{"name":"x","expr":"LEN(_order)"}]}`, status: 400, want: []string{"unknown_column"}},
		{name: "sorted by a formula of it", who: "editor", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"},"sorts":[{"expr":"LEFT(_order, 31)"}]}`, status: 400},
		{name: "written", who: "editor", method: "PATCH", path: p.rows("/" + ids[1]), body: `{"fields":{"_order":"x"}}`, status: 400},
	})
	h := p.must(t, 200, "editor", "GET", p.rows("/"+ids[4]+"/history"), nil)
	require.Contains(t, h.body, "row.move")
	require.NotContains(t, h.body, "_order")
	require.True(t, slices.Contains(ids, ids[0]))
}
