package main

import (
	"fmt"
	"net/url"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// miniRead is a page or a row that both sides read, in this process and over HTTP. The functions are given the number of the
// request, where each asks for something else than the one before.
type miniRead struct {
	name, target string
	found        int // rows
	// tail and args are those of a statement on the plain table, base is a request to the server by hand.
	tail string
	args func(i int) []any
	base func(i int) string
	// query is that of the engine, daemon the path of the request below that of the table; ids are those of the keys, cursor
	// leads to the last page.
	query  func(q *lqp.Builder, ids []string, cursor string, i int) *lqp.Query
	daemon func(ids []string, cursor string, i int) string
}

const firstPage, lastPage = "first page of 100", "last page of 100"

func (m *miniBench) reads() []miniRead {
	none := func(int) []any { return nil }
	always := func(path string) func(int) string { return func(int) string { return path } }
	key := func(i int) string { return fmt.Sprintf(plainID, m.number(i%keys)) }
	before := m.rows - 100 // the row before the last page
	return []miniRead{
		{name: firstPage, target: "T12: >= 0.8", found: 100, tail: plainFirst, args: none, base: always("/rows?sort=n"),
			query: func(q *lqp.Builder, _ []string, _ string, _ int) *lqp.Query {
				return q.Sort("n").Limit(100).Query()
			},
			daemon: func([]string, string, int) string { return "/rows?sort=n&limit=100" }},
		{name: "page of a city", target: "T12: >= 0.8", found: min(100, m.rows/cities), tail: plainOfCity, args: func(i int) []any { return []any{cityOf(i)} },
			base: func(i int) string { return "/rows?city=" + url.QueryEscape(cityOf(i)) },
			query: func(q *lqp.Builder, _ []string, _ string, i int) *lqp.Query {
				return q.Filter(call("eq", lqp.Ref("", "city"), text(cityOf(i)))).Limit(100).Query()
			},
			daemon: func(_ []string, _ string, i int) string {
				return "/rows?limit=100&city.eq=" + url.QueryEscape(cityOf(i))
			}},
		{name: "page by city, descending", target: "T12: >= 0.8", found: 100, tail: plainByCity, args: none, base: always("/rows?sort=-city"),
			query: func(q *lqp.Builder, _ []string, _ string, _ int) *lqp.Query {
				return q.Sort("-city").Limit(100).Query()
			},
			daemon: func([]string, string, int) string { return "/rows?sort=-city&limit=100" }},
		{name: lastPage, target: "T12: >= 0.8", found: 100, tail: plainAfter, args: func(int) []any { return []any{int64(before), fmt.Sprintf(plainID, before)} },
			base: always(fmt.Sprintf("/rows?after=%d,"+plainID, before, before)),
			query: func(q *lqp.Builder, _ []string, cursor string, _ int) *lqp.Query {
				last := q.Sort("n").Limit(100).Query()
				last.Page.Cursor = cursor
				return last
			},
			daemon: func(_ []string, cursor string, _ int) string {
				return "/rows?sort=n&limit=100&cursor=" + url.QueryEscape(cursor)
			}},
		{name: "get a row", target: "T4: >= 1.0", found: 1, tail: plainGet, args: func(i int) []any { return []any{key(i)} },
			base: func(i int) string { return "/rows/" + key(i) },
			query: func(q *lqp.Builder, ids []string, _ string, i int) *lqp.Query {
				return q.Filter(call("eq", lqp.Ref("", minidb.ColumnID), text(ids[i%keys]))).Limit(1).Query()
			},
			daemon: func(ids []string, _ string, i int) string { return "/rows/" + ids[i%keys] }},
	}
}
