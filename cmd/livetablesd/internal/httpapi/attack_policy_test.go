package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttack30RulesCombinePerRow gives a member two rules on one table, that of a custom role and that of the role it is made
// from, each of which lets through what the other does not: a write needs both, for its row and for each of its columns.
func TestAttack30RulesCombinePerRow(t *testing.T) {
	p := newPlace(t, shared)
	role := p.must(t, 201, "owner", "POST", p.at("/roles"), `{"name":"Clerk","base":"editor","grants":[{"action":"data.read"},{"action":"rows.write"}]}`).text(t, "id")
	p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("editor")), `{"role":"`+role+`"}`)
	rows := map[string]string{}
	for _, name := range []string{"open small", "open big", "done small", "done big"} {
		status, size, _ := strings.Cut(name, " ")
		rows[name] = p.insert(fmt.Sprintf(`{"Name":%q,"Status":%q,"Left":%d,"Price":1,"Live":true}`, name, status, map[string]int{"small": 1, "big": 100}[size]))
	}
	rule := func(role, update, column string) {
		p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"`+role+`","update":"`+update+`","columns":{"`+column+`":"read_only"}}`)
	}
	rule("editor", `Status = \"open\"`, "Live") // may write Price, on open rows
	rule(role, `Left > 10`, "Price")            // may write Live, on big rows
	var attacks []attack
	for name, id := range rows {
		for _, fields := range []string{`{"Price":2}`, `{"Live":false}`, `{"Price":2,"Live":false}`} {
			attacks = append(attacks, attack{name: name + fields, who: "editor", method: "PATCH", path: p.rows("/" + id), body: `{"fields":` + fields + `}`, status: 403},
				attack{name: "bulk " + name + fields, who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"update","rows":[{"id":"` + id + `","fields":` + fields + `}]}`, status: 403})
		}
		if name != "open big" {
			attacks = append(attacks, attack{name: name + " of another column", who: "editor", method: "PATCH", path: p.rows("/" + id), body: `{"fields":{"Name":"x"}}`, status: 403})
		}
	}
	attacks = append(attacks, attack{name: "all rows", who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"update","all_rows":true,"rows":[{"fields":{"Name":"x"}}]}`, status: 403})
	p.refuses(t, attacks)
	p.must(t, 200, "editor", "PATCH", p.rows("/"+rows["open big"]), `{"fields":{"Name":"both allow it"}}`)
}

// TestAttack25MaskedColumnIsItsMask asks every kind of database of a masked column in every way: filters, sorts, groups,
// aggregates, joins and searches know the mask and nothing else, and it cannot be written.
func TestAttack25MaskedColumnIsItsMask(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			p.must(t, 200, "owner", "PUT", p.at("/rules"), map[string]any{"connection": b.connection, "table": b.table, "role": "viewer", "columns": map[string]string{"secret": "masked"},
				"masks": map[string]string{"secret": `LEFT(secret, 1) & "*"`}})
			all := len(thingRows())
			for what, c := range map[string]struct {
				rest string
				want []map[string]any
			}{
				"equal to what is below":  {`,"filters":"secret = \"s1\"","columns":["id"]`, nil},
				"starts as what is below": {`,"filters":"STARTS_WITH(secret, \"s1\")","columns":["id"]`, nil},
				"a guess in an OR":        {`,"filters":"OR(secret = \"s1\", secret = \"s2\")","columns":["id"]`, nil},
				"longer than its mask":    {`,"filters":"LEN(secret) > 2","columns":["id"]`, nil},
				"the mask":                {`,"filters":"secret = \"s*\"","aggregates":[{"name":"n","function":"countall"}]`, []map[string]any{{"n": float64(all)}}},
				"min and max":             {`,"aggregates":[{"name":"a","function":"min","expr":"secret"},{"name":"z","function":"max","expr":"secret"}]`, []map[string]any{{"a": "s*", "z": "s*"}}},
				"distinct":                {`,"aggregates":[{"name":"n","function":"count_unique","expr":"secret"}]`, []map[string]any{{"n": 1.0}}},
				"groups":                  {`,"group_by":["secret"],"aggregates":[{"name":"n","function":"countall"}]`, []map[string]any{{"secret": "s*", "n": float64(all)}}},
				"having":                  {`,"group_by":["secret"],"having":"secret = \"s1\""`, nil},
				"a sort is that of ids":   {`,"sorts":["-secret","id"],"columns":["id"],"pagination":{"limit":3}`, []map[string]any{{"id": 1.0}, {"id": 2.0}, {"id": 3.0}}},
				"a computed column":       {`,"computed_columns":[{"name":"c","expr":"UPPER(secret)"}],"filters":"id = 2","columns":["c"]`, []map[string]any{{"c": "S*"}}},
				"a join":                  {`,"joins":[{"source":{"table":"` + b.table + `","alias":"o"},"on":"o.secret = things.name"}],"columns":["o.id"]`, nil},
			} {
				a := p.must(t, 200, "viewer", "POST", b.query, b.plan(c.rest))
				require.Equal(t, c.want, fieldsOf(t, a), what)
				require.NotContains(t, cursors.ReplaceAllString(a.body, ""), "s1")
			}
			whole := p.must(t, 200, "viewer", "POST", b.query, b.plan(`,"pagination":{"limit":100}`))
			require.Equal(t, all, strings.Count(whole.body, `"s*"`))
			require.Contains(t, p.must(t, 200, "owner", "POST", b.query, b.plan("")).body, `"s1"`)
		})
	}
}
