package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

const (
	maxReplay = 256 << 10 // bytes of one answer; of a larger one only status and headers are kept
	// onceTime bounds a write with an Idempotency-Key, which does not end when its client leaves.
	onceTime = time.Hour
)

// replayedHeaders are the headers of an answer that are part of it.
var replayedHeaders = []string{"Content-Type", "ETag", "Location"}

// once runs the handler, or answers as an earlier request with the same Idempotency-Key was answered.
func (c *call) once() error {
	values := c.r.Header.Values("Idempotency-Key")
	if len(values) == 0 || strings.HasPrefix(c.route.path, api+"/auth/") { // tokens are not kept to be shown again
		return c.route.handler(c)
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalidProblem("", FieldError{Path: "Idempotency-Key", Code: lqp.CodeArgument, Message: "1 to 200 visible ASCII characters were expected"})
	}
	// What a key of an account asks for is not told to another of its keys, which may see less.
	attempt, answer, err := c.s.opt.Idempotency.Begin(c.ctx(), c.who.UserID+" "+c.who.Key, key, c.digest())
	if err != nil {
		return idempotencyProblem(err)
	}
	if answer != nil {
		return c.replay(answer)
	}
	return c.first(attempt)
}

// idempotencyProblem says why a key cannot be used.
func idempotencyProblem(err error) error {
	switch {
	case errors.Is(err, idempotency.ErrReused):
		return problemOf(http.StatusUnprocessableEntity, "idempotency_key_reused", "the Idempotency-Key was used for another request")
	case errors.Is(err, idempotency.ErrRunning):
		p := problemOf(http.StatusConflict, "idempotency_running", "the first request with this Idempotency-Key has not ended yet; try again")
		p.retryAfter = 5 * time.Second
		return p
	case errors.Is(err, idempotency.ErrUnknown):
		return problemOf(http.StatusConflict, "idempotency_unknown",
			"the server was stopped during the first request with this Idempotency-Key, or the request failed midway, and it is not known whether it had its effect; look, and use a new key")
	case errors.Is(err, idempotency.ErrFull):
		p := tooMany(time.Hour)
		p.Limit = "idempotency_keys"
		return p
	}
	return err
}

// first carries a request out and notes how it ended. The client may leave meanwhile: it is the one that will ask again.
func (c *call) first(attempt *idempotency.Attempt) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), onceTime)
	defer cancel()
	c.r = c.r.WithContext(ctx)
	c.w.tee = &bytes.Buffer{}
	ended := false
	defer func() {
		if !ended { // a panic, perhaps in the middle of the answer
			c.noted(attempt.Unknown(ctx))
		}
	}()
	if err := c.route.handler(c); err != nil {
		c.fail(err)
	}
	ended = true
	switch status := c.w.status; {
	case status >= 200 && status <= 299:
		answer := idempotency.Answer{Status: status, Header: map[string]string{}, Body: c.w.tee.Bytes(), Admin: c.who.Admin,
			Cut: c.route.reveals || c.w.tee.Len() > maxReplay, Entered: c.tally.entrances()}
		for _, name := range replayedHeaders {
			if v := c.w.Header().Get(name); v != "" {
				answer.Header[name] = v
			}
		}
		// The request may have changed the very rules.
		if now, err := c.standing(answer.Entered); err == nil {
			answer.Entered = now
		}
		c.noted(attempt.Done(ctx, answer))
	case status < 500 && status != statusClientGone, status == http.StatusServiceUnavailable:
		c.noted(attempt.Refused(ctx))
	default:
		c.noted(attempt.Unknown(ctx))
	}
	return nil
}

// noted logs that the end of a request could not be noted. Its answer is on its way already; the key ends as unknown.
func (c *call) noted(err error) {
	if err != nil {
		c.s.log.ErrorContext(c.ctx(), "idempotency key not noted", "request_id", c.w.request, "error", err)
	}
}

// standing enters the workspaces again, and tells by which versions of their policies. An error says that one is closed.
func (c *call) standing(entered []idempotency.Entrance) ([]idempotency.Entrance, error) {
	fresh := &tally{s: c.s, free: true}
	probe := *c
	probe.r = c.r.WithContext(fresh.in(c.ctx()))
	for _, e := range entered {
		if _, err := probe.allowed(e.Workspace, rbac.ReadData); err != nil {
			return nil, err
		}
	}
	return fresh.entrances(), nil
}

// replay answers as before. A body is shown again only under the very rules under which it was shown first: what was taken
// from the principal since, a membership, a role, a column, is not in the answer either.
func (c *call) replay(answer *idempotency.Answer) error {
	h := c.w.Header()
	h.Set("Idempotency-Replayed", "true")
	c.s.opt.Metrics.Replayed()
	if len(answer.Body) == 0 && !answer.Cut {
		return c.repeat(answer, answer.Status)
	}
	if answer.Admin && !c.who.Admin {
		return problemOf(http.StatusForbidden, "forbidden", "the first request was made with rights that are gone")
	}
	now, err := c.standing(answer.Entered)
	if err != nil {
		return err
	}
	same := len(now) == len(answer.Entered)
	for i := range now {
		same = same && now[i] == answer.Entered[i]
	}
	if answer.Cut || !same {
		answer.Body = nil
		delete(answer.Header, "Content-Type")
		return c.repeat(answer, http.StatusNoContent)
	}
	return c.repeat(answer, answer.Status)
}

func (c *call) repeat(answer *idempotency.Answer, status int) error {
	h := c.w.Header()
	for name, v := range answer.Header {
		h.Set(name, v)
	}
	c.w.WriteHeader(status)
	if len(answer.Body) == 0 {
		return nil
	}
	if _, err := c.w.Write(answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
