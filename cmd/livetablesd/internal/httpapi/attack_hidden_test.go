package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asUnknown demands that what names the column "secret" is answered, byte by byte, as what names "sacred", which there never
// was: with 400, and nothing done.
func (p *place) asUnknown(t testing.TB, state *storedState, who, method, path string, body string) {
	t.Helper()
	never := strings.NewReplacer("secret", "sacred", "Secret", "Sacred")
	var one, two any
	if body != "" {
		one, two = body, never.Replace(body)
	}
	hidden := p.refused(t, state, attack{who: who, method: method, path: path, body: one})
	unknown := p.refused(t, state, attack{who: who, method: method, path: never.Replace(path), body: two})
	plain := func(a *answer) string { return requestIDs.ReplaceAllString(never.Replace(a.body), "") }
	require.Equal(t, plain(unknown), plain(hidden), "%s %s %s", method, path, body)
	require.Equal(t, unknown.header.Get("Content-Type"), hidden.header.Get("Content-Type"))
}

// uses are the ways of a plan to use a column.
var uses = map[string]string{
	"filter":            `,"filters":"STARTS_WITH(secret, \"s\")","count":"exact"`,
	"filter of blanks":  `,"filters":"NOT(IS_BLANK(secret))","count":"exact"`,
	"filter in a case":  `,"filters":"IF(secret = \"s1\", TRUE(), FALSE())"`,
	"filter of expr":    `,"filters":{"formula":"secret == \"s1\"","syntax":"expr"}`,
	"sort":              `,"sorts":["secret"]`,
	"sort descending":   `,"sorts":["-secret"],"columns":["id"]`,
	"sort by a formula": `,"sorts":[{"expr":"LEN(secret)"}]`,
	"column":            `,"columns":["secret"]`,
	"computed column":   `,"computed_columns":[{"name":"c","expr":"UPPER(secret)"}],"columns":["c"]`,
	"computed, filter":  `,"computed_columns":[{"name":"c","expr":"LEN(secret)"}],"filters":"c > 1","columns":["id"]`,
	"group":             `,"group_by":["secret"],"aggregates":[{"name":"n","function":"countall"}]`,
	"group by formula":  `,"group_by":[{"name":"g","expr":"LEFT(secret, 1)"}]`,
	"min":               `,"aggregates":[{"name":"m","function":"min","expr":"secret"}]`,
	"max":               `,"aggregates":[{"name":"m","function":"max","expr":"secret"}]`,
	"distinct":          `,"aggregates":[{"name":"m","function":"count_unique","expr":"secret"}]`,
	"count":             `,"aggregates":[{"name":"m","function":"counta","expr":"secret"}]`,
	"filter of a sum":   `,"aggregates":[{"name":"m","function":"sum","expr":"price","filter":"secret = \"s1\""}]`,
	"having":            `,"group_by":["secret"],"aggregates":[{"name":"n","function":"countall"}],"having":"secret = \"s1\""`,
	"join":              `,"joins":[{"source":{"table":"%[1]s","alias":"o"},"on":"o.secret = things.name"}]`,
	"join, other side":  `,"joins":[{"kind":"left","source":{"table":"%[1]s","alias":"o"},"on":"o.id = things.id"}],"columns":["o.secret"]`,
	"nested":            `,"joins":[{"source":{"query":{"source":{"table":"%[1]s"},"filters":"secret = \"s1\"","columns":["id"]},"alias":"o"},"on":"o.id = things.id"}]`,
	"search":            `,"filters":"CONTAINS(secret & name, \"s1\")"`,
}

// TestAttack23HiddenColumnIsUnknown uses a hidden column in every clause of a plan, against every kind of database: filters
// (23), sorts (24), aggregates and groups (25).
func TestAttack23HiddenColumnIsUnknown(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			for _, use := range uses { // they are right for those who see it
				p.must(t, 200, "owner", "POST", b.query, b.plan(written(use, b.table)))
			}
			rule := map[string]any{"connection": b.connection, "table": b.table, "role": "viewer", "columns": map[string]string{"secret": "hidden"}}
			p.must(t, 200, "owner", "PUT", p.at("/rules"), rule)
			state, rows := p.stored(t), b.dump()
			for _, use := range uses {
				for _, route := range []string{b.query, b.query + "/explain", p.at("/query/export.csv")} {
					body := b.plan(written(use, b.table))
					if route == p.at("/query/export.csv") && b.connection != "" {
						body = strings.ReplaceAll(body, `"table"`, `"connection":"`+b.connection+`","table"`)
					}
					p.asUnknown(t, state, "viewer", "POST", route, body)
				}
			}
			for _, route := range []string{b.query, b.query + "/explain"} {
				a := p.must(t, 200, "viewer", "POST", route, b.plan(`,"sorts":["name"],"filters":"price >= 0"`))
				require.NotContains(t, strings.ToLower(a.body), "secret", "nor is it in what is answered")
			}
			require.Equal(t, rows, b.dump())
		})
	}
}

// written puts the table into a use of it.
func written(use, table string) string {
	if strings.Contains(use, "%[1]s") {
		return fmt.Sprintf(use, table)
	}
	return use
}

// TestAttack24HiddenColumnInLists uses it in every list: of rows (23, 24), of a view (26), in an export (27), and in writes.
func TestAttack24HiddenColumnInLists(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	row := p.insert(`{"Name":"n","Secret":"s"}`)
	view := "/api/v1/views/" + p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	for _, role := range []string{"viewer", "editor"} {
		p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"`+role+`","columns":{"Secret":"hidden"}}`)
	}
	state := p.stored(t)
	for _, list := range []string{p.rows(""), view + "/data", "/api/v1/tables/" + p.table + "/export.csv"} {
		for _, query := range []string{"?Secret.starts_with=s", "?Secret.is_empty=false", "?Secret.eq=s-gear", "?Secret.in=s-gear,x", "?sort=Secret", "?sort=-Secret", "?sort=Name,Secret", "?fields=Secret", "?fields=Name,Secret",
			"?filter=Secret%3D%22s%22", "?filter=IF(LEN(Secret)%3E1,TRUE(),FALSE())", "?filter=NOT(IS_BLANK(Secret))&sort=Name", "?syntax=expr&filter=Secret+contains+%22s%22"} {
			p.asUnknown(t, state, "viewer", "GET", list+query, "")
		}
	}
	for _, a := range []struct{ method, path, body string }{
		{"POST", p.rows(""), `{"fields":{"Name":"x","Secret":"y"}}`}, {"PATCH", p.rows("/" + row), `{"fields":{"Secret":"y"}}`}, {"PATCH", p.rows("/" + row + "?dry_run=true"), `{"fields":{"Secret":"y"}}`},
		{"POST", p.rows("/bulk"), `{"op":"insert","rows":[{"fields":{"Name":"x"}},{"fields":{"Secret":"y"}}]}`}, {"POST", p.rows("/bulk"), `{"op":"upsert","key":["Secret"],"rows":[{"fields":{"Name":"x"}}]}`},
		{"POST", p.rows("/bulk"), `{"op":"update","filter":"Secret = \"s\"","rows":[{"fields":{"Left":1}}]}`}, {"POST", p.rows("/bulk"), `{"op":"delete","filter":"Secret = \"s\""}`},
		{"POST", "/api/v1/views", `{"base_id":"` + p.base + `","name":"W","query":{"source":{"table":"` + p.table + `"},"filters":"Secret = \"s\""}}`},
		{"PATCH", view, `{"query":{"source":{"table":"` + p.table + `"},"columns":["Secret"]}}`},
	} {
		p.asUnknown(t, state, "editor", a.method, a.path, a.body)
	}
	// A file with the column is refused as one with a column that is none.
	one := p.do(t, "editor", "POST", "/api/v1/tables/"+p.table+"/import", "Name,Secret\nx,y\n", csvType...)
	two := p.do(t, "editor", "POST", "/api/v1/tables/"+p.table+"/import", "Name,Sacred\nx,y\n", csvType...)
	require.Equal(t, 400, one.status, one.body)
	require.Equal(t, requestIDs.ReplaceAllString(two.body, ""), requestIDs.ReplaceAllString(strings.ReplaceAll(one.body, "Secret", "Sacred"), ""))
	state.unchanged(t, "import")
}

// TestAttack26FormulasInheritWhatTheyRead lets editors make views whose formulas read what is hidden from viewers: hidden in
// their values, filters, sorts and counts, and nothing of the formula in the refusal.
func TestAttack26FormulasInheritWhatTheyRead(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	source := `"source":{"table":"` + p.table + `"}`
	view := func(name, query string) string {
		return p.must(t, 201, "editor", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"`+name+`","query":`+query+`}`).text(t, "id")
	}
	computed := view("Computed", `{`+source+`,"computed_columns":[{"name":"Loud","expr":"UPPER(Secret)"}],"columns":["Name","Loud"]}`)
	views := []string{computed,
		view("Length", `{`+source+`,"computed_columns":[{"name":"Loud","expr":"LEN(Secret) + 0 * Left"}],"columns":["Name","Loud"]}`),
		view("Filter", `{`+source+`,"filters":"Secret <> \"s-gear\"","columns":["Name"]}`),
		view("Sort", `{`+source+`,"sorts":["Secret"],"columns":["Name"]}`),
		view("Group", `{`+source+`,"group_by":[{"name":"Loud","expr":"LEFT(Secret, 3)"}],"aggregates":[{"name":"n","function":"countall"}]}`),
		view("Of a view", `{"source":{"table":"`+computed+`"},"columns":["Name","Loud"]}`),
		view("Of a filtered view", `{"source":{"table":"`+computed+`"},"filters":"Loud <> \"\"","columns":["Name"]}`),
	}
	slugs := make([]string, len(views))
	for i, v := range views {
		p.must(t, 200, "viewer", "GET", "/api/v1/views/"+v+"/data", nil)
		slugs[i] = fmt.Sprintf("attack26-%d-%s", i, p.workspace[len(p.workspace)-8:])
		p.must(t, 201, "admin", "POST", "/api/v1/views/"+v+"/api", `{"slug":"`+slugs[i]+`","mode":"public"}`)
		p.must(t, 200, "", "GET", "/public/views/"+slugs[i]+"/data", nil)
	}
	p.hideSecret()
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"admin","columns":{"Secret":"hidden"}}`) // the publisher
	state := p.stored(t)
	for i, v := range views {
		for _, query := range []string{"", "?Loud.starts_with=S", "?sort=Loud", "?filter=LEN(Loud)%3E1&count=exact", "?fields=Loud", "?Name.eq=gear", "?fields=Name"} {
			for who, path := range map[string]string{"viewer": "/api/v1/views/" + v + "/data" + query, "": "/public/views/" + slugs[i] + "/data" + query} {
				got := p.do(t, who, "GET", path, nil)
				require.Contains(t, []int{400, 422}, got.status, "%s: %s", path, got.body)
				for _, secret := range []string{"s-gear", "S-GEAR", "Secret", "UPPER", p.columns["Secret"]} {
					require.NotContains(t, got.body, secret, path)
				}
			}
		}
		for _, body := range []string{`{"source":{"table":"` + v + `"}}`, `{"source":{"table":"` + v + `"},"aggregates":[{"name":"n","function":"countall"}]}`} {
			p.refused(t, state, attack{who: "viewer", method: "POST", path: p.at("/query"), body: body, code: "view_closed", unwanted: []string{"Secret", "s-gear"}})
		}
	}
	require.Equal(t, 200, p.do(t, "editor", "GET", "/api/v1/views/"+computed+"/data", nil).status, "those who see it still do")
	state.unchanged(t, "reading")
}

// TestAttack43PublicViewHasItsOwnColumns names columns outside of a published view in every parameter.
func TestAttack43PublicViewHasItsOwnColumns(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`","alias":"t"},"filters":"Status = \"open\"","columns":["Name","Price"],"sorts":["Left"]}}`).text(t, "id")
	slug := "attack43-" + p.workspace[len(p.workspace)-8:]
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"`+slug+`","mode":"public"}`)
	public := "/public/views/" + slug + "/data"
	require.ElementsMatch(t, []string{"bolt", "motor"}, names(t, p.must(t, 200, "", "GET", public, nil)))
	state := p.stored(t)
	for _, column := range []string{"Secret", "Left", "Status", p.columns["Secret"], p.columns["Left"], "t.Secret", "_id", "_created_by", "view.Left", "Things.Secret"} {
		for _, query := range []string{"?fields=%s", "?fields=Name,%s", "?sort=%s", "?sort=-%s", "?%s.eq=1", "?%s.is_empty=true", "?filter=IS_BLANK({%s})", "?filter=Price%%3E0+AND+IS_BLANK({%s})", "?group=%s", "?group_by=%s", "?aggregate=%s", "?columns=%s", "?syntax=expr&filter=%s+==+1"} {
			p.refused(t, state, attack{name: query, method: "GET", path: public + fmt.Sprintf(query, column), unwanted: []string{"s-gear", "900"}})
		}
	}
	// What the view leaves out stays out, whatever is asked.
	for _, query := range []string{"?filter=TRUE()", "?filter=TRUE()+OR+Price%3E0", "?Name.ne=x", "?limit=1000&count=exact", "?sort=-Name"} {
		for _, name := range names(t, p.must(t, 200, "", "GET", public+query, nil)) {
			require.Contains(t, []string{"bolt", "motor"}, name)
		}
	}
	require.Contains(t, p.must(t, 200, "", "GET", public+"?count=exact&limit=1", nil).body, `"exact":2`)
}
