package postgres

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	good := adapter.Settings{Host: "db.example.com", Database: "d", User: "u"}
	databasetest.Refusals(t, Open, good, map[string]func(*adapter.Settings){
		"socket directory": func(s *adapter.Settings) { s.Host = "/var/run/postgresql" },
		"abstract socket":  func(s *adapter.Settings) { s.Host = "@pg" },
		"options in host":  func(s *adapter.Settings) { s.Host = "a sslmode=disable" },
		"zero byte":        func(s *adapter.Settings) { s.User = "u\x00options\x00-c" },
		"skip verify":      func(s *adapter.Settings) { s.TLS = "require" },
	})
	_, err := Open(t.Context(), adapter.Settings{})
	require.ErrorContains(t, err, "user must be named")
}

// TestEnvironmentDoesNotMatter sets every variable that libpq knows to something that would break or redirect us.
func TestEnvironmentDoesNotMatter(t *testing.T) {
	dir := t.TempDir()
	service := filepath.Join(dir, "service")
	require.NoError(t, os.WriteFile(service, []byte("[evil]\nhost=/nowhere\nuser=evil\n"), 0o600))
	for name, value := range map[string]string{
		"PGHOST": "/nowhere", "PGPORT": "1", "PGDATABASE": "evil", "PGUSER": "evil", "PGPASSWORD": "evil", "PGPASSFILE": service,
		"PGAPPNAME": "evil", "PGCONNECT_TIMEOUT": "x", "PGSSLMODE": "x", "PGSSLKEY": "/nowhere", "PGSSLCERT": "/nowhere",
		"PGSSLROOTCERT": "/nowhere", "PGTARGETSESSIONATTRS": "x", "PGSERVICE": "evil", "PGSERVICEFILE": service,
		"PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c search_path=evil", "PGMINPROTOCOLVERSION": "9", "PGCHANNELBINDING": "x",
		"PGREQUIREAUTH": "x", "PGSSLNEGOTIATION": "direct", "PGSSLCERTMODE": "x",
	} {
		t.Setenv(name, value)
	}
	cfg, err := pgxTemplate()
	require.NoError(t, err)
	require.Equal(t, "evil", os.Getenv("PGSERVICE"), "put back")
	require.Equal(t, "127.0.0.1", cfg.ConnConfig.Host)

	s := adapter.Settings{Host: "db.example.com", Database: "d", User: "u", Password: "", TLS: "verify", TimeZone: "UTC"}
	_, err = rules.Check(&s)
	require.NoError(t, err)
	pc, err := poolConfig(s)
	require.NoError(t, err)
	c := pc.ConnConfig.Config
	require.Equal(t, []any{"db.example.com", uint16(5432), "d", "u", ""}, []any{c.Host, c.Port, c.Database, c.User, c.Password})
	require.Empty(t, c.Fallbacks)
	require.NotNil(t, c.TLSConfig)
	require.False(t, c.TLSConfig.InsecureSkipVerify)
	require.Equal(t, "db.example.com", c.TLSConfig.ServerName)
	require.Nil(t, c.ValidateConnect)
	require.Empty(t, c.KerberosSpn)
	require.Equal(t, map[string]string{"application_name": "livetables", "client_encoding": "UTF8", "timezone": "UTC",
		"datestyle": "ISO, YMD", "search_path": "pg_catalog", "statement_timeout": "30000",
		"quote_all_identifiers": "off", "transform_null_equals": "off", "standard_conforming_strings": "on"}, c.RuntimeParams)
}

// TestDialIsTheOnlyWayOut: names reach the guard unresolved and nothing is dialled around it.
func TestDialIsTheOnlyWayOut(t *testing.T) {
	var dialled []string
	a, err := Open(t.Context(), adapter.Settings{Host: "db.example.com", Database: "d", User: "u", TLS: "off",
		Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
			dialled = append(dialled, network+" "+addr)
			return nil, adapter.ErrOption
		}})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	err = a.Ping(t.Context())
	require.ErrorIs(t, err, adapter.ErrOption)
	require.Equal(t, []string{"tcp db.example.com:5432"}, dialled)
}

func TestConnectErrors(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int)`)
	ping := func(change func(*adapter.Settings)) error {
		s := d.settings
		change(&s)
		a, err := Open(t.Context(), s)
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		return a.Ping(t.Context())
	}
	err := ping(func(s *adapter.Settings) { s.Database = "nosuch" })
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	require.NotContains(t, err.Error(), "nosuch")
	err = ping(func(s *adapter.Settings) { s.User = "nosuch" })
	require.ErrorIs(t, err, adapter.ErrAuth)
	err = ping(func(s *adapter.Settings) { s.Port = 1 })
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	require.NotContains(t, err.Error(), d.settings.Host)
	err = ping(func(s *adapter.Settings) { s.TLS = "verify" })
	require.ErrorIs(t, err, adapter.ErrUnavailable, "the test server has no certificate")
}

func TestErrorsByCode(t *testing.T) {
	for code, want := range map[string]error{
		"22003": adapter.ErrData, "22012": adapter.ErrData, "28P01": adapter.ErrAuth, "28000": adapter.ErrAuth,
		"42501": adapter.ErrDenied, "25006": adapter.ErrDenied, "57014": adapter.ErrTimeout, "23505": adapter.ErrConstraint,
		"08006": adapter.ErrUnavailable, "53300": adapter.ErrUnavailable, "57P01": adapter.ErrUnavailable, "3D000": adapter.ErrUnavailable,
		"42P01": adapter.ErrNoTable, "42703": adapter.ErrNoTable, "42601": failure.ErrUnknown, "XX000": failure.ErrUnknown, "": failure.ErrUnknown,
	} {
		err := translate(t.Context(), "scan orders", &pgconn.PgError{Code: code, Message: "secret 10.1.2.3"})
		require.ErrorIs(t, err, want, code)
		require.Equal(t, "scan orders: "+want.Error(), err.Error(), "no words of the server")
		var pg *pgconn.PgError
		require.ErrorAs(t, err, &pg, "but the log can have them")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, translate(ctx, "scan", &pgconn.PgError{Code: "57014"}), context.Canceled)
	require.NoError(t, translate(ctx, "scan", nil))
}
