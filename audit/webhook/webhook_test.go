package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/audit/webhook"
)

var secret = bytes.Repeat([]byte("s3cret!"), 6)

func entries(from, to int64) (list []audit.Entry) {
	for p := from; p <= to; p++ {
		list = append(list, audit.Entry{Position: p, ID: fmt.Sprintf("chg_%d", p), Action: "row.update", Reason: strings.Repeat("x", 100)})
	}
	return list
}

// receiver keeps what it confirmed, in order; answer decides about each request.
type receiver struct {
	mu       sync.Mutex
	got      []int64
	requests int
	answer   func(n int, b webhook.Batch, w http.ResponseWriter, r *http.Request) bool // true confirms
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = webhook.Verify(secret, r.Header, body, time.Now(), time.Minute)
	}
	var b webhook.Batch
	if err == nil {
		err = json.Unmarshal(body, &b)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	s.requests++
	n := s.requests
	s.mu.Unlock()
	if s.answer != nil && !s.answer(n, b, w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range b.Entries {
		s.got = append(s.got, e.Position)
	}
}

func sinkTo(t *testing.T, url string, change func(*webhook.Options)) *webhook.Sink {
	t.Helper()
	opt := webhook.Options{URL: url, Secret: secret, Dial: (&net.Dialer{}).DialContext, Plain: func(string, int) bool { return true }}
	if change != nil {
		change(&opt)
	}
	s, err := webhook.New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func span(from, to int64) (list []int64) {
	for p := from; p <= to; p++ {
		list = append(list, p)
	}
	return list
}

func TestBatches(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	s := sinkTo(t, server.URL, func(o *webhook.Options) { o.MaxEntries, o.MaxBytes = 10, 1500 })
	require.NoError(t, s.WriteEntries(t.Context(), entries(1, 95)))
	require.NoError(t, s.WriteEntries(t.Context(), entries(90, 100)), "repeats are passed over")
	require.NoError(t, s.WriteEntries(t.Context(), nil))
	require.Equal(t, span(1, 100), r.got)
	require.Greater(t, r.requests, 12, "the bytes of a batch are bounded")
}

// TestFailures has the receiver refuse, fail in the middle, hang and want less: nothing is skipped and the order stays.
func TestFailures(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	s := sinkTo(t, server.URL, func(o *webhook.Options) { o.MaxEntries, o.Timeout = 10, 300*time.Millisecond })
	r.answer = func(n int, b webhook.Batch, w http.ResponseWriter, req *http.Request) bool {
		switch {
		case n == 2:
			w.WriteHeader(http.StatusInternalServerError)
		case n == 3:
			w.WriteHeader(http.StatusBadRequest)
		case n == 4:
			<-req.Context().Done() // hangs
		case n == 5:
			panic(http.ErrAbortHandler) // dies
		case len(b.Entries) > 3:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		default:
			return true
		}
		return false
	}
	r.answer = first(r.answer)
	for range 4 {
		require.Error(t, s.WriteEntries(t.Context(), entries(1, 35)))
	}
	require.Equal(t, span(1, 10), r.got)
	require.NoError(t, s.WriteEntries(t.Context(), entries(1, 35)))
	require.Equal(t, span(1, 35), r.got)
}

// first lets the first request pass whatever its size.
func first(rest func(int, webhook.Batch, http.ResponseWriter, *http.Request) bool) func(int, webhook.Batch, http.ResponseWriter, *http.Request) bool {
	return func(n int, b webhook.Batch, w http.ResponseWriter, r *http.Request) bool {
		return n == 1 || rest(n, b, w, r)
	}
}

// TestAttack13Redirect: a receiver cannot lead the sink elsewhere, and nothing goes past the guard.
func TestAttack13Redirect(t *testing.T) {
	inner := &receiver{}
	internal := httptest.NewServer(inner)
	defer internal.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		outer := httptest.NewServer(http.RedirectHandler(internal.URL, status))
		require.ErrorContains(t, sinkTo(t, outer.URL, nil).WriteEntries(t.Context(), entries(1, 1)), strconv.Itoa(status))
		outer.Close()
	}
	guarded := sinkTo(t, internal.URL, func(o *webhook.Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("host not allowed") }
	})
	require.ErrorContains(t, guarded.WriteEntries(t.Context(), entries(1, 1)), "not allowed")
	_, err := webhook.New(webhook.Options{URL: "https://example.com/", Secret: secret})
	require.ErrorContains(t, err, "Dial")
	require.Zero(t, inner.requests)
}

// TestSecretsStayInside: no error and no printed form shows the secret or the token in the URL.
func TestSecretsStayInside(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL + "/hook?token=tok-123"
	s := sinkTo(t, url, nil)
	refused := s.WriteEntries(t.Context(), entries(1, 2))
	server.Close()
	down := s.WriteEntries(t.Context(), entries(1, 2))
	_, bad := webhook.New(webhook.Options{URL: "https://user:tok-123@h/", Secret: secret})
	_, weak := webhook.New(webhook.Options{URL: "https://h/tok-123", Secret: []byte("s3cret!")})
	_, plain := webhook.New(webhook.Options{URL: "http://h/tok-123", Secret: secret})
	_, odd := webhook.New(webhook.Options{URL: "ftp://h/tok-123", Secret: secret})
	for _, err := range []error{refused, down, bad, weak, plain, odd} {
		require.Error(t, err)
		require.NotContains(t, err.Error(), "tok-123")
		require.NotContains(t, err.Error(), "s3cret")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "webhook", fmt.Sprintf(verb, s))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.WriteEntries(ctx, entries(1, 1)), context.Canceled)
}

func TestVerify(t *testing.T) {
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	require.NoError(t, sinkTo(t, server.URL, nil).WriteEntries(t.Context(), entries(1, 1)))
	now := time.Now()
	require.NoError(t, webhook.Verify(secret, header, body, now, time.Minute))
	require.ErrorIs(t, webhook.Verify(secret, header, body, now.Add(2*time.Minute), time.Minute), webhook.ErrSignature)
	require.ErrorIs(t, webhook.Verify(secret, header, append(body, ' '), now, time.Minute), webhook.ErrSignature)
	require.ErrorIs(t, webhook.Verify(secret[1:], header, body, now, time.Minute), webhook.ErrSignature)
	header.Set(webhook.TimestampHeader, strconv.FormatInt(now.Unix()+1, 10))
	require.ErrorIs(t, webhook.Verify(secret, header, body, now, time.Minute), webhook.ErrSignature)
	header.Del(webhook.TimestampHeader)
	require.ErrorIs(t, webhook.Verify(secret, header, body, now, time.Minute), webhook.ErrSignature)
}
