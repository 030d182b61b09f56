package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

func attachmentRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/columns/{column}/attachments", handler: uploadAttachment, params: []string{"name"}, body: bodyFile, anyFile: true, allow: mayUpload},
		{method: "GET", path: api + "/tables/{table}/rows/{row}/attachments/{column}/{attachment}", handler: downloadAttachment},
	}
}

// mayUpload asks whether the caller may upload a file to the column of the path.
func mayUpload(c *call) error { return c.access.MayUpload(c.ctx(), c.id("table"), c.id("column")) }

// attachmentDocument is what is told of a file.
type attachmentDocument struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

func attachmentOf(a *minidb.Attachment) attachmentDocument {
	return attachmentDocument{ID: a.ID, Name: a.Name, Type: a.Type, Size: a.Size}
}

// uploadAttachment stores a file for a column of attachments.
func uploadAttachment(c *call) error {
	name := c.upload.name
	if given, ok := c.params.find("name"); ok {
		name = given
	}
	file := c.upload.file
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read upload: %w", err)
	}
	if size > c.s.opt.MaxAttachment { // with the room that a form has beside it
		return tooLarge(c.s.opt.MaxAttachment)
	}
	a, err := c.access.Upload(c.ctx(), livetables.Upload{Table: c.id("table"), Column: c.id("column"), Name: name, Size: size, Content: file})
	if err != nil {
		return err
	}
	d := attachmentOf(a)
	d.SHA256 = a.SHA256
	return c.json(http.StatusCreated, d)
}

// activeTypes are media types that a browser might run. They are not sent, though nosniff and the sandbox would hold them back.
var activeTypes = map[string]bool{"text/html": true, "text/xml": true, "image/svg+xml": true, "application/xhtml+xml": true, "application/xml": true}

// downloadAttachment sends a file that a cell has. It is never shown in the place of a page of ours, whatever is in it.
func downloadAttachment(c *call) error {
	file, err := c.access.OpenAttachment(c.ctx(), c.id("table"), c.id("row"), c.id("column"), c.id("attachment"))
	if err != nil {
		return err
	}
	defer file.Close()
	h := c.w.Header()
	media := file.Type
	if activeTypes[media] {
		media = "application/octet-stream"
	}
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", disposition(file.Name))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	// A copy may be kept by the client itself but is asked about each time: the rights are those of the moment.
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+file.SHA256+`"`)
	if strings.Contains(c.r.Header.Get("Range"), ",") || len(c.r.Header.Values("Range")) > 1 {
		// Each of many parts would be a reading of its own; RFC 9110, section 14.2, lets a server send the whole instead.
		c.r.Header.Del("Range")
	}
	http.ServeContent(&partResponse{response: c.w}, c.r, "", time.Time{}, file)
	return nil
}

// partResponse gives each part of a file its time to be taken, and says in our own way which range there is none of.
type partResponse struct {
	*response
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *partResponse) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		w.response.WriteHeader(status)
		return
	}
	w.refused = true
	h := w.Header()
	for _, name := range []string{"Content-Disposition", "Content-Encoding", "Accept-Ranges"} {
		h.Del(name)
	}
	w.problem(problemOf(status, "range", "the file has no such range"))
}

// Write implements http.ResponseWriter.
func (w *partResponse) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	w.extend()
	return w.response.Write(b)
}

// disposition is a Content-Disposition that has a file saved under its name: as it is in the form of RFC 8187, and for those that
// do not know that in ASCII.
func disposition(name string) string {
	var plain, coded strings.Builder
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._-", r)):
			plain.WriteRune(r)
			coded.WriteRune(r)
			continue
		case r == ' ':
			plain.WriteRune(' ')
		default:
			plain.WriteByte('_')
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&coded, "%%%02X", b)
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + coded.String()
}
