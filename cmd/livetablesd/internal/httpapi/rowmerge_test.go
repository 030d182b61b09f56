package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMergingWrites: a write that began with an older version is merged by field, or is a conflict that says what stands
// against it as far as the writer may see it.
func TestMergingWrites(t *testing.T) {
	p := newPlace(t, shared)
	row := p.rows("/" + p.insert(`{"Name":"gear","Left":1,"Price":2,"Secret":"deep"}`))
	p.must(t, 200, "owner", "PATCH", row, `{"fields":{"Left":5,"Secret":"deeper"},"version":1}`)
	owner := p.id("owner")
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","columns":{"Secret":"hidden"}}`)
	p.check(t, []request{
		{name: "other fields", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"cog"},"base_version":1}`, status: 200,
			want: []string{`"merged":true`, `"version":3`, `"Left":5`}, unwanted: []string{"deep"}},
		{name: "nothing to merge with", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"cog"},"base_version":3}`, status: 200,
			unwanted: []string{"merged"}},
		{name: "the same field", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Left":7,"Price":3},"base_version":1}`, status: 409,
			want:     []string{`"code":"conflict"`, `"reason":"fields"`, `"column":"Left"`, `"base":1`, `"mine":7`, `"theirs":5`, `"by":"` + owner + `"`, `"current_version":3`},
			unwanted: []string{"deep", `"column":"Price"`, "Secret"}},
		{name: "a hidden field is unknown, not a conflict", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Secret":"x"},"base_version":1}`, status: 400,
			want: []string{"unknown_column", "$.fields.Secret"}, unwanted: []string{"deep"}},
		{name: "a version that must be", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3},"version":1}`, status: 412, want: []string{`"reason":"version"`, `"current":{`}, unwanted: []string{"deep"}},
		{name: "in a header", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3}}`, headers: []string{"If-Match", `"1"`}, status: 412},
		{name: "two of them", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3},"version":3,"base_version":1}`, status: 400, want: []string{"$.base_version"}},
		{name: "overwrite and a version", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3},"version":3,"overwrite":true}`, status: 400, want: []string{"$.overwrite"}},
		{name: "no version at all", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3},"base_version":-1}`, status: 400},
		{name: "one from the future", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":3},"base_version":99}`, status: 409, want: []string{`"base_unknown"`}},
		{name: "in bulk", who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"update","rows":[{"id":"` + row[len(p.rows("/")):] + `","base_version":1,"fields":{"Live":true}}]}`, status: 200,
			want: []string{`"merged":true`}},
	})

	// A table may ask for versions; whoever means to overwrite says so.
	p.must(t, 200, "owner", "PATCH", "/api/v1/tables/"+p.table, `{"rules":{"require_version":true}}`)
	p.check(t, []request{
		{name: "required", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":4}}`, status: 400, want: []string{"version_required", "$.version"}},
		{name: "required in bulk", who: "editor", method: "POST", path: p.rows("/bulk"), body: `{"op":"delete","rows":[{"id":"` + row[len(p.rows("/")):] + `"}]}`, status: 400, want: []string{"$.rows[0].version"}},
		{name: "on purpose", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":4},"overwrite":true}`, status: 200},
		{name: "told", who: "viewer", method: "GET", path: "/api/v1/tables/" + p.table, status: 200, want: []string{`"require_version":true`}},
	})

	// Deleted meanwhile: told to those who have seen the row, 404 to all others.
	p.must(t, 204, "owner", "DELETE", row+"?overwrite=true", nil)
	p.check(t, []request{
		{name: "merging with nothing", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"x"},"base_version":2}`, status: 409,
			want: []string{`"reason":"deleted"`, `"deleted":{"by":"` + owner}, unwanted: []string{`"current":`, "deep"}},
		{name: "a version of nothing", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"x"},"version":5}`, status: 412, want: []string{`"deleted"`}},
		{name: "nothing at all", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"x"},"overwrite":true}`, status: 404},
	})
}

// TestMergeLeavesSight: a merge never carries a row where its writer may not put it, and a conflict never tells what the writer
// could not have seen.
func TestMergeLeavesSight(t *testing.T) {
	p := newPlace(t, shared)
	row := p.rows("/" + p.insert(`{"Name":"treasure","Left":500,"Price":1}`))
	p.must(t, 200, "owner", "PATCH", row, `{"fields":{"Left":1,"Name":"box"}}`)
	p.must(t, 200, "owner", "PUT", p.at("/rules"), `{"table":"`+p.table+`","role":"editor","read":"Left < 100","update":"Left * Price < 50"}`)
	p.must(t, 200, "owner", "PATCH", row, `{"fields":{"Left":9}}`) // 3
	p.check(t, []request{
		{name: "both edits together break the rule", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Price":9},"base_version":2}`, status: 403},
		{name: "guessing what was hidden", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"treasure"},"base_version":1}`, status: 409,
			want: []string{"base_unknown"}, unwanted: []string{"treasure", "500", `"fields":[`}},
		{name: "out of sight again", who: "owner", method: "PATCH", path: row, body: `{"fields":{"Left":101}}`, status: 200},
		{name: "is not there", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"x"},"base_version":2}`, status: 404},
		{name: "deleted out of sight", who: "owner", method: "DELETE", path: row, status: 204},
		{name: "is not there either", who: "editor", method: "PATCH", path: row, body: `{"fields":{"Name":"x"},"base_version":2}`, status: 404},
	})
	require.NotEmpty(t, row)
}
