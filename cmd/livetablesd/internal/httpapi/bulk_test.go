package httpapi

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBulk(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	id := p.insert(`{"Name":"one"}`)
	bulk := p.rows("/bulk")
	p.check(t, []request{
		{name: "update by filter", who: "editor", method: "POST", path: bulk, body: `{"op":"update","filter":"Price > 10","rows":[{"fields":{"Status":"done"}}]}`, status: 200, want: []string{`"affected":1`, `"changed":false`}},
		{name: "delete by filter, dry run", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","filter":"Live","dry_run":true}`, status: 200, want: []string{`"affected":2`, `"dry_run":true`}},
		{name: "deleted nothing", who: "viewer", method: "GET", path: p.rows("?count=exact&limit=1"), status: 200, want: []string{`"exact":6`}},
		{name: "most", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","filter":"Live","max_affected":1}`, status: 400, want: []string{"max_affected"}},
		{name: "upsert by a column", who: "editor", method: "POST", path: bulk, body: `{"op":"upsert","key":["Name"],"rows":[{"fields":{"Name":"gear","Left":1}},{"fields":{"Name":"nut","Left":2}}]}`, status: 200, want: []string{`"op":"update"`, `"op":"insert"`}},
		{name: "two versions", who: "editor", method: "POST", path: bulk, body: `{"op":"update","rows":[{"id":"` + id + `","version":7,"fields":{"Left":1}}]}`, status: 412, want: []string{`"current_version":1`}},
		{name: "places of bad values", who: "editor", method: "POST", path: bulk, body: `{"op":"insert","rows":[{"fields":{"Name":"ok"}},{"fields":{"Left":1.5}}]}`, status: 400, want: []string{"$.rows[1].fields.Name", "$.rows[1].fields.Left"}},
		{name: "nothing half done", who: "viewer", method: "GET", path: p.rows("?Name.eq=ok&count=exact"), status: 200, want: []string{`"exact":0`}},
		{name: "unknown columns", who: "editor", method: "POST", path: bulk, body: `{"op":"insert","rows":[{"fields":{"Nope":"ok"}}]}`, status: 400, want: []string{"$.rows[0].fields.Nope"}},
		{name: "unknown operation", who: "editor", method: "POST", path: bulk, body: `{"op":"truncate","rows":[{"fields":{}}]}`, status: 400, want: []string{"$.op"}},
		{name: "unknown key column", who: "editor", method: "POST", path: bulk, body: `{"op":"upsert","key":["Nope"],"rows":[{"fields":{"Name":"x"}}]}`, status: 400, want: []string{"$.key", "unknown_column"}},
		{name: "delete everything by accident (74)", who: "editor", method: "POST", path: bulk, body: `{"op":"delete"}`, status: 400, want: []string{"all_rows"}},
		{name: "with an empty filter (74)", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","filter":""}`, status: 400, want: []string{"$.filter"}},
		{name: "with null (74)", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","filter":null,"rows":[]}`, status: 400},
		{name: "update everything by accident (74)", who: "editor", method: "POST", path: bulk, body: `{"op":"update","rows":[{"fields":{"Left":1}}]}`, status: 400, want: []string{"$.rows[0].id"}},
		{name: "filter of an insert", who: "editor", method: "POST", path: bulk, body: `{"op":"insert","filter":"Live","rows":[{"fields":{"Name":"x"}}]}`, status: 400},
		{name: "unknown column in the filter", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","filter":"Nope = 1"}`, status: 400, want: []string{"unknown_column"}},
		{name: "row twice", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","rows":[{"id":"` + id + `"},{"id":"` + id + `"}]}`, status: 400},
		{name: "all rows on purpose", who: "editor", method: "POST", path: bulk + "?dry_run=true", body: `{"op":"delete","all_rows":true}`, status: 200, want: []string{`"affected":7`}},
		{name: "delete", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","rows":[{"id":"` + id + `"}],"reason":"old"}`, status: 200, want: []string{`"data":[{"op":"delete","changed":true,"id":"` + id + `"}]`}},
	})
	t.Run("more rows than a request may change", func(t *testing.T) {
		rows := strings.Repeat(`{"fields":{"Name":"x"}},`, 1000) + `{"fields":{"Name":"x"}}`
		a := p.must(t, 400, "editor", "POST", bulk, `{"op":"insert","rows":[`+rows+`]}`)
		require.Contains(t, a.body, "1001")
		require.Contains(t, a.body, `"$.rows"`)
	})
}

// TestEachChangeHasOneEntry counts the audit rows of every kind of write.
func TestEachChangeHasOneEntry(t *testing.T) {
	p := newPlace(t, shared)
	count := func() int {
		total := 0
		for cursor := ""; ; {
			a := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?limit=20&workspace_id="+p.workspace+cursor, nil)
			total += len(a.get(t, "data").([]any))
			if a.get(t, "page.has_more") == false {
				return total
			}
			cursor = "&cursor=" + a.text(t, "page.next_cursor")
		}
	}
	before := count()
	step := func(want int, status int, who, method, path string, body any) {
		t.Helper()
		p.must(t, status, who, method, path, body)
		after := count()
		require.Equal(t, want, after-before, "%s %s", method, path)
		before = after
	}
	row := p.rows("/" + func() string { id := p.insert(`{"Name":"n"}`); before++; return id }())
	step(1, 200, "editor", "PATCH", row, `{"fields":{"Left":1}}`)
	step(0, 200, "editor", "PATCH", row, `{"fields":{"Left":1}}`)
	step(0, 403, "viewer", "PATCH", row, `{"fields":{"Left":2}}`)
	step(0, 400, "editor", "PATCH", row, `{"fields":{"Left":"x"}}`)
	step(0, 412, "editor", "PATCH", row, `{"fields":{"Left":2},"version":1}`)
	step(0, 200, "editor", "PATCH", row+"?dry_run=true", `{"fields":{"Left":2}}`)
	step(1, 204, "editor", "DELETE", row, nil)
	step(3, 200, "editor", "POST", p.rows("/bulk"), `{"op":"insert","rows":[{"fields":{"Name":"a"}},{"fields":{"Name":"b"}},{"fields":{"Name":"c"}}]}`)
	step(1, 201, "admin", "POST", "/api/v1/tables/"+p.table+"/columns", `{"name":"More","type":"text"}`)
	step(1, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"viewer","read":"Left > 1"}`)
	step(1, 204, "owner", "DELETE", p.at("/members/"+p.id("viewer")), nil)
	step(0, 200, "owner", "GET", p.rows(""), nil)
}

func TestIdempotency(t *testing.T) {
	p := newPlace(t, shared)
	const body = `{"fields":{"Name":"once"}}`
	t.Run("50 at once have one effect (65)", func(t *testing.T) {
		bodies := make([]string, 50)
		var wg sync.WaitGroup
		for i := range bodies {
			wg.Go(func() { bodies[i] = p.do(t, "editor", "POST", p.rows(""), body, "Idempotency-Key", "k1").body })
		}
		wg.Wait()
		for _, b := range bodies {
			require.Equal(t, bodies[0], b)
		}
		require.Contains(t, p.must(t, 200, "viewer", "GET", p.rows("?count=exact"), nil).body, `"exact":1`)
	})
	p.check(t, []request{
		{name: "other body (65)", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"twice"}}`, headers: []string{"Idempotency-Key", "k1"}, status: 422, want: []string{"idempotency_key_reused"}},
		{name: "other user (65)", who: "owner", method: "POST", path: p.rows(""), body: body, headers: []string{"Idempotency-Key", "k1"}, status: 201},
		{name: "a failure is tried again", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Left":1}}`, headers: []string{"Idempotency-Key", "k2"}, status: 400},
		{name: "with another body too", who: "editor", method: "POST", path: p.rows(""), body: body, headers: []string{"Idempotency-Key", "k2"}, status: 201},
		{name: "a bad key", who: "editor", method: "POST", path: p.rows(""), body: body, headers: []string{"Idempotency-Key", strings.Repeat("x", 201)}, status: 400, want: []string{"Idempotency-Key"}},
	})
	again := p.must(t, 201, "editor", "POST", p.rows(""), body, "Idempotency-Key", "k2")
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.NotEmpty(t, again.header.Get("Location"))
	require.Equal(t, `"1"`, again.header.Get("ETag"))
	for i := range 2 { // an import, too, is done once
		a := p.must(t, 200, "editor", "POST", "/api/v1/tables/"+p.table+"/import", "Name\nfile\n", "Content-Type", "text/csv", "Idempotency-Key", "k3")
		require.Equal(t, []string{"", "true"}[i], a.header.Get("Idempotency-Replayed"))
	}
	require.Contains(t, p.must(t, 200, "viewer", "GET", p.rows("?Name.eq=file&count=exact"), nil).body, `"exact":1`)
}

// TestTwoWriters lets two clients edit one cell from the same version (73).
func TestTwoWriters(t *testing.T) {
	p := newPlace(t, shared)
	row := p.rows("/" + p.insert(`{"Name":"n","Left":0}`))
	for round := range 5 {
		statuses := make([]int, 2)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() {
				statuses[i] = p.do(t, []string{"owner", "editor"}[i], "PATCH", row, fmt.Sprintf(`{"fields":{"Left":%d},"version":%d}`, round*10+i+1, round+1)).status
			})
		}
		wg.Wait()
		require.ElementsMatch(t, []int{200, 412}, statuses)
	}
}
