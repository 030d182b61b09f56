package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// drawer is a table of a place with columns of files.
type drawer struct {
	*place
	drawer, files, images string // the table and its columns
}

func newDrawer(t testing.TB, p *place) *drawer {
	t.Helper()
	made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"Drawer","columns":[{"name":"Name","type":"text"},
		{"name":"Files","type":"attachment","options":{"max_files":3}},{"name":"Images","type":"attachment","options":{"accept":["image/*"]}}]}`)
	return &drawer{p, made.text(t, "id"), made.text(t, "columns.1.id"), made.text(t, "columns.2.id")}
}

func (d *drawer) row(path string) string { return "/api/v1/tables/" + d.drawer + "/rows" + path }
func (d *drawer) into(column string) string {
	return "/api/v1/tables/" + d.drawer + "/columns/" + column + "/attachments"
}
func (d *drawer) file(row, id string) string {
	return d.row("/" + row + "/attachments/" + d.files + "/" + id)
}

var plainType = []string{"Content-Type", "application/octet-stream"}

// put uploads a file to Files and answers its id.
func (d *drawer) put(who, name, content string) string {
	d.t.Helper()
	return d.must(d.t, 201, who, "POST", d.into(d.files)+"?name="+name, content, plainType...).text(d.t, "id")
}

// keep adds a row with files.
func (d *drawer) keep(who string, ids ...string) string {
	d.t.Helper()
	return d.must(d.t, 201, who, "POST", d.row(""), `{"fields":{"Name":"r","Files":["`+strings.Join(ids, `","`)+`"]}}`).text(d.t, "id")
}

func TestAttachmentsEndToEnd(t *testing.T) {
	d := newDrawer(t, newPlace(t, shared))
	content := "hello, " + strings.Repeat("world ", 50_000)
	made := d.must(t, 201, "editor", "POST", d.into(d.files)+"?name=dir/%C3%A5r.txt", content, "Content-Type", "text/html")
	sum := sha256.Sum256([]byte(content))
	id := made.text(t, "id")
	require.Equal(t, []string{"år.txt", "text/plain", hex.EncodeToString(sum[:])}, []string{made.text(t, "name"), made.text(t, "type"), made.text(t, "sha256")})

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", `..\x.csv`)
	require.NoError(t, err)
	_, err = part.Write([]byte("a,b\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	csv := d.must(t, 201, "editor", "POST", d.into(d.files), form.String(), "Content-Type", w.FormDataContentType())
	require.Equal(t, []string{"x.csv", "text/csv"}, []string{csv.text(t, "name"), csv.text(t, "type")})
	empty := d.put("editor", "empty", "")

	row := d.keep("editor", id, csv.text(t, "id"), empty)
	a := d.must(t, 200, "viewer", "GET", d.file(row, id), nil)
	require.Equal(t, content, a.body)
	require.Equal(t, `attachment; filename="_r.txt"; filename*=UTF-8''%C3%A5r.txt`, a.header.Get("Content-Disposition"))
	require.Empty(t, d.must(t, 200, "viewer", "GET", d.file(row, empty), nil).body)

	t.Run("parts", func(t *testing.T) {
		for _, c := range []struct {
			name, spec string
			status     int
			body       string
		}{
			{"the beginning", "bytes=0-4", 206, "hello"}, {"the end", "bytes=-6", 206, "world "}, {"a byte", "bytes=7-7", 206, "w"},
			{"from the middle on", "bytes=300000-", 206, content[300000:]}, {"several are the whole", "bytes=0-1,3-4", 200, content},
			{"behind the end", "bytes=400000-", 416, "the file has no such range"}, {"nonsense", "bytes=x", 416, "range"},
		} {
			a := d.do(t, "viewer", "GET", d.file(row, id), nil, "Range", c.spec)
			require.Equal(t, c.status, a.status, c.name)
			if c.status == 416 {
				require.Contains(t, a.body, c.body, c.name)
				require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
				continue
			}
			require.Equal(t, c.body, a.body, c.name)
		}
		tag := a.header.Get("ETag")
		require.Equal(t, `"`+hex.EncodeToString(sum[:])+`"`, tag)
		require.Equal(t, 304, d.do(t, "viewer", "GET", d.file(row, id), nil, "If-None-Match", tag).status)
		require.Equal(t, 200, d.do(t, "viewer", "GET", d.file(row, id), nil, "Range", "bytes=0-4", "If-Range", `"other"`).status)
		require.Empty(t, d.do(t, "viewer", "HEAD", d.file(row, id), nil).body)
	})

	t.Run("beside rows", func(t *testing.T) {
		for _, path := range []string{d.row("?expand=attachments"), d.row("/" + row + "?expand=attachments,links"), d.row("?expand=attachments&fields=Files")} {
			a := d.must(t, 200, "viewer", "GET", path, nil)
			require.Contains(t, a.body, `"`+id+`":{"id":"`+id+`","name":"år.txt","type":"text/plain","size":300007}`)
			require.Contains(t, a.body, `"attachments_complete":true`)
		}
		require.Contains(t, d.must(t, 200, "viewer", "GET", d.row("?expand=attachments&fields=Name"), nil).body, `"attachments":{}`)
		require.Equal(t, 400, d.do(t, "viewer", "GET", d.row("?expand=files"), nil).status)
	})

	t.Run("found", func(t *testing.T) {
		d.keepNone()
		for query, want := range map[string]int{"?Files.has=" + id: 1, "?filter=IS_BLANK(Files)": 1, "?filter=LIST_COUNT(Files)=3": 1, "?filter=LIST_COUNT(Files)=2": 0} {
			a := d.must(t, 200, "viewer", "GET", d.row(query), nil)
			require.Equal(t, want, strings.Count(a.body, `"version"`), "%s: %s", query, a.body)
		}
		require.Contains(t, d.must(t, 200, "viewer", "GET", "/api/v1/tables/"+d.drawer+"/export.csv", nil).body, id)
	})

	t.Run("taken back", func(t *testing.T) {
		d.must(t, 204, "editor", "DELETE", d.row("/"+row), nil)
		require.Equal(t, 404, d.do(t, "editor", "GET", d.file(row, id), nil).status)
		d.must(t, 200, "editor", "POST", d.at("/undo"), nil)
		require.Equal(t, content, d.must(t, 200, "editor", "GET", d.file(row, id), nil).body)
		other := d.keep("admin", id)
		require.Equal(t, content, d.must(t, 200, "viewer", "GET", d.file(other, id), nil).body)
		d.must(t, 200, "editor", "PATCH", d.row("/"+row), `{"fields":{"Files":null},"overwrite":true}`)
		require.Equal(t, 404, d.do(t, "editor", "GET", d.file(row, id), nil).status)
		require.NotContains(t, d.must(t, 200, "editor", "GET", d.row("/"+row+"?expand=attachments"), nil).body, "år.txt")
	})
}

// keepNone adds a row without files.
func (d *drawer) keepNone() {
	d.must(d.t, 201, "owner", "POST", d.row(""), `{"fields":{"Name":"none"}}`)
}

func TestAttachmentsAreBounded(t *testing.T) {
	in := newInstance(t, func(o *Options) { o.MaxAttachment = 1000 }, "root", "owner", "editor", "viewer")
	d := newDrawer(t, newPlace(t, in))
	for name, r := range map[string]request{
		"too large":            {who: "editor", path: d.into(d.files), body: strings.Repeat("x", 1001), status: 413},
		"much too large":       {who: "editor", path: d.into(d.files), body: strings.Repeat("x", 50_000), status: 413},
		"another type":         {who: "editor", path: d.into(d.images) + "?name=a.png", body: "<svg xmlns='x'><script/></svg>", status: 400, want: []string{"does not take files of the type text/plain"}},
		"a column without":     {who: "editor", path: strings.Replace(d.into(d.files), d.files, d.columns["Name"], 1), body: "x", status: 404},
		"a viewer's":           {who: "viewer", path: d.into(d.files), body: "x", status: 403},
		"an unknown parameter": {who: "editor", path: d.into(d.files) + "?x=1", body: "x", status: 400},
	} {
		a := in.do(t, r.who, "POST", r.path, r.body, plainType...)
		require.Equal(t, r.status, a.status, "%s: %s", name, a.body)
		for _, want := range r.want {
			require.Contains(t, a.body, want, name)
		}
	}
	in.must(t, 201, "editor", "POST", d.into(d.images), "\x89PNG\r\n\x1a\n", plainType...)
	ids := []string{d.put("editor", "1", "1"), d.put("editor", "2", "2"), d.put("editor", "3", "3"), d.put("editor", "4", "4")}
	in.must(t, 400, "editor", "POST", d.row(""), `{"fields":{"Files":["`+strings.Join(ids, `","`)+`"]}}`)
	// Nothing of what was refused is left on the disk, nor of what is uploading.
	left, err := filepath.Glob(filepath.Join(in.dir, "attachments", "*", "*"))
	require.NoError(t, err)
	require.Len(t, left, 5)
	uploads, err := filepath.Glob(filepath.Join(in.dir, "upload-*"))
	require.NoError(t, err)
	require.Empty(t, uploads)
}

// TestAttachmentsUnderPolicy asks for a file in every way that leads to it as those from whom the row or the column is kept:
// it is as if it were not there.
func TestAttachmentsUnderPolicy(t *testing.T) {
	d := newDrawer(t, newPlace(t, shared))
	id := d.put("owner", "canary.txt", "the canary")
	row := d.keep("owner", id)
	gone := "att_00000000000000000000000000"
	alike := func(who string) {
		t.Helper()
		missing := d.do(t, who, "GET", d.file(row, gone), nil)
		a := d.do(t, who, "GET", d.file(row, id), nil)
		require.Equal(t, 404, a.status)
		require.Equal(t, plainly(t, missing, gone), plainly(t, a, id))
		for _, path := range []string{d.row("?expand=attachments"), d.row("/" + row + "?expand=attachments")} {
			require.NotContains(t, d.do(t, who, "GET", path, nil).body, "canary")
		}
	}
	alike("stranger")
	rules := func(rule string) {
		d.must(t, 200, "owner", "PUT", d.at("/rules"), `{"table":"`+d.drawer+`","role":"editor",`+rule+`}`)
	}
	own := d.put("editor", "own.txt", "own")
	rules(`"read":"Name <> \"r\""`)
	alike("editor")
	refused := d.must(t, 400, "editor", "POST", d.row(""), `{"fields":{"Name":"x","Files":["`+id+`"]}}`)
	require.Equal(t, plainly(t, d.must(t, 400, "editor", "POST", d.row(""), `{"fields":{"Name":"x","Files":["`+gone+`"]}}`), gone), plainly(t, refused, id))
	d.must(t, 201, "editor", "POST", d.row(""), `{"fields":{"Name":"x","Files":["`+own+`"]}}`)
	for _, access := range []string{"hidden", "masked"} {
		rules(`"columns":{"Files":"` + access + `"}`)
		alike("editor")
		a := d.do(t, "editor", "POST", d.into(d.files), "x", plainType...)
		require.Contains(t, []int{403, 404}, a.status, access)
	}
	rules(`"columns":{"Files":"read_only"}`)
	require.Equal(t, 403, d.do(t, "editor", "POST", d.into(d.files), "x", plainType...).status)
	require.Equal(t, "the canary", d.must(t, 200, "editor", "GET", d.file(row, id), nil).body)

	// A token for reading reads, and one for another table finds nothing.
	d.grant(t, "owner", "reads files", []rbac.Action{rbac.ReadData}, d.drawer)
	d.grant(t, "owner", "reads elsewhere", []rbac.Action{rbac.ReadData, rbac.WriteRows}, d.table)
	require.Equal(t, "the canary", d.must(t, 200, "reads files", "GET", d.file(row, id), nil).body)
	require.Equal(t, 403, d.do(t, "reads files", "POST", d.into(d.files), "x", plainType...).status)
	require.Equal(t, 404, d.do(t, "reads elsewhere", "GET", d.file(row, id), nil).status)
	require.Equal(t, 404, d.do(t, "reads elsewhere", "POST", d.into(d.files), "x", plainType...).status)

	// Who uploads is told of by the log, but not to whom the table may be closed.
	d.must(t, 200, "owner", "PUT", d.at("/rules"), `{"table":"`+d.drawer+`","role":"viewer","read":"FALSE"}`)
	require.NotContains(t, d.do(t, "viewer", "GET", "/api/v1/audit-logs?resource_type=attachment&workspace_id="+d.workspace, nil).body, id)
	require.Contains(t, d.must(t, 200, "owner", "GET", "/api/v1/audit-logs?resource_type=attachment&workspace_id="+d.workspace, nil).body, id)
	require.NotContains(t, d.must(t, 200, "owner", "GET", "/api/v1/audit-logs?resource_type=attachment&workspace_id="+d.workspace, nil).body, "canary")
}

// TestPurgeRemovesAttachments deletes a workspace and looks for its files.
func TestPurgeRemovesAttachments(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "editor")
	d := newDrawer(t, newPlace(t, in))
	other := newDrawer(t, newPlace(t, in))
	kept := other.keep("owner", other.put("owner", "a", "stays"))
	d.keep("editor", d.put("editor", "a", "attached"))
	d.put("editor", "b", "loose")
	in.must(t, 204, "owner", "DELETE", d.at(""), nil)
	require.NoError(t, in.engine.Purge(t.Context()))
	_, err := os.Stat(filepath.Join(in.dir, "attachments", d.workspace))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, http.StatusOK, in.do(t, "owner", "GET", other.row("/"+kept), nil).status)
	left, err := filepath.Glob(filepath.Join(in.dir, "attachments", "*", "*"))
	require.NoError(t, err)
	require.Len(t, left, 1)
}
