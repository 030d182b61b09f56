package settings

import (
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	s := adapter.Settings{Host: "db.example.com", Database: "d", User: "u"}
	zone, err := Rules{Port: 99}.Check(&s)
	require.NoError(t, err)
	require.Equal(t, time.UTC, zone)
	require.Equal(t, []any{99, 4, 30 * time.Second}, []any{s.Port, s.MaxConns, s.Timeout})
	require.NotNil(t, s.Dial)
	s.Port, s.MaxConns, s.Timeout, s.TimeZone = 1, 2, time.Hour, "Asia/Tokyo"
	zone, err = Rules{Port: 99}.Check(&s)
	require.NoError(t, err)
	require.Equal(t, "Asia/Tokyo", ZoneName(zone))
	require.Equal(t, []any{1, 2, time.Hour}, []any{s.Port, s.MaxConns, s.Timeout}, "what was set stays")
}

func TestRefusals(t *testing.T) {
	own := Rules{
		Port:      99,
		Host:      func(host string) bool { return host != "own" },
		Account:   func(s *adapter.Settings, refuse Refuse) { refuse("nobody may") },
		NoSchemas: true,
		DayAtMost: true,
	}
	for _, c := range []struct {
		name   string
		rules  Rules
		change func(*adapter.Settings)
		want   string
	}{
		{"a path", Rules{}, func(s *adapter.Settings) { s.Host = "/tmp" }, "host must be one host name or IP address"},
		{"a port in the host", Rules{}, func(s *adapter.Settings) { s.Host = "::1:x" }, "host must be one host name or IP address"},
		{"no port", Rules{}, func(s *adapter.Settings) { s.Port = 0 }, "port must be between 1 and 65535"},
		{"secrets", Rules{}, func(s *adapter.Settings) { s.Password = "p\x00" }, "password must not contain U+0000"},
		{"a file of certificates", Rules{}, func(s *adapter.Settings) { s.RootCA = "/ca.pem" }, "root_ca must hold certificates in PEM form"},
		{"the zone of this machine", Rules{}, func(s *adapter.Settings) { s.TimeZone = "Local" }, "time_zone must be an IANA name"},
		{"short", Rules{}, func(s *adapter.Settings) { s.Timeout = 1 }, "timeout must be at least a millisecond"},
		{"own host", own, func(s *adapter.Settings) { s.Host = "own" }, "host must be one host name or IP address"},
		{"own account", own, func(*adapter.Settings) {}, "nobody may"},
		{"schemas", own, func(s *adapter.Settings) { s.Schemas = []string{"x"} }, "schemas is not an option of this driver"},
		{"long", own, func(s *adapter.Settings) { s.Timeout = 25 * time.Hour }, "timeout must be between a millisecond and a day"},
	} {
		s := adapter.Settings{Host: "h", Port: 1, Database: "d", User: "u"}
		c.change(&s)
		zone, err := c.rules.Check(&s)
		require.NotNil(t, zone, c.name)
		require.ErrorIs(t, err, adapter.ErrOption, c.name)
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func TestTLSConfig(t *testing.T) {
	c := TLSConfig(&adapter.Settings{Host: "db.example.com"})
	require.Equal(t, "db.example.com", c.ServerName)
	require.False(t, c.InsecureSkipVerify)
	require.Nil(t, c.RootCAs, "the system's")
	require.Nil(t, TLSConfig(&adapter.Settings{Host: "db.example.com", TLS: "off"}))
}

func TestZoneName(t *testing.T) {
	utc, err := time.LoadLocation("UTC")
	require.NoError(t, err)
	require.Empty(t, ZoneName(utc))
	require.Empty(t, ZoneName(time.UTC))
}
