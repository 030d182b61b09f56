package httpapi

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

func (in *instance) id(name string) string { return in.tokens[name].User.ID }

func TestWorkspacesAndMembers(t *testing.T) {
	p := newPlace(t, shared)
	other := newPlace(t, shared)
	p.check(t, []request{
		{name: "list", who: "viewer", method: "GET", path: "/api/v1/workspaces", status: 200, want: []string{p.workspace}},
		{name: "not for strangers", who: "stranger", method: "GET", path: "/api/v1/workspaces", status: 200, unwanted: []string{p.workspace}},
		{name: "role", who: "viewer", method: "GET", path: p.at(""), status: 200, want: []string{`"role":"viewer"`}},
		{name: "update", who: "admin", method: "PATCH", path: p.at(""), body: `{"name":"New","settings":{"colour":"red"},"version":1}`, status: 200, want: []string{`"version":2`, `"colour":"red"`}},
		{name: "version conflict", who: "admin", method: "PATCH", path: p.at(""), body: `{"name":"Newer"}`, headers: []string{"If-Match", `"1"`}, status: 409, want: []string{`"current_version":2`}},
		{name: "If-Match and version disagree", who: "admin", method: "PATCH", path: p.at(""), body: `{"name":"Newer","version":1}`, headers: []string{"If-Match", `"2"`}, status: 400},
		{name: "bad If-Match", who: "admin", method: "PATCH", path: p.at(""), body: `{"name":"Newer"}`, headers: []string{"If-Match", `W/x`}, status: 400},
		{name: "settings are an object", who: "admin", method: "PATCH", path: p.at(""), body: `{"settings":[1]}`, status: 400},
		{name: "no name", who: "owner", method: "POST", path: "/api/v1/workspaces", body: `{"name":" "}`, status: 400, want: []string{"$.name"}},
		{name: "can", who: "editor", method: "GET", path: p.at("/can?action=tables.alter"), status: 200, want: []string{`"allowed":false`, `"role":"editor"`}},
		{name: "can, unknown action", who: "owner", method: "GET", path: p.at("/can?action=fly"), status: 200, want: []string{`"allowed":false`}},
		{name: "can needs an action", who: "owner", method: "GET", path: p.at("/can"), status: 400, want: []string{"?action"}},

		{name: "members with addresses", who: "admin", method: "GET", path: p.at("/members"), status: 200, want: []string{mail("viewer"), p.id("viewer")}},
		{name: "members without (69)", who: "viewer", method: "GET", path: p.at("/members"), status: 200, want: []string{p.id("owner")}, unwanted: []string{"@example.com"}},
		{name: "members are not added by address", who: "owner", method: "POST", path: p.at("/members"), body: `{"email":"stranger@example.com","role":"viewer"}`, status: 400, want: []string{"unknown_key"}},
		{name: "unknown account", who: "owner", method: "POST", path: p.at("/members"), body: `{"user_id":"usr_00000000000000000000000000","role":"viewer"}`, status: 400, want: []string{"unknown_account"}},
		{name: "unknown role", who: "owner", method: "POST", path: p.at("/members"), body: `{"user_id":"` + p.id("stranger") + `","role":"king"}`, status: 400, want: []string{"$.role"}},
		{name: "member already", who: "owner", method: "POST", path: p.at("/members"), body: `{"user_id":"` + p.id("viewer") + `","role":"editor"}`, status: 409},
		{name: "admin makes no owner (33)", who: "admin", method: "POST", path: p.at("/members"), body: `{"user_id":"` + p.id("stranger") + `","role":"owner"}`, status: 403},
		{name: "nor an admin", who: "admin", method: "PUT", path: p.at("/members/" + p.id("viewer")), body: `{"role":"admin"}`, status: 403},
		{name: "editor adds nobody (33)", who: "editor", method: "POST", path: p.at("/members"), body: `{"user_id":"` + p.id("stranger") + `","role":"viewer"}`, status: 403},
		{name: "nobody raises oneself", who: "admin", method: "PUT", path: p.at("/members/" + p.id("admin")), body: `{"role":"owner"}`, status: 403},
	})
	p.join(t, p.workspace, "stranger", rbac.Viewer)
	p.check(t, []request{
		{name: "who may read then", who: "stranger", method: "GET", path: p.at(""), status: 200},
		{name: "and is removed", who: "admin", method: "DELETE", path: p.at("/members/" + p.id("stranger")), status: 204},
		{name: "and may not any more", who: "stranger", method: "GET", path: p.at(""), status: 404},
		{name: "PUT adds nobody", who: "owner", method: "PUT", path: p.at("/members/" + p.id("stranger")), body: `{"role":"viewer"}`, status: 404},
		{name: "the last owner stays", who: "owner", method: "DELETE", path: p.at("/members/" + p.id("owner")), status: 409, want: []string{"last_owner"}},
		{name: "leave", who: "viewer", method: "DELETE", path: p.at("/members/" + p.id("viewer")), status: 204},

		{name: "admin deletes nothing", who: "admin", method: "DELETE", path: other.at(""), status: 403},
		{name: "delete an older version", who: "owner", method: "DELETE", path: other.at("?version=7"), status: 409},
		{name: "delete", who: "owner", method: "DELETE", path: other.at(""), status: 204},
		{name: "gone", who: "owner", method: "GET", path: other.at(""), status: 404},
		{name: "with its tables", who: "owner", method: "GET", path: other.rows(""), status: 404},
	})
}

func TestRules(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	p.check(t, []request{
		{name: "unknown column in a formula", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":"Nope = 1"}`, status: 400, want: []string{"$.read", "unknown_column"}},
		{name: "no formula", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":"1 +"}`, status: 400, want: []string{"$.read", "syntax"}},
		{name: "unknown column", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Nope":"hidden"}}`, status: 400, want: []string{"unknown_column"}},
		{name: "unknown access", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Secret":"invisible"}}`, status: 400},
		{name: "not for owners", who: "owner", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"owner","read":"Price > 1"}`, status: 400},
		{name: "not by editors", who: "editor", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":"Price > 1"}`, status: 403},
		{name: "nor seen by them", who: "editor", method: "GET", path: p.at("/rules"), status: 403},
		{name: "put", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":"Price > 1","columns":{"Secret":"hidden","Left":"read_only"}}`, status: 200,
			want: []string{`"` + p.columns["Secret"] + `":"hidden"`, `"gt"`}},
		{name: "list", who: "admin", method: "GET", path: p.at("/rules"), status: 200, want: []string{`"role":"viewer"`}},
		{name: "rows in sight", who: "viewer", method: "GET", path: p.rows("?count=exact"), status: 200, want: []string{"gear", "motor", "spring", `"exact":3`}, unwanted: []string{"bolt", "Secret"}},
		{name: "OR does not reach past it", who: "viewer", method: "GET", path: p.rows("?filter=Price%3C1+OR+TRUE()"), status: 200, unwanted: []string{"bolt"}},
		{name: "editors are not concerned", who: "editor", method: "GET", path: p.rows("?count=exact"), status: 200, want: []string{`"exact":5`, "Secret"}},
		{name: "lift", who: "admin", method: "DELETE", path: p.at("/rules?role=viewer&table=" + p.table), status: 204},
		{name: "all rows again", who: "viewer", method: "GET", path: p.rows("?count=exact"), status: 200, want: []string{`"exact":5`, "Secret"}},
	})
}

func TestRowRuleOnWrites(t *testing.T) {
	p := newPlace(t, shared)
	mine, other := p.insert(`{"Name":"mine","Status":"open"}`), p.insert(`{"Name":"other","Status":"done"}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Status = \"open\"","columns":{"Secret":"hidden","Left":"read_only"}}`)
	p.check(t, []request{
		{name: "a row out of sight is none", who: "editor", method: "PATCH", path: p.rows("/" + other), body: `{"fields":{"Name":"x"}}`, status: 404},
		{name: "nor to be read", who: "editor", method: "GET", path: p.rows("/" + other), status: 404},
		{name: "nor deleted", who: "editor", method: "DELETE", path: p.rows("/" + other), status: 404},
		{name: "one among many refuses all (21)", who: "editor", method: "POST", path: p.rows("/bulk"),
			body: `{"op":"update","rows":[{"id":"` + mine + `","fields":{"Name":"y"}},{"id":"` + other + `","fields":{"Name":"y"}}]}`, status: 404},
		{name: "nothing changed", who: "owner", method: "GET", path: p.rows("?Name.eq=y&count=exact"), status: 200, want: []string{`"exact":0`}},
		{name: "a hidden column is unknown", who: "editor", method: "PATCH", path: p.rows("/" + mine), body: `{"fields":{"Secret":"x"}}`, status: 400, want: []string{"unknown_column"}},
		{name: "a read-only one is forbidden", who: "editor", method: "PATCH", path: p.rows("/" + mine), body: `{"fields":{"Left":1}}`, status: 403},
		{name: "a visible row", who: "editor", method: "PATCH", path: p.rows("/" + mine), body: `{"fields":{"Name":"z"}}`, status: 200, want: []string{`"z"`}, unwanted: []string{"Secret"}},
	})
	require.Equal(t, 3, len(p.entries(mine))+len(p.entries(other)), "two inserts and one update")
}

// TestOwnersDemoteEachOther lets two owners take each other's role at once (35): one remains.
func TestOwnersDemoteEachOther(t *testing.T) {
	p := newPlace(t, shared)
	for range 5 {
		p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("admin")), `{"role":"owner"}`)
		var wg sync.WaitGroup
		for _, pair := range [][2]string{{"owner", "admin"}, {"admin", "owner"}} {
			wg.Go(func() { p.do(t, pair[0], "PUT", p.at("/members/"+p.id(pair[1])), `{"role":"viewer"}`) })
		}
		wg.Wait()
		list := p.must(t, 200, "editor", "GET", p.at("/members"), nil)
		require.Equal(t, 1, strings.Count(list.body, `"role":"owner"`), list.body)
		if p.do(t, "owner", "GET", p.at("/rules"), nil).status != 200 { // the other one won: hand it back
			p.must(t, 200, "admin", "PUT", p.at("/members/"+p.id("owner")), `{"role":"owner"}`)
		}
	}
}
