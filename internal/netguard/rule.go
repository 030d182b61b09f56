package netguard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Rule allows what a guard would refuse: the addresses of a prefix, or whatever a host name leads to. The zero Rule
// allows nothing.
type Rule struct {
	Prefix netip.Prefix // IPv4 prefixes in IPv4 form
	Host   string       // lower case, without a final dot; used when Prefix is not valid
	Port   uint16       // 0 is every port
}

// ParseRule reads a rule from configuration: "10.1.0.0/16", "10.1.2.3", "10.1.2.3:5432", "[fd00::1]:5432", "fd00::/8",
// "db.internal", "db.internal:5432".
func ParseRule(text string) (Rule, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return Rule{}, fmt.Errorf("allow %q: not an address range", text)
		}
		if p.Addr().Is4In6() {
			return Rule{}, fmt.Errorf("allow %q: write the range in its IPv4 form", text)
		}
		if p != p.Masked() {
			return Rule{}, fmt.Errorf("allow %q: the range begins at %v", text, p.Masked())
		}
		return Rule{Prefix: p}, nil
	}
	host, port := text, uint16(0)
	if _, err := netip.ParseAddr(text); err != nil && strings.Contains(text, ":") {
		h, p, err := net.SplitHostPort(text)
		if err != nil {
			return Rule{}, fmt.Errorf("allow %q: not host:port", text)
		}
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return Rule{}, fmt.Errorf("allow %q: not a port: %q", text, p)
		}
		host, port = h, uint16(n)
	}
	host = normalHost(host)
	if a, err := netip.ParseAddr(host); err == nil {
		a = plain(a)
		return Rule{Prefix: netip.PrefixFrom(a, a.BitLen()), Port: port}, nil
	}
	if !hostName(host) {
		return Rule{}, fmt.Errorf("allow %q: not a host name, address or range", text)
	}
	return Rule{Host: host, Port: port}, nil
}

// ParseRules reads a list of rules and reports every problem in it at once.
func ParseRules(texts []string) ([]Rule, error) {
	var out []Rule
	var problems []error
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, r)
	}
	return out, errors.Join(problems...)
}

// String is the form that ParseRule reads.
func (r Rule) String() string {
	host := r.Host
	if r.Prefix.IsValid() {
		if !r.Prefix.IsSingleIP() {
			return r.Prefix.String()
		}
		host = r.Prefix.Addr().String()
	}
	if r.Port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(r.Port)))
}

func (r Rule) allowsAddress(a netip.AddrPort) bool {
	return r.Prefix.IsValid() && r.Prefix.Contains(a.Addr()) && (r.Port == 0 || r.Port == a.Port())
}

// allowsHost decides about a name as it was asked for, before it is resolved.
func (r Rule) allowsHost(host, port string) bool {
	return !r.Prefix.IsValid() && r.Host != "" && r.Host == normalHost(host) &&
		(r.Port == 0 || strconv.Itoa(int(r.Port)) == port)
}

func normalHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// hostName accepts what name servers know: dot-separated labels of ASCII letters, digits, hyphens and underscores.
func hostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}
