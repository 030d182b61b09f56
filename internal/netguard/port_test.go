package netguard

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPorts: public addresses are dialled on the driver's port alone, allowed ones on whatever the rule allows (R16).
func TestPorts(t *testing.T) {
	g := &Guard{Allow: []Rule{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}, {Prefix: netip.MustParsePrefix("127.0.0.1/32"), Port: 6432}}}
	ctx := WithPorts(t.Context(), 5432)
	for address, allowed := range map[string]bool{
		"8.8.8.8:5432": true, "8.8.8.8:22": false, "8.8.8.8:6379": false, "[2606:4700::1]:5432": true, "[2606:4700::1]:443": false,
		"10.1.2.3:6432": true, "127.0.0.1:6432": true, "127.0.0.1:5432": false,
	} {
		err := g.check(ctx, "tcp", address)
		if allowed {
			require.NoError(t, err, address)
		} else {
			require.ErrorIs(t, err, ErrHostNotAllowed, address)
		}
	}
	require.ErrorIs(t, g.check(WithPorts(t.Context()), "tcp", "8.8.8.8:5432"), ErrHostNotAllowed, "a driver without a port")
	require.NoError(t, g.check(t.Context(), "tcp", "8.8.8.8:443"), "who names no ports is not limited to any")
}

// TestPortsAtDial: the ports of the context reach the check of every attempt.
func TestPortsAtDial(t *testing.T) {
	g := &Guard{Resolver: resolver(t, netip.MustParseAddr("8.8.8.8"))}
	_, err := g.DialContext(WithPorts(t.Context(), 5432), "tcp4", "db.example.com:22")
	var denied *DeniedError
	require.ErrorAs(t, err, &denied)
	require.Equal(t, "not the driver's port", denied.Range)
	require.Equal(t, "8.8.8.8:22", denied.Address)
}

// TestAttack12Rebinding: a name that is public when it is first asked for and inside the next time. Every dial asks and
// checks for itself, and no dial asks twice.
func TestAttack12Rebinding(t *testing.T) {
	port, reached := listen(t, "127.0.0.1:0")
	answers := []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("127.0.0.1")}
	asked := 0
	g := &Guard{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		one := answers[min(asked, 1)]
		asked++
		return resolver(t, one).Dial(ctx, network, address)
	}}}
	// The first answer is public; nothing is sent there, as the port is not a database's.
	_, err := g.DialContext(WithPorts(t.Context(), 5432), "tcp4", "db.example.com:"+port)
	var denied *DeniedError
	require.ErrorAs(t, err, &denied)
	require.Equal(t, "8.8.8.8:"+port, denied.Address)
	_, err = g.DialContext(t.Context(), "tcp4", "db.example.com:"+port)
	require.ErrorAs(t, err, &denied)
	require.Equal(t, "127.0.0.1:"+port, denied.Address)
	require.False(t, reached())
}
