package transit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Options say where the service is and which key to use. Address, Key and TokenFile are required.
type Options struct {
	// Address is the service's URL, "https://vault.example.com:8200". Without TLS only loopback addresses, written as
	// numbers, and hosts that Plain lists are spoken to.
	Address string
	// Mount is where the transit engine is mounted; empty for "transit".
	Mount string
	// Key is the name of the key, which must have been created with derivation ("derived=true").
	Key string
	// Namespace is sent along where the service has such; empty for none.
	Namespace string
	// TokenFile holds the token, which is read again for every call, so that whatever renews it may replace the file. It
	// must not be readable by everybody.
	TokenFile string
	// RootCA are the certificates, as PEM, that the service's own must come from; empty for those of the system.
	RootCA []byte
	// Plain says which hosts may be spoken to without TLS; nil allows none beside loopback.
	Plain func(host string, port int) bool
	// Timeout is for one attempt, default 3 s; Attempts is how many there are, default 3.
	Timeout  time.Duration
	Attempts int
	// Cooldown is how long the service is left alone after it failed several times in a row, default 5 s.
	Cooldown time.Duration
	// Dial opens the connections; nil dials directly.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A name or path of the service goes into a URL; these need no escaping there.
var (
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
	mountForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,49}(/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,49}){0,4}$`)
)

// check fills in o and reports every problem in it at once.
func (o Options) check() (Options, *url.URL, error) {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if o.Mount == "" {
		o.Mount = "transit"
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Attempts == 0 {
		o.Attempts = 3
	}
	if o.Cooldown == 0 {
		o.Cooldown = 5 * time.Second
	}
	if o.Timeout < 0 || o.Attempts < 0 || o.Attempts > 10 || o.Cooldown < 0 {
		bad("a time or a number of attempts is out of range")
	}
	if !mountForm.MatchString(o.Mount) {
		bad("mount %q is not a path", o.Mount)
	}
	if !nameForm.MatchString(o.Key) {
		bad("key %q is not the name of a key", o.Key)
	}
	if o.Namespace != "" && !mountForm.MatchString(strings.TrimSuffix(o.Namespace, "/")) {
		bad("namespace %q is not a path", o.Namespace)
	}
	if o.TokenFile == "" {
		bad("no token file is named")
	}
	base, err := url.Parse(o.Address)
	switch {
	case err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.Trim(base.Path, "/") != "":
		bad("address is not of the form https://host:port") // not quoted: somebody may have put a token into it
		base = nil
	case base.Scheme == "http":
		port, _ := strconv.Atoi(base.Port())
		if address, err := netip.ParseAddr(base.Hostname()); err == nil && address.Unmap().IsLoopback() {
			break
		}
		if o.Plain == nil || !o.Plain(base.Hostname(), port) {
			bad("host %q may not be spoken to without TLS", base.Hostname())
		}
	case base.Scheme != "https":
		bad("address has neither the scheme https nor http")
	}
	return o, base, errors.Join(problems...)
}

// client is an HTTP client that goes where it is sent and nowhere else: no proxy of the environment, no redirect, which
// would carry the token to another host.
func (o Options) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.RootCA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.RootCA) {
			return nil, errors.New("the root certificates are not PEM")
		}
	}
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: o.Timeout}).DialContext
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: config, ForceAttemptHTTP2: true, TLSHandshakeTimeout: o.Timeout,
			MaxIdleConns: 4, MaxConnsPerHost: 16, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 32 << 10,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
