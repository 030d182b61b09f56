package supervise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
)

var (
	// ErrOpen says that a database failed several times in a row and is not asked for a while. It is an
	// [adapter.ErrUnavailable].
	ErrOpen = fmt.Errorf("%w: it failed several times and is left alone for a while", adapter.ErrUnavailable)
	// ErrBusy says that as many reads were running as may, until the caller's time was up or because too many waited
	// already.
	ErrBusy = errors.New("too many reads at once")
)

// Failure is what went wrong at a connection, and which connection that is. [errors.Is] and [errors.As] find what happened.
type Failure struct {
	// Connection is the connection's id, Name what people call it.
	Connection, Name string
	// RetryAfter is when it is worth to try again, 0 when nobody can tell.
	RetryAfter time.Duration
	// Err is what happened: [ErrOpen], [ErrBusy], or what the adapter reported.
	Err error
}

// Error implements error.
func (f *Failure) Error() string {
	if f.RetryAfter > 0 {
		return fmt.Sprintf("connection %q: %v (again in %s)", f.Name, f.Err, f.RetryAfter.Round(time.Millisecond))
	}
	return fmt.Sprintf("connection %q: %v", f.Name, f.Err)
}

// Unwrap gives what happened.
func (f *Failure) Unwrap() error { return f.Err }

// outcome says what an error tells about the database.
type outcome uint8

const (
	answered outcome = iota // it works: it answered, be it with a refusal
	failed                  // it does not work
	unknown                 // nothing: the caller left, we refused, or time ran out for whatever reason
)

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return answered
	case errors.Is(err, context.Canceled), errors.Is(err, ErrBusy), errors.Is(err, netguard.ErrHostNotAllowed), errors.Is(err, adapter.ErrAuth):
		return unknown
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, adapter.ErrTimeout):
		return unknown
	case errors.Is(err, adapter.ErrUnavailable):
		return failed
	}
	return answered
}

// late reports that time ran out: the read was too much work, or the database hangs.
func late(err error) bool {
	return errors.Is(err, adapter.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
}
