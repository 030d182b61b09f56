package databasetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
)

// Refusals opens an adapter with good settings, which connects to nothing yet, and proves that every change that makes
// them bad is refused as an option: those that no driver to a server may take, and the driver's own by name.
func Refusals(t *testing.T, open adapter.Opener, good adapter.Settings, own map[string]func(*adapter.Settings)) {
	a, err := open(t.Context(), good)
	noError(t, err, "nothing is connected yet")
	noError(t, a.Close())
	for _, bad := range []map[string]func(*adapter.Settings){own, {
		"several hosts":    func(s *adapter.Settings) { s.Host = "a,b" },
		"no host":          func(s *adapter.Settings) { s.Host = "" },
		"port in host":     func(s *adapter.Settings) { s.Host = "a:1234" },
		"negative port":    func(s *adapter.Settings) { s.Port = -1 },
		"big port":         func(s *adapter.Settings) { s.Port = 65536 },
		"no database":      func(s *adapter.Settings) { s.Database = "" },
		"no user":          func(s *adapter.Settings) { s.User, s.Password = "", "p" },
		"zero byte":        func(s *adapter.Settings) { s.User = "u\x00d" },
		"certificate path": func(s *adapter.Settings) { s.RootCA = "/etc/ssl/cert.pem" },
		"file":             func(s *adapter.Settings) { s.File = "x" },
		"time zone":        func(s *adapter.Settings) { s.TimeZone = "Nowhere" },
		"local time zone":  func(s *adapter.Settings) { s.TimeZone = "Local" },
		"connections":      func(s *adapter.Settings) { s.MaxConns = -1 },
		"timeout":          func(s *adapter.Settings) { s.Timeout = -time.Second },
	}} {
		for name, change := range bad {
			s := good
			change(&s)
			_, err := open(t.Context(), s)
			if !errors.Is(err, adapter.ErrOption) {
				t.Errorf("%s: got error %v, want one of the options", name, err)
			}
		}
	}
	_, err = open(t.Context(), adapter.Settings{Host: "/tmp", Port: -1, TLS: "x"})
	for _, problem := range []string{"host", "port", "database", "tls"} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("got error %v, want all problems at once, %s among them", err, problem)
		}
	}
}
