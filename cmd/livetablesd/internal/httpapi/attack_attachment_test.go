package httpapi

import (
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttack48HostileFileNames uploads files under names that lead elsewhere, break headers or look like others. No name is a
// path of anything, and every header is whole.
func TestAttack48HostileFileNames(t *testing.T) {
	in := newInstance(t, nil, "root", "owner")
	d := newDrawer(t, newPlace(t, in))
	before, err := filepath.Glob(filepath.Join(in.dir, "*"))
	require.NoError(t, err)
	for given, want := range map[string]string{
		"../../../../etc/cron.d/x": "x", `..\..\windows\win.ini`: "win.ini", "/etc/passwd": "passwd", "a.txt\r\nSet-Cookie: a=b": "a.txtSet-Cookie: a=b",
		"x\"; filename=\"evil.exe": `x"; filename="evil.exe`, "gnp.\u202egpj.exe": "gnp.gpj.exe", "..": "file", "": "file",
		"%2e%2e%2fx": "%2e%2e%2fx", "'; rm -rf /": "file", "con": "con", "日本語.txt": "日本語.txt", strings.Repeat("a", 5000) + ".txt": strings.Repeat("a", 251) + ".txt",
		"keys": "keys", "data.db": "data.db", "<script>alert(1)<": "<script>alert(1)<", "a;b,c=d.txt": "a;b,c=d.txt",
	} {
		made := in.must(t, 201, "owner", "POST", d.into(d.files)+"?name="+url.QueryEscape(given), "content", plainType...)
		require.Equal(t, want, made.text(t, "name"), "%q", given)
		id := made.text(t, "id")
		a := in.must(t, 200, "owner", "GET", d.file(d.keep("owner", id), id), nil)
		require.Empty(t, a.header.Get("Set-Cookie"))
		kind, params, err := mime.ParseMediaType(a.header.Get("Content-Disposition"))
		require.NoError(t, err, "%q: %s", given, a.header.Get("Content-Disposition"))
		require.Equal(t, "attachment", kind)
		require.Equal(t, map[string]string{"filename": want}, params, "what browsers take it for")
	}
	after, err := filepath.Glob(filepath.Join(in.dir, "*"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, filepath.WalkDir(filepath.Join(in.dir, "attachments"), func(name string, e os.DirEntry, err error) error {
		require.NoError(t, err)
		require.Regexp(t, `^(attachments|wsp_[0-9a-z]{26}|att_[0-9a-z]{26})$`, filepath.Base(name))
		return nil
	}))
}

// TestAttack49UploadedPages uploads what browsers run under every name and type that might make them: it comes back as a file
// to be saved, whatever the client said it is.
func TestAttack49UploadedPages(t *testing.T) {
	d := newDrawer(t, newPlace(t, shared))
	const svg = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	for _, c := range []struct{ name, content, claimed string }{
		{"page.html", "<!DOCTYPE html><script>alert(document.domain)</script>", "text/html"},
		{"picture.svg", svg, "image/svg+xml"},
		{"picture.svg", "<?xml version=\"1.0\"?>" + svg, "image/svg+xml"},
		{"picture.png", "<html><body onload=alert(1)>", "image/png"},
		{"page.xhtml", "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "application/xhtml+xml"},
		{"code.js", "alert(1)", "application/javascript"},
		{"code.pdf", "%PDF-1.4 <script>", "application/pdf"},
		{"none", "<script>alert(1)</script>", ""},
		{"mixed.gif", "GIF89a/*<svg/onload=alert(1)>*/", "text/html"},
	} {
		id := d.must(t, 201, "editor", "POST", d.into(d.files)+"?name="+c.name, c.content, "Content-Type", c.claimed).text(t, "id")
		path := d.file(d.keep("editor", id), id)
		for _, headers := range [][]string{nil, {"Accept", "text/html"}, {"Range", "bytes=0-3"}} {
			a := d.do(t, "viewer", "GET", path, nil, headers...)
			require.Less(t, a.status, 300)
			kind, _, err := mime.ParseMediaType(a.header.Get("Content-Disposition"))
			require.NoError(t, err)
			require.Equal(t, "attachment", kind, c.name)
			require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
			require.Contains(t, a.header.Get("Content-Security-Policy"), "sandbox")
			require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
			require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Resource-Policy"))
			require.Equal(t, "private, no-cache", a.header.Get("Cache-Control"))
			require.NotRegexp(t, "html|xml|svg|javascript", a.header.Get("Content-Type"), c.name)
		}
	}
	// What is no picture does not become one for a column of pictures.
	for _, name := range []string{"a.svg", "a.png"} {
		d.must(t, 400, "editor", "POST", d.into(d.images)+"?name="+name, svg, "Content-Type", "image/png")
	}
	// Without a token there is nothing: no link to a file works by itself.
	id := d.put("editor", "a", "a")
	path := d.file(d.keep("editor", id), id)
	require.Equal(t, 401, d.do(t, "", "GET", path, nil).status)
	require.Equal(t, 400, d.do(t, "viewer", "GET", path+"?download=inline", nil).status)
}
