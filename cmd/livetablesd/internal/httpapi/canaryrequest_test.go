package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/livetables/livetables/minidb"
)

// probing is one random request.
type probing struct {
	who, method, path string
	body              any
	headers           []string
}

// reader is who is answered: what is published is for everybody.
func (p *probing) reader() string {
	if strings.HasPrefix(p.path, "/public") {
		return "public"
	}
	return p.who
}

// account is whose access token is sent.
func (p *probing) account() string {
	if p.who == "key" || p.who == "public" {
		return ""
	}
	return p.who
}

func one[T any](a *aviary, list []T) T { return list[a.rnd.IntN(len(list))] }

func (a *aviary) chance(percent int) bool { return a.rnd.IntN(100) < percent }

// slow are routes that cost a password hash or end the session of who asks.
var slow = []string{"/auth/setup", "/auth/register", "/auth/login", "/auth/logout", "/auth/password", "/auth/sessions/{session}"}

// request makes up a request to some route. Those with power over a workspace only look, lest they clear it away.
func (a *aviary) request() *probing {
	for {
		r := one(a, routes())
		p := &probing{who: one(a, everyone), method: r.method}
		if slices.ContainsFunc(slow, func(s string) bool { return strings.HasSuffix(r.path, s) }) || r.audience == sockets {
			continue
		}
		public := strings.HasPrefix(r.path, "/public")
		if (p.who == "key" || p.who == "public") && !public && a.chance(90) {
			continue
		}
		asks := r.method == "GET" || strings.Contains(r.path, "/query")
		if powerful := p.who == "owner" || p.who == "admin" || p.who == "root" || p.who == "stranger"; powerful && !asks {
			if !strings.HasSuffix(r.path, "/rows") || r.method != "POST" {
				continue
			}
		}
		p.path = a.fillPath(r.path) + a.query(&r)
		if r.method == "HEAD" || r.method == "GET" && a.chance(3) {
			p.method = "HEAD"
		}
		if r.body != bodyNone && r.method != "GET" {
			p.body = a.body(r.path, r.body)
		}
		p.headers = a.headers(p, r.body == bodyFile)
		return p
	}
}

// fillPath puts ids into the segments of a path: of the members, of the stranger, of nobody, of another kind, or garbage.
func (a *aviary) fillPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		name, ok := strings.CutPrefix(s, "{")
		if !ok {
			continue
		}
		segments[i] = a.id4(strings.TrimRight(name, "}"))
	}
	return strings.Join(segments, "/")
}

func (a *aviary) id4(kind string) string {
	if kind == "$" {
		return ""
	}
	if kind == "slug" {
		return one(a, append([]string{"no-such-slug"}, a.slugs...))
	}
	switch n := a.rnd.IntN(100); {
	case n < 70 && len(a.ids[kind]) > 0:
		return one(a, a.ids[kind])
	case n < 88 && len(a.foreign[kind]) > 0:
		return one(a, a.foreign[kind])
	case n < 92:
		return minidb.NewID("tbl")
	case n < 96:
		return one(a, a.ids[one(a, []string{"table", "row", "view", "connection"})])
	}
	return one(a, []string{"x", "tbl_", "..%2f", "'", "%00", "order"})
}

var formulas = []string{"Left > 1", "Price >= 2 AND Left < 3", `CONTAINS(Name, "row")`, `Secret <> ""`, "LEN(Secret) > 3", `Status = "done"`, "IS_BLANK(Secret)",
	`_created_by <> ""`, "1 / 0 > Left", "Left IN (1, 2)", "NOT(", `USER() = "x"`, "Nope = 1", "Name", `Name > "row" OR TRUE`, `country = "NO"`, "total > 20", "id = 1",
	`LEFT(Name, 20) <> Secret`, `view.Name = ""`, "_version > 1", `REPT("x", 100000) = Name`}

var columnNames = []string{"Name", "Price", "Left", "Status", "Secret", "Day", "_id", "_version", "_created_at", "_updated_by", "Nope", "country", "name", "total", "customer_id", "id"}

// query makes up a query string of the parameters that the route knows.
func (a *aviary) query(r *route) string {
	v := url.Values{}
	for _, name := range r.params {
		if name == "workspace_id" && a.chance(95) {
			v.Set(name, a.id4("workspace"))
			continue
		}
		if !a.chance(20) {
			continue
		}
		switch name {
		case "filter":
			v.Set(name, one(a, formulas))
		case "sort":
			v.Set(name, one(a, []string{"", "-"})+one(a, columnNames))
		case "fields":
			v.Set(name, one(a, columnNames)+","+one(a, columnNames))
		case "limit":
			v.Set(name, one(a, []string{"1", "2", "3", "1000", "0", "-1"}))
		case "cursor":
			v.Set(name, a.cursor())
		case "count":
			v.Set(name, "exact")
		case "keys":
			v.Set(name, one(a, []string{"id", "name"}))
		case "dry_run", "refresh", "archived", "break":
			v.Set(name, "true")
		case "action":
			v.Set(name, one(a, []string{"row.update", "row.insert", "data.read", "column.create"}))
		case "resource_id":
			v.Set(name, a.id4("row"))
		case "table_id", "table":
			v.Set(name, a.id4("table"))
		case "name":
			v.Set(name, fmt.Sprintf("import %d", a.rnd.IntN(1e6)))
		default:
			v.Set(name, one(a, []string{"x", "1", "viewer", a.id("owner"), "2026-01-01T00:00:00Z"}))
		}
	}
	if r.filters && a.chance(40) {
		v.Set(one(a, columnNames)+"."+one(a, []string{"eq", "ne", "gt", "in", "contains", "starts_with", "is_empty"}), one(a, []string{"1", "row", "true", "open", "c"}))
	}
	if a.chance(2) {
		v.Set(one(a, []string{"nope", "access_token", "key"}), "x")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

func (a *aviary) cursor() string {
	if len(a.cursors) == 0 || a.chance(10) {
		return "AAAA"
	}
	c := []byte(one(a, a.cursors))
	if a.chance(15) && len(c) > 0 {
		c[a.rnd.IntN(len(c))] ^= 1
	}
	return string(c)
}

// source is a table, view or connection of anybody, or a join or a nested query of them.
func (a *aviary) source(depth int) map[string]any {
	s := map[string]any{"table": one(a, a.tables), "alias": fmt.Sprintf("s%d", depth)}
	switch n := a.rnd.IntN(10); {
	case n < 2:
		s["connection"] = one(a, []string{"shop", "mute", a.id4("connection")})
	case n == 3 && depth < 3:
		delete(s, "table")
		s["query"] = a.plan(depth + 1)
	}
	return s
}

// plan makes up a query.
func (a *aviary) plan(depth int) map[string]any {
	q := map[string]any{"source": a.source(depth)}
	if a.chance(25) {
		right := a.source(depth + 3)
		q["joins"] = []any{map[string]any{"kind": one(a, []string{"inner", "left", "right", "full"}), "source": right,
			"on": fmt.Sprintf("s%d.%s = s%d.%s", depth, one(a, columnNames), depth+3, one(a, columnNames))}}
	}
	if a.chance(40) {
		q["filters"] = one(a, formulas)
	}
	if a.chance(30) {
		q["columns"] = []any{one(a, columnNames), one(a, columnNames)}
	}
	if a.chance(30) {
		q["sorts"] = []any{one(a, []string{"", "-"}) + one(a, columnNames)}
	}
	if a.chance(20) {
		q["computed_columns"] = []any{map[string]any{"name": "made", "expr": one(a, []string{"UPPER(Secret)", "Name", "Left * 2", `Name & "!"`})}}
	}
	if a.chance(20) {
		q["group_by"] = []any{one(a, columnNames)}
		q["aggregates"] = []any{map[string]any{"name": "agg", "function": one(a, []string{"max", "min", "count_unique", "countall", "sum"}), "expr": one(a, columnNames)}}
	}
	if a.chance(30) && depth == 0 {
		q["count"] = "exact"
		q["pagination"] = map[string]any{"limit": 1 + a.rnd.IntN(4)}
		if a.chance(50) {
			q["pagination"] = map[string]any{"cursor": a.cursor()}
		}
	}
	return q
}

// fields are values of a row, some of columns that not everybody has.
func (a *aviary) fields() map[string]any {
	f := map[string]any{"Name": fmt.Sprintf("made %d", a.rnd.IntN(1000))}
	for _, c := range []string{"Left", "Status", "Secret", "Nope", "_created_by"} {
		if a.chance(15) {
			f[c] = one(a, []any{1, "open", "done", nil, true, []any{}, 1e300})
		}
	}
	return f
}

// body makes up what a route might take.
func (a *aviary) body(path string, kind bodyKind) any {
	if kind == bodyFile {
		return one(a, []string{"Name,Left\nimported,1\n", "Name,Secret\nx,y\n", "\"", "Nope\n1\n", "Name,Left\nx,notanumber\n"})
	}
	if a.chance(4) {
		return one(a, []string{"", "{", "[]", `{"a":1,"a":2}`, `{"Fields":{}}`, "null"})
	}
	row := map[string]any{"fields": a.fields()}
	switch {
	case strings.Contains(path, "/query"):
		return a.plan(0)
	case strings.HasSuffix(path, "/bulk"):
		b := map[string]any{"op": one(a, []string{"insert", "update", "upsert", "delete"}), "dry_run": a.chance(50)}
		if a.chance(50) {
			b["filter"] = one(a, formulas)
			b["rows"] = []any{row}
		} else {
			row["id"] = a.id4("row")
			b["rows"] = []any{row, map[string]any{"fields": a.fields()}}
			b["key"] = []any{one(a, columnNames)}
		}
		if a.chance(50) {
			delete(b, one(a, []string{"key", "rows", "filter"}))
		}
		return b
	case strings.Contains(path, "/rows"):
		if a.chance(20) {
			row["id"] = a.id4("row")
		}
		if a.chance(30) {
			row["version"] = 1 + a.rnd.IntN(3)
		}
		return row
	case strings.HasSuffix(path, "/rules"):
		return map[string]any{"table": a.id4("table"), "role": one(a, []string{"viewer", "editor", "admin"}), "columns": map[string]any{}}
	case strings.Contains(path, "/members"):
		return map[string]any{"email": "nobody@example.net", "role": one(a, []string{"viewer", "owner"})}
	case strings.Contains(path, "/views"):
		return map[string]any{"base_id": a.id4("base"), "name": fmt.Sprintf("v %d", a.rnd.IntN(1e6)), "query": a.plan(0)}
	case strings.Contains(path, "/connections"):
		return map[string]any{"name": fmt.Sprintf("c %d", a.rnd.IntN(1e6)), "driver": "sqlite", "file": one(a, []string{"shop.db", "../data.db", "/etc/passwd"})}
	}
	return map[string]any{"name": fmt.Sprintf("n %d", a.rnd.IntN(1e6))}
}

func (a *aviary) headers(p *probing, file bool) (h []string) {
	if file {
		h = append(h, "Content-Type", "text/csv")
	}
	if a.chance(10) {
		h = append(h, "Idempotency-Key", one(a, []string{"first", "second"}))
	}
	if a.chance(10) && len(a.etags) > 0 {
		h = append(h, one(a, []string{"If-None-Match", "If-Match"}), one(a, a.etags))
	}
	if a.chance(10) {
		h = append(h, "Accept", one(a, []string{"text/plain", "text/html"}))
	}
	if p.who == "key" {
		h = append(h, "X-Api-Key", a.key)
	}
	return h
}

// remember keeps cursors and tags, for others to try.
func (a *aviary) remember(got *answer) {
	if tag := got.header.Get("ETag"); tag != "" && len(a.etags) < 50 {
		a.etags = append(a.etags, tag)
	}
	var doc struct {
		Page struct {
			Next string `json:"next_cursor"`
		} `json:"page"`
	}
	if json.Unmarshal([]byte(got.body), &doc) == nil && doc.Page.Next != "" && len(a.cursors) < 200 {
		a.cursors = append(a.cursors, doc.Page.Next)
	}
}
