// Package webhook hands the entries of the change log to an HTTP server.
//
// Entries are sent in the order of their positions, in batches, at least once: after an error or a crash some come again,
// which a receiver recognises by their ids. A batch counts as received when the answer has a status of 200 to 299. Anything
// else is an error, also an answer that blames the request: a record of what happened must not pass over entries by itself,
// so the same batch is sent again, by the engine's relay with growing pauses, until the receiver takes it. Nothing waits for
// that but this sink.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/livetables/livetables/audit"
)

// The headers of a request.
const (
	// TimestampHeader has the seconds since 1970 at which the request was signed.
	TimestampHeader = "Livetables-Timestamp"
	// SignatureHeader has "v1=" and the HMAC-SHA-256 (RFC 2104) of the timestamp, a point and the body, in hexadecimal digits.
	SignatureHeader = "Livetables-Signature"
)

// MinSecret is the least number of bytes of a secret.
const MinSecret = 32

// Batch is the body of a request.
type Batch struct {
	Entries []audit.Entry `json:"entries"`
}

// Options say where entries go.
type Options struct {
	// URL is the address of the receiver, with https; http only where Plain allows it. It may hold a token, for it is never
	// logged.
	URL string
	// Secret signs the requests; at least MinSecret bytes.
	Secret []byte
	// Dial opens connections: an address guard's, or of a net.Dialer where no guard is wanted. It is required, so that leaving it
	// out opens nothing.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Plain says which hosts may be spoken to without TLS; nil allows none.
	Plain func(host string, port int) bool
	// Timeout bounds one request with its answer: 30 s when 0.
	Timeout time.Duration
	// MaxEntries and MaxBytes bound a batch: 200 entries and about 1 MiB when 0. A single entry may be larger.
	MaxEntries, MaxBytes int
	// Clock is time.Now when nil.
	Clock func() time.Time
}

// Sink is an audit.Sink that sends entries to a receiver. Its methods may be called from many goroutines.
type Sink struct {
	opt    Options
	client *http.Client

	mu       sync.Mutex
	received int64 // position of the last entry that the receiver has, as far as this process knows
}

var _ audit.Sink = (*Sink)(nil)

// New makes a sink. Nothing is sent yet.
func New(opt Options) (*Sink, error) {
	u, err := url.Parse(opt.URL)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("webhook: the URL must have a host and no user") // it is not quoted: it may hold a token
	}
	switch u.Scheme {
	case "https":
	case "http":
		port := 80
		if u.Port() != "" {
			if port, err = strconv.Atoi(u.Port()); err != nil {
				return nil, errors.New("webhook: the URL's port is no number")
			}
		}
		if opt.Plain == nil || !opt.Plain(u.Hostname(), port) {
			return nil, fmt.Errorf("webhook: %s may not be spoken to without TLS", u.Hostname())
		}
	default:
		return nil, errors.New("webhook: the URL must begin with https")
	}
	if len(opt.Secret) < MinSecret {
		return nil, fmt.Errorf("webhook: the secret has %d bytes and must have at least %d", len(opt.Secret), MinSecret)
	}
	opt.Secret = bytes.Clone(opt.Secret)
	if opt.Dial == nil {
		return nil, errors.New("webhook: Options.Dial is required")
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 30 * time.Second
	}
	if opt.MaxEntries <= 0 {
		opt.MaxEntries = 200
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 1 << 20
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	return &Sink{opt: opt, client: &http.Client{
		Timeout: opt.Timeout,
		// No proxy: it would do the connecting, past the guard.
		Transport: &http.Transport{DialContext: opt.Dial, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 32 << 10, ForceAttemptHTTP2: true},
		// An answer that leads elsewhere is not followed: the receiver is the one that was named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections. The sink may be used again.
func (s *Sink) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// String names the sink without its address and secret.
func (s *Sink) String() string { return "webhook" }

// GoString is String.
func (s *Sink) GoString() string { return s.String() }

// WriteEntries implements [audit.Sink]. After an error the same call may be repeated; what the receiver has confirmed to
// this process already is not sent again.
func (s *Sink) WriteEntries(ctx context.Context, entries []audit.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(entries) > 0 && entries[0].Position <= s.received {
		entries = entries[1:]
	}
	most := s.opt.MaxEntries
	for len(entries) > 0 {
		body, n, err := s.body(entries, most)
		if err != nil {
			return err
		}
		status, err := s.post(ctx, body)
		switch {
		case err != nil:
			return fmt.Errorf("webhook: entries %d to %d: %w", entries[0].Position, entries[n-1].Position, err)
		case status == http.StatusRequestEntityTooLarge && n > 1:
			most = n / 2
			continue
		case status < 200 || status > 299:
			return fmt.Errorf("webhook: entries %d to %d: the receiver answered %d", entries[0].Position, entries[n-1].Position, status)
		}
		s.received = entries[n-1].Position
		entries = entries[n:]
	}
	return nil
}

// body encodes as many entries as a batch holds, at least one.
func (s *Sink) body(entries []audit.Entry, most int) (body []byte, n int, err error) {
	var b bytes.Buffer
	b.WriteString(`{"entries":[`)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // documents come as they are stored, so that their digests can be verified
	for n < len(entries) && n < most {
		before := b.Len()
		if n > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(&entries[n]); err != nil {
			return nil, 0, fmt.Errorf("webhook: encode entry %d: %w", entries[n].Position, err)
		}
		if n > 0 && b.Len() > s.opt.MaxBytes {
			b.Truncate(before)
			break
		}
		n++
	}
	b.WriteString("]}\n")
	return b.Bytes(), n, nil
}

// post sends one body and gives the status of the answer.
func (s *Sink) post(ctx context.Context, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opt.URL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the request cannot be made")
	}
	at := strconv.FormatInt(s.opt.Clock().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "livetables")
	r.Header.Set(TimestampHeader, at)
	r.Header.Set(SignatureHeader, "v1="+hex.EncodeToString(sign(s.opt.Secret, at, body)))
	answer, err := s.client.Do(r)
	if err != nil {
		var full *url.Error // it quotes the URL
		if errors.As(err, &full) {
			err = full.Err
		}
		return 0, err
	}
	const most = 64 << 10 // of an answer, so that its connection can be used again
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, most))
	return answer.StatusCode, answer.Body.Close()
}

func sign(secret []byte, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// ErrSignature is what Verify answers for a request that is not from the holder of the secret, or an old one.
var ErrSignature = errors.New("webhook signature is wrong or too old")

// Verify is for receivers: it reports whether the headers and the body of a request were made with the secret, not more
// than tolerance before or after now. Five minutes are a good tolerance.
func Verify(secret []byte, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	at := header.Get(TimestampHeader)
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return ErrSignature
	}
	if want := "v1=" + hex.EncodeToString(sign(secret, at, body)); !hmac.Equal([]byte(want), []byte(header.Get(SignatureHeader))) {
		return ErrSignature
	}
	return nil
}
