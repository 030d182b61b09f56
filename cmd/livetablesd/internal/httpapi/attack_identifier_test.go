package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// identifiers are fragments of statements in the place of a name.
var identifiers = []string{`name"; select pg_sleep(5)--`, "name`; select sleep(5)#", `name]; waitfor delay '0:0:5'--`, `(select pg_sleep(5))`, `name' OR '1'='1`, `name) , (select sleep(5)`,
	`name desc, (select 1)`, `name/**/`, `"name"`, "`name`", `[name]`, `name--`, `t.name; drop table things`, `things"."secret`, `$where`, `$expr`, `$$ROOT`, `name.$where`, `*`, `1`, `id" ASC, pg_sleep(5), "id`,
	"name\x00", `name\"`, `rowid`, `oid`, `ctid`, `xmin`, `sqlite_version()`, `@@version`, ``}

// quickly demands that something ends within a time, at the best of a few tries: the machine has other tests to run.
func quickly(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	best := time.Hour
	for range 5 {
		began := time.Now()
		f()
		if best = min(best, time.Since(began)); best < limit {
			return
		}
	}
	require.Less(t, best, limit, what)
}

// jsonText is a text as JSON.
func jsonText(text string) string {
	doc, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(doc)
}

// TestAttack1IdentifiersAreNoSQL sends fragments of SQL and of Mongo commands wherever a plan names a column, table, source,
// order or zone, to every kind of database.
func TestAttack1IdentifiersAreNoSQL(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			p.must(t, 200, "owner", "POST", b.query, b.plan(`,"sorts":["name"]`)) // it is connected and warm
			state, rows := p.stored(t), b.dump()
			for _, name := range identifiers {
				id := jsonText(name)
				for place, body := range map[string]string{
					"sort":       b.plan(`,"sorts":[` + id + `]`),
					"descending": b.plan(`,"sorts":[` + jsonText("-"+name) + `]`),
					"sort tree":  b.plan(`,"sorts":[{"expr":{"k":"col","id":` + id + `}}]`),
					"column":     b.plan(`,"columns":[` + id + `]`),
					"group":      b.plan(`,"group_by":[` + id + `]`),
					"filter":     b.plan(`,"filters":{"k":"call","f":"eq","a":[{"k":"col","id":` + id + `},{"k":"lit","v":"x"}]}`),
					"aggregate":  b.plan(`,"aggregates":[{"name":"n","function":"max","expr":{"k":"col","id":` + id + `}}]`),
					"source":     `{"source":{"table":` + id + `}}`,
					"join":       b.plan(`,"joins":[{"source":{"table":` + id + `,"alias":"j"},"on":true}]`),
					"direction":  b.plan(`,"sorts":[{"expr":{"k":"col","id":"name"},"direction":` + jsonText("desc "+name) + `}]`),
					"nulls":      b.plan(`,"sorts":[{"expr":{"k":"col","id":"name"},"nulls":` + jsonText("first "+name) + `}]`),
					"kind":       b.plan(`,"joins":[{"kind":` + jsonText("left "+name) + `,"source":{"table":"things","alias":"j"},"on":true}]`),
					"zone":       b.plan(`,"time_zone":` + jsonText("UTC"+name+"'")),
					"connection": `{"source":{"connection":` + jsonText(name+"x") + `,"table":"things"}}`,
					"alias":      `{"source":{"table":"` + b.table + `","alias":"t"},"columns":[` + jsonText("t."+name) + `]}`,
				} {
					what := fmt.Sprintf("%s %q", place, name)
					quickly(t, 200*time.Millisecond, what, func() {
						p.refused(t, state, attack{name: what, who: "viewer", method: "POST", path: b.query, body: body})
					})
				}
			}
			require.Equal(t, rows, b.dump())
		})
	}
}

// TestAttack1ListsOfRows is the same in the query string of a list, a view, an export and a published view.
func TestAttack1ListsOfRows(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	view := "/api/v1/views/" + p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	slug := strings.ReplaceAll("attack1-"+p.workspace[4:], "_", "-")
	p.must(t, 201, "admin", "POST", view+"/api", `{"slug":"`+slug+`","mode":"public"}`)
	state := p.stored(t)
	for _, name := range identifiers {
		if name == "" || name == "name\x00" {
			continue // no parameter at all; and no URL
		}
		escaped := url.QueryEscape(name)
		for _, list := range []string{p.rows(""), view + "/data", "/api/v1/tables/" + p.table + "/export.csv", "/public/views/" + slug + "/data"} {
			for _, query := range []string{"?sort=" + escaped, "?sort=-" + escaped, "?fields=" + escaped, "?" + escaped + ".eq=1", "?Name." + escaped + "=1"} {
				p.refused(t, state, attack{name: name, who: map[bool]string{false: "viewer"}[strings.HasPrefix(list, "/public")], method: "GET", path: list + query})
			}
		}
	}
}

// TestAttack2FunctionsAreAList sends names of functions that databases know, and fragments, as aggregates and in formulas.
func TestAttack2FunctionsAreAList(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			p.must(t, 200, "owner", "POST", b.query, b.plan(""))
			state, rows := p.stored(t), b.dump()
			for _, f := range []string{`max(x) from users--`, `max)--`, `max"`, "max`", `MAX(`, `pg_sleep`, `sleep`, `benchmark`, `load_extension`, `load_file`, `readfile`, `pg_read_file`, `lo_import`, `dblink`,
				`version`, `current_setting`, `current_user `, `count(*)`, `sum distinct`, `$sum`, `$function`, `$accumulator`, `sqlite_version`, `group_concat`, `xmlparse`, `query_to_xml`, ``} {
				id := jsonText(f)
				for place, body := range map[string]string{
					"aggregate":   b.plan(`,"aggregates":[{"name":"n","function":` + id + `,"expr":"price"}]`),
					"of all rows": b.plan(`,"aggregates":[{"name":"n","function":` + id + `}]`),
					"filter tree": b.plan(`,"filters":{"k":"call","f":` + id + `,"a":[{"k":"col","id":"price"}]}`),
					"formula":     b.plan(`,"filters":` + jsonText(f+"(5) = 1")),
					"computed":    b.plan(`,"computed_columns":[{"name":"c","expr":` + jsonText(f+"(5)") + `}]`),
				} {
					if place == "formula" && f == "" || place == "computed" && f == "" {
						continue // (5) is a number
					}
					p.refused(t, state, attack{name: place + " " + f, who: "viewer", method: "POST", path: b.query, body: body})
				}
			}
			require.Equal(t, rows, b.dump())
		})
	}
}

// TestAttack3UnitsAreAList sends fragments as units, formats and zones of date functions: in queries, and where formulas are
// saved, in views and rules.
func TestAttack3UnitsAreAList(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	view := "/api/v1/views/" + p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	state := p.stored(t)
	for _, unit := range []string{`day') , (select 1`, `day'--`, `day"`, "day`", `days; drop table x`, `day day`, `epoch`, `$day`, `week(monday)`, `'`, ``} {
		for _, formula := range []string{`DATEADD(Day, 1, %s) = Day`, `DATETIME_DIFF(Day, Day, %s) = 1`, `IS_SAME(Day, Day, %s)`} {
			formula = fmt.Sprintf(formula, jsonText(unit))
			for _, a := range []attack{
				{method: "POST", path: p.at("/query"), who: "viewer", body: map[string]any{"source": map[string]string{"table": p.table}, "filters": formula}},
				{method: "GET", path: p.rows("?filter=" + url.QueryEscape(formula)), who: "viewer"},
				{method: "POST", path: "/api/v1/views", who: "editor", body: map[string]any{"base_id": p.base, "name": "X", "query": map[string]any{"source": map[string]string{"table": p.table}, "filters": formula}}},
				{method: "PATCH", path: view, who: "editor", body: map[string]any{"query": map[string]any{"source": map[string]string{"table": p.table}, "computed_columns": []any{map[string]string{"name": "c", "expr": formula}}}}},
				{method: "PUT", path: p.at("/rules"), who: "owner", body: map[string]any{"table": p.table, "role": "viewer", "read": formula}},
			} {
				a.name = formula
				p.refused(t, state, a)
			}
		}
	}
	// A unit that is a column is none: what is stored must not become a keyword.
	p.refused(t, state, attack{name: "unit of a column", who: "viewer", method: "GET", path: p.rows("?filter=" + url.QueryEscape(`DATEADD(Day, 1, Name) = Day`))})
}
