package netguard

import "net/netip"

// special lists every address range that is not a public host: the IANA special-purpose registries of IPv4 and IPv6 in
// full (also the ranges they call globally reachable, where no database lives), multicast, and the IPv6 ranges that carry
// an IPv4 address, since whoever translates them may reach what the IPv4 table refuses. Ranges are ordered as in the
// registries; a deployment that needs one allows it by a rule.
var special = parseRanges([][2]string{
	{"0.0.0.0/8", "this network"},
	{"10.0.0.0/8", "private"},
	{"100.64.0.0/10", "carrier-grade NAT"},
	{"127.0.0.0/8", "loopback"},
	{"169.254.0.0/16", "link-local"},
	{"172.16.0.0/12", "private"},
	{"192.0.0.0/24", "protocol assignments"},
	{"192.0.2.0/24", "documentation"},
	{"192.31.196.0/24", "AS112"},
	{"192.52.193.0/24", "AMT"},
	{"192.88.99.0/24", "6to4 relay"},
	{"192.168.0.0/16", "private"},
	{"192.175.48.0/24", "AS112"},
	{"198.18.0.0/15", "benchmarking"},
	{"198.51.100.0/24", "documentation"},
	{"203.0.113.0/24", "documentation"},
	{"224.0.0.0/4", "multicast"},
	{"240.0.0.0/4", "reserved"}, // with limited broadcast
	// A public address that answers on every virtual machine of one large cloud with the machine's secrets.
	{"168.63.129.16/32", "cloud metadata"},

	{"::1/128", "loopback"},
	{"::/128", "unspecified"},
	{"::/96", "IPv4-compatible"},
	{"::ffff:0:0:0/96", "IPv4-translated"},
	{"64:ff9b::/96", "NAT64"},
	{"64:ff9b:1::/48", "local NAT64"},
	{"100::/64", "discard"},
	{"100:0:0:1::/64", "dummy"},
	{"2001::/32", "Teredo"},
	{"2001::/23", "protocol assignments"},
	{"2001:db8::/32", "documentation"},
	{"2002::/16", "6to4"},
	{"2620:4f:8000::/48", "AS112"},
	{"3fff::/20", "documentation"},
	{"5f00::/16", "segment routing"},
	{"fc00::/7", "unique local"},
	{"fe80::/10", "link-local"},
	{"fec0::/10", "site-local"},
	{"ff00::/8", "multicast"},
})

// global is the only part of IPv6 from which public addresses are given out.
var global = netip.MustParsePrefix("2000::/3")

type specialRange struct {
	prefix netip.Prefix
	name   string
}

func parseRanges(list [][2]string) []specialRange {
	out := make([]specialRange, len(list))
	for i, e := range list {
		out[i] = specialRange{netip.MustParsePrefix(e[0]), e[1]}
	}
	return out
}

// Special names the range that makes a not a public host address, and is "" for one that is. Mapped IPv4 addresses count
// as IPv4 and zones are ignored.
func Special(a netip.Addr) string {
	if !a.IsValid() {
		return "invalid"
	}
	a = plain(a)
	for _, r := range special {
		if r.prefix.Contains(a) {
			return r.name
		}
	}
	if a.Is6() {
		if !global.Contains(a) {
			return "unassigned"
		}
		if isISATAP(a) {
			return "ISATAP"
		}
	}
	return ""
}

// plain is the address that the packets will carry: IPv4 for an IPv4-mapped one, without a zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// isISATAP recognises interface identifiers that carry an IPv4 address, under any prefix.
func isISATAP(a netip.Addr) bool {
	b := a.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
