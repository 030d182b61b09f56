package daemon

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
)

func TestDatabaseURL(t *testing.T) {
	for text, want := range map[string]adapter.Settings{
		"postgres://lt:p%23w@db.example.com/live":                     {Host: "db.example.com", User: "lt", Password: "p#w", Database: "live", TLS: "verify"},
		"postgresql://lt@[::1]:5433/live?sslmode=disable":             {Host: "::1", Port: 5433, User: "lt", Database: "live", TLS: "off"},
		" postgres://lt:p@db.example.com/live?sslmode=verify-full \n": {Host: "db.example.com", User: "lt", Password: "p", Database: "live", TLS: "verify"},
	} {
		got, err := parseDatabaseURL(text)
		require.NoError(t, err, text)
		want.Driver = "postgres"
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"":                               "only postgres://",
		"host=localhost password=secret": "only postgres://",
		"postgres:secret":                "is no URL",
		"postgres://u:secret@h/d?sslmode=require":                 "sslmode is verify-full",
		"postgres://u:secret@h/d?sslmode=disable&sslmode=disable": "given once",
		"postgres://u:secret@h/d?password=secret":                 "the only parameter",
		"postgres://u:sec#ret@h/d":                                "is no URL",
		"postgres://u:secret@h/d#secret":                          "%23",
	} {
		_, err := parseDatabaseURL(text)
		require.ErrorContains(t, err, want, text)
		require.False(t, strings.Contains(err.Error(), "secret"), err)
	}
}

func TestOldServersAreRefused(t *testing.T) {
	for version, ok := range map[string]bool{
		"9.6.24": false, "12.22 (Debian 12.22-1)": false, "13.0": true, "15.18 (Debian 15.18-0+deb12u1)": true, "19devel": true, "": true,
	} {
		require.Equal(t, ok, newEnough(version) == nil, version)
	}
}
