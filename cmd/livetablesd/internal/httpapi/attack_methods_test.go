package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAttack78SafeMethods sends GET and HEAD to every path that changes something: 405 where the path has no such route,
// and nothing is changed.
func TestAttack78SafeMethods(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	reads := map[string]bool{}
	for _, r := range routes() {
		if r.method == "GET" {
			reads[r.path] = true
		}
	}
	before := p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body
	real := strings.NewReplacer("{workspace}", p.workspace, "{base}", p.base, "{table}", p.table, "{col}", p.columns["Name"])
	checked := 0
	for _, r := range routes() {
		if r.method == "GET" || reads[r.path] {
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			a := p.do(t, "owner", method, real.Replace(r.path), nil)
			// What another pattern with a wildcard takes for a name is looked for and not there.
			require.Contains(t, []int{405, 404}, a.status, "%s %s", method, r.path)
			checked++
		}
	}
	require.Greater(t, checked, 20)
	for _, path := range []string{"/api/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/auth/password"} {
		p.must(t, 405, "owner", "GET", path, nil)
		p.must(t, 405, "owner", "HEAD", path, nil)
	}
	p.must(t, 200, "owner", "GET", "/api/v1/auth/me", nil)
	require.Equal(t, before, p.must(t, 200, "owner", "GET", p.rows("?count=exact"), nil).body)
}

// TestAttack77HTMLWanted: whoever asks for HTML gets JSON, also where the answer echoes what he wrote.
func TestAttack77HTMLWanted(t *testing.T) {
	p := newPlace(t, shared)
	p.insert(`{"Name":"<script>alert(1)</script>"}`)
	const script = "%3Cscript%3Ealert(1)%3C/script%3E"
	for _, path := range []string{p.rows(""), p.rows("?Name.eq=" + script), p.rows("?" + script + "=1"), p.rows("?sort=" + script), p.rows("/" + script), p.rows("?filter=" + script), "/" + script, "/public/views/" + script + "/data"} {
		a := p.do(t, "owner", "GET", path, nil, "Accept", "text/html", "Authorization", "Bearer "+p.tokens["owner"].Access.Reveal())
		require.Contains(t, a.header.Get("Content-Type"), "json", path)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.True(t, json.Valid([]byte(a.body)), path)
		if a.status >= 400 {
			require.NotContains(t, strings.ToLower(a.body), "<script", path)
		}
	}
}

// TestAttack54SlowAndHuge holds connections open with requests that never end, deep bodies and large headers, at a real
// listener with the daemon's times.
func TestAttack54SlowAndHuge(t *testing.T) {
	in := newInstance(t, nil, "root")
	in.server.Close()
	in.server = httptest.NewUnstartedServer(in.api)
	in.server.Config.ReadHeaderTimeout = 300 * time.Millisecond
	in.server.Config.MaxHeaderBytes = 32 << 10
	in.server.Start()
	ended := func(conn net.Conn, within time.Duration) string {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
		reply, err := io.ReadAll(conn)
		if timeout, ok := err.(net.Error); ok { //nolint:errorlint // the very error of the connection
			require.False(t, timeout.Timeout(), "the connection is still open")
		}
		return string(reply)
	}
	slow := dial(t, in)
	_, err := io.WriteString(slow, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
	require.NoError(t, err)
	ended(slow, 5*time.Second)

	huge := dial(t, in)
	_, _ = fmt.Fprintf(huge, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: %s\r\n\r\n", strings.Repeat("a", 64<<10))
	require.NotContains(t, ended(huge, 5*time.Second), "200 OK")

	for name, body := range map[string]string{
		"deep arrays":  `{"email":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		"deep objects": strings.Repeat(`{"email":`, 10_000) + `1` + strings.Repeat("}", 10_000),
		"many keys":    `{` + strings.Repeat(`"a":1,`, 50_000) + `"b":1}`,
		"long number":  `{"email":` + strings.Repeat("9", 100_000) + `}`,
	} {
		began := time.Now()
		a := in.must(t, 400, "", "POST", "/api/v1/auth/login", body)
		require.Less(t, time.Since(began), 2*time.Second, name)
		require.Less(t, len(a.body), 16<<10, name)
	}
}
