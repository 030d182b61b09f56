package httpapi

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBodiesThatNeverCome: a body that trickles in is not waited for, whether or not anybody would read it: of strangers, of
// routes that there are none of, of probes, of routes that take no body, of a wrong type.
func TestBodiesThatNeverCome(t *testing.T) {
	in := newInstance(t, nil, "owner")
	in.api.bodyTime = 300 * time.Millisecond
	token := "Authorization: Bearer " + in.tokens["owner"].Access.Reveal() + "\r\n"
	for name, head := range map[string]string{
		"a stranger":       "POST /api/v1/auth/tokens HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n",
		"a login":          "POST /api/v1/auth/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n",
		"in pieces":        "POST /api/v1/auth/login HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
		"no route":         "POST /nothing HTTP/1.1\r\nContent-Length: 100000\r\n",
		"no path":          "POST /a//b HTTP/1.1\r\nContent-Length: 100000\r\n",
		"another method":   "PATCH /api/v1/auth/login HTTP/1.1\r\nContent-Length: 100000\r\n",
		"a probe":          "GET /healthz HTTP/1.1\r\nContent-Length: 100000\r\n",
		"another origin":   "POST /api/v1/auth/login HTTP/1.1\r\nOrigin: https://evil.test\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 100000\r\n",
		"a read":           "GET /api/v1/auth/me HTTP/1.1\r\n" + token + "Content-Length: 100000\r\n",
		"a wrong type":     "POST /api/v1/workspaces HTTP/1.1\r\n" + token + "Content-Type: text/plain\r\nContent-Length: 100000\r\n",
		"none taken":       "DELETE /api/v1/auth/tokens HTTP/1.1\r\n" + token + "Content-Length: 100000\r\n",
		"none, in pieces":  "DELETE /api/v1/auth/tokens HTTP/1.1\r\n" + token + "Transfer-Encoding: chunked\r\n",
		"one that is read": "POST /api/v1/workspaces HTTP/1.1\r\n" + token + "Content-Type: application/json\r\nContent-Length: 100000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, in)
			_, err := fmt.Fprintf(conn, "%sHost: x\r\n\r\n", head)
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			_, err = io.ReadAll(conn)
			if timeout, ok := err.(net.Error); ok { //nolint:errorlint // the very error of the connection
				require.False(t, timeout.Timeout(), "the connection is still open")
			}
		})
	}
}
