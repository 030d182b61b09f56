package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ruled is a place with the five things, of which editors and viewers see the open ones and one of which is the editor's.
func ruled(t *testing.T, in *instance) (p *place, open, done string) {
	t.Helper()
	p = newPlace(t, in)
	p.fill()
	open, done = p.insert(`{"Name":"one","Status":"open","Left":5}`), p.insert(`{"Name":"two","Status":"done","Left":5}`)
	for _, role := range []string{"editor", "viewer"} {
		p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"`+role+`","read":"Status = \"open\"","create":"Status = \"open\"","update":"Status = \"open\"","delete":"Left < 100","columns":{"Day":"read_only"}}`)
	}
	return p, open, done
}

// TestAttack29RowLeavesTheRule changes a live row so that its subscriber may not see it any more: a removal and no values.
func TestAttack29RowLeavesTheRule(t *testing.T) {
	p, open, done := ruled(t, shared)
	s, _, err := p.dial(t, "viewer", p.workspace, nil)
	require.NoError(t, err)
	require.Contains(t, s.subscribe(p.table), `"ok"`)
	hear := func() (op, text string) {
		text = s.next()
		var frame struct {
			Data struct {
				Ops []struct{ Op, ID string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(text), &frame), text)
		require.Len(t, frame.Data.Ops, 1, text)
		return frame.Data.Ops[0].Op, text
	}
	for i, change := range []string{`{"Status":"done","Name":"never to be seen","Left":77777}`, `{"Status":null,"Name":"never to be seen","Left":77777}`} {
		p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":`+change+`}`)
		op, text := hear()
		require.Equal(t, "leave", op, text)
		require.Contains(t, text, open)
		for _, unwanted := range []string{"never to be seen", "77777", "done", p.id("owner")} {
			require.NotContains(t, text, unwanted)
		}
		// What happens to it out of sight is not heard, and neither is a row that was never in sight.
		p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Left":88888}}`)
		p.must(t, 200, "owner", "PATCH", p.rows("/"+done), fmt.Sprintf(`{"fields":{"Name":"never to be seen %d"}}`, i))
		p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Status":"open","Name":"back","Left":1}}`)
		op, text = hear()
		require.Equal(t, "enter", op, "it comes as a new row: %s", text)
		require.Contains(t, text, "back")
		require.NotContains(t, text, "88888")
	}
	p.must(t, 204, "owner", "DELETE", p.rows("/"+done), nil)
	s.quiet(300 * time.Millisecond)
}

// TestAttack31RowsStayInScope moves rows out of the editor's scope and into it by every way of writing: 403 or 404, and nothing
// is written.
func TestAttack31RowsStayInScope(t *testing.T) {
	p, open, done := ruled(t, shared)
	bulk := p.rows("/bulk")
	p.refuses(t, []attack{
		{name: "out", who: "editor", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"Status":"done"}}`, status: 403, code: "forbidden"},
		{name: "out, by nothing", who: "editor", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"Status":null}}`, status: 403},
		{name: "out, with its version", who: "editor", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"Status":"done"},"version":1}`, status: 403},
		{name: "out, tried dry", who: "editor", method: "PATCH", path: p.rows("/" + open + "?dry_run=true"), body: `{"fields":{"Status":"done"}}`, status: 403},
		{name: "out, in bulk", who: "editor", method: "POST", path: bulk, body: `{"op":"update","rows":[{"id":"` + open + `","fields":{"Status":"done"}}]}`, status: 403},
		{name: "out, all that match", who: "editor", method: "POST", path: bulk, body: `{"op":"update","filter":"Left = 5","rows":[{"fields":{"Status":"done"}}]}`, status: 403},
		{name: "out, all rows", who: "editor", method: "POST", path: bulk, body: `{"op":"update","all_rows":true,"rows":[{"fields":{"Status":"done"}}]}`, status: 403},
		{name: "out, by upsert", who: "editor", method: "POST", path: bulk, body: `{"op":"upsert","key":["Name"],"rows":[{"fields":{"Name":"one","Status":"done"}}]}`, status: 403},
		{name: "made outside", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x","Status":"done"}}`, status: 403},
		{name: "made outside, without a status", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x"}}`, status: 403},
		{name: "one of a hundred made outside", who: "editor", method: "POST", path: bulk, body: `{"op":"insert","rows":[` + strings.Repeat(`{"fields":{"Name":"x","Status":"open"}},`, 99) + `{"fields":{"Name":"x","Status":"done"}}]}`, status: 403},
		{name: "imported outside", who: "editor", method: "POST", path: "/api/v1/tables/" + p.table + "/import", body: "Name,Status\nx,open\ny,done\n", headers: csvType, status: 403},
		{name: "taken in", who: "editor", method: "PATCH", path: p.rows("/" + done), body: `{"fields":{"Status":"open"}}`, status: 404},
		{name: "taken in, in bulk", who: "editor", method: "POST", path: bulk, body: `{"op":"update","rows":[{"id":"` + open + `","fields":{"Left":6}},{"id":"` + done + `","fields":{"Status":"open"}}]}`, status: 404},
		{name: "under the id of one out of sight", who: "editor", method: "POST", path: p.rows(""), body: `{"id":"` + done + `","fields":{"Name":"x","Status":"open"}}`, status: 409},
		{name: "deleted out of sight", who: "editor", method: "DELETE", path: p.rows("/" + done), status: 404},
		{name: "deleted out of sight, in bulk", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","rows":[{"id":"` + open + `"},{"id":"` + done + `"}]}`, status: 404},
		{name: "author", who: "editor", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"_created_by":"` + p.id("editor") + `"}}`, status: 400},
		{name: "author of a new one", who: "editor", method: "POST", path: p.rows(""), body: `{"fields":{"Name":"x","Status":"open","_created_by":"` + p.id("owner") + `"}}`, status: 400},
		{name: "a read-only column", who: "editor", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"Day":"2026-01-01"}}`, status: 403},
		{name: "a lock out of sight", who: "editor", method: "POST", path: p.rows("/" + done + "/lock"), body: `{}`, status: 404},
		{name: "not a writer at all", who: "viewer", method: "PATCH", path: p.rows("/" + open), body: `{"fields":{"Left":6}}`, status: 403},
	})
	// Deleting has a rule of its own, which asks the row that is there: changing it first does not help in one batch.
	p.must(t, 200, "owner", "PATCH", p.rows("/"+open), `{"fields":{"Left":500}}`)
	p.refuses(t, []attack{{name: "deleted against its rule", who: "editor", method: "DELETE", path: p.rows("/" + open), status: 403},
		{name: "deleted against its rule with all rows", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","all_rows":true}`, status: 403}})
	// All that match are those in sight: nothing tells of the others.
	a := p.must(t, 200, "editor", "POST", bulk, `{"op":"update","all_rows":true,"rows":[{"fields":{"Left":7}}],"dry_run":true}`)
	require.EqualValues(t, 3, a.get(t, "affected"))
}

// TestAttack73TwoWritersOfOneCell lets many edit one cell from the same version: one wins, the others learn what it is now.
func TestAttack73TwoWritersOfOneCell(t *testing.T) {
	p := newPlace(t, shared)
	id := p.insert(`{"Name":"n","Left":0,"Secret":"s"}`)
	for _, role := range []string{"editor", "admin"} {
		p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"`+role+`","columns":{"Secret":"hidden"}}`)
	}
	for round := range 5 {
		answers := make([]*answer, 9)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				body, headers := fmt.Sprintf(`{"fields":{"Left":%d},"version":%d}`, round*10+i+1, round+1), []string{}
				if i%2 == 0 {
					body, headers = fmt.Sprintf(`{"fields":{"Left":%d}}`, round*10+i+1), []string{"If-Match", fmt.Sprintf(`"%d"`, round+1)}
				}
				answers[i] = p.do(t, []string{"owner", "editor", "admin"}[i%3], "PATCH", p.rows("/"+id), body, headers...)
			})
		}
		wg.Wait()
		won := 0
		for i, a := range answers {
			if a.status == 200 {
				won = i
			}
		}
		for i, a := range answers {
			if i == won {
				continue
			}
			require.Equal(t, 412, a.status, a.body)
			require.EqualValues(t, round+2, a.get(t, "current_version"))
			require.EqualValues(t, round*10+won+1, a.get(t, "current.fields.Left"), "the value that won")
			if i%3 != 0 {
				require.NotContains(t, a.body, "Secret", "as far as the loser may see the row")
			}
		}
		require.EqualValues(t, round*10+won+1, p.must(t, 200, "owner", "GET", p.rows("/"+id), nil).get(t, "fields.Left"))
	}
	require.Len(t, p.entries(id), 6, "one entry for each that won")
}

// TestAttack74NothingMeansNothing sends bulk changes without a filter, with empty ones and with ones that are always true in
// a way that nobody meant.
func TestAttack74NothingMeansNothing(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	var attacks []attack
	for _, op := range []string{`"op":"delete"`, `"op":"update","rows":[{"fields":{"Left":1}}]`} {
		for _, rest := range []string{``, `,"filter":""`, `,"filter":" "`, `,"filter":null`, `,"filter":[]`, `,"filter":{}`, `,"filter":true`, `,"filter":1`, `,"filter":[""]`, `,"all_rows":false`, `,"all_rows":null`,
			`,"all_rows":"true"`, `,"all_rows":1`, `,"key":["Name"]`, `,"filter":"TRUE()","all_rows":true`, `,"filter":"","all_rows":true`, `,"max_affected":1000`, `,"filter":"1 = 1 OR"`, `,"filters":"Left = 1"`, `,"where":"1"`} {
			attacks = append(attacks, attack{name: op + rest, who: "owner", method: "POST", path: p.rows("/bulk"), body: `{` + op + rest + `}`})
		}
	}
	attacks = append(attacks, attack{name: "no rows", who: "owner", method: "POST", path: p.rows("/bulk"), body: `{"op":"delete","rows":[]}`}, attack{name: "rows without ids", who: "owner", method: "POST", path: p.rows("/bulk"), body: `{"op":"delete","rows":[{}]}`},
		attack{name: "empty id", who: "owner", method: "POST", path: p.rows("/bulk"), body: `{"op":"delete","rows":[{"id":""}]}`}, attack{name: "more than were meant", who: "owner", method: "POST", path: p.rows("/bulk"), body: `{"op":"delete","all_rows":true,"max_affected":4}`},
		attack{name: "no row in the path", who: "owner", method: "DELETE", path: p.rows("/"), status: 404}, attack{name: "the rows themselves", who: "owner", method: "DELETE", path: p.rows(""), status: 405})
	p.refuses(t, attacks)
}
