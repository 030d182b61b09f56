package netguard

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listen opens a listener on an address of this machine and a function that tells whether anybody connected to it. The
// kernel completes a handshake without Accept being called, so a connection made before the question is seen by it.
func listen(t *testing.T, address string) (port string, reached func() bool) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port, func() bool {
		require.NoError(t, l.(*net.TCPListener).SetDeadline(time.Now().Add(50*time.Millisecond)))
		c, err := l.Accept()
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
}

func TestDialSendsNothingToRefusedHosts(t *testing.T) {
	port4, reached4 := listen(t, "127.0.0.1:0")
	for _, host := range []string{
		"127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0.0.0.0", "::ffff:0.0.0.0", "localhost", "LOCALHOST.", "127.1",
		"0x7f.0.0.1", "0177.0.0.1", "2130706433", "::", "::127.0.0.1", "::ffff:127.0.0.1%lo",
	} {
		for _, network := range []string{"tcp", "tcp4", "tcp6"} {
			t.Run(network+" "+host, func(t *testing.T) {
				conn, err := new(Guard).DialContext(t.Context(), network, net.JoinHostPort(host, port4))
				require.Error(t, err) // some spellings do not even resolve
				require.Nil(t, conn)
			})
		}
	}
	require.False(t, reached4(), "a refused host was connected to")

	// Refused before anything is sent, and so also where the machine has no IPv6.
	_, err := new(Guard).DialContext(t.Context(), "tcp", "[::1]:"+port4)
	require.ErrorIs(t, err, ErrHostNotAllowed)
}

func TestDialErrors(t *testing.T) {
	var g *Guard
	for _, test := range []struct{ network, addr string }{
		{"tcp", "127.0.0.1:5432"}, {"tcp", "localhost:5432"}, {"tcp", "169.254.169.254:80"}, {"tcp", "[fe80::1%lo]:80"},
		{"tcp", ":5432"}, {"unix", "/var/run/postgresql/.s.PGSQL.5432"}, {"udp", "8.8.8.8:53"}, {"ip", "8.8.8.8"}, {"", "8.8.8.8:53"},
	} {
		_, err := g.DialContext(t.Context(), test.network, test.addr)
		require.ErrorIs(t, err, ErrHostNotAllowed, test)
		var denied *DeniedError
		require.ErrorAs(t, err, &denied, test)
	}
	for _, bad := range []string{"8.8.8.8", "8.8.8.8:0", "example.com:80", "", "[::1", "8.8.8.8:99999"} {
		require.ErrorIs(t, g.Check("tcp", bad), ErrHostNotAllowed, bad)
	}
	_, err := g.DialContext(t.Context(), "tcp", "no port")
	require.Error(t, err)
	require.NoError(t, g.Check("tcp", "8.8.8.8:5432"))
}

func TestRules(t *testing.T) {
	port, reached := listen(t, "127.0.0.1:0")
	other, otherReached := listen(t, "127.0.0.1:0")
	tests := []struct {
		rule, host, port string
		allowed          bool
	}{
		{"127.0.0.0/8", "127.0.0.1", port, true},
		{"127.0.0.0/8", "::ffff:127.0.0.1", port, true},
		{"127.0.0.0/8", "localhost", port, true},
		{"127.0.0.1", "127.0.0.1", port, true},
		{"127.0.0.1:" + port, "127.0.0.1", port, true},
		{"127.0.0.1:" + port, "127.0.0.1", other, false},
		{"localhost", "localhost", port, true},
		{"localhost:" + port, "LocalHost", port, true},
		{"localhost:" + port, "localhost", other, false},
		{"localhost", "127.0.0.1", port, false}, // a name is a name, not what it stands for
		{"10.0.0.0/8", "127.0.0.1", port, false},
		{"::/0", "127.0.0.1", port, false},
		{"::ffff:127.0.0.1", "127.0.0.1", port, true},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+net.JoinHostPort(test.host, test.port), func(t *testing.T) {
			rules, err := ParseRules([]string{test.rule})
			require.NoError(t, err)
			again, err := ParseRule(rules[0].String())
			require.NoError(t, err)
			require.Equal(t, rules[0], again)
			g := &Guard{Allow: rules}
			conn, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(test.host, test.port))
			if !test.allowed {
				require.ErrorIs(t, err, ErrHostNotAllowed)
				return
			}
			require.NoError(t, err)
			_ = conn.Close()
			require.True(t, reached())
		})
	}
	require.False(t, otherReached())
	_, err := ParseRules([]string{"10.0.0.0/33", "10.0.0.1/8", "::ffff:10.0.0.0/104", "", "*.internal", "host:port", "host:0", "a b", "[::1"})
	require.Error(t, err)
	require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 9)
}

// TestMappedAddressesCountAsIPv4: the system may report an IPv4 connection in either form.
func TestMappedAddressesCountAsIPv4(t *testing.T) {
	rules, err := ParseRules([]string{"127.0.0.0/8", "::/0"})
	require.NoError(t, err)
	four, six := &Guard{Allow: rules[:1]}, &Guard{Allow: rules[1:]}
	require.NoError(t, four.Check("tcp6", "[::ffff:127.0.0.1]:80"))
	require.ErrorIs(t, six.Check("tcp6", "[::ffff:127.0.0.1]:80"), ErrHostNotAllowed)
	require.NoError(t, six.Check("tcp6", "[::1%lo]:80"))
}

// TestRedirectIsChecked: a public page that redirects inside is followed no further. The first server stands for the
// public one by a rule.
func TestRedirectIsChecked(t *testing.T) {
	inside, reached := listen(t, "127.0.0.1:0")
	public := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:"+inside+"/secret", http.StatusFound))
	defer public.Close()
	rule, err := ParseRule(public.Listener.Addr().String())
	require.NoError(t, err)
	transport := &http.Transport{DialContext: (&Guard{Allow: []Rule{rule}}).DialContext}
	defer transport.CloseIdleConnections()
	_, err = (&http.Client{Transport: transport}).Get(public.URL)
	require.ErrorIs(t, err, ErrHostNotAllowed)
	require.False(t, reached())
}

// TestNameResolvesInside: a public name whose addresses are not public, with a name server that answers as told.
func TestNameResolvesInside(t *testing.T) {
	port, reached := listen(t, "127.0.0.1:0")
	guard := &Guard{Resolver: resolver(t, netip.MustParseAddr("10.255.255.1"), netip.MustParseAddr("127.0.0.1"))}
	_, err := guard.DialContext(t.Context(), "tcp4", "db.example.com:"+port)
	require.ErrorIs(t, err, ErrHostNotAllowed)
	require.False(t, reached())
	// With one of its addresses allowed, that one is used.
	guard.Allow = []Rule{{Prefix: netip.MustParsePrefix("127.0.0.1/32")}}
	conn, err := guard.DialContext(t.Context(), "tcp4", "db.example.com:"+port)
	require.NoError(t, err)
	_ = conn.Close()
	require.True(t, reached())
}

// resolver asks a name server of the test, which answers every question for an A record with the given addresses.
func resolver(t *testing.T, answers ...netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answer(buf[:n], answers), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer turns a query with one question into its response.
func answer(query []byte, addresses []netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	out := append([]byte(nil), query[:end]...)
	out[2], out[3] = 0x81, 0x80
	if binary.BigEndian.Uint16(query[end-4:]) != 1 { // not A
		addresses = nil
	}
	binary.BigEndian.PutUint16(out[6:], uint16(len(addresses)))
	clear(out[8:12])
	for _, a := range addresses {
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		out = append(out, a.AsSlice()...)
	}
	return out
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "fd00::/8", "db.internal:5432", "[::1]:1", "::1", "1.2.3.4:5", "a", ":", "[fe80::1%x]:3", "0.0.0.0."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again != r {
			t.Fatalf("%q -> %v -> %v, %v", text, r, again, err)
		}
	})
}

func ExampleGuard_DialContext() {
	guard := &Guard{}
	_, err := guard.DialContext(context.Background(), "tcp", "169.254.169.254:80")
	fmt.Println(errors.Is(err, ErrHostNotAllowed))
	// Output: true
}
