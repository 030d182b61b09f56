package httpapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"

	"github.com/livetables/livetables"
)

// upload is a file on its way in, kept on disk until the request ends.
type upload struct {
	file   *os.File
	name   string // as the client calls the file; nothing is stored or found by it
	hash   []byte
	format livetables.Format // as its media type tells, empty for forms
}

// formRoom is what the parts of a form may need beside the file, in bytes.
const formRoom = 16 << 10

// dropUpload removes the file of the call, if there is one.
func (c *call) dropUpload() {
	if c.upload == nil {
		return
	}
	if err := errors.Join(c.upload.file.Close(), os.Remove(c.upload.file.Name())); err != nil {
		c.s.log.ErrorContext(c.ctx(), "upload not removed", "request_id", c.w.request, "error", err)
	}
}

// readUpload spools the file of the request: its body, or the part "file" of a form.
func (c *call) readUpload() error {
	limit := c.s.opt.MaxUpload
	if c.route.anyFile && !c.route.archive {
		limit = c.s.opt.MaxAttachment + formRoom
	}
	if c.r.ContentLength > limit {
		return tooLarge(limit)
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	format, known := formatOf(kind)
	if c.route.anyFile { // what kind of file it is is found in it
		err, format, known = nil, "", kind != "multipart/form-data"
	}
	if err != nil || !known && kind != "multipart/form-data" {
		return problemOf(http.StatusUnsupportedMediaType, "unsupported_media_type", `the body must be CSV, NDJSON, JSON or XLSX and say so, or multipart/form-data with the file in the part "file"`)
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, limit)
	if known {
		if err := c.spool(c.r.Body, limit); err != nil {
			return err
		}
		c.upload.format = format
		return nil
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		return invalidProblem("the form cannot be read")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if p := readError(err, limit); p.Status == http.StatusRequestEntityTooLarge {
				return p
			}
			return invalidProblem("the form cannot be read")
		}
		if part.FormName() != "file" {
			return invalidProblem("the form cannot be used", FieldError{Path: "form." + clipped(part.FormName()), Code: "unknown_key", Message: `the only part is "file"`})
		}
		if c.upload != nil {
			return invalidProblem("the form cannot be used", FieldError{Path: "form.file", Code: "duplicate_key", Message: "one file is imported at a time"})
		}
		if err := c.spool(part, limit); err != nil {
			return err
		}
		c.upload.name = part.FileName()
	}
	if c.upload == nil {
		return invalidProblem("the form cannot be used", FieldError{Path: "form.file", Code: "missing", Message: "the form has no file"})
	}
	return nil
}

// spool keeps what comes in a temporary file, which dropUpload removes.
func (c *call) spool(from io.Reader, limit int64) error {
	file, err := os.CreateTemp(c.s.opt.UploadDir, "upload-*")
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	c.upload = &upload{file: file}
	sum := sha256.New()
	if _, err := io.Copy(spoolWriter{file, sum}, from); err != nil {
		var local *os.PathError
		if errors.As(err, &local) {
			return fmt.Errorf("keep upload: %w", err)
		}
		return readError(err, limit)
	}
	c.upload.hash = sum.Sum(nil)
	return nil
}

// spoolWriter writes to the file and the hash.
type spoolWriter struct {
	file *os.File
	sum  hash.Hash
}

func (w spoolWriter) Write(b []byte) (int, error) {
	w.sum.Write(b)
	return w.file.Write(b)
}

// digest identifies what the request carries, for repeated requests.
func (c *call) digest() []byte {
	h := sha256.New()
	for _, part := range []string{c.r.Method, c.r.URL.Path, c.r.URL.RawQuery, c.r.Header.Get("If-Match"), c.r.Header.Get(viewAsHeader)} {
		h.Write([]byte(part + "\n"))
	}
	if c.upload != nil {
		h.Write(c.upload.hash)
	}
	h.Write(c.body)
	return h.Sum(nil)
}
