package netguard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// ErrHostNotAllowed is what a *DeniedError is.
var ErrHostNotAllowed = errors.New("host not allowed")

// DeniedError says which address was refused and why. It is for the log: a client is told ErrHostNotAllowed alone, or it
// could learn what a name resolves to inside.
type DeniedError struct {
	Network string
	Address string
	Range   string // as Special names it
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("host not allowed: %s %s (%s)", e.Network, e.Address, e.Range)
}

// Is makes errors.Is(err, ErrHostNotAllowed) true.
func (e *DeniedError) Is(target error) bool { return target == ErrHostNotAllowed }

// Guard dials TCP connections to public addresses and to what its rules allow. The zero Guard, and a nil one, allow every
// public address and nothing else. A Guard must not be changed once in use; its methods may be called from many
// goroutines.
type Guard struct {
	Allow []Rule
	// Timeout bounds one dial with all its attempts, default 10 s.
	Timeout time.Duration
	// Resolver resolves names, default the system's.
	Resolver *net.Resolver
}

// DialContext connects to addr ("host:port"). Networks are "tcp", "tcp4" and "tcp6". Each address that the host resolves
// to is checked when it is about to be connected to, before anything is sent; when all are refused the error is
// ErrHostNotAllowed. It has the signature of net.Dialer.DialContext, and can be an http.Transport's DialContext (whose
// Proxy must then be nil: a proxy would do the connecting).
func (g *Guard) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &DeniedError{network, addr, "not TCP"}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if host == "" {
		// The system would connect to itself.
		return nil, &DeniedError{network, addr, "no host"}
	}
	if g == nil {
		g = &Guard{}
	}
	d := net.Dialer{Timeout: g.Timeout, Resolver: g.Resolver, ControlContext: g.control}
	if d.Timeout <= 0 {
		d.Timeout = 10 * time.Second
	}
	for _, r := range g.Allow {
		if r.allowsHost(host, port) {
			d.ControlContext = nil
		}
	}
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// Lists reports whether a rule of the guard names the host, as an address or as a name, with that port: somebody chose to
// trust it, whatever it resolves to.
func (g *Guard) Lists(host string, port int) bool {
	if g == nil || port < 0 || port > math.MaxUint16 {
		return false
	}
	address, err := netip.ParseAddr(host)
	for _, r := range g.Allow {
		if err == nil && r.allowsAddress(netip.AddrPortFrom(address.Unmap(), uint16(port))) ||
			err != nil && r.allowsHost(host, strconv.Itoa(port)) {
			return true
		}
	}
	return false
}

// control runs with the numeric address of a socket that exists and is not connected yet.
func (g *Guard) control(ctx context.Context, network, address string, _ syscall.RawConn) error {
	return g.check(ctx, network, address)
}

// Check decides about one numeric address ("192.0.2.1:5432"): nil, or a *DeniedError. Anything that is not a numeric
// address with a port is refused.
func (g *Guard) Check(network, address string) error {
	return g.check(context.Background(), network, address)
}

func (g *Guard) check(ctx context.Context, network, address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return &DeniedError{network, address, "not numeric"}
	}
	a = netip.AddrPortFrom(plain(a.Addr()), a.Port())
	if a.Port() == 0 {
		return &DeniedError{network, address, "no port"}
	}
	if g != nil {
		for _, r := range g.Allow {
			if r.allowsAddress(a) {
				return nil
			}
		}
	}
	if name := Special(a.Addr()); name != "" {
		return &DeniedError{network, address, name}
	}
	if !portAllowed(ctx, a.Port()) {
		return &DeniedError{network, address, "not the driver's port"}
	}
	return nil
}
