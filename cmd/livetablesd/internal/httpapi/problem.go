package httpapi

import (
	"encoding/json"
	"net/http"
	"time"
)

// Problem is the body of every refusal, application/problem+json (RFC 9457). Code is stable; Detail is for people.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Code      string       `json:"code"`
	Detail    string       `json:"detail,omitempty"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty"`
	// Current is the row as it is now, CurrentVersion the version of the row or resource, after a conflict.
	Current        json.RawMessage `json:"current,omitempty"`
	CurrentVersion int64           `json:"current_version,omitempty"`
	// Conflict tells why a change was not merged with what others did meanwhile.
	Conflict *rowConflict `json:"conflict,omitempty"`
	// Lock is who holds a locked row and until when, Preview what a change of type would lose.
	Lock    *rowLock        `json:"lock,omitempty"`
	Preview json.RawMessage `json:"preview,omitempty"`
	// CutBefore is the time from which on history is whole.
	CutBefore *time.Time `json:"cut_before,omitempty"`
	// Limit names the limit that was reached, Step where in a query that was.
	Limit string `json:"limit,omitempty"`
	Step  string `json:"step,omitempty"`

	retryAfter time.Duration
}

// FieldError is one thing wrong with a request.
type FieldError struct {
	// Path leads to the place: "$.fields.Price" in a JSON body, "?Price.gte" in the query string, "header" names otherwise.
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// From and To are code-point offsets in the formula at Path.
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
	// Line, Row and Column are the place in an imported file, lines and rows counted from 1.
	Line   int    `json:"line,omitempty"`
	Row    int    `json:"row,omitempty"`
	Column string `json:"column,omitempty"`
}

// Error implements error, so that handlers can return a problem.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

func problemOf(status int, code, detail string) *Problem {
	title := http.StatusText(status)
	if status == statusClientGone {
		title = "Client Closed Request"
	}
	return &Problem{Type: "about:blank", Title: title, Status: status, Code: code, Detail: detail}
}

// invalidProblem is a 400 with the places that are wrong.
func invalidProblem(detail string, errors ...FieldError) *Problem {
	p := problemOf(http.StatusBadRequest, "invalid", detail)
	p.Errors = errors
	return p
}

func internalProblem() *Problem {
	return problemOf(http.StatusInternalServerError, "internal", "something went wrong; the log knows it by the request id")
}

// notFound has no word about what was asked for: a resource that does not exist and one that is hidden must look alike.
func notFoundProblem() *Problem {
	return problemOf(http.StatusNotFound, "not_found", "there is no such resource, or you may not know of it")
}

// statusClientGone stands in the access log for requests whose client did not wait for the answer.
const statusClientGone = 499
