package mongodb

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/settings"
)

const (
	connectTimeout = 10 * time.Second
	// selectionTimeout is how long a command waits for a server that was lost to be back.
	selectionTimeout = 5 * time.Second
	closeTimeout     = 5 * time.Second
	applicationName  = "livetables"
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

// rules are what is ours alone about the settings.
var rules = settings.Rules{
	Port:      27017,
	Host:      func(host string) bool { return !strings.HasSuffix(host, ".sock") }, // the driver would take it for a socket
	Account:   checkAccount,
	NoSchemas: true,
	DayAtMost: true,
}

func checkAccount(s *adapter.Settings, refuse settings.Refuse) {
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
}

func open(s adapter.Settings) (*Adapter, error) {
	if _, err := rules.Check(&s); err != nil {
		return nil, err
	}
	return &Adapter{settings: s, apartFrom: apartFrom, turn: make(chan struct{}, 1)}, nil
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
		SetServerSelectionTimeout(selectionTimeout).
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
