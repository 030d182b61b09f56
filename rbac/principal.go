package rbac

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// Principal is who asks. The embedding program vouches for it; the zero Principal is nobody and is refused everything.
type Principal struct {
	// ID names the user ("usr_…" in the daemon, anything unique in an embedding program).
	ID string
	// View, when set, narrows the principal to reading that one published view: the bearer of an API key reads with the
	// rights that the view's publisher has now, and nothing but the view.
	View string
	// Key is the id of the key that opened the view, empty where none is wanted.
	Key string
	// Scope narrows the principal further; nil does not.
	Scope *Scope
	// Attributes are facts that row rules may ask for as USER("name"), beside those that the policy keeps of the member,
	// which they do not replace. They must not be self-service.
	Attributes map[string]lqp.Value
	// Valid, when not nil, says whether the principal still counts: whether the session or the key behind it has not ended.
	// What goes on after the request that began it, a job, asks now and then and ends when there is an error. It may be
	// called by many goroutines.
	Valid func(ctx context.Context) error
	// Proof is what the embedding program finds the session or key behind the principal again by, after this process has
	// ended. It is kept with jobs that go on then, so it must be no secret: an id, never a token. Empty where there is nothing.
	Proof string
	// Request and Address go into the audit record of what the principal does. Address is also what the networks of a
	// workspace are compared with: a numeric IP address without a port.
	Request string
	Address string
}
