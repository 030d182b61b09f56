package httpapi

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// greedy opens connections that ask for large exports and pages of a workspace and read nothing of the answers. What it
// returns ends them.
func (p *place) greedy(t testing.TB, n int) (stop func()) {
	t.Helper()
	var conns []net.Conn
	for i := range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.server.URL, "http://"))
		require.NoError(t, err)
		conns = append(conns, conn)
		require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
		path := p.rows("?limit=1000")
		if i%2 == 0 {
			path = "/api/v1/tables/" + p.table + "/export.csv"
		}
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.%d.%d\r\nAuthorization: Bearer %s\r\n\r\n",
			path, i/250, i%250, p.tokens[[]string{"owner", "viewer"}[i/2%2]].Access.Reveal())
		require.NoError(t, err)
	}
	return func() {
		for _, c := range conns {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}
}

// latencies reads a small page of a workspace over and over as its neighbour, and tells how long that took, sorted.
func (p *place) latencies(t testing.TB, n int) []time.Duration {
	t.Helper()
	list := make([]time.Duration, 0, n)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for range n {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+p.rows("?limit=100"), nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+p.tokens["admin"].Access.Reveal())
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		began := time.Now()
		res, err := client.Do(req)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		_ = res.Body.Close()
		list = append(list, time.Since(began))
		require.Equal(t, 200, res.StatusCode)
	}
	slices.Sort(list)
	return list
}

// neighbours are two workspaces of an instance: one that will be greedy, and one of others.
func neighbours(t testing.TB) (greedy, quiet *place) {
	t.Helper()
	in := newInstance(t, func(o *Options) { loopbackProxy(o); o.Concurrency.Wait = 200 * time.Millisecond }, "root", "owner", "viewer", "admin")
	greedy, quiet = newPlace(t, in), newPlace(t, in)
	greedy.fillWide(t, 12_000)
	quiet.fillWide(t, 1)
	for range 100 {
		quiet.insert(`{"Name":"n","Price":1.5}`)
	}
	return greedy, quiet
}

// TestAThousandUnreadClients (P10, R35): whatever a workspace's clients leave unread, its neighbours get their answers, and
// what is held for them is bounded. How long that takes is for BenchmarkNeighbour.
func TestAThousandUnreadClients(t *testing.T) {
	greedy, quiet := neighbours(t)
	stop := greedy.greedy(t, 1000)
	defer stop()
	require.Eventually(t, func() bool {
		l := greedy.api.Loads()
		return l["workspace_exports"].Running == 3
	}, 10*time.Second, 5*time.Millisecond)
	quiet.latencies(t, 200)
	loads := greedy.api.Loads()
	require.LessOrEqual(t, loads["exports"].Running, 6)
	require.LessOrEqual(t, loads["workspace_exports"].Running, 3)
	require.LessOrEqual(t, loads["workspace_streams"].Running, 3)
	require.LessOrEqual(t, loads["workspace_held"].Running*heldPiece, 16<<20)
	require.LessOrEqual(t, loads["workspace_requests"].Running, 64+1)
	quiet.must(t, 200, "admin", "GET", "/api/v1/tables/"+quiet.table+"/export.csv", nil, "X-Forwarded-For", "203.0.113.9")
	stop()
	require.Eventually(t, func() bool { return len(greedy.api.Loads()) == 0 }, 20*time.Second, 10*time.Millisecond, "everything is given back")
}

// BenchmarkNeighbour reports how long the small pages of one workspace take at the 50th and 99th percentile: alone, and
// beside a thousand clients of another workspace that read nothing.
func BenchmarkNeighbour(b *testing.B) {
	greedy, quiet := neighbours(b)
	report := func(b *testing.B) {
		list := quiet.latencies(b, max(1000, b.N))
		b.ReportMetric(float64(list[len(list)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(list[len(list)*99/100].Microseconds()), "p99-µs")
	}
	b.Run("alone", report)
	stop := greedy.greedy(b, 1000)
	time.Sleep(2 * time.Second)
	b.Run("beside 1000 unread", report)
	stop()
}
