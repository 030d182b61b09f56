package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
)

const (
	defaultPort    = 3306
	defaultConns   = 4
	defaultTimeout = 30 * time.Second
	connectTimeout = 10 * time.Second
	// readGrace is how much longer than a statement may take we wait for a server's next bytes.
	readGrace   = 15 * time.Second
	programName = "livetables"
)

// Open makes an adapter to a MySQL or MariaDB database. It validates the settings and reports everything wrong with them
// at once (errors.Is adapter.ErrOption); it connects at the first use. Only Host, Port, Database, User, Password, TLS,
// RootCA, Schemas, TimeZone, ReadOnly, MaxConns, Timeout and Dial are looked at. Schemas are the databases to discover,
// without any it is Database alone: both words mean the same to these servers.
//
// Open implements [adapter.Opener].
func Open(_ context.Context, s adapter.Settings) (adapter.Adapter, error) { return open(s) }

var _ adapter.Opener = Open

func open(s adapter.Settings) (*Adapter, error) {
	zone, err := check(&s)
	if err != nil {
		return nil, err
	}
	cfg := driverConfig(s)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, translate(context.Background(), "open connection", err)
	}
	a := &Adapter{settings: s, zone: zone, connector: connector, kills: make(chan struct{}, maxKills), active: map[*interrupt]struct{}{}}
	a.dialect.Store(newDialect(facts{}, zoneName(zone)))
	a.pool = newPool(s.MaxConns, a.connect)
	return a, nil
}

func zoneName(z *time.Location) string {
	if z == time.UTC || z.String() == "UTC" {
		return ""
	}
	return z.String()
}

// check validates the settings and fills in the defaults.
func check(s *adapter.Settings) (*time.Location, error) {
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{adapter.ErrOption}, args...)...))
	}
	if !validHost(s.Host) {
		refuse("host must be one host name or IP address")
	}
	if s.Port == 0 {
		s.Port = defaultPort
	}
	if s.Port < 1 || s.Port > 65535 {
		refuse("port must be between 1 and 65535")
	}
	if s.Database == "" || strings.ContainsRune(s.Database, 0) {
		refuse("database must be named")
	}
	if s.User == "" || strings.ContainsRune(s.User, 0) {
		refuse("user must be named")
	}
	if strings.ContainsRune(s.Password, 0) {
		refuse("password must not contain U+0000")
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
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "Local" {
		refuse("time_zone must be an IANA name")
		zone = time.UTC
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
	if s.Timeout < time.Millisecond {
		refuse("timeout must be at least a millisecond")
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{KeepAlive: time.Minute}).DialContext
	}
	return zone, errors.Join(problems...)
}

// validHost accepts one name or address. Paths (sockets), lists of hosts and addresses with a port are no hosts.
func validHost(h string) bool {
	if h == "" || len(h) > 253 {
		return false
	}
	if strings.Contains(h, ":") {
		return net.ParseIP(h) != nil
	}
	for i := range len(h) {
		c := h[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// driverConfig builds the driver's configuration field by field. Of what is dangerous in it, files for LOAD DATA LOCAL,
// several statements in one, passwords in clear text, fallback to no encryption and parameters put into the text on our
// side, everything stays off.
func driverConfig(s adapter.Settings) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	cfg.User, cfg.Passwd, cfg.DBName = s.User, s.Password, s.Database
	if s.TLS != "off" {
		cfg.TLS = &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
		if s.RootCA != "" {
			cfg.TLS.RootCAs = x509.NewCertPool()
			cfg.TLS.RootCAs.AppendCertsFromPEM([]byte(s.RootCA))
		}
	}
	cfg.ConnectionAttributes = "program_name:" + programName
	cfg.Logger = &mysql.NopLogger{} // the driver's words are wrapped in errors; it would print them
	cfg.Timeout = connectTimeout
	cfg.ReadTimeout = s.Timeout + readGrace
	cfg.WriteTimeout = connectTimeout
	// Names are resolved by the dialer, which checks the address it really connects to.
	cfg.DialFunc = s.Dial
	return cfg
}
