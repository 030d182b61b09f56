package httpapi

import (
	"bytes"
	"mime/multipart"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var csvType = []string{"Content-Type", "text/csv"}

func TestImport(t *testing.T) {
	p := newPlace(t, shared)
	into := "/api/v1/tables/" + p.table + "/import"
	fresh := "/api/v1/bases/" + p.base + "/import"
	p.check(t, []request{
		{name: "rows", who: "editor", method: "POST", path: into, body: "Name,Price,Day\nbolt,0.20,2026-01-05\n\"a, \"\"b\"\"\",,\n", headers: csvType, status: 200, want: []string{`"rows":2`, `"created":false`}},
		{name: "semicolons", who: "editor", method: "POST", path: into + "?separator=%3B", body: "Name;Price\nnut;3\n", headers: csvType, status: 200, want: []string{`"rows":1`}},
		{name: "a new table", who: "admin", method: "POST", path: fresh + "?name=Customers", body: "Id,Name,Since,Rate\n1,Ann,2024-01-02,1.5\n2,Bob,2025-03-04,2.25\n", headers: csvType, status: 201, want: []string{`"rows":2`, `"created":true`}},
		{name: "not by editors", who: "editor", method: "POST", path: fresh + "?name=X", body: "Id\n1\n", headers: csvType, status: 403},
		{name: "nor by viewers", who: "viewer", method: "POST", path: into, body: "Name\nx\n", headers: csvType, status: 403},
		{name: "no name", who: "admin", method: "POST", path: fresh, body: "Id\n1\n", headers: csvType, status: 400, want: []string{"?name"}},
		{name: "bad separator", who: "editor", method: "POST", path: into + "?separator=x", body: "Name\nx\n", headers: csvType, status: 400, want: []string{"?separator"}},
		{name: "JSON", who: "editor", method: "POST", path: into, body: `{}`, headers: []string{"Content-Type", "text/plain"}, status: 415},
		{name: "empty", who: "editor", method: "POST", path: into, body: "", headers: csvType, status: 400, want: []string{`"line":1`, "empty"}},
		{name: "broken quoting", who: "editor", method: "POST", path: into, body: "Name,Left\nok,1\n\"broken,2\nlast,3\n", headers: csvType, status: 400, want: []string{"invalid_file", `"line":3`, `"row":2`, "quot"}},
		{name: "quote inside a cell", who: "editor", method: "POST", path: into, body: "Name,Left\nok,1\nbr\"oken,2\n", headers: csvType, status: 400, want: []string{`"line":3`, `"row":2`}},
		{name: "mixed encodings", who: "editor", method: "POST", path: into, body: "Name,Status\nM\xfcller,open\nMüller,open\n", headers: csvType, status: 400, want: []string{`"line":2`, `"row":1`, `"column":"Name"`, "UTF-8"}},
		{name: "UTF-16", who: "editor", method: "POST", path: into, body: "\xff\xfeN\x00", headers: csvType, status: 400, want: []string{`"column":"N"`, "no column"}},
		{name: "cells of other types, all of them", who: "editor", method: "POST", path: into, body: "Name,Left,Day\na,1,2026-01-01\nb,x,2026-01-01\nc,2,yesterday\n", headers: csvType, status: 400, want: []string{`"line":3`, `"column":"Left"`, `"line":4`, `"column":"Day"`}},
		{name: "values the table refuses", who: "editor", method: "POST", path: into, body: "Name,Status\na,open\nb,lost\n", headers: csvType, status: 400, want: []string{`"row":2`, `"column":"Status"`}},
		{name: "unknown header", who: "editor", method: "POST", path: into, body: "Name,Nope\na,1\n", headers: csvType, status: 400, want: []string{`"line":1`, `"column":"Nope"`}},
		{name: "cells missing", who: "editor", method: "POST", path: into, body: "Name,Left\na\n", headers: csvType, status: 400, want: []string{`"line":2`}},
		{name: "nothing half imported", who: "viewer", method: "GET", path: p.rows("?count=exact&limit=1"), status: 200, want: []string{`"exact":3`}},
		{name: "nor a table left over", who: "admin", method: "POST", path: fresh + "?name=Broken", body: "Id\n\"x\n", headers: csvType, status: 400},
		{name: "see", who: "viewer", method: "GET", path: "/api/v1/bases/" + p.base + "/tables", status: 200, want: []string{"Customers"}, unwanted: []string{"Broken"}},
	})
	left, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	for _, f := range left {
		require.False(t, strings.HasPrefix(f.Name(), "upload-"), "%s was not removed", f.Name())
	}
}

func TestImportForm(t *testing.T) {
	p := newPlace(t, shared)
	filename := `..\..\../../C:evil.csv`
	form := func(parts ...string) (body *bytes.Buffer, contentType string) {
		body = &bytes.Buffer{}
		w := multipart.NewWriter(body)
		for i := 0; i < len(parts); i += 2 {
			part, err := w.CreateFormFile(parts[i], filename)
			require.NoError(t, err)
			_, err = part.Write([]byte(parts[i+1]))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return body, w.FormDataContentType()
	}
	for _, test := range []struct {
		name   string
		status int
		want   string
		parts  []string
	}{
		{"a file with a hostile name (48)", 200, `"rows":1`, []string{"file", "Name\nx\n"}},
		{"no file", 400, "form.file", nil},
		{"another part", 400, "form.other", []string{"other", "x"}},
		{"two files", 400, "form.file", []string{"file", "Name\nx\n", "file", "Name\ny\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			body, kind := form(test.parts...)
			a := p.must(t, test.status, "editor", "POST", "/api/v1/tables/"+p.table+"/import", body, "Content-Type", kind)
			require.Contains(t, a.body, test.want)
		})
	}
	filename = "a\x00.csv"
	body, kind := form("file", "Name\nx\n")
	p.must(t, 400, "editor", "POST", "/api/v1/tables/"+p.table+"/import", body, "Content-Type", kind)
}

func TestExport(t *testing.T) {
	p := newPlace(t, shared)
	for _, name := range []string{"=1+1", "+1", "-1", "@x", "\tx", "plain", `with "quotes", and comma`} {
		p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]any{"Name": name, "Left": -5}})
	}
	out := "/api/v1/tables/" + p.table + "/export.csv"
	a := p.must(t, 200, "viewer", "GET", out+"?fields=Name,Left", nil)
	require.Contains(t, a.header.Get("Content-Type"), "text/csv")
	require.Contains(t, a.header.Get("Content-Disposition"), "attachment")
	for _, line := range strings.Split(a.body, "\r\n") { // (52)
		cell := strings.TrimPrefix(line, `"`)
		require.NotRegexp(t, `^[=+@\-\t\r]`, cell)
	}
	require.Contains(t, a.body, ",-5\r\n", "numbers are numbers")
	t.Run("import restores", func(t *testing.T) {
		p.must(t, 200, "editor", "POST", "/api/v1/tables/"+p.table+"/import", a.body, csvType...)
		require.Contains(t, p.must(t, 200, "viewer", "GET", p.rows("?Name.eq=%3D1%2B1&count=exact"), nil).body, `"exact":2`)
		require.Contains(t, p.must(t, 200, "viewer", "GET", p.rows("?Name.eq=plain&count=exact"), nil).body, `"exact":2`)
	})
	p.hideSecret()
	p.check(t, []request{
		{name: "all columns", who: "owner", method: "GET", path: out, status: 200, want: []string{"Name,Price,Left,Status,Day,Live,Secret\r\n"}},
		{name: "not the hidden one (27)", who: "viewer", method: "GET", path: out, status: 200, want: []string{"Name,Price,Left,Status,Day,Live\r\n"}},
		{name: "nor by name (27)", who: "viewer", method: "GET", path: out + "?fields=Secret", status: 400, want: []string{"unknown_column"}},
		{name: "nor guessed (27)", who: "viewer", method: "GET", path: out + "?Secret.starts_with=s", status: 400, want: []string{"unknown_column"}},
		{name: "filtered and sorted", who: "viewer", method: "GET", path: out + "?Name.starts_with=p&sort=Name&fields=Name", status: 200, want: []string{"Name\r\nplain\r\nplain\r\n"}},
		{name: "a query", who: "viewer", method: "POST", path: p.at("/query/export.csv"), body: `{"source":{"table":"` + p.table + `"},"filters":"Name = \"plain\"","columns":["Left"]}`, status: 200, want: []string{"Left\r\n-5\r\n-5\r\n"}},
		{name: "a query with the hidden column", who: "viewer", method: "POST", path: p.at("/query/export.csv"), body: `{"source":{"table":"` + p.table + `"},"columns":["Secret"]}`, status: 400, want: []string{"unknown_column"}},
	})
}
