package ws

import (
	"context"
	"time"
)

// keep watches the time: the first token, liveness, the session and the token's expiry. It returns when the connection
// ends.
func (c *conn) keep(ctx context.Context) {
	first := time.NewTimer(c.limits.Auth)
	defer first.Stop()
	ping := time.NewTicker(c.limits.Ping)
	defer ping.Stop()
	recheck := time.NewTicker(c.limits.Recheck)
	defer recheck.Stop()
	expiry := newExpiry(c.limits)
	defer expiry.timer.Stop()
	known := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.failing:
			return
		case <-first.C:
			if !known {
				c.fail(CloseToken, "no authentication in time")
			}
		case <-c.renewed:
			known = true
			expiry.start(c.who().ExpiresAt)
		case <-ping.C:
			// Apart, since it waits for the answer: the session is to be checked meanwhile.
			c.work.Go(func() { c.ping(ctx) })
		case <-recheck.C:
			if known {
				c.recheck(ctx)
			}
		case <-expiry.timer.C:
			switch expiry.next() {
			case expiryNotice:
				c.reply(expiringFrame(c.who().ExpiresAt))
			case expiryEnd:
				c.fail(CloseToken, "token has expired")
			}
		}
	}
}

// ping cuts the connection when the other side does not answer.
func (c *conn) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Pong)
	defer cancel()
	if err := c.socket.Ping(ctx); err != nil && !c.failed() {
		c.fail(0, "")
		c.kill()
	}
}

func (c *conn) recheck(ctx context.Context) {
	if c.h.options.Recheck == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Subscribe)
	defer cancel()
	if err := c.h.options.Recheck(ctx, c.who()); err != nil && !c.failed() {
		c.refuse(ctx, err, "session ended")
	}
}

// The stages of a token's end.
const (
	expiryNone = iota
	expiryNotice
	expiryEnd
)

// expiry says when a token's end is near and when it is over.
type expiry struct {
	timer         *time.Timer
	notice, grace time.Duration
	at            time.Time
	stage         int
}

func newExpiry(l Limits) *expiry {
	e := &expiry{timer: time.NewTimer(time.Hour), notice: l.Expiring, grace: l.Grace}
	e.timer.Stop()
	return e
}

// start watches another token, one without expiry for the zero time.
func (e *expiry) start(at time.Time) {
	e.at, e.stage = at, expiryNone
	e.timer.Stop()
	if !at.IsZero() {
		e.stage = expiryNotice
		e.timer.Reset(max(time.Until(at)-e.notice, 0))
	}
}

// next is the stage that the timer announced; it sets the timer for the one after.
func (e *expiry) next() int {
	stage := e.stage
	if stage == expiryNotice {
		e.stage = expiryEnd
		e.timer.Reset(max(time.Until(e.at)+e.grace, 0))
	}
	return stage
}
