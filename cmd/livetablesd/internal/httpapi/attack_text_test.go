package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// titles are names that are fragments of a language.
var titles = []string{`x"; drop table lt_table; --`, "x`; drop table y #", `x' OR '1'='1`, `]; exec`, `a) FROM b --`, `$1`, `?`, `$where`, `{x} & {y}`, `<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `=cmd|' /C calc'!A0`,
	`-name`, `a.b.c`, `a,b`, `%s%d`, `\`, `"`, `//`, `_secret`, `TRUE()`, `名前`, "tab\there"}

// lit is a constant of a plan.
func lit(v any) map[string]any { return map[string]any{"k": "lit", "v": v} }

// fieldsOf are the rows of a list by the names of their columns.
func fieldsOf(t *testing.T, a *answer) (rows []map[string]any) {
	t.Helper()
	var doc struct {
		Data []struct{ Fields map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &doc), a.body)
	for _, r := range doc.Data {
		rows = append(rows, r.Fields)
	}
	return rows
}

// TestAttack4TitlesArePlainText renames columns to fragments of SQL and then groups, sorts, filters and exports by them.
func TestAttack4TitlesArePlainText(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	column := "/api/v1/tables/" + p.table + "/columns/" + p.columns["Name"]
	rows := storedRows(t, p.stored(t).files[0].db, `SELECT count(*) FROM lt_table`)
	for _, title := range titles {
		t.Run(title, func(t *testing.T) {
			made := p.do(t, "owner", "PATCH", column, map[string]string{"name": title})
			if made.status == 400 { // names with control characters and those that begin with an underscore are none
				require.Contains(t, []string{"tab\there", "_secret"}, title, made.body)
				return
			}
			require.Equal(t, 200, made.status, made.body)
			col := map[string]string{"k": "col", "id": title}
			plan := func(more map[string]any) map[string]any {
				more["source"] = map[string]string{"table": p.table}
				return more
			}
			a := p.must(t, 200, "viewer", "POST", p.at("/query"), plan(map[string]any{"sorts": []any{map[string]any{"expr": col, "direction": "desc"}}, "columns": []any{map[string]any{"expr": col}}}))
			require.Equal(t, "spring", fieldsOf(t, a)[0][title])
			a = p.must(t, 200, "viewer", "POST", p.at("/query"), plan(map[string]any{"group_by": []any{map[string]any{"name": title, "expr": col}}, "aggregates": []any{map[string]string{"name": title + "!", "function": "countall"}}}))
			require.Len(t, fieldsOf(t, a), 5)
			require.EqualValues(t, 1, fieldsOf(t, a)[0][title+"!"])
			a = p.must(t, 200, "viewer", "POST", p.at("/query"), plan(map[string]any{"filters": map[string]any{"k": "call", "f": "eq", "a": []any{col, lit("gear")}}}))
			require.Equal(t, "gear", fieldsOf(t, a)[0][title])
			a = p.must(t, 200, "viewer", "GET", p.rows("?"+url.QueryEscape(title)+".eq=gear"), nil)
			require.Len(t, fieldsOf(t, a), 1)
			if !strings.HasPrefix(title, "-") {
				quoted := url.QueryEscape(`"` + strings.ReplaceAll(title, `"`, `""`) + `"`)
				a = p.must(t, 200, "viewer", "GET", p.rows("?limit=1&sort="+quoted+"&fields="+quoted), nil)
				require.Equal(t, `a,b "c"`, fieldsOf(t, a)[0][title])
			}
			p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+p.table+"/export.csv", nil)
			p.must(t, 200, "viewer", "POST", p.at("/query/export.csv"), plan(map[string]any{"columns": []any{map[string]any{"name": title, "expr": col}}}))
			p.must(t, 200, "editor", "POST", p.rows("/bulk"), map[string]any{"op": "upsert", "key": []string{title}, "rows": []any{map[string]any{"fields": map[string]any{title: "gear"}}}})
		})
	}
	require.Equal(t, rows, storedRows(t, p.stored(t).files[0].db, `SELECT count(*) FROM lt_table`), "no table was dropped")
}

// TestAttack4NamesOfEverything gives tables, bases, views, choices, groups of a query and headers of a file such names.
func TestAttack4NamesOfEverything(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	for i, title := range titles {
		if title == "tab\there" {
			continue
		}
		t.Run(title, func(t *testing.T) {
			columns := []any{map[string]any{"name": "Pick", "type": "single_select", "options": map[string]any{"choices": []any{map[string]string{"name": title}}}}, map[string]any{"name": "Text", "type": "text", "default": title, "description": title}}
			base := p.must(t, 201, "owner", "POST", p.at("/bases"), map[string]string{"name": title, "description": title}).text(t, "id")
			table := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": title, "columns": columns}).text(t, "id")
			p.must(t, 201, "editor", "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": map[string]string{"Pick": title}})
			query := map[string]any{"source": map[string]string{"table": title, "alias": "a" + title}, "group_by": []any{map[string]any{"name": title, "expr": map[string]string{"k": "col", "id": "Pick"}}},
				"aggregates": []any{map[string]any{"name": "all of " + title, "function": "min", "expr": "Text"}}}
			view := p.must(t, 201, "editor", "POST", "/api/v1/views", map[string]any{"base_id": base, "name": title, "query": query}).text(t, "id")
			for _, a := range []*answer{p.must(t, 200, "viewer", "POST", p.at("/query"), query), p.must(t, 200, "viewer", "GET", "/api/v1/views/"+view+"/data", nil)} {
				require.Equal(t, []map[string]any{{title: title, "all of " + title: title}}, fieldsOf(t, a))
				require.Contains(t, a.header.Get("Content-Type"), "application/json")
				require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
			}
			if strings.ContainsAny(title, `",\`) || strings.HasPrefix(title, "_") || strings.ContainsAny(title[:1], "=-") {
				return // not a plain header of a file
			}
			imported := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+base+"/import?name="+fmt.Sprint("file", i), title+",n\nx,1\n", csvType...)
			a := p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+imported.text(t, "table_id")+"/rows", nil)
			require.Equal(t, []map[string]any{{title: "x", "n": 1.0}}, fieldsOf(t, a))
		})
	}
}

// TestAttack7TextsAreLiteral asks every kind of database for texts that mean something to it, beside negative numbers: what
// is found is what was looked for, and nothing else.
func TestAttack7TextsAreLiteral(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			before := b.dump()
			for i, text := range append([]string{"bolt", "gear"}, hostileTexts...) {
				row := thingRows()[i]
				col := func(name string) map[string]string { return map[string]string{"k": "col", "id": name} }
				is := func(name string, v any) any {
					return map[string]any{"k": "call", "f": "eq", "a": []any{col(name), lit(v)}}
				}
				all := func(of ...any) any { return map[string]any{"k": "call", "f": "and", "a": of} }
				// A negative number beside a minus and the text is what a statement with its values written into it gets wrong.
				minus := map[string]any{"k": "call", "f": "gt", "a": []any{map[string]any{"k": "call", "f": "sub", "a": []any{col("left"), lit(-3)}}, lit(0)}}
				for what, filter := range map[string]any{
					"equal":       is("name", text),
					"beside -1":   all(minus, is("name", text)),
					"before -1":   all(is("name", text), minus, is("left", row[3])),
					"in a list":   map[string]any{"k": "call", "f": "in", "a": []any{col("name"), map[string]any{"k": "list", "a": []any{lit(text)}}}},
					"starts with": all(map[string]any{"k": "call", "f": "starts_with", "a": []any{col("name"), lit(text)}}, is("id", row[0])),
					"contains":    all(map[string]any{"k": "call", "f": "contains", "a": []any{col("name"), lit(text)}}, is("id", row[0])),
					"ends with":   all(map[string]any{"k": "call", "f": "ends_with", "a": []any{col("name"), lit(text)}}, is("id", row[0])),
				} {
					a := p.must(t, 200, "viewer", "POST", b.query, map[string]any{"source": map[string]string{"table": b.table}, "filters": filter, "columns": []string{"id", "name"}, "count": "exact"})
					require.Equal(t, []map[string]any{{"id": float64(row[0].(int)), "name": text}}, fieldsOf(t, a), "%s %q", what, text)
					require.EqualValues(t, 1, a.get(t, "count.exact"), "%s %q", what, text)
				}
				// As a pattern it stands for itself: no other row has it but those that contain it.
				a := p.must(t, 200, "viewer", "POST", b.query, map[string]any{"source": map[string]string{"table": b.table}, "filters": map[string]any{"k": "call", "f": "contains", "a": []any{col("name"), lit(text)}},
					"columns": []string{"name"}, "pagination": map[string]int{"limit": 100}})
				for _, f := range fieldsOf(t, a) {
					require.Contains(t, strings.ToLower(f["name"].(string)), strings.ToLower(text))
				}
				name := strings.Map(func(r rune) rune { return map[bool]rune{true: '_', false: r}[unicode.IsControl(r)] }, text) + "!"
				a = p.must(t, 200, "viewer", "POST", b.query, map[string]any{"source": map[string]string{"table": b.table}, "computed_columns": []any{map[string]any{"name": name, "expr": map[string]any{"k": "call", "f": "concat", "a": []any{lit(text), col("name")}}}},
					"filters": is("id", 1), "columns": []any{map[string]any{"name": "c", "expr": map[string]any{"k": "col", "id": name}}}})
				require.Equal(t, text+"bolt", fieldsOf(t, a)[0]["c"])
			}
			require.Equal(t, before, b.dump())
		})
	}
}
