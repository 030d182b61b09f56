package netguard

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSpecial asks for the first, the last and the outer neighbours of every range, as they are written in the registries.
func TestSpecial(t *testing.T) {
	tests := []struct{ address, name string }{
		{"0.0.0.0", "this network"}, {"0.255.255.255", "this network"}, {"1.0.0.0", ""},
		{"9.255.255.255", ""}, {"10.0.0.0", "private"}, {"10.0.0.5", "private"}, {"10.255.255.255", "private"}, {"11.0.0.0", ""},
		{"100.63.255.255", ""}, {"100.64.0.0", "carrier-grade NAT"}, {"100.100.100.200", "carrier-grade NAT"}, {"100.127.255.255", "carrier-grade NAT"}, {"100.128.0.0", ""},
		{"126.255.255.255", ""}, {"127.0.0.1", "loopback"}, {"127.255.255.254", "loopback"}, {"128.0.0.0", ""},
		{"169.253.255.255", ""}, {"169.254.0.0", "link-local"}, {"169.254.169.254", "link-local"}, {"169.255.0.0", ""},
		{"172.15.255.255", ""}, {"172.16.0.0", "private"}, {"172.31.255.255", "private"}, {"172.32.0.0", ""},
		{"191.255.255.255", ""}, {"192.0.0.0", "protocol assignments"}, {"192.0.0.9", "protocol assignments"}, {"192.0.0.192", "protocol assignments"}, {"192.0.1.0", ""},
		{"192.0.2.0", "documentation"}, {"192.0.2.255", "documentation"}, {"192.0.3.0", ""},
		{"192.31.196.1", "AS112"}, {"192.52.193.1", "AMT"}, {"192.88.99.1", "6to4 relay"}, {"192.88.99.2", "6to4 relay"},
		{"192.167.255.255", ""}, {"192.168.0.0", "private"}, {"192.168.255.255", "private"}, {"192.169.0.0", ""},
		{"192.175.48.1", "AS112"}, {"198.17.255.255", ""}, {"198.18.0.0", "benchmarking"}, {"198.19.255.255", "benchmarking"}, {"198.20.0.0", ""},
		{"198.51.100.7", "documentation"}, {"203.0.113.7", "documentation"}, {"203.0.114.0", ""},
		{"168.63.129.15", ""}, {"168.63.129.16", "cloud metadata"},
		{"223.255.255.255", ""}, {"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"}, {"240.0.0.0", "reserved"}, {"255.255.255.255", "reserved"},
		{"8.8.8.8", ""}, {"93.184.215.14", ""},

		{"::", "unspecified"}, {"::1", "loopback"}, {"::2", "IPv4-compatible"}, {"::127.0.0.1", "IPv4-compatible"}, {"::8.8.8.8", "IPv4-compatible"},
		{"::ffff:127.0.0.1", "loopback"}, {"::ffff:a00:5", "private"}, {"::ffff:169.254.169.254", "link-local"}, {"::ffff:0.0.0.0", "this network"}, {"::ffff:8.8.8.8", ""},
		{"::ffff:0:127.0.0.1", "IPv4-translated"}, {"::1:0:0:0", "unassigned"},
		{"64:ff9b::7f00:1", "NAT64"}, {"64:ff9b::8.8.8.8", "NAT64"}, {"64:ff9b:1::1", "local NAT64"}, {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local NAT64"}, {"64:ff9b:2::1", "unassigned"},
		{"100::1", "discard"}, {"100:0:0:1::1", "dummy"}, {"100:0:0:2::1", "unassigned"},
		{"2001::1", "Teredo"}, {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"}, {"2001:1::1", "protocol assignments"}, {"2001:2::1", "protocol assignments"},
		{"2001:3::1", "protocol assignments"}, {"2001:4:112::1", "protocol assignments"}, {"2001:10::1", "protocol assignments"}, {"2001:20::1", "protocol assignments"},
		{"2001:30::1", "protocol assignments"}, {"2001:1ff:ffff::1", "protocol assignments"}, {"2001:200::1", ""}, {"2001:4860:4860::8888", ""},
		{"2001:db8::1", "documentation"}, {"2001:db9::1", ""}, {"2002:7f00:1::1", "6to4"}, {"2002:a00:5::", "6to4"}, {"2002:ffff:ffff::1", "6to4"}, {"2003::1", ""},
		{"2620:4f:8000::1", "AS112"}, {"2620:4f:8001::1", ""}, {"3fff::1", "documentation"}, {"3fff:fff:ffff::1", "documentation"}, {"3fff:1000::1", ""},
		{"4000::1", "unassigned"}, {"5f00::1", "segment routing"}, {"fc00::1", "unique local"}, {"fd00:ec2::254", "unique local"}, {"fdff::1", "unique local"}, {"fe00::1", "unassigned"},
		{"fe80::1", "link-local"}, {"fe80::1%eth0", "link-local"}, {"febf::1", "link-local"}, {"fec0::1", "site-local"}, {"feff::1", "site-local"}, {"ff02::1", "multicast"},
		{"2a00:1450::5efe:7f00:1", "ISATAP"}, {"2a00:1450::200:5efe:a00:5", "ISATAP"}, {"2a00:1450::1", ""}, {"2606:2800:21f:cb07:6820:80da:af6b:8b2c", ""},
		{"::ffff:10.0.0.5%eth0", "private"},
	}
	for _, test := range tests {
		t.Run(test.address, func(t *testing.T) {
			a := netip.MustParseAddr(test.address)
			require.Equal(t, test.name, Special(a))
			if a.Is4() {
				require.Equal(t, test.name, Special(netip.AddrFrom16(a.As16())), "mapped")
			}
			err := new(Guard).Check("tcp", netip.AddrPortFrom(a, 5432).String())
			require.Equal(t, test.name != "", errors.Is(err, ErrHostNotAllowed))
		})
	}
	require.NotEmpty(t, Special(netip.Addr{}))
}

// TestSpecialCoversWhatNetipKnows: whatever the standard library calls not public must be in the table.
func TestSpecialCoversWhatNetipKnows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		if rapid.Bool().Draw(t, "v4") {
			a = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes")))
		} else {
			b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
			if rapid.Bool().Draw(t, "head") {
				b[0] = rapid.SampledFrom([]byte{0, 0x20, 0xfc, 0xfe, 0xff}).Draw(t, "first")
			}
			a = netip.AddrFrom16([16]byte(b))
		}
		u := a.Unmap()
		inside := u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() || u.IsUnspecified()
		if inside && Special(a) == "" {
			t.Fatalf("%v is not public", a)
		}
		if Special(a) != Special(a.WithZone("eth0")) || Special(a) != Special(u) {
			t.Fatalf("%v: a zone or mapping changes the answer", a)
		}
	})
}
