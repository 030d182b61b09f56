package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPartialBulk(t *testing.T) {
	p := newPlace(t, shared)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","create":"Left < 100","columns":{"Secret":"hidden","Price":"read_only"}}`)
	rows := []string{
		`{"fields":{"Name":"ok","Left":1}}`,
		`{"fields":{"Left":1}}`,                 // required
		`{"fields":{"Name":"x","Left":"many"}}`, // no number
		`{"fields":{"Name":"x","Nope":1}}`,      // no such column
		`{"fields":{"Name":"x","Secret":"s"}}`,  // hidden: no such column either
		`{"fields":{"Name":"x","Price":1}}`,     // read-only
		`{"fields":{"Name":"x","Left":500}}`,    // the rule
		`{"fields":{"Name":"x"},"version":3}`,   // a new row has none
		`{"fields":{"Name":"fine","Left":2}}`,
	}
	a := p.must(t, 200, "editor", "POST", p.rows("/bulk"), `{"op":"insert","partial":true,"rows":[`+strings.Join(rows, ",")+`]}`)
	require.EqualValues(t, 2, a.get(t, "affected"))
	require.EqualValues(t, 7, a.get(t, "refused"))
	for i, want := range []string{"", "$.rows[1].fields.Name", "$.rows[2].fields.Left", "$.rows[3].fields.Nope", "$.rows[4].fields.Secret", "read-only", "forbidden", "$.rows[7].version", ""} {
		item := a.get(t, fmt.Sprintf("data.%d", i))
		doc, err := json.Marshal(item)
		require.NoError(t, err)
		require.EqualValues(t, i, a.get(t, fmt.Sprintf("data.%d.index", i)))
		if want == "" {
			require.NotContains(t, string(doc), "problem")
			require.Contains(t, string(doc), `"version":1`)
			continue
		}
		require.Contains(t, string(doc), want)
		require.Equal(t, a.header.Get("X-Request-Id"), a.text(t, fmt.Sprintf("data.%d.problem.request_id", i)))
	}
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body, `"exact":2`)
	id, other := a.text(t, "data.0.id"), a.text(t, "data.8.id")
	p.must(t, 200, "owner", "POST", p.rows("/"+other+"/lock"), `{}`)
	p.must(t, 200, "owner", "PATCH", p.rows("/"+id), `{"fields":{"Left":7}}`)
	bulk := p.rows("/bulk")
	p.check(t, []request{
		{name: "a conflict and a lock", who: "editor", method: "POST", path: bulk, body: `{"op":"update","partial":true,"rows":[{"id":"` + id + `","base_version":1,"fields":{"Left":3}},{"id":"` + other + `","fields":{"Left":3}}]}`, status: 200,
			want: []string{`"affected":0`, `"refused":2`, `"theirs":7`, `"code":"row_locked"`, `"holder":"` + p.id("owner")}},
		{name: "a merge", who: "editor", method: "POST", path: bulk, body: `{"op":"update","partial":true,"rows":[{"id":"` + id + `","base_version":1,"fields":{"Live":true}}]}`, status: 200, want: []string{`"index":0`, `"merged":true`}},
		{name: "all or none without it", who: "editor", method: "POST", path: bulk, body: `{"op":"update","rows":[{"id":"` + id + `","fields":{"Left":3}},{"id":"` + other + `","fields":{"Left":3}}]}`, status: 409},
		{name: "only what was refused", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","partial":true,"rows":[{"id":"` + id + `"},{"id":"row_x"}]}`, headers: []string{"Prefer", "return=minimal"}, status: 200, want: []string{`"data":[{"index":1,"problem"`}},
		{name: "with a filter", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","partial":true,"filter":"Left > 1"}`, status: 400, want: []string{"$.partial"}},
		{name: "nobody else's", who: "viewer", method: "POST", path: bulk, body: `{"op":"delete","partial":true,"rows":[{"id":"` + other + `"}]}`, status: 403},
	})
}

// TestFilterNeedsItsLimit: a filter that selects more rows than somebody who names no number could have meant is refused.
func TestFilterNeedsItsLimit(t *testing.T) {
	p := newPlace(t, shared)
	bulk := p.rows("/bulk")
	for range 2 {
		rows := strings.TrimSuffix(strings.Repeat(`{"fields":{"Name":"n","Left":1}},`, 600), ",")
		p.must(t, 200, "owner", "POST", bulk, `{"op":"insert","rows":[`+rows+`]}`)
	}
	p.insert(`{"Name":"hidden","Left":77}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Left < 50"}`)
	p.check(t, []request{
		{name: "not said", who: "editor", method: "POST", path: bulk, body: `{"op":"update","filter":"Left > 0","rows":[{"fields":{"Live":true}}]}`, status: 400, want: []string{"max_affected"}},
		{name: "tried", who: "editor", method: "POST", path: bulk, body: `{"op":"update","filter":"Left > 0","max_affected":2000,"dry_run":true,"rows":[{"fields":{"Live":true}}]}`, status: 200, want: []string{`"matched":1200`, `"affected":1200`, `"dry_run":true`}, unwanted: []string{"hidden"}},
		{name: "done", who: "editor", method: "POST", path: bulk, body: `{"op":"update","filter":"Left > 0","max_affected":2000,"rows":[{"fields":{"Live":true}}]}`, headers: []string{"Prefer", "return=minimal"}, status: 200, want: []string{`"matched":1200`}},
		{name: "the row out of sight is as it was", who: "owner", method: "GET", path: p.rows("?Live.eq=true&count=exact&limit=1"), status: 200, want: []string{`"exact":1200`}},
		{name: "more than there may be", who: "editor", method: "POST", path: bulk, body: `{"op":"delete","all_rows":true,"max_affected":1000000}`, status: 400, want: []string{"max_affected"}},
	})
}
