// Package settings checks the [adapter.Settings] of the drivers that speak to a server over the network, and makes of
// them what these drivers share: defaults, the time zone and the TLS configuration.
package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
)

const (
	defaultConns   = 4
	defaultTimeout = 30 * time.Second
)

// Refuse takes one complaint about the settings, without values in it: they may be secret.
type Refuse func(message string)

// Rules say how a driver's settings differ from those of the others. Only Port must be set; Check does not change them.
type Rules struct {
	Port int // the default port
	// Host reports whether a name that is a host for the others is one for this driver; nil takes them all.
	Host func(host string) bool
	// Account checks Database, User and Password; nil is [Account].
	Account func(s *adapter.Settings, refuse Refuse)
	// NoSchemas refuses Schemas.
	NoSchemas bool
	// DayAtMost refuses a Timeout that is longer than a day.
	DayAtMost bool
}

// Check validates the settings, fills in the defaults and loads the time zone. The error is everything wrong with them at
// once, each part being [adapter.ErrOption]; the zone is never nil.
func (r Rules) Check(s *adapter.Settings) (*time.Location, error) {
	var problems []error
	refuse := func(message string) { problems = append(problems, fmt.Errorf("%w: %s", adapter.ErrOption, message)) }
	if !validHost(s.Host) || r.Host != nil && !r.Host(s.Host) {
		refuse("host must be one host name or IP address")
	}
	if s.Port == 0 {
		s.Port = r.Port
	}
	if s.Port < 1 || s.Port > 65535 {
		refuse("port must be between 1 and 65535")
	}
	if r.Account != nil {
		r.Account(s, refuse)
	} else {
		Account(s, refuse)
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
	if r.NoSchemas && len(s.Schemas) > 0 {
		refuse("schemas is not an option of this driver")
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "Local" {
		refuse("time_zone must be an IANA name")
		zone = time.UTC
	}
	r.limits(s, refuse)
	if s.Dial == nil {
		s.Dial = (&net.Dialer{KeepAlive: time.Minute}).DialContext
	}
	return zone, errors.Join(problems...)
}

func (r Rules) limits(s *adapter.Settings, refuse Refuse) {
	if s.MaxConns == 0 {
		s.MaxConns = defaultConns
	}
	if s.MaxConns < 1 || s.MaxConns > 1000 {
		refuse("max_conns must be between 1 and 1000")
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	switch {
	case r.DayAtMost && (s.Timeout < time.Millisecond || s.Timeout > 24*time.Hour):
		refuse("timeout must be between a millisecond and a day")
	case s.Timeout < time.Millisecond:
		refuse("timeout must be at least a millisecond")
	}
}

// Account wants a database and a user, as SQL servers do, and nothing in them or in the password that ends a string of
// their protocols.
func Account(s *adapter.Settings, refuse Refuse) {
	if s.Database == "" || strings.ContainsRune(s.Database, 0) {
		refuse("database must be named")
	}
	if s.User == "" || strings.ContainsRune(s.User, 0) {
		refuse("user must be named")
	}
	if strings.ContainsRune(s.Password, 0) {
		refuse("password must not contain U+0000")
	}
}

// validHost accepts one name or address. Paths (sockets), abstract sockets, lists of hosts and addresses with a port are
// no hosts.
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

// TLSConfig verifies the server's certificate and its host name, against RootCA when there is one and against the
// system's roots else. The settings are checked ones; with TLS off it is nil.
func TLSConfig(s *adapter.Settings) *tls.Config {
	if s.TLS == "off" {
		return nil
	}
	c := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if s.RootCA != "" {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(s.RootCA))
	}
	return c
}

// ZoneName is the IANA name of a zone that was checked, and empty for UTC, for which no statement needs to convert.
func ZoneName(z *time.Location) string {
	if z == time.UTC || z.String() == "UTC" {
		return ""
	}
	return z.String()
}
