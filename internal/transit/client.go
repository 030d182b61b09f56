package transit

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sony/gobreaker/v2"

	"github.com/livetables/livetables/internal/seal"
)

// Client wraps data keys with a key that stays at the service. It is safe for concurrent use.
//
// What it unwraps it does not remember: a data key is needed once for every time that a connection is opened, and a cache
// would keep keys in memory that the service may have been told to withhold.
type Client struct {
	opt     Options
	base    string // of every path, without a slash at the end
	prefix  string // of the ids of keys
	http    *http.Client
	breaker *gobreaker.CircuitBreaker[[]byte]
	derives atomic.Bool // the key was seen to bind what it wraps to a context
}

var (
	_ seal.KeyManager = (*Client)(nil)
	_ seal.Rewrapper  = (*Client)(nil)
)

// New makes a client. All problems of the options are reported together; nothing is asked of the service.
func New(opt Options) (*Client, error) {
	opt, base, err := opt.check()
	if err != nil {
		return nil, err
	}
	c := &Client{opt: opt, base: base.Scheme + "://" + base.Host + "/v1/" + opt.Mount, prefix: "transit:" + opt.Mount + "/" + opt.Key + ":v"}
	if opt.Namespace != "" {
		c.prefix = "transit:" + strings.TrimSuffix(opt.Namespace, "/") + "/" + opt.Mount + "/" + opt.Key + ":v"
	}
	if c.http, err = opt.client(); err != nil {
		return nil, err
	}
	c.breaker = newBreaker(opt)
	return c, nil
}

// KeyID implements [seal.KeyManager]: the name of the key and its latest version.
func (c *Client) KeyID(ctx context.Context) (string, error) {
	k, err := c.describe(ctx)
	if err != nil {
		return "", err
	}
	return c.id(k.Latest), nil
}

func (c *Client) id(version int) string { return c.prefix + strconv.Itoa(version) }

// describe reads what the service tells about the key, and refuses a key that would not bind what it wraps.
func (c *Client) describe(ctx context.Context) (k keyDocument, err error) {
	if err = c.call(ctx, http.MethodGet, "/keys/"+c.opt.Key, nil, &k); err != nil {
		return k, fmt.Errorf("read key %s: %w", c.opt.Key, err)
	}
	switch {
	case !k.Derived:
		return k, fmt.Errorf("key %s does not derive keys from a context; create one with derived=true", c.opt.Key)
	case !k.Encrypts || !k.Decrypts:
		return k, fmt.Errorf("key %s of type %.40q does not encrypt and decrypt", c.opt.Key, k.Type)
	case k.Latest < 1:
		return k, fmt.Errorf("key %s has no version", c.opt.Key)
	}
	c.derives.Store(true)
	return k, nil
}

// ready makes sure, once, that the key binds what it wraps.
func (c *Client) ready(ctx context.Context) error {
	if c.derives.Load() {
		return nil
	}
	_, err := c.describe(ctx)
	return err
}

// Wrap implements [seal.KeyManager].
func (c *Client) Wrap(ctx context.Context, dataKey, aad []byte) ([]byte, string, error) {
	if err := c.ready(ctx); err != nil {
		return nil, "", err
	}
	plain := base64.StdEncoding.EncodeToString(dataKey)
	var out wrappedDocument
	if err := c.call(ctx, http.MethodPost, "/encrypt/"+c.opt.Key, request{Plaintext: plain, Context: aad}, &out); err != nil {
		return nil, "", fmt.Errorf("encrypt with key %s: %w", c.opt.Key, err)
	}
	return c.wrapped(out)
}

// wrapped takes the answer of encrypt and rewrap: the version of the key is in front of the ciphertext.
func (c *Client) wrapped(out wrappedDocument) ([]byte, string, error) {
	version, ok := versionOf(out.Ciphertext)
	if !ok {
		return nil, "", fmt.Errorf("the service answered with a ciphertext of %d bytes that is none", len(out.Ciphertext))
	}
	return []byte(out.Ciphertext), c.id(version), nil
}

// maxCiphertext is far above what a data key of 32 bytes becomes.
const maxCiphertext = 4 << 10

// versionOf reads the version of the key from a ciphertext, "vault:v3:…".
func versionOf(ciphertext string) (version int, ok bool) {
	_, rest, ok := strings.Cut(ciphertext, ":v")
	if !ok || len(ciphertext) > maxCiphertext {
		return 0, false
	}
	digits, body, ok := strings.Cut(rest, ":")
	version, err := strconv.Atoi(digits)
	return version, ok && err == nil && version > 0 && body != ""
}

// Unwrap implements [seal.KeyManager].
func (c *Client) Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	if err := c.owns(keyID, wrapped); err != nil {
		return nil, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	var out plainDocument
	if err := c.call(ctx, http.MethodPost, "/decrypt/"+c.opt.Key, request{Ciphertext: string(wrapped), Context: aad}, &out); err != nil {
		return nil, fmt.Errorf("decrypt with key %s: %w", c.opt.Key, err)
	}
	key, err := base64.StdEncoding.DecodeString(out.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("decrypt with key %s: the service answered with what is no key", c.opt.Key)
	}
	return key, nil
}

// owns checks that a wrapped key says it is of our key, in the version that its id names.
func (c *Client) owns(keyID string, wrapped []byte) error {
	text, ok := strings.CutPrefix(keyID, c.prefix)
	if !ok {
		return seal.ErrUnknownKey
	}
	version, ok := versionOf(string(wrapped))
	if !ok || strconv.Itoa(version) != text {
		return seal.ErrOpen
	}
	return nil
}

// Rewrap implements [seal.Rewrapper]: the service brings a wrapped key to its latest version and shows it to nobody.
func (c *Client) Rewrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, string, error) {
	if err := c.owns(keyID, wrapped); err != nil {
		return nil, "", err
	}
	if err := c.ready(ctx); err != nil {
		return nil, "", err
	}
	var out wrappedDocument
	if err := c.call(ctx, http.MethodPost, "/rewrap/"+c.opt.Key, request{Ciphertext: string(wrapped), Context: aad}, &out); err != nil {
		return nil, "", fmt.Errorf("rewrap with key %s: %w", c.opt.Key, err)
	}
	return c.wrapped(out)
}

// String shows where the key is and no more than that.
func (c *Client) String() string { return strings.TrimSuffix(c.prefix, ":v") }
