package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is where a request comes from: the socket's other end, or, when that is a trusted proxy, what the proxies
// say, read from the nearest one outwards until one is not trusted. What stands further left anybody can have written.
func (s *Server) clientAddress(r *http.Request) netip.Addr {
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := socket.Addr().Unmap().WithZone("")
	if len(s.opt.TrustedProxies) == 0 {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.trusted(client) {
			return client
		}
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return client
		}
		client = next
	}
	return client
}

// secure reports whether the client uses TLS: with us, or with a trusted proxy that says so.
func (s *Server) secure(r *http.Request) bool {
	if r.TLS != nil || len(s.opt.TrustedProxies) == 0 {
		return r.TLS != nil
	}
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusted(socket.Addr().Unmap().WithZone("")) {
		return false
	}
	protos := r.Header.Values("X-Forwarded-Proto")
	return len(protos) == 1 && strings.EqualFold(protos[0], "https")
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.opt.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseHop reads an address, perhaps with a port.
func parseHop(hop string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(hop)
	return a.Unmap().WithZone(""), err == nil
}

// addressKey is the part of an address that one client holds: an IPv4 address, the /64 of an IPv6 one.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// addressText is an address for the audit record, empty when there is none.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
