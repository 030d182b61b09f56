package httpapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newestEntry is the id of the newest audit entry of a row.
func (p *place) newestEntry(row string) string {
	p.t.Helper()
	return p.must(p.t, 200, "owner", "GET", p.rows("/"+row+"/history?limit=1"), nil).text(p.t, "data.0.id")
}

// TestAttack28RevertIsAWrite takes back, by every route there is for it, what the caller may not write: rows out of sight, columns
// that are hidden, masked or read-only, rows of others' tables, the undo of somebody else.
func TestAttack28RevertIsAWrite(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	open, done := p.insert(`{"Name":"one","Status":"open","Secret":"canary-1"}`), p.insert(`{"Name":"two","Status":"done","Secret":"canary-2"}`)
	dead, gone := p.insert(`{"Name":"dead","Status":"open","Secret":"canary-3"}`), p.insert(`{"Name":"gone","Status":"done"}`)
	time.Sleep(2 * time.Millisecond)
	since := `"actor":"` + p.id("owner") + `","from":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"`
	p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Secret":"canary-4"}}`)
	secret := p.newestEntry(open)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Day":"2026-05-05"}}`)
	day := p.newestEntry(open)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Left":4}}`)
	left := p.newestEntry(open)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+done), `{"fields":{"Name":"canary-5"}}`)
	unseen := p.newestEntry(done)
	p.must(t, 200, "owner", "POST", p.rows("/bulk"), `{"op":"delete","rows":[{"id":"`+dead+`"},{"id":"`+gone+`"}]}`)
	batch := p.must(t, 200, "owner", "GET", p.rows("/"+dead+"/history?limit=1"), nil).text(t, "data.0.batch")
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Status = \"open\"","columns":{"Secret":"hidden","Day":"read_only","Left":"masked"}}`)

	revert := func(row, entry string) string { return p.rows("/" + row + "/revert/" + entry) }
	restore := "/api/v1/tables/" + p.table + "/trash/restore"
	var attacks []attack
	for _, options := range []string{`{}`, `{"dry_run":true}`, `{"conflicts":"force"}`, `{"conflicts":"refuse"}`} {
		attacks = append(attacks,
			attack{name: "hidden" + options, who: "editor", method: "POST", path: revert(open, secret), body: options, status: 403, code: "forbidden"},
			attack{name: "read-only" + options, who: "editor", method: "POST", path: revert(open, day), body: options, status: 403, code: "forbidden"},
			attack{name: "masked" + options, who: "editor", method: "POST", path: revert(open, left), body: options, status: 403, code: "forbidden"},
			attack{name: "out of sight" + options, who: "editor", method: "POST", path: revert(done, unseen), body: options, status: 404},
			attack{name: "another row's entry" + options, who: "editor", method: "POST", path: revert(open, unseen), body: options, status: 404},
			attack{name: "a viewer" + options, who: "viewer", method: "POST", path: revert(open, left), body: options, status: 403},
			attack{name: "a stranger" + options, who: "stranger", method: "POST", path: revert(open, left), body: options, status: 404})
	}
	attacks = append(attacks,
		attack{name: "an operation", who: "editor", method: "POST", path: p.at("/revert"), body: `{"operation":"` + batch + `"}`, status: 403},
		attack{name: "somebody's time", who: "editor", method: "POST", path: p.at("/revert"), body: `{` + since + `}`, status: 403},
		attack{name: "somebody's time in a table", who: "editor", method: "POST", path: p.at("/revert"), body: `{` + since + `,"table_id":"` + p.table + `"}`, status: 403},
		attack{name: "a viewer's revert", who: "viewer", method: "POST", path: p.at("/revert"), body: `{` + since + `}`, status: 403},
		attack{name: "a stranger's revert", who: "stranger", method: "POST", path: p.at("/revert"), body: `{"operation":"` + batch + `"}`, status: 404},
		attack{name: "trash with a hidden value", who: "editor", method: "POST", path: restore, body: `{"rows":["` + dead + `"]}`, status: 403},
		attack{name: "trash out of sight", who: "editor", method: "POST", path: restore, body: `{"rows":["` + gone + `"]}`, status: 404},
		attack{name: "trash that never was", who: "editor", method: "POST", path: restore, body: `{"rows":["row_00000000000000000000000000"]}`, status: 404},
		attack{name: "trash of a viewer", who: "viewer", method: "POST", path: restore, body: `{"rows":["` + dead + `"]}`, status: 403},
		attack{name: "somebody else's undo", who: "editor", method: "POST", path: p.at("/undo"), body: `{}`, status: 409, code: "nothing_to_undo"},
		attack{name: "somebody else's undo by its name", who: "editor", method: "POST", path: p.at("/undo"), body: `{"operation":"` + batch + `"}`, status: 409},
		attack{name: "a viewer's undo", who: "viewer", method: "POST", path: p.at("/undo"), body: `{}`, status: 403})
	p.refuses(t, attacks)
	for _, path := range []string{"/api/v1/tables/" + p.table + "/trash", p.rows("?as_of=" + time.Now().UTC().Format(time.RFC3339)), p.rows("/" + open + "?as_of=" + batch)} {
		seen := p.must(t, 200, "editor", "GET", path, nil).body
		require.NotContains(t, seen, "canary", path)
		require.NotContains(t, seen, gone, path)
		require.NotContains(t, seen, `"Secret"`, path)
	}
	require.Equal(t, 404, p.do(t, "editor", "GET", p.rows("/"+done+"?as_of="+batch), nil).status)
	require.Equal(t, 404, p.do(t, "editor", "GET", p.rows("/"+done+"/diff?from=1"), nil).status)
	require.NotContains(t, p.must(t, 200, "editor", "GET", p.rows("/"+open+"/diff?from=1"), nil).body, "canary")
}

// TestRevertRoutes takes changes back by each route and reads the past.
func TestRevertRoutes(t *testing.T) {
	p := newPlace(t, shared)
	row := p.insert(`{"Name":"bolt","Left":1}`)
	first := p.newestEntry(row)
	p.must(t, 200, "editor", "PATCH", p.rows("/"+row), `{"fields":{"Left":2,"Name":"nut"}}`)
	entry := p.newestEntry(row)
	p.must(t, 200, "admin", "PATCH", p.rows("/"+row), `{"fields":{"Left":3}}`)

	preview := p.must(t, 200, "owner", "POST", p.rows("/"+row+"/revert/"+entry+"?dry_run=true"), nil)
	require.Contains(t, preview.body, `"dry_run":true,"affected":1`)
	require.Equal(t, []string{"Name", "nut", "bolt"}, []string{preview.text(t, "rows.0.changes.0.column"), preview.text(t, "rows.0.changes.0.from"), preview.text(t, "rows.0.changes.0.to")})
	require.Contains(t, preview.body, `"column":"Left","base":1,"left":2,"theirs":3,"actor":"`+p.id("admin")+`"`)
	require.Equal(t, "revert_conflict", p.must(t, 409, "owner", "POST", p.rows("/"+row+"/revert/"+entry), `{"conflicts":"refuse"}`).text(t, "code"))
	done := p.must(t, 200, "owner", "POST", p.rows("/"+row+"/revert/"+entry), `{"reason":"a mistake"}`)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("/"+row), nil).body, `"Name":"bolt"`)
	p.must(t, 200, "owner", "POST", p.at("/revert"), `{"operation":"`+done.text(t, "operation")+`"}`)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("/"+row), nil).body, `"Name":"nut"`)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("/"+row+"?as_of="+first), nil).body, `"Name":"bolt"`)
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact&Left.eq=1&as_of="+first), nil).body, `"count":{"exact":1}`)
	p.must(t, 400, "owner", "GET", p.rows("?as_of=yesterday"), nil)
	diff := p.must(t, 200, "owner", "GET", p.rows("/"+row+"/diff?from=1&to=3"), nil)
	require.Contains(t, diff.body, `"column":"Left","from":1,"to":3`)
	history := p.must(t, 200, "owner", "GET", p.rows("/"+row+"/history?actor="+p.id("admin")), nil)
	require.Contains(t, history.body, `"changes":[{"field":"`+p.columns["Left"]+`","from":2,"to":3}]`)

	p.must(t, 204, "editor", "DELETE", p.rows("/"+row), nil)
	trash := p.must(t, 200, "owner", "GET", "/api/v1/tables/"+p.table+"/trash", nil)
	require.Equal(t, []string{row, p.id("editor")}, []string{trash.text(t, "data.0.id"), trash.text(t, "data.0.deletion.deleted_by")})
	p.must(t, 200, "owner", "POST", "/api/v1/tables/"+p.table+"/trash/restore", `{"rows":["`+row+`"]}`)
	p.must(t, 200, "owner", "GET", p.rows("/"+row), nil)

	list := p.must(t, 200, "owner", "GET", p.at("/undo?table_id="+p.table), nil)
	require.Equal(t, "revert", list.text(t, "undo.0.kind"))
	undone := p.must(t, 200, "owner", "POST", p.at("/undo"), `{"table_id":"`+p.table+`","operation":"`+list.text(t, "undo.0.operation")+`"}`)
	require.Equal(t, "delete", undone.text(t, "rows.0.op"))
	p.must(t, 404, "owner", "GET", p.rows("/"+row), nil)
	p.must(t, 409, "owner", "POST", p.at("/redo"), `{"operation":"bat_00000000000000000000000000"}`)
	p.must(t, 200, "owner", "POST", p.at("/redo"), nil)
	p.must(t, 200, "owner", "GET", p.rows("/"+row), nil)
	p.must(t, 400, "owner", "POST", p.at("/revert"), `{"actor":"`+p.id("owner")+`"}`)
	p.must(t, 400, "owner", "POST", p.at("/undo"), `{"conflicts":"perhaps"}`)
}
