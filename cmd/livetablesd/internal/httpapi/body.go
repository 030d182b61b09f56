package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// bodyKind says what a route takes as its body.
type bodyKind uint8

const (
	bodyNone     bodyKind = iota
	bodyJSON              // up to MaxBody
	bodyOptional          // JSON or nothing
	bodyBulk              // JSON up to MaxBulk
	bodyFile              // a file up to MaxUpload
)

// read takes the body of the request as the route wants it.
func (c *call) read() error {
	if c.route.body == bodyFile {
		c.w.expectBody(uploadTime)
	}
	defer c.w.extend() // the answer's time begins now
	switch c.route.body {
	case bodyJSON:
		return c.readJSON(c.s.opt.MaxBody)
	case bodyOptional:
		if c.r.ContentLength == 0 {
			c.body = []byte("{}")
			return nil
		}
		return c.readJSON(c.s.opt.MaxBody)
	case bodyBulk:
		return c.readJSON(c.s.opt.MaxBulk)
	case bodyFile:
		return c.readUpload()
	}
	if c.r.ContentLength > 0 {
		return invalidProblem("the route takes no body")
	}
	return nil
}

// readJSON takes a JSON body. One that announces to be too large is refused unread.
func (c *call) readJSON(limit int64) error {
	if c.r.ContentLength > limit {
		return tooLarge(limit)
	}
	if err := contentType(c.r, "application/json"); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	if err != nil {
		return readError(err, limit)
	}
	c.body = body
	return nil
}

func contentType(r *http.Request, want string) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != want {
		return problemOf(http.StatusUnsupportedMediaType, "unsupported_media_type", "the body must be "+want+" and say so in Content-Type")
	}
	return nil
}

func tooLarge(limit int64) *Problem {
	p := problemOf(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body is larger than the %d bytes that this route takes", limit))
	p.Limit = "body_bytes"
	return p
}

// readError is what went wrong while the body came in.
func readError(err error, limit int64) *Problem {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge(limit)
	}
	return problemOf(http.StatusBadRequest, "incomplete_body", "the body could not be read to its end")
}
