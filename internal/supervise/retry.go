package supervise

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
)

// retry asks until there is an answer, a failure for good, or the tries or the caller's time are used up. Only after what
// the adapter calls temporary is asked again, and not when others have found meanwhile that the database is away.
func (g *Guard) retry(ctx context.Context, tries int, ask func() error) error {
	for try := 1; ; try++ {
		err := ask()
		if err == nil || try >= tries || !errors.Is(err, adapter.ErrTemporary) || errors.Is(err, netguard.ErrHostNotAllowed) ||
			g.State() == Open {
			return err
		}
		if !pause(ctx, g.opt.Pause<<(try-1)) {
			return err
		}
	}
}

// pause waits for a random time around span, so that many who failed together do not come back together. It reports false
// at once when that would outlast ctx, and when ctx ends.
func pause(ctx context.Context, span time.Duration) bool {
	span = span/2 + rand.N(span)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= span {
		return false
	}
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
