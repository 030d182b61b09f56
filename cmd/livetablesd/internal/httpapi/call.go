package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// call is one request on its way through a route: who asks, what was asked, and how to answer. It is used by one goroutine.
type call struct {
	s      *Server
	w      *response
	r      *http.Request
	end    context.CancelCauseFunc // of the request's context
	route  *route
	tally  *tally
	who    auth.Identity
	access *livetables.Access // the engine in the caller's hands; nil on open routes
	params params
	body   []byte  // of routes that take JSON
	upload *upload // of routes that take a file
}

func (c *call) ctx() context.Context { return c.r.Context() }

// id is a segment of the path.
func (c *call) id(name string) string { return c.r.PathValue(name) }

// client is where the call comes from, for the account service.
func (c *call) client() auth.Client {
	return auth.Client{Address: c.w.client, UserAgent: c.r.UserAgent()}
}

// json answers with a document.
func (c *call) json(status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	return c.raw(status, append(body, '\n'))
}

// raw answers with a document that is JSON already.
func (c *call) raw(status int, body []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if _, err := c.w.Write(body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// versioned answers with a resource and its version as entity tag.
func (c *call) versioned(status int, version int64, document any) error {
	c.w.Header().Set("ETag", etag(version))
	return c.json(status, document)
}

// list answers with a whole list, which has no further page.
func (c *call) list(items any) error {
	return c.json(http.StatusOK, listing{Data: items})
}

// listing is a list that is not a stream of rows.
type listing struct {
	Data any  `json:"data"`
	Page page `json:"page"`
}

type page struct {
	Next *string `json:"next_cursor"`
	More bool    `json:"has_more"`
	// CutBefore is in the last page of a history whose beginning was cut: from this time on it is whole.
	CutBefore *time.Time `json:"cut_before,omitempty"`
}

func (c *call) noContent() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// minimal reports whether the client wants no document back (Prefer: return=minimal).
func (c *call) minimal() bool {
	for _, v := range c.r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "return=minimal") {
				return true
			}
		}
	}
	return false
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// seen is the version that the client has seen: of If-Match, or of the request's body or query string where it is given
// there. 0 is none.
func (c *call) seen(given int64) (int64, error) {
	if given < 0 {
		return 0, invalidProblem("", FieldError{Path: "$.version", Code: lqp.CodeArgument, Message: "a version is 1 or more"})
	}
	values := c.r.Header.Values("If-Match")
	if len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "*" {
		return given, nil
	}
	v, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(values[0]), `"`), 10, 64)
	if len(values) > 1 || err != nil || v < 1 {
		return 0, invalidProblem("", FieldError{Path: "If-Match", Code: lqp.CodeArgument, Message: `one version as "3" was expected`})
	}
	if given != 0 && given != v {
		return 0, invalidProblem("", FieldError{Path: "If-Match", Code: lqp.CodeConflict, Message: "the body names another version"})
	}
	return v, nil
}

// deletedVersion is the version that a DELETE demands, of If-Match or the parameter version.
func (c *call) deletedVersion() (int64, error) {
	v, err := c.params.integer("version", 0, 1, 1<<62)
	if err != nil {
		return 0, err
	}
	return c.seen(int64(v))
}

// may asks the policy before anything is read or decoded any further, so that whoever may not do a thing learns nothing
// from how it fails.
func (c *call) may(workspace string, action rbac.Action) error { return c.mayOn(workspace, action, "") }

// mayOn is may for a resource of a workspace.
func (c *call) mayOn(workspace string, action rbac.Action, resource string) error {
	d, err := c.access.Can(c.ctx(), workspace, action, resource)
	if err != nil {
		return err
	}
	if !d.Allowed {
		return problemOf(http.StatusForbidden, livetables.CodeForbidden, d.Reason)
	}
	return nil
}

// allowed is may for answers that depend on a right without needing it.
func (c *call) allowed(workspace string, action rbac.Action) (bool, error) {
	d, err := c.access.Can(c.ctx(), workspace, action, "")
	return d.Allowed, err
}

// decode reads the JSON body into a T, strictly.
func decode[T any](c *call) (*T, error) {
	v := new(T)
	limit := int(c.s.opt.MaxBody)
	if c.route.body == bodyBulk {
		limit = int(c.s.opt.MaxBulk)
	}
	if err := lqp.DecodeStrict(c.body, v, lqp.StrictLimits{MaxBytes: limit}); err != nil {
		return nil, err
	}
	return v, nil
}

// stated is the part of a body that changes something which says what version of it the client has seen, 0 for none.
type stated struct {
	Version int64 `json:"version"`
}

func (s *stated) seenVersion() *int64 { return &s.Version }

// decodeStated is decode for a body that is stated. Its Version is then the one that the client has seen wherever it was named.
func decodeStated[T any, P interface {
	*T
	seenVersion() *int64
}](c *call) (*T, error) {
	in, err := decode[T](c)
	if err != nil {
		return nil, err
	}
	version := P(in).seenVersion()
	*version, err = c.seen(*version)
	return in, err
}

// fail answers a handler's error.
func (c *call) fail(err error) {
	if c.w.status != 0 { // half an answer must not look like a whole one
		c.s.log.ErrorContext(c.ctx(), "response broken off", "request_id", c.w.request, "error", err)
		panic(http.ErrAbortHandler)
	}
	if refused := c.ended(); refused != nil {
		err = refused
	}
	p := problemFor(err)
	if p.Status >= http.StatusInternalServerError {
		if gone(c.ctx()) && errors.Is(err, context.Canceled) {
			p = problemOf(statusClientGone, livetables.CodeCancelled, "the request was cancelled")
		} else {
			c.s.log.ErrorContext(c.ctx(), "request failed", "request_id", c.w.request, "route", c.w.route, "code", p.Code, "error", err)
		}
	}
	if c.route.audience == accounts {
		p.atConnection(err)
	}
	c.w.problem(p)
}
