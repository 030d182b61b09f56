package httpapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// within is the time in which a revocation acts (R22).
const within = 5 * time.Second

// TestRunningRequestsEndWithTheirToken: an import whose file never ends and an export that nobody reads are over soon after
// their token is deleted, and nothing of the import stays.
func TestRunningRequestsEndWithTheirToken(t *testing.T) {
	p := newPlace(t, shared)
	wide := strings.Repeat("x", 250)
	many := "Name,Secret\n" + strings.Repeat(wide+","+wide+"\n", 20_000) // 10 MB: more than the kernel keeps of an answer
	p.must(t, 200, "owner", "POST", "/api/v1/tables/"+p.table+"/import", many, csvType...)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	send := func(who, method, path string, body io.Reader) *http.Request {
		req, err := http.NewRequestWithContext(ctx, method, p.server.URL+path, body)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+p.tokens[who].Access.Reveal())
		if body != nil {
			req.Header.Set("Content-Type", "text/csv")
		}
		return req
	}

	t.Run("import", func(t *testing.T) {
		id := p.grant(t, "owner", "importer", []rbac.Action{rbac.ReadData, rbac.WriteRows})
		file, feed := io.Pipe()
		defer feed.Close()
		answered := make(chan int, 1)
		go func() {
			res, err := http.DefaultClient.Do(send("importer", "POST", "/api/v1/tables/"+p.table+"/import", file))
			if err != nil {
				answered <- 0 // the connection was cut
				return
			}
			_ = res.Body.Close()
			answered <- res.StatusCode
		}()
		_, err := io.WriteString(feed, "Name\ncanary-of-the-import\n")
		require.NoError(t, err)
		// One that is refused at once waits for the rest of its body before it is answered.
		require.Eventually(t, func() bool { return p.api.Loads()["account_imports"].Running > 0 }, within, time.Millisecond, "the import was not let in")
		p.must(t, 204, "owner", "DELETE", "/api/v1/auth/tokens/"+id, nil)
		select {
		case status := <-answered:
			require.Contains(t, []int{0, http.StatusUnauthorized}, status)
		case <-time.After(within):
			t.Fatal("the import goes on")
		}
		require.NotContains(t, p.must(t, 200, "owner", "GET", p.rows("?Name.starts_with=canary"), nil).body, "canary")
	})
	t.Run("export", func(t *testing.T) {
		id := p.grant(t, "owner", "exporter", []rbac.Action{rbac.ReadData})
		// Little of the answer may be on its way: what the kernel already holds cannot be called back.
		slow := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return conn, conn.(*net.TCPConn).SetReadBuffer(32 << 10)
		}}
		defer slow.CloseIdleConnections()
		res, err := (&http.Client{Transport: slow}).Do(send("exporter", "GET", "/api/v1/tables/"+p.table+"/export.csv", nil))
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, 200, res.StatusCode)
		_, err = io.ReadFull(res.Body, make([]byte, 1<<10))
		require.NoError(t, err)
		p.must(t, 204, "owner", "DELETE", "/api/v1/auth/tokens/"+id, nil)
		time.Sleep(within)
		_, err = io.ReadAll(res.Body)
		require.Error(t, err, "a cut answer must not look whole")
	})
}
