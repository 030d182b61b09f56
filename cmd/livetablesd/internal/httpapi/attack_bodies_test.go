package httpapi

import (
	"strings"
	"testing"

	"github.com/livetables/livetables/minidb"
)

// bodies is a body that is right for every route that takes JSON, by the route's pattern. What is in them is for the place
// and the segments of pathOf.
func bodies(p *place) map[string]string {
	plan := `{"source":{"table":"` + p.table + `","alias":"t"},"joins":[{"kind":"left","source":{"table":"` + p.table + `","alias":"u"},"on":"t.Name = u.Name"}],"filters":["t.Price > 1"],` +
		`"computed_columns":[{"name":"c","expr":"t.Price * 2"}],"columns":["t.Name","c"],"sorts":["-t.Name",{"expr":"t.Left","direction":"desc","nulls":"last"}],"pagination":{"limit":3,"offset":1},"count":"exact","time_zone":"Europe/Oslo"}`
	grouped := `{"source":{"table":"` + p.table + `"},"group_by":["Status"],"aggregates":[{"name":"n","function":"sum","expr":"Price","filter":"Left > 1"}],"having":"n > 1","sorts":["n"]}`
	column := `"name":"A column","type":"decimal","options":{"scale":2},"required":false,"unique":false,"default":1,"description":"d"`
	connection := `{"name":"a connection","driver":"postgres","host":"127.0.0.1","port":5432,"database":"d","user":"u","password":"p","tls":"verify","root_ca":"","schemas":["public"],"time_zone":"UTC"`
	view := `{"base_id":"` + p.base + `","name":"A view","query":` + grouped + `}`
	return map[string]string{
		"POST /api/v1/auth/setup":    `{"setup_token":"t","email":"a@example.com","name":"n","password":"a long password"}`,
		"POST /api/v1/auth/register": `{"email":"a@example.com","name":"n","password":"a long password","invite_token":"t"}`,
		"POST /api/v1/auth/login":    `{"email":"a@example.com","password":"p"}`,
		"POST /api/v1/auth/refresh":  `{"refresh_token":"t"}`,
		"POST /api/v1/auth/logout":   `{"refresh_token":"t"}`,
		"POST /api/v1/auth/password": `{"current_password":"a","new_password":"b"}`,
		"PATCH /api/v1/auth/me":      `{"name":"n"}`,
		"POST /api/v1/users":         `{"email":"b@example.com","name":"n","password":"a long password","admin":false}`,
		"PATCH /api/v1/users/{user}": `{"email":"c@example.com","name":"n","password":"a long password","admin":false,"disabled":false}`,
		"PUT /api/v1/users/{user}":   `{"email":"c@example.com","name":"n","password":"a long password","admin":false,"disabled":false}`,

		"POST /api/v1/auth/reset":           `{"email":"a@example.com"}`,
		"POST /api/v1/auth/reset/confirm":   `{"token":"t","password":"a long password"}`,
		"POST /api/v1/auth/address":         `{"email":"a@example.com","password":"p"}`,
		"POST /api/v1/auth/address/confirm": `{"token":"t"}`,
		"POST /api/v1/auth/tokens":          `{"name":"t","scopes":["data.read"],"resources":["` + p.table + `"],"expires_at":"2050-01-01T00:00:00Z"}`,
		"POST /api/v1/invites/accept":       `{"token":"t"}`,

		"POST /api/v1/workspaces/{workspace}/invite":                          `{"email":"new@example.com","role":"viewer"}`,
		"POST /api/v1/workspaces/{workspace}/roles":                           `{"name":"Another role","description":"d","base":"viewer","grants":[{"action":"data.read","on":"` + p.table + `"}]}`,
		"PUT /api/v1/workspaces/{workspace}/roles/{role}":                     `{"name":"Another role","description":"d","base":"viewer","grants":[{"action":"data.read","on":"` + p.table + `"}],"version":1}`,
		"PUT /api/v1/workspaces/{workspace}/caps":                             `{"resource_id":"` + p.table + `","role":"editor","user_id":"","max":"viewer"}`,
		"PUT /api/v1/workspaces/{workspace}/networks":                         `{"networks":["127.0.0.0/8"]}`,
		"PUT /api/v1/workspaces/{workspace}/retention":                        `{"days":365,"entries":1000,"hold":false}`,
		"POST /api/v1/workspaces/{workspace}/projects":                        `{"name":"P","description":"d"}`,
		"POST /api/v1/projects":                                               `{"name":"P","description":"d"}`,
		"PATCH /api/v1/projects/{project}":                                    `{"name":"P","description":"d","version":1}`,
		"POST /api/v1/workspaces/{workspace}/service-accounts":                `{"name":"S","role":"viewer","expires_at":"2050-01-01T00:00:00Z"}`,
		"PATCH /api/v1/workspaces/{workspace}/service-accounts/{account}":     `{"name":"S","disabled":true,"expires_at":"2050-01-01T00:00:00Z"}`,
		"POST /api/v1/workspaces/{workspace}/service-accounts/{account}/keys": `{"name":"k","expires_at":"2050-01-01T00:00:00Z"}`,

		"POST /api/v1/workspaces":                                `{"name":"n"}`,
		"PATCH /api/v1/workspaces/{workspace}":                   `{"name":"n","version":1}`,
		"POST /api/v1/workspaces/{workspace}/members":            `{"user_id":"` + p.id("stranger") + `","role":"viewer"}`,
		"PUT /api/v1/workspaces/{workspace}/members/{user}":      `{"role":"editor"}`,
		"PUT /api/v1/workspaces/{workspace}/rules":               `{"connection":"","table":"` + p.table + `","role":"viewer","read":"Price > 1","create":"Price > 1","update":"Price > 1","delete":"Price > 1","columns":{"Secret":"masked","Left":"hidden"},"masks":{"Secret":"\"***\""}}`,
		"POST /api/v1/workspaces/{workspace}/bases":              `{"name":"Another","description":"d","colour":"red","icon":"box","template":""}`,
		"PATCH /api/v1/bases/{base}":                             `{"name":"Another","description":"d","colour":"red","icon":"box","version":1}`,
		"POST /api/v1/bases/{base}/duplicate":                    `{"name":"Copy","rows":true}`,
		"POST /api/v1/bases/{base}/tables":                       `{"name":"T","description":"d","icon":"box","colour":"red","settings":{},"columns":[{` + column + `},{"name":"Two","type":"text"}],"rules":{"uniques":[{"columns":["Col","Two"]}],"checks":[{"expr":"Two <> \"x\"","message":"not x"}]}}`,
		"PUT /api/v1/bases/{base}/tables/order":                  `{"tables":["` + p.table + `"],"version":1}`,
		"PATCH /api/v1/tables/{table}":                           `{"name":"T","description":"d","icon":"box","colour":"red","base_id":"` + p.base + `","version":1}`,
		"POST /api/v1/tables/{table}/duplicate":                  `{"name":"Copy","rows":true}`,
		"POST /api/v1/tables/{table}/schema/revert":              `{"change":1,"version":1,"accept_loss":true,"preview":true}`,
		"POST /api/v1/tables/{table}/columns/{column}/archive":   `{"force":true,"version":1}`,
		"POST /api/v1/tables/{table}/columns/{column}/duplicate": `{"name":"Copy","cells":true,"position":0,"version":1}`,
		"POST /api/v1/trash/{trash}/restore":                     `{"name":"Back","loose":true}`,
		"POST /api/v1/tables/{table}/archive":                    `{"version":1}`,
		"POST /api/v1/tables/{table}/restore":                    `{"version":1}`,
		"POST /api/v1/tables/{table}/columns":                    `{` + column + `,"version":1}`,
		"PATCH /api/v1/tables/{table}/columns/{column}":          `{"name":"Col","description":"d","required":true,"unique":false,"default":"x","options":{"max_length":9},"version":1}`,
		"POST /api/v1/tables/{table}/columns/{column}/type":      `{"type":"long_text","options":{"max_length":9},"preview":true,"add_choices":true,"accept_loss":false,"version":1}`,
		"POST /api/v1/tables/{table}/formula":                    `{"formula":"Name & \"!\"","column_id":""}`,
		"PUT /api/v1/tables/{table}/columns/order":               `{"columns":["` + p.columns["Name"] + `"],"version":1}`,
		"POST /api/v1/tables/{table}/indexes":                    `{"columns":["Name","-Price",{"column":"Left","direction":"desc"}],"version":1}`,
		"POST /api/v1/tables/{table}/rows":                       `{"id":"","fields":{"Name":"n","Price":1.5,"Left":1,"Status":"open","Day":"2026-01-01","Live":true},"reason":"r"}`,
		"PATCH /api/v1/tables/{table}/rows/{row}":                `{"fields":{"Name":"n","Price":1.5,"Left":1,"Status":"open","Day":"2026-01-01","Live":true},"version":1,"reason":"r"}`,
		"POST /api/v1/tables/{table}/rows/{row}/lock":            `{"seconds":1}`,
		"POST /api/v1/tables/{table}/rows/move":                  `{"rows":["` + p.insert(`{"Name":"n"}`) + `"],"last":true,"dry_run":true,"reason":"r"}`,
		"POST /api/v1/tables/{table}/rows/bulk":                  `{"op":"upsert","rows":[{"version":1,"fields":{"Name":"n"}}],"key":["Name"],"max_affected":1,"dry_run":true,"reason":"r"}`,
		"POST /api/v1/tables/{table}/rows/{row}/revert/{entry}":  `{"conflicts":"keep","reason":"r","dry_run":true}`,
		"POST /api/v1/workspaces/{workspace}/revert": `{"operation":"","actor":"` + p.id("owner") + `","from":"2026-01-01T00:00:00Z","to":"2050-01-01T00:00:00Z","base_id":"","table_id":"` + p.table +
			`","row_id":"","conflicts":"refuse","portion":true,"reason":"r","dry_run":true}`,
		"POST /api/v1/tables/{table}/trash/restore":            `{"rows":["row_00000000000000000000000000"],"reason":"r","dry_run":true}`,
		"POST /api/v1/workspaces/{workspace}/undo":             `{"base_id":"","table_id":"` + p.table + `","operation":"","conflicts":"force","reason":"r","dry_run":true}`,
		"POST /api/v1/workspaces/{workspace}/redo":             `{"base_id":"","table_id":"` + p.table + `","operation":"","conflicts":"force","reason":"r","dry_run":true}`,
		"POST /api/v1/workspaces/{workspace}/query":            plan,
		"POST /api/v1/workspaces/{workspace}/query/explain":    grouped,
		"POST /api/v1/workspaces/{workspace}/query/export.csv": plan, "POST /api/v1/workspaces/{workspace}/query/export.ndjson": plan,
		"POST /api/v1/workspaces/{workspace}/query/export.json": plan, "POST /api/v1/workspaces/{workspace}/query/export.xlsx": plan, "POST /api/v1/workspaces/{workspace}/query/export.parquet": plan,
		"POST /api/v1/workspaces/{workspace}/query/export":    plan,
		"POST /api/v1/workspaces/{workspace}/connections":     connection + `}`,
		"POST /api/v1/connections":                            connection + `}`,
		"PUT /api/v1/connections/{connection}":                connection + `,"version":1}`,
		"POST /api/v1/connections/{connection}/query":         plan,
		"POST /api/v1/connections/{connection}/query/explain": plan,
		"POST /api/v1/workspaces/{workspace}/views":           view,
		"POST /api/v1/views":                                  view,
		"PATCH /api/v1/views/{view}":                          `{"name":"V","query":` + plan + `,"version":1}`,
		"POST /api/v1/views/{view}/api":                       `{"slug":"a-slug","mode":"key"}`,
		"PUT /api/v1/views/{view}/api":                        `{"slug":"a-slug","mode":"key"}`,
		"POST /api/v1/views/{view}/api/keys":                  `{"expires_at":"2050-01-01T00:00:00Z"}`,
	}
}

// withoutBody are routes whose body is optional and empty.
var withoutBody = []string{"POST /api/v1/connections/{connection}/test", "POST /api/v1/auth/address/verify"}

// pathOf gives the segments of a route's path what there is in the place.
func pathOf(t testing.TB, p *place) func(r route) string {
	t.Helper()
	row := p.insert(`{"Name":"of a path"}`)
	view := p.must(t, 201, "owner", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"Of a path","query":{"source":{"table":"`+p.table+`"}}}`).text(t, "id")
	con := p.must(t, 201, "owner", "POST", p.at("/connections"), `{"name":"of a path","driver":"sqlite","file":"shop.db"}`).text(t, "id")
	project := p.must(t, 201, "owner", "POST", p.at("/projects"), `{"name":"Of a path"}`).text(t, "id")
	role := p.must(t, 201, "owner", "POST", p.at("/roles"), `{"name":"Of a path","base":"viewer","grants":[{"action":"data.read"}]}`).text(t, "id")
	service := p.must(t, 201, "owner", "POST", p.at("/service-accounts"), `{"name":"Of a path","role":"viewer"}`).text(t, "id")
	names := strings.NewReplacer("{job}", p.exported("owner"), "{trash}", p.discarded(t), "{project}", project, "{role}", role, "{account}", service, "{workspace}", p.workspace, "{base}", p.base, "{table}", p.table, "{column}", p.columns["Name"], "{row}", row, "{entry}", p.newestEntry(row), "{attachment}", minidb.NewID("att"), "{view}", view, "{connection}", con, "{user}", p.id("viewer"), "{$}", "")
	return func(r route) string {
		path := names.Replace(r.path)
		if r.path == "/api/v1/connections" || r.path == "/api/v1/projects" {
			path += "?workspace_id=" + p.workspace
		}
		return path
	}
}
