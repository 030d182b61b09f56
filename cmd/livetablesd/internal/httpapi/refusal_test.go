package httpapi

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBadInput sends what people and attackers send wrong: each is refused with the place that is wrong.
func TestBadInput(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	query, q := p.at("/query"), func(rest string) string { return `{"source":{"table":"` + p.table + `"}` + rest + `}` }
	deep := strings.Repeat(`{"k":"call","f":"not","a":[`, 2000) + `true` + strings.Repeat(`]}`, 2000)
	p.check(t, []request{
		{name: "no JSON", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":`, status: 400, want: []string{"syntax"}},
		{name: "two documents", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{}}{}`, status: 400, want: []string{"syntax"}},
		{name: "no object", who: "editor", method: "POST", path: p.rows(""), body: `[]`, status: 400, want: []string{"type_mismatch"}},
		{name: "unknown key", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{},"tenant":"x"}`, status: 400, want: []string{"$.tenant", "unknown_key"}},
		{name: "duplicate key", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{},"fields":{}}`, status: 400, want: []string{"duplicate_key"}},
		{name: "duplicate column", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"a","Name":"b"}}`, status: 400, want: []string{"duplicate_key"}},
		{name: "NUL", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"a\u0000b"}}`, status: 400},
		{name: "not UTF-8", who: "editor", method: "POST", path: p.rows(""), body: "{\"fields\":{\"Name\":\"\xff\"}}", status: 400},
		{name: "a number of 100 digits", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Left":` + strings.Repeat("9", 100) + `}}`, status: 400, want: []string{"limit"}},
		{name: "no content type", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{}}`, headers: []string{"Content-Type", ""}, status: 415},
		{name: "text/plain", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{}}`, headers: []string{"Content-Type", "text/plain"}, status: 415},
		{name: "a body where none belongs", who: "editor", method: "DELETE", path: p.rows("/x"), body: `{}`, status: 400},

		{name: "unknown column", who: "viewer", method: "POST", path: query, body: q(`,"filters":"Prise > 1"`), status: 400, want: []string{"$.filters", "unknown_column", "Price"}},
		{name: "type mismatch", who: "viewer", method: "POST", path: query, body: q(`,"filters":"Price > \"dear\""`), status: 400, want: []string{"$.filters", "type_mismatch"}},
		{name: "several problems at once", who: "viewer", method: "POST", path: query, body: q(`,"filters":"Prise > 1","sorts":["Nope"],"columns":["Never"]`), status: 400, want: []string{"$.filters", "$.sorts[0]", "$.columns[0]"}},
		{name: "syntax with its place", who: "viewer", method: "POST", path: query, body: q(`,"filters":"Price >"`), status: 400, want: []string{"syntax", `"from":7`}},
		{name: "2,000 deep as a tree", who: "viewer", method: "POST", path: query, body: q(`,"filters":` + deep), status: 400, want: []string{"limit"}},
		{name: "2,000 deep as a formula", who: "viewer", method: "POST", path: query, body: q(`,"filters":"` + strings.Repeat("(", 2000) + "TRUE()" + strings.Repeat(")", 2000) + `"`), status: 400, want: []string{"limit"}},
		{name: "in with 20,000 values (54)", who: "viewer", method: "POST", path: query, body: q(`,"filters":"IN(Left` + strings.Repeat(",1", 20000) + `)"`), status: 400, want: []string{"limit"}},
		{name: "limit of a thousand million (54)", who: "viewer", method: "POST", path: query, body: q(`,"pagination":{"limit":1000000000}`), status: 400, want: []string{"limit"}},
		{name: "limit below zero (54)", who: "viewer", method: "POST", path: query, body: q(`,"pagination":{"limit":-1}`), status: 400},
		{name: "malformed cursor", who: "viewer", method: "POST", path: query, body: q(`,"pagination":{"cursor":"abc"}`), status: 400, want: []string{"invalid_cursor"}},
		{name: "malformed cursor of a list", who: "viewer", method: "GET", path: p.rows("?cursor=abc"), status: 400, want: []string{"invalid_cursor"}},
		{name: "malformed cursor of a history", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table + "/history?cursor=abc", status: 400, want: []string{"invalid_cursor"}},
		{name: "unknown table", who: "viewer", method: "POST", path: query, body: `{"source":{"table":"Nothing"}}`, status: 400, want: []string{"unknown_table"}},
		{name: "no source", who: "viewer", method: "POST", path: query, body: `{}`, status: 400, want: []string{"missing"}},
		{name: "unknown clause", who: "viewer", method: "POST", path: query, body: q(`,"where":"1"`), status: 400, want: []string{"$.where"}},
		{name: "sort by SQL (1)", who: "viewer", method: "POST", path: query, body: q(`,"sorts":["name\"; select pg_sleep(5)--"]`), status: 400, want: []string{"unknown_column"}},
		{name: "and backticks (1)", who: "viewer", method: "POST", path: query, body: q(`,"sorts":["name` + "`" + `; select 1--"]`), status: 400, want: []string{"unknown_column"}},
		{name: "aggregate of SQL (2)", who: "viewer", method: "POST", path: query, body: q(`,"aggregates":[{"name":"n","function":"max(x) from users--","expr":"Left"}]`), status: 400, want: []string{"unknown_aggregate"}},
		{name: "date unit of SQL (3)", who: "viewer", method: "POST", path: query, body: q(`,"filters":"DATEADD(Day, 1, \"day') , (select 1\") = Day"`), status: 400},
		{name: "operator object for a value (8)", who: "viewer", method: "POST", path: query, body: q(`,"filters":{"k":"call","f":"eq","a":[{"k":"col","id":"Name"},{"$ne":null}]}`), status: 400},

		{name: "unknown parameter", who: "viewer", method: "GET", path: p.rows("?order=Name"), status: 400, want: []string{`"?order"`, "unknown_key"}},
		{name: "parameter twice", who: "viewer", method: "GET", path: p.rows("?limit=1&limit=2"), status: 400, want: []string{"duplicate_key"}},
		{name: "broken escape", who: "viewer", method: "GET", path: p.rows("?limit=%zz"), status: 400},
		{name: "limit too large", who: "viewer", method: "GET", path: p.rows("?limit=1001"), status: 400, want: []string{"?limit", "1000"}},
		{name: "unknown operator", who: "viewer", method: "GET", path: p.rows("?Price.like=1"), status: 400, want: []string{"?Price.like"}},
		{name: "unknown column in a filter", who: "viewer", method: "GET", path: p.rows("?Nope.eq=1"), status: 400, want: []string{"?Nope.eq", "unknown_column"}},
		{name: "value of the wrong type", who: "viewer", method: "GET", path: p.rows("?Price.gte=dear"), status: 400, want: []string{"?Price.gte", "type_mismatch"}},
		{name: "no value", who: "viewer", method: "GET", path: p.rows("?Price.eq="), status: 400, want: []string{"is_empty"}},
		{name: "contains of a number", who: "viewer", method: "GET", path: p.rows("?Price.contains=1"), status: 400, want: []string{"type_mismatch"}},
		{name: "operator without a column (9)", who: "viewer", method: "GET", path: p.rows("?.eq=1"), status: 400},
		{name: "Mongo names (9)", who: "viewer", method: "GET", path: p.rows("?a.$where.eq=1"), status: 400, want: []string{"unknown_column"}},
		{name: "bad formula", who: "viewer", method: "GET", path: p.rows("?filter=Price+%3E"), status: 400, want: []string{`"?filter"`, "syntax"}},
		{name: "formula that is no condition", who: "viewer", method: "GET", path: p.rows("?filter=Price+%2B+1"), status: 400, want: []string{`"?filter"`}},
		{name: "bad time", who: "owner", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace + "&from=yesterday", status: 400, want: []string{"?from"}},
		{name: "audit log of nothing", who: "owner", method: "GET", path: "/api/v1/audit-logs", status: 400, want: []string{"?workspace_id"}},
		{name: "query string of 20,000 bytes", who: "viewer", method: "GET", path: p.rows("?filter=" + strings.Repeat("1", 20000)), status: 400, want: []string{"16384"}},
	})
}

// TestLargeBodies sends 50 MB where 1 MiB is the limit, announced and not.
func TestLargeBodies(t *testing.T) {
	p := newPlace(t, shared)
	body := append([]byte(`{"fields":{"Name":"`), bytes.Repeat([]byte("x"), 50<<20)...)
	for name, length := range map[string]int64{"announced": int64(len(body)), "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+p.rows(""), bytes.NewReader(body))
			require.NoError(t, err)
			req.ContentLength = length
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Expect", "100-continue")
			req.Header.Set("Authorization", "Bearer "+p.tokens["editor"].Access.Reveal())
			began := time.Now()
			res, err := http.DefaultClient.Do(req)
			if err != nil { // the server has closed the connection under a client that would not stop
				require.Equal(t, int64(-1), length)
				return
			}
			defer res.Body.Close()
			require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
			require.Less(t, time.Since(began), 5*time.Second)
		})
	}
	p.must(t, 413, "editor", "POST", p.rows(""), `{"fields":{"Name":"`+strings.Repeat("x", 1<<20)+`"}}`)
	p.must(t, 413, "editor", "POST", p.rows("/bulk"), `{"op":"`+strings.Repeat("x", 16<<20)+`"}`)
	small := newPlace(t, newInstance(t, func(o *Options) { o.MaxUpload = 100 }, "owner"))
	into := "/api/v1/tables/" + small.table + "/import"
	a := small.must(t, 413, "owner", "POST", into, strings.Repeat("x", 101), csvType...)
	require.Contains(t, a.body, "100 bytes")
	chunked := struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 101))}
	small.must(t, 413, "owner", "POST", into, chunked, csvType...)
}
