package httpapi

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dial opens a connection to an instance, for what no HTTP client would send.
func dial(t testing.TB, in *instance) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(in.server.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send writes a request with a JSON body.
func send(t testing.TB, conn net.Conn, line, token, body string, headers ...string) {
	t.Helper()
	head := line + "\r\nHost: x\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	for _, h := range headers {
		head += h + "\r\n"
	}
	_, err := fmt.Fprintf(conn, "%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
	require.NoError(t, err)
}

func atoi(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
