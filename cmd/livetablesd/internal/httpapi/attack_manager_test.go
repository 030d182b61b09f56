package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttack24HiddenFromManagers hides a column from those who may change the table: to them, too, it is one that never was,
// by its name and by its id, in every route that names columns.
func TestAttack24HiddenFromManagers(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	secret := p.columns["Secret"]
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"admin","columns":{"Secret":"hidden"}}`)
	never := strings.NewReplacer(secret, "col_00000000000000000000000000", "Secret", "Sacred")
	table := "/api/v1/tables/" + p.table
	order := func(ids ...string) string { return `{"columns":["` + strings.Join(ids, `","`) + `"]}` }
	state := p.stored(t)
	for _, a := range []struct{ method, path, body string }{
		{"PATCH", table + "/columns/" + secret, `{"name":"Renamed"}`}, {"DELETE", table + "/columns/" + secret, ""},
		{"POST", table + "/columns/" + secret + "/type", `{"type":"long_text"}`}, {"POST", table + "/columns/" + secret + "/type", `{"type":"integer","preview":true}`},
		{"POST", table + "/indexes", `{"columns":["Secret"]}`}, {"POST", table + "/indexes", `{"columns":["` + secret + `"]}`}, {"POST", table + "/indexes", `{"columns":["Name","-Secret"]}`},
		{"PUT", table + "/columns/order", order(p.columns["Name"], secret)},
		{"GET", p.rows("?fields=" + secret), ""}, {"GET", p.rows("?" + secret + ".eq=1"), ""}, {"GET", p.rows("?sort=" + secret), ""},
		{"POST", p.rows(""), `{"fields":{"Name":"x","` + secret + `":"y"}}`},
		{"POST", p.at("/query"), `{"source":{"table":"` + p.table + `"},"columns":[{"k":"col","id":"` + secret + `"}]}`},
		{"POST", p.at("/query"), `{"source":{"table":"` + p.table + `"},"filters":"IS_BLANK({` + secret + `})"}`},
		{"POST", "/api/v1/views", `{"base_id":"` + p.base + `","name":"V","query":{"source":{"table":"` + p.table + `"},"filters":"IS_BLANK({` + secret + `})"}}`},
	} {
		var one, two any
		if a.body != "" {
			one, two = a.body, never.Replace(a.body)
		}
		hidden, unknown := p.do(t, "admin", a.method, a.path, one), p.do(t, "admin", a.method, never.Replace(a.path), two)
		plain := func(a *answer) string { return requestIDs.ReplaceAllString(never.Replace(a.body), "") }
		require.GreaterOrEqual(t, hidden.status, 400, "%s %s %s", a.method, a.path, a.body)
		require.Equal(t, unknown.status, hidden.status, "%s %s %s: %s, not %s", a.method, a.path, a.body, hidden.body, unknown.body)
		require.Equal(t, plain(unknown), plain(hidden), "%s %s %s", a.method, a.path, a.body)
		state.unchanged(t, a.path)
	}
}
