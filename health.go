package livetables

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/internal/supervise"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// SourceError is what went wrong at a connection, with the connection's id and name and, where it can be told, when it is
// worth to try again. Errors of queries and of discovery hold one.
type SourceError = supervise.Failure

// The states of a connection.
const (
	StateClosed   = string(supervise.Closed)   // reads go to the database
	StateOpen     = string(supervise.Open)     // the database failed several times in a row: reads are refused at once
	StateHalfOpen = string(supervise.HalfOpen) // the next read, or a look in the background, finds out whether it is back
)

// ConnectionHealth is how a connection is doing in this process. It is about the time since the process began or the
// settings were changed, and says nothing of where the connection leads.
type ConnectionHealth struct {
	State string `json:"state"`
	// Since is when it came into this state, nil when it was never in another; RetryAt is when an open one is tried again.
	Since   *time.Time `json:"since,omitempty"`
	RetryAt *time.Time `json:"retry_at,omitempty"`
	// LastError is the last failure of the database or refusal of ours to reach it, nil when there was none.
	LastError *ConnectionError `json:"last_error,omitempty"`
	// The rest is shown to those who manage connections. LastUsedAt is when the database last answered a read, nil when it
	// never did.
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	// PingMS is how many milliseconds the last successful ping took, at PingAt; nil when there was none.
	PingMS *float64   `json:"ping_ms,omitempty"`
	PingAt *time.Time `json:"ping_at,omitempty"`
	// Reading and Waiting count the reads that run at the connection now and those that wait for their turn.
	Reading int `json:"reading,omitempty"`
	Waiting int `json:"waiting,omitempty"`
}

// ConnectionError is an error of a connection: one of the small closed set that TestResult has, never the remote's own
// words.
type ConnectionError struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// ConnectionHealth is how a connection is doing in this process, from what its reads have met; nothing is asked of the database
// for it. It is for those who may read from the connection (rbac.ReadData) or manage it (rbac.ManageConnections); the latter
// alone are told when and how much it is used.
func (a *Access) ConnectionHealth(ctx context.Context, id string) (*ConnectionHealth, error) {
	s, err := a.atConnection(ctx, id)
	if err != nil {
		return nil, err
	}
	c, ok := s.Connection(id)
	if !ok {
		return nil, fmt.Errorf("connection %s: %w", id, ErrNotFound)
	}
	return s.health(c), nil
}

// health is how a connection is doing, as the principal may know it.
func (s *entry) health(c *minidb.Connection) *ConnectionHealth {
	h := s.e.sources.guard(c).Health()
	out := &ConnectionHealth{State: string(h.State), Since: known(h.Since), RetryAt: known(h.RetryAt)}
	if h.State != supervise.Open {
		out.RetryAt = nil
	}
	if h.Error != nil {
		r := testFailure(h.Error)
		out.LastError = &ConnectionError{Code: r.Code, Message: r.Message, At: h.ErrorAt.UTC()}
	}
	if !s.policy.Can(s.p, rbac.ManageConnections, c.ID).Allowed {
		return out // when others read is their affair
	}
	out.LastUsedAt, out.Reading, out.Waiting = known(h.Used), h.Reading, h.Waiting
	if !h.PingAt.IsZero() {
		ms := float64(h.Ping.Microseconds()) / 1000
		out.PingMS, out.PingAt = &ms, known(h.PingAt)
	}
	return out
}

// known is a time, nil for the zero one.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
