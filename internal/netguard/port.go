package netguard

import (
	"context"
	"slices"
)

type portsKey struct{}

// WithPorts gives a context whose dials lead to no other port than these, unless a rule of the guard allows the address or
// the name that is dialled: a database that is open to the world answers on its own port, and what answers on others need
// not be a database. Without ports nothing but what rules allow is dialled.
func WithPorts(ctx context.Context, ports ...uint16) context.Context {
	return context.WithValue(ctx, portsKey{}, ports)
}

// portAllowed reports whether the context's ports, if it has any, hold one.
func portAllowed(ctx context.Context, port uint16) bool {
	ports, limited := ctx.Value(portsKey{}).([]uint16)
	return !limited || slices.Contains(ports, port)
}
