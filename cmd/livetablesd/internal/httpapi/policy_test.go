package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

func TestRolesAndCaps(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	other := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"Foreign"}`).text(t, "id")
	foreign := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces/"+other+"/bases", `{"name":"F"}`).text(t, "id")
	clerk := p.must(t, 201, "admin", "POST", p.at("/roles"), `{"name":"Clerk","base":"viewer","grants":[{"action":"data.read"},{"action":"rows.write","on":"`+p.base+`"}]}`)
	id := clerk.text(t, "id")
	require.Equal(t, p.at("/roles/"+id), clerk.header.Get("Location"))
	require.Equal(t, `"1"`, clerk.header.Get("ETag"))
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	p.check(t, []request{
		{name: "a role of the same name", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"CLERK","base":"viewer","grants":[]}`, status: 409},
		{name: "an unknown key", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"A","base":"viewer","rights":[]}`, status: 400, want: []string{"rights"}},
		{name: "no base", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"A","grants":[]}`, status: 400, want: []string{"$.base"}},
		{name: "no such action", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"A","base":"viewer","grants":[{"action":"data.paint"}]}`, status: 400, want: []string{"$.grants[0].action"}},
		{name: "a grant abroad", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"A","base":"viewer","grants":[{"action":"data.read","on":"` + foreign + `"}]}`, status: 400, want: []string{"$.grants[0].on"}},
		{name: "a powerful role of an admin", who: "admin", method: "POST", path: p.at("/roles"), body: `{"name":"A","base":"viewer","grants":[{"action":"roles.manage"}]}`, status: 403},
		{name: "an editor makes one", who: "editor", method: "POST", path: p.at("/roles"), body: `{"name":"A","base":"viewer","grants":[]}`, status: 403},
		{name: "a stranger lists them", who: "stranger", method: "GET", path: p.at("/roles"), status: 404},
		{name: "a viewer lists names", who: "viewer", method: "GET", path: p.at("/roles"), status: 200, want: []string{"Clerk"}, unwanted: []string{"rows.write"}},
		{name: "an older version", who: "admin", method: "PUT", path: p.at("/roles/" + id), body: `{"name":"Clerk","base":"viewer","grants":[],"version":7}`, status: 409},
		{name: "a role of nowhere", who: "admin", method: "PUT", path: p.at("/roles/" + minidb.NewID("rol")), body: `{"name":"C","base":"viewer","grants":[]}`, status: 404},

		{name: "given", who: "admin", method: "PUT", path: p.at("/members/" + p.id("viewer")), body: `{"role":"` + id + `"}`, status: 200, want: []string{id}},
		{name: "held", who: "owner", method: "DELETE", path: p.at("/roles/" + id), status: 400, want: []string{"held by members"}},
		{name: "it writes", who: "viewer", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"written"}}`, status: 201},
		{name: "it does not alter", who: "viewer", method: "POST", path: "/api/v1/tables/" + p.table + "/columns", body: `{"name":"X","type":"text"}`, status: 403},
		{name: "why it may", who: "viewer", method: "GET", path: p.at("/can?action=rows.write&resource=" + p.table), status: 200, want: []string{`"allowed":true`, id + ": rows.write on " + p.base}},
		{name: "why not", who: "viewer", method: "GET", path: p.at("/can?action=rows.write"), status: 200, want: []string{`"allowed":false`, "Clerk"}},
		{name: "everything at once", who: "viewer", method: "GET", path: p.at("/permissions?resource=" + p.table), status: 200, want: []string{`"tables.alter":{"allowed":false`, `"data.read":{"allowed":true`, p.table}},
		{name: "of the workspace", who: "owner", method: "GET", path: p.at("/permissions"), status: 200, want: []string{`"workspace.delete":{"allowed":true`}},
		{name: "of what is abroad", who: "owner", method: "GET", path: p.at("/permissions?resource=" + foreign), status: 404},
		{name: "of nothing", who: "owner", method: "GET", path: p.at("/can?action=data.read&resource=tbl_x"), status: 404},
		{name: "of an unknown action", who: "owner", method: "GET", path: p.at("/can?action=paint"), status: 200, want: []string{`"allowed":false`}},

		{name: "capped", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.table + `","role":"` + id + `","max":"viewer"}`, status: 200, want: []string{`"max":"viewer"`}},
		{name: "it writes no more", who: "viewer", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"written"}}`, status: 403},
		{name: "and reads", who: "viewer", method: "GET", path: p.rows(""), status: 200, want: []string{"bolt"}},
		{name: "closed", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","user_id":"` + p.id("viewer") + `","max":"none"}`, status: 200},
		{name: "the rows are gone", who: "viewer", method: "GET", path: p.rows(""), status: 404},
		{name: "the view is", who: "viewer", method: "GET", path: "/api/v1/views/" + view + "/data", status: 404},
		{name: "and from the list", who: "viewer", method: "GET", path: p.at("/views"), status: 200, unwanted: []string{view}},
		{name: "the base is", who: "viewer", method: "GET", path: p.at("/bases"), status: 200, unwanted: []string{p.base}},
		{name: "a query does not find it", who: "viewer", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"}}`, status: 400, want: []string{"unknown_table"}},
		{name: "nobody asks about it", who: "viewer", method: "GET", path: p.at("/can?action=data.read&resource=" + p.table), status: 404},
		{name: "no such max", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","role":"viewer","max":"owner"}`, status: 400, want: []string{"$.max"}},
		{name: "both", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","role":"viewer","user_id":"u","max":"none"}`, status: 400},
		{name: "a cap of admins by an admin", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","role":"admin","max":"none"}`, status: 403},
		{name: "a cap of the owner", who: "admin", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","user_id":"` + p.id("owner") + `","max":"none"}`, status: 403},
		{name: "abroad", who: "owner", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + foreign + `","role":"viewer","max":"none"}`, status: 404},
		{name: "of an editor", who: "editor", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.base + `","role":"viewer","max":"none"}`, status: 403},
		{name: "of a column", who: "owner", method: "PUT", path: p.at("/caps"), body: `{"resource_id":"` + p.columns["Name"] + `","role":"viewer","max":"none"}`, status: 404},
		{name: "listed", who: "admin", method: "GET", path: p.at("/caps"), status: 200, want: []string{p.base, p.table}},
		{name: "not for editors", who: "editor", method: "GET", path: p.at("/caps"), status: 403},
		{name: "lifted", who: "admin", method: "DELETE", path: p.at("/caps?resource=" + p.base + "&user=" + p.id("viewer")), status: 204},
		{name: "twice", who: "admin", method: "DELETE", path: p.at("/caps?resource=" + p.base + "&user=" + p.id("viewer")), status: 404},
		{name: "back", who: "viewer", method: "GET", path: p.rows(""), status: 200, want: []string{"bolt"}},
	})
}

func TestAttributesMasksAndNetworks(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	member := p.at("/members/" + p.id("viewer"))
	p.check(t, []request{
		{name: "attributes", who: "admin", method: "PUT", path: member, body: `{"attributes":{"status":{"type":"text","value":"open"},"days":{"type":"list<date>","value":["2026-01-05"]}}}`, status: 200, want: []string{`"status":{"type":"text","value":"open"}`}},
		{name: "of oneself", who: "admin", method: "PUT", path: p.at("/members/" + p.id("admin")), body: `{"attributes":{}}`, status: 403},
		{name: "of the owner", who: "admin", method: "PUT", path: p.at("/members/" + p.id("owner")), body: `{"attributes":{}}`, status: 403},
		{name: "by the member", who: "viewer", method: "PUT", path: member, body: `{"attributes":{}}`, status: 403},
		{name: "with a role", who: "admin", method: "PUT", path: member, body: `{"role":"editor","attributes":{}}`, status: 400},
		{name: "a wrong value", who: "admin", method: "PUT", path: member, body: `{"attributes":{"n":{"type":"number","value":"many"}}}`, status: 400, want: []string{"$.attributes.n"}},
		{name: "a wrong type", who: "admin", method: "PUT", path: member, body: `{"attributes":{"n":{"type":"json","value":{}}}}`, status: 400},
		{name: "shown to the member", who: "viewer", method: "GET", path: p.at("/members"), status: 200, want: []string{`"days":`}},
		{name: "and to nobody else", who: "editor", method: "GET", path: p.at("/members"), status: 200, unwanted: []string{`"days":`}},

		{name: "a rule with a mask", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","read":"Status = USER(\"status\")",
			"columns":{"Secret":"masked","Price":"masked"},"masks":{"Secret":"LEFT(Secret, 1) & \"…\""}}`, status: 200, want: []string{`"masks":{"` + p.columns["Secret"]}},
		{name: "read by it", who: "viewer", method: "GET", path: p.rows("?sort=Name"), status: 200, want: []string{`"s…"`, "bolt", "motor", `"Price":null`}, unwanted: []string{"s-bolt", "gear", "199"}},
		{name: "a mask by name and id", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Secret":"masked"},"masks":{"Secret":"\"x\"","` + p.columns["Secret"] + `":"\"y\""}}`, status: 400},
		{name: "a mask that is no formula", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Secret":"masked"},"masks":{"Secret":"LEFT("}}`, status: 400, want: []string{"$.masks.Secret"}},
		{name: "a mask of another type", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","columns":{"Price":"masked"},"masks":{"Price":"Secret"}}`, status: 400, want: []string{"$.masks."}},
		{name: "a mask without masking", who: "admin", method: "PUT", path: p.at("/rules"), body: `{"table":"` + p.table + `","role":"viewer","masks":{"Price":"1"}}`, status: 400, want: []string{"$.masks."}},

		{name: "networks of an admin", who: "admin", method: "PUT", path: p.at("/networks"), body: `{"networks":["127.0.0.0/8","::1/128"]}`, status: 403},
		{name: "no network", who: "owner", method: "PUT", path: p.at("/networks"), body: `{"networks":["127.0.0.1"]}`, status: 400, want: []string{"$.networks[0]"}},
		{name: "without oneself", who: "owner", method: "PUT", path: p.at("/networks"), body: `{"networks":["198.51.100.0/24"]}`, status: 400, want: []string{"lockout"}},
		{name: "with oneself", who: "owner", method: "PUT", path: p.at("/networks"), body: `{"networks":["127.0.0.0/8","::1/128"]}`, status: 200, want: []string{"127.0.0.0/8"}},
		{name: "shown", who: "admin", method: "GET", path: p.at("/networks"), status: 200, want: []string{"::1/128"}},
		{name: "not to viewers", who: "viewer", method: "GET", path: p.at("/networks"), status: 403},
		{name: "everywhere", who: "owner", method: "PUT", path: p.at("/networks"), body: `{"networks":[]}`, status: 200, want: []string{`"networks":[]`}},
	})
}

func TestViewAsHeader(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	p.hideSecret()
	as := []string{"View-As", p.id("viewer")}
	foreign := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"Foreign"}`).text(t, "id")
	p.check(t, []request{
		{name: "rows", who: "admin", method: "GET", path: p.rows(""), headers: as, status: 200, want: []string{"bolt"}, unwanted: []string{"s-bolt", "Secret"}},
		{name: "the same without", who: "admin", method: "GET", path: p.rows(""), status: 200, want: []string{"s-bolt"}},
		{name: "a query", who: "owner", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"}}`, headers: as, status: 200, unwanted: []string{"s-bolt"}},
		{name: "a query with a key", who: "owner", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"}}`, headers: append([]string{"Idempotency-Key", "looked"}, as...), status: 200, unwanted: []string{"s-bolt"}},
		{name: "the same key as oneself", who: "owner", method: "POST", path: p.at("/query"), body: `{"source":{"table":"Things"}}`, headers: []string{"Idempotency-Key", "looked"}, status: 422},
		{name: "an export", who: "admin", method: "GET", path: "/api/v1/tables/" + p.table + "/export.csv", headers: as, status: 200, unwanted: []string{"s-bolt"}},
		{name: "what a viewer may not", who: "owner", method: "GET", path: p.at("/rules"), headers: as, status: 403},
		{name: "a write", who: "owner", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x"}}`, headers: as, status: 400, want: []string{"View-As"}},
		{name: "a change of a member", who: "owner", method: "PUT", path: p.at("/members/" + p.id("editor")), body: `{"role":"viewer"}`, headers: as, status: 400},
		{name: "an account", who: "owner", method: "GET", path: "/api/v1/auth/me", headers: as, status: 400},
		{name: "a socket", who: "owner", method: "GET", path: "/api/v1/ws", headers: as, status: 400, want: []string{"View-As"}},
		{name: "a published view", method: "GET", path: "/public/views/none/data", headers: as, status: 400},
		{name: "nobody", who: "owner", method: "GET", path: p.rows(""), headers: []string{"View-As", "usr_nobody"}, status: 404},
		{name: "an empty header", who: "owner", method: "GET", path: p.rows(""), headers: []string{"View-As", ""}, status: 400},
		{name: "as the owner", who: "admin", method: "GET", path: p.rows(""), headers: []string{"View-As", p.id("owner")}, status: 403},
		{name: "by an editor", who: "editor", method: "GET", path: p.rows(""), headers: as, status: 403},
		{name: "in a foreign workspace", who: "stranger", method: "GET", path: p.rows(""), headers: as, status: 404},
		{name: "of somebody else's", who: "owner", method: "GET", path: "/api/v1/workspaces/" + foreign, headers: []string{"View-As", p.id("stranger")}, status: 404},
	})
	log := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?workspace_id="+p.workspace+"&action=member.view_as", nil)
	require.Equal(t, 5, strings.Count(log.body, `"member.view_as"`), log.body)
	require.Contains(t, log.body, p.id("admin"))
}
