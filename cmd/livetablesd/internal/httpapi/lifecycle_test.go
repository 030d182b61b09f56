package httpapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChangeTypeOfColumn(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	table := "/api/v1/tables/" + p.table
	left, secret, price := table+"/columns/"+p.columns["Left"]+"/type", table+"/columns/"+p.columns["Secret"]+"/type", table+"/columns/"+p.columns["Price"]+"/type"
	p.check(t, []request{
		{name: "an editor", who: "editor", method: "POST", path: left, body: `{"type":"text","preview":true}`, status: 403},
		{name: "a stranger", who: "stranger", method: "POST", path: left, body: `{"type":"text","preview":true}`, status: 404},
		{name: "no type", who: "admin", method: "POST", path: left, body: `{"type":"blob"}`, status: 400, want: []string{"$.type"}},
		{name: "a bad option", who: "admin", method: "POST", path: left, body: `{"type":"text","options":{"min":1}}`, status: 400, want: []string{"$.options"}},
		{name: "unknown key", who: "admin", method: "POST", path: left, body: `{"type":"text","force":true}`, status: 400, want: []string{"$.force"}},
		{name: "preview", who: "admin", method: "POST", path: secret, body: `{"type":"integer","preview":true}`, status: 200,
			want: []string{`"lost":3`, `"empty":2`, `"old":"s-bolt"`, `"new":null`, `"code":"type"`, `"breaks":[]`}},
		{name: "nothing has changed", who: "admin", method: "GET", path: table, status: 200, want: []string{`"version":1`}},
		{name: "loss is not accepted", who: "admin", method: "POST", path: secret, body: `{"type":"integer"}`, status: 409,
			want: []string{`"data_loss"`, `"preview":{`, `"old":"s-gear"`, "accept_loss"}},
		{name: "rounding is a loss", who: "admin", method: "POST", path: price, body: `{"type":"integer"}`, status: 409, want: []string{`"lost":3`, `"new":15`}},
		{name: "an older version", who: "admin", method: "POST", path: left, body: `{"type":"text","version":9}`, status: 409, want: []string{`"current_version":1`}},
		{name: "exactly", who: "admin", method: "POST", path: left, body: `{"type":"text","version":1}`, status: 200, want: []string{`"exact":4`, `"type":"text"`}},
		{name: "as texts", who: "viewer", method: "GET", path: p.rows("?Name.eq=bolt"), status: 200, want: []string{`"Left":"900"`, `"version":1`}},
		{name: "to choices", who: "admin", method: "POST", path: left, body: `{"type":"single_select","add_choices":true}`, status: 200, want: []string{`"900"`, `"choices"`}},
		{name: "with loss", who: "admin", method: "POST", path: secret, body: `{"type":"integer","accept_loss":true}`, status: 200},
		{name: "is gone", who: "viewer", method: "GET", path: p.rows("?Name.eq=bolt"), status: 200, want: []string{`"Secret":null`, `"version":2`}},
		{name: "rules of columns", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"Rate","type":"decimal","options":{"scale":1,"min":0,"max":9.5}}`, status: 201, want: []string{`"min":0`, `"max":9.5`}},
		{name: "too much", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x","Rate":9.6}}`, status: 400, want: []string{"$.fields.Rate", `"max"`}},
		{name: "too much in a file", who: "editor", method: "POST", path: table + "/import", body: "Name,Rate\nx,9.6\n", headers: []string{"Content-Type", "text/csv"}, status: 400, want: []string{`"row":1`, `"column":"Rate"`}},
	})
}

func TestDuplicateArchiveTemplates(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	p.hideSecret()
	base, table := "/api/v1/bases/"+p.base, "/api/v1/tables/"+p.table
	p.check(t, []request{
		{name: "an editor copies nothing", who: "editor", method: "POST", path: base + "/duplicate", body: `{"name":"C"}`, status: 403},
		{name: "a name is taken", who: "admin", method: "POST", path: base + "/duplicate", body: `{"name":"b"}`, status: 409, want: []string{`"exists"`}},
		{name: "without a name", who: "admin", method: "POST", path: base + "/duplicate", status: 201, want: []string{`"B copy"`}},
	})
	made := p.must(t, 201, "admin", "POST", base+"/duplicate", `{"name":"With rows","rows":true}`)
	require.Equal(t, "/api/v1/bases/"+made.text(t, "id"), made.header.Get("Location"))
	copied := p.must(t, 200, "viewer", "GET", "/api/v1/bases/"+made.text(t, "id")+"/tables", nil)
	require.NotContains(t, copied.body, "Secret", "hidden in the copy too")
	rows := p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+copied.text(t, "data.0.id")+"/rows", nil)
	require.Equal(t, 5, strings.Count(rows.body, `"version":1`))

	p.check(t, []request{
		{name: "an editor archives nothing", who: "editor", method: "POST", path: table + "/archive", status: 403},
		{name: "settings", who: "admin", method: "PATCH", path: table, body: `{"settings":{"rows":"tall"}}`, status: 200, want: []string{`"settings":{"rows":"tall"}`}},
		{name: "no settings", who: "admin", method: "PATCH", path: table, body: `{"settings":[]}`, status: 400, want: []string{"$.settings"}},
		{name: "an older version", who: "admin", method: "POST", path: table + "/archive", body: `{"version":1}`, status: 409},
		{name: "archive", who: "admin", method: "POST", path: table + "/archive", headers: []string{"If-Match", `"2"`}, status: 200, want: []string{`"archived_at":"`, `"version":3`}},
		{name: "not listed", who: "viewer", method: "GET", path: base + "/tables", status: 200, want: []string{`"data":[]`}},
		{name: "listed when asked", who: "viewer", method: "GET", path: base + "/tables?archived=true", status: 200, want: []string{p.table, `"archived_at":"`}, unwanted: []string{"Secret"}},
		{name: "rows", who: "viewer", method: "GET", path: p.rows(""), status: 409, want: []string{`"archived"`}},
		{name: "write", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x"}}`, status: 409, want: []string{`"archived"`}},
		{name: "export", who: "editor", method: "GET", path: table + "/export.csv", status: 409},
		{name: "import", who: "editor", method: "POST", path: table + "/import", body: "Name\nx\n", headers: []string{"Content-Type", "text/csv"}, status: 409},
		{name: "query", who: "viewer", method: "POST", path: p.at("/query"), body: `{"source":{"table":"` + p.table + `"}}`, status: 409},
		{name: "column", who: "admin", method: "POST", path: table + "/columns", body: `{"name":"X","type":"text"}`, status: 409},
		{name: "a stranger", who: "stranger", method: "GET", path: table, status: 404},
		{name: "restore", who: "admin", method: "POST", path: table + "/restore", status: 200, unwanted: []string{"archived_at"}},
		{name: "rows again", who: "viewer", method: "GET", path: p.rows(""), status: 200, want: []string{"motor"}},

		{name: "templates", who: "stranger", method: "GET", path: "/api/v1/templates", status: 200, want: []string{`"crm"`, `"inventory"`, `"project_tracker"`, `"type":"single_select"`}},
		{name: "templates are for accounts", method: "GET", path: "/api/v1/templates", status: 401},
		{name: "no template", who: "admin", method: "POST", path: p.at("/bases"), body: `{"template":"x"}`, status: 400, want: []string{"$.template"}},
		{name: "an editor makes nothing", who: "editor", method: "POST", path: p.at("/bases"), body: `{"template":"crm"}`, status: 403},
		{name: "from a template", who: "admin", method: "POST", path: p.at("/bases"), body: `{"template":"crm","name":"Sales"}`, status: 201, want: []string{`"Sales"`}},
	})
}

func TestRowLock(t *testing.T) {
	p := newPlace(t, shared)
	row := p.rows("/" + p.insert(`{"Name":"n"}`))
	p.check(t, []request{
		{name: "a viewer locks nothing", who: "viewer", method: "POST", path: row + "/lock", status: 403},
		{name: "too long", who: "editor", method: "POST", path: row + "/lock", body: `{"seconds":3601}`, status: 400, want: []string{"$.seconds"}},
		{name: "much too long", who: "editor", method: "POST", path: row + "/lock", body: `{"seconds":9223372036854775807}`, status: 400, want: []string{"$.seconds"}},
		{name: "too short", who: "editor", method: "POST", path: row + "/lock", body: `{"seconds":0}`, status: 400},
		{name: "no row", who: "editor", method: "POST", path: p.rows("/row_none/lock"), status: 404},
		{name: "no lock yet", who: "viewer", method: "GET", path: row, status: 200, unwanted: []string{`"lock"`}},
		{name: "lock", who: "editor", method: "POST", path: row + "/lock", body: `{"seconds":3600}`, status: 200, want: []string{`"holder":"usr_`, `"expires_at"`}},
		{name: "renew", who: "editor", method: "POST", path: row + "/lock", status: 200},
		{name: "shown", who: "viewer", method: "GET", path: row, status: 200, want: []string{`"fields":{`, `"lock":{"holder":"usr_`}},
		{name: "others wait", who: "admin", method: "PATCH", path: row, body: `{"fields":{"Left":1}}`, status: 409, want: []string{`"row_locked"`, `"lock":{"holder":"usr_`, `"expires_at"`}},
		{name: "others wait with their locks", who: "admin", method: "POST", path: row + "/lock", status: 409, want: []string{`"row_locked"`}},
		{name: "nor delete", who: "owner", method: "DELETE", path: row, status: 409},
		{name: "the holder does not", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Left":1}}`, status: 200},
		{name: "not theirs to release", who: "owner", method: "DELETE", path: row + "/lock", status: 409},
		{name: "broken", who: "owner", method: "DELETE", path: row + "/lock?break=true", status: 204},
		{name: "free", who: "admin", method: "PATCH", path: row, body: `{"fields":{"Left":2}}`, status: 200},
		{name: "lock of the admin", who: "admin", method: "POST", path: row + "/lock", status: 200},
		{name: "not for editors to break", who: "editor", method: "DELETE", path: row + "/lock?break=true", status: 403},
		{name: "release", who: "admin", method: "DELETE", path: row + "/lock", status: 204},
		{name: "in the log", who: "admin", method: "GET", path: "/api/v1/audit-logs?workspace_id=" + p.workspace + "&resource_type=lock", status: 200, want: []string{"lock.take", "lock.break", "lock.release"}},
	})
}

// TestFaultOfHiddenColumn: the refusal of a row for a column that the writer cannot see does not name it.
func TestFaultOfHiddenColumn(t *testing.T) {
	p := newPlace(t, shared)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","columns":{"Name":"hidden"}}`)
	p.check(t, []request{
		{name: "one", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Left":1}}`, status: 400,
			want: []string{`"path":"$"`, `"code":"invalid"`, "cannot see"}, unwanted: []string{`Name`, p.columns["Name"]}},
		{name: "several", who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"insert","rows":[{"fields":{"Left":1}},{"fields":{"Left":2}}]}`, status: 400,
			want: []string{`"path":"$.rows[1]"`}, unwanted: []string{`Name`}},
	})
}
