package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newTarget serves with a handler.
func newTarget(t *testing.T, handler http.HandlerFunc) target {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return target{name: "test", address: strings.TrimPrefix(s.URL, "http://")}
}

func TestClientReadsWholeAnswers(t *testing.T) {
	long := strings.Repeat("0123456789", 50_000)
	target := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			_, _ = io.WriteString(w, "short")
		case "/long":
			_, _ = io.WriteString(w, long) // in chunks
		case "/echo":
			_, _ = io.Copy(w, r.Body)
		default:
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	})
	c, err := dial(t.Context(), target.address)
	require.NoError(t, err)
	defer c.conn.Close()
	for range 2 { // the second time finds what the first one left on the connection
		for path, want := range map[string]string{"/short": "short", "/long": long} {
			body, err := c.ask(request("GET", path, "", "", nil), true)
			require.NoError(t, err)
			require.Equal(t, want, string(body))
			_, err = c.ask(request("GET", path, "", "", nil), false)
			require.NoError(t, err)
		}
		_, err := c.ask(request("GET", "/other", "", "", nil), false)
		require.ErrorContains(t, err, "404 Not Found: no such thing")
		body, err := c.ask(request("POST", "/echo", "", "text/plain", []byte("said")), true)
		require.NoError(t, err)
		require.Equal(t, "said", string(body))
	}
}

func TestLoadCountsAnswers(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	target := newTarget(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path]++
	})
	target.requests = [][]byte{request("GET", "/a", "", "", nil), request("GET", "/b", "", "", nil)}
	s, err := target.under(4).run(t.Context(), 50*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, s.ops, seen["/a"]+seen["/b"])
	require.Positive(t, seen["/a"])
	require.Positive(t, seen["/b"])
	require.Positive(t, s.latency)
}

func TestFirstErrorEndsARound(t *testing.T) {
	_, err := together("test", 3, nil, func(_ context.Context, client int, n int64) error {
		if client == 1 && n > 10 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}).run(t.Context(), 100*time.Millisecond)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestUpdatesNeverMeet(t *testing.T) {
	turns := newTurns()
	owner, version, totals := map[int]int{}, map[int]int64{}, map[[2]int64]bool{}
	for range 100 {
		for client := range writers {
			key, v, total := turns.next(client)
			if other, ok := owner[key]; ok {
				require.Equal(t, other, client, "key %d", key)
			}
			owner[key] = client
			version[key]++
			require.Equal(t, version[key], v)
			at := [2]int64{int64(key), total}
			require.False(t, totals[at], "key %d is to get the value it has", key)
			totals[at] = true
			require.Less(t, key, keys)
		}
	}
}
