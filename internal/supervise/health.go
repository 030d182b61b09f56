package supervise

import (
	"sync"
	"time"
)

// State is what a circuit breaker lets through.
type State string

// The states of a circuit breaker.
const (
	Closed   State = "closed"    // reads go to the database
	Open     State = "open"      // they are refused at once
	HalfOpen State = "half_open" // the next one looks whether the database is back
)

// Health is how a connection is doing. A zero time is one that never was.
type Health struct {
	State State
	// Since is when it came into this state, RetryAt when an open one is tried again.
	Since, RetryAt time.Time
	// Used is when the database last answered a read.
	Used time.Time
	// Error is the last error that was the database's fault or refusal, of ErrorAt; nil when there was none.
	Error   error
	ErrorAt time.Time
	// Ping is how long the last successful ping took, of PingAt.
	Ping   time.Duration
	PingAt time.Time
	// Reading and Waiting count the reads that run now and those that wait for their turn.
	Reading, Waiting int
}

// record is the part of Health that is written down.
type record struct {
	mu sync.Mutex
	h  Health
}

func (r *record) update(change func(h *Health)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.h)
}

func (r *record) read() Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.h
}
