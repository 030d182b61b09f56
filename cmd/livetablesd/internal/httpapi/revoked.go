package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// recheck is how often a request that takes long asks whether its caller still counts. With the three seconds for which
// sessions are remembered that stays within the five in which a revocation acts.
const recheck = 1500 * time.Millisecond

// whileAllowed ends the request when its session ends, its key is deleted or its account disabled, however long it runs: exports and
// imports do not outlive the right to them. The token's own end does not matter to a request that began before. What the
// policy takes away is the engine's to see.
func (c *call) whileAllowed() (release func()) {
	ctx, who := c.ctx(), c.who
	var mu sync.Mutex // the timer is armed anew by its own function
	var timer *time.Timer
	look := func() {
		if err := c.s.stillCounts(ctx, who); errors.Is(err, auth.ErrUnauthenticated) {
			c.end(err)
			// Neither a body that never ends nor a client that reads nothing holds the request up; the refusal has its time.
			connection := http.NewResponseController(c.w.ResponseWriter)
			_, _ = connection.SetReadDeadline(time.Now()), connection.SetWriteDeadline(time.Now().Add(time.Second))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil { // what could not be told is asked again: the request was let in, and there is a next time
			timer.Reset(recheck)
		}
	}
	mu.Lock()
	timer = time.AfterFunc(recheck, look)
	mu.Unlock()
	return func() {
		c.end(nil)
		mu.Lock()
		timer.Stop()
		mu.Unlock()
	}
}

// stillCounts asks whether the session or key that a request came with has ended since.
func (s *Server) stillCounts(ctx context.Context, who auth.Identity) error {
	who, err := s.opt.Auth.Recheck(ctx, who)
	if err != nil {
		return err
	}
	return s.sponsored(ctx, who)
}

// ended is the refusal that ended the request while it ran, nil when there is none.
func (c *call) ended() error {
	if cause := context.Cause(c.ctx()); errors.Is(cause, auth.ErrUnauthenticated) {
		return cause
	}
	return nil
}
