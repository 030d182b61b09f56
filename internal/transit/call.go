package transit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/livetables/livetables/internal/seal"
)

// request is the body of encrypt, decrypt and rewrap. Context is sent as base64, as the protocol wants it.
type request struct {
	Plaintext  string `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Context    []byte `json:"context"`
}

type keyDocument struct {
	Type     string `json:"type"`
	Derived  bool   `json:"derived"`
	Latest   int    `json:"latest_version"`
	Encrypts bool   `json:"supports_encryption"`
	Decrypts bool   `json:"supports_decryption"`
}

type wrappedDocument struct {
	Ciphertext string `json:"ciphertext"`
}

type plainDocument struct {
	Plaintext string `json:"plaintext"`
}

const (
	maxAnswer = 64 << 10
	maxToken  = 8 << 10
	firstWait = 50 * time.Millisecond // before the second attempt, on average half of it; it doubles
)

// answerError is an answer that is not a success.
type answerError struct {
	status  int
	message string // the service's own words, for the log
}

func (e *answerError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.message) }

// temporary reports whether the same request may succeed in a moment: the service is overloaded, sealed, on standby, or
// behind with replication (412, 472, 473).
func (e *answerError) temporary() bool {
	return e.status >= 500 || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout ||
		e.status == http.StatusPreconditionFailed || e.status == 472 || e.status == 473
}

func newBreaker(opt Options) *gobreaker.CircuitBreaker[[]byte] {
	return gobreaker.NewCircuitBreaker[[]byte](gobreaker.Settings{
		Timeout:     opt.Cooldown,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
		// A refusal of what was asked is an answer; only a service that cannot answer is left alone.
		IsSuccessful: func(err error) bool {
			var answer *answerError
			return err == nil || errors.As(err, &answer) && !answer.temporary()
		},
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// call asks the service and decodes the "data" of its answer. Everything that is asked may be asked twice, so that it is
// tried again where that may help.
func (c *Client) call(ctx context.Context, method, path string, in any, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		defer clear(body)
	}
	answer, err := c.breaker.Execute(func() ([]byte, error) { return c.attempts(ctx, method, path, body) })
	if err != nil {
		return c.kind(err)
	}
	defer clear(answer)
	var document struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(answer, &document); err != nil || len(document.Data) == 0 {
		return errors.New("the answer is not of the transit engine") // not quoted: it may hold a key
	}
	if err := json.Unmarshal(document.Data, out); err != nil {
		return errors.New("the answer's data is not of the transit engine")
	}
	return nil
}

// kind gives an error the kind that users of key managers know.
func (c *Client) kind(err error) error {
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusBadRequest {
		words := strings.ToLower(answer.message)
		switch {
		case strings.Contains(words, "key not found"), strings.Contains(words, "disallowed by policy"), strings.Contains(words, "version is too new"):
			return fmt.Errorf("%w: %w", seal.ErrUnknownKey, err)
		case strings.Contains(words, "message authentication failed"), strings.Contains(words, "invalid ciphertext"),
			strings.Contains(words, "unable to decrypt"), strings.Contains(words, "could not decode"):
			return fmt.Errorf("%w: %w", seal.ErrOpen, err)
		}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &seal.UnavailableError{RetryAfter: c.opt.Cooldown, Err: err}
}

func (c *Client) attempts(ctx context.Context, method, path string, body []byte) (answer []byte, err error) {
	for n, wait := 1, firstWait; ; n, wait = n+1, 2*wait {
		answer, err = c.once(ctx, method, path, body)
		var refused *answerError
		if err == nil || errors.As(err, &refused) && !refused.temporary() || n >= c.opt.Attempts || ctx.Err() != nil {
			return answer, err
		}
		// The whole wait is random: clients that failed together must not come back together.
		select {
		case <-time.After(rand.N(wait)):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Token", token)
	req.Header.Set("X-Vault-Request", "true") // some services refuse requests that a web page could have caused
	if c.opt.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", c.opt.Namespace)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(answer) > maxAnswer:
		clear(answer)
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return nil, &answerError{status: resp.StatusCode, message: message(answer)}
	}
	return answer, nil
}

// message is what an error answer says, cut to what a log can bear.
func message(answer []byte) string {
	var document struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(answer, &document) != nil {
		return "no message"
	}
	text := strings.Join(document.Errors, "; ")
	if len(text) > 200 {
		text = text[:200]
	}
	return strings.ToValidUTF8(text, "?")
}

// token reads the token file.
func (c *Client) token() (string, error) {
	f, err := os.Open(c.opt.TokenFile)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("token file %s has mode %04o and is readable by everybody", c.opt.TokenFile, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer clear(data)
	text := bytes.TrimSpace(data)
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(text) == 0 || len(data) > maxToken || bytes.ContainsFunc(text, unfit) {
		return "", fmt.Errorf("token file %s holds no token", c.opt.TokenFile)
	}
	return string(text), nil
}
