package mongodb

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
)

const (
	defaultPort     = 27017
	defaultConns    = 4
	defaultTimeout  = 30 * time.Second
	connectTimeout  = 10 * time.Second
	closeTimeout    = 5 * time.Second
	applicationName = "livetables"
)

// Open makes an adapter to a MongoDB database. It validates the settings and reports everything wrong with them at once
// (errors.Is adapter.ErrOption); it connects at the first use. Only Host, Port, Database, User, Password, TLS, RootCA,
// MaxConns, Timeout and Dial are looked at; Schemas and File are refused. Dates are instants, so TimeZone must only be
// valid, and ReadOnly changes nothing: the adapter writes never.
//
// Without User the server is asked as nobody, which it may allow.
//
// Open implements [adapter.Opener].
func Open(_ context.Context, s adapter.Settings) (adapter.Adapter, error) { return open(s) }

var _ adapter.Opener = Open

func open(s adapter.Settings) (*Adapter, error) {
	if err := check(&s); err != nil {
		return nil, err
	}
	return &Adapter{settings: s, turn: make(chan struct{}, 1)}, nil
}

// check validates the settings and fills in the defaults.
func check(s *adapter.Settings) error {
	var problems []error
	refuse := func(message string) { problems = append(problems, fmt.Errorf("%w: %s", adapter.ErrOption, message)) }
	if !validHost(s.Host) {
		refuse("host must be one host name or IP address")
	}
	if s.Port == 0 {
		s.Port = defaultPort
	}
	if s.Port < 1 || s.Port > 65535 {
		refuse("port must be between 1 and 65535")
	}
	if s.Database == "" || len(s.Database) > 63 || s.Database[0] == '$' || strings.ContainsAny(s.Database, "/\\. \"*<>:|?\x00") {
		refuse("database must be named, in at most 63 bytes without special characters")
	}
	if strings.ContainsRune(s.User, 0) || strings.HasPrefix(s.User, "$") {
		refuse("user must be a name")
	}
	if s.User == "" && s.Password != "" {
		refuse("a password needs a user")
	}
	if s.User != "" && s.Password == "" {
		refuse("a user needs a password")
	}
	if s.TLS != "" && s.TLS != "verify" && s.TLS != "off" {
		refuse("tls must be verify or off")
	}
	if s.RootCA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.RootCA)) {
		refuse("root_ca must hold certificates in PEM form")
	}
	if s.File != "" {
		refuse("file is not an option of this driver")
	}
	if len(s.Schemas) > 0 {
		refuse("schemas is not an option of this driver")
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		refuse("time_zone must be an IANA name")
	}
	if s.MaxConns == 0 {
		s.MaxConns = defaultConns
	}
	if s.MaxConns < 1 || s.MaxConns > 1000 {
		refuse("max_conns must be between 1 and 1000")
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.Timeout < time.Millisecond || s.Timeout > 24*time.Hour {
		refuse("timeout must be between a millisecond and a day")
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{KeepAlive: time.Minute}).DialContext
	}
	return errors.Join(problems...)
}

// validHost accepts one name or address. Sockets, lists of hosts and host:port are no hosts.
func validHost(h string) bool {
	if h == "" || len(h) > 253 {
		return false
	}
	if strings.Contains(h, ":") {
		return net.ParseIP(h) != nil
	}
	if strings.HasSuffix(h, ".sock") { // the driver would take it for a socket
		return false
	}
	for i := range len(h) {
		c := h[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func address(s *adapter.Settings) string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// clientOptions builds the driver's options field by field. No option comes from a URI or from a file, and TLS is the
// dialer's business.
func clientOptions(s *adapter.Settings, authSource string) *options.ClientOptions {
	o := options.Client().
		SetHosts([]string{address(s)}).
		SetDirect(true).
		SetAppName(applicationName).
		SetDialer(&dialer{settings: s}).
		SetConnectTimeout(connectTimeout).
		SetServerSelectionTimeout(connectTimeout).
		SetServerMonitoringMode("poll").
		SetMaxPoolSize(uint64(s.MaxConns)).
		SetMinPoolSize(0).
		SetMaxConnIdleTime(5 * time.Minute).
		SetRetryWrites(false).
		SetDisableOCSPEndpointCheck(true)
	if s.User != "" { // without a mechanism the driver takes the better SCRAM that the server offers, and nothing else
		o.SetAuth(options.Credential{AuthSource: authSource, Username: s.User, Password: s.Password, PasswordSet: true})
	}
	return o
}
