package mysql

import (
	"context"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	good := adapter.Settings{Host: "db.example.com", Database: "d", User: "u"}
	databasetest.Refusals(t, Open, good, map[string]func(*adapter.Settings){
		"socket":          func(s *adapter.Settings) { s.Host = "/var/run/mysqld/mysqld.sock" },
		"options in host": func(s *adapter.Settings) { s.Host = "a)/d?allowAllFiles=true&x=(" },
		"skip verify":     func(s *adapter.Settings) { s.TLS = "skip-verify" },
		"preferred":       func(s *adapter.Settings) { s.TLS = "preferred" },
	})
	_, err := Open(t.Context(), adapter.Settings{})
	require.ErrorContains(t, err, "user must be named")
}

// TestDriverConfig: what could read files, fall back or put values into the text is off, whatever the settings say.
func TestDriverConfig(t *testing.T) {
	s := adapter.Settings{Host: "2001:db8::1", Database: "d?allowAllFiles=true", User: "u:x@tcp(evil)/", Password: "p&multiStatements=true"}
	_, err := rules.Check(&s)
	require.NoError(t, err)
	c := driverConfig(s)
	require.Equal(t, []string{"tcp", "[2001:db8::1]:3306", s.Database, s.User, s.Password}, []string{c.Net, c.Addr, c.DBName, c.User, c.Passwd})
	require.False(t, c.AllowAllFiles || c.AllowCleartextPasswords || c.AllowFallbackToPlaintext || c.AllowOldPasswords ||
		c.InterpolateParams || c.MultiStatements || c.ParseTime || c.ColumnsWithAlias)
	require.Empty(t, c.TLSConfig)
	require.Empty(t, c.ServerPubKey)
	require.Empty(t, c.Params)
	require.NotNil(t, c.TLS)
	require.False(t, c.TLS.InsecureSkipVerify)
	require.Equal(t, s.Host, c.TLS.ServerName)
	require.NotNil(t, c.DialFunc)
	require.IsType(t, &mysql.NopLogger{}, c.Logger)
	require.Positive(t, c.ReadTimeout)
	require.Positive(t, c.WriteTimeout)
	s.TLS = "off"
	require.Nil(t, driverConfig(s).TLS)
}

// TestPins: the server's own defaults, which the tests make odd, do not reach a session.
func TestPins(t *testing.T) {
	onServers(t, nil, func(t *testing.T, d *database) {
		s, err := d.pool.get(t.Context())
		require.NoError(t, err)
		defer d.pool.put(s, true)
		row, err := s.row(t.Context(), "SELECT @@time_zone, @@collation_connection, @@character_set_results, @@sql_mode, @@div_precision_increment, @@max_sort_length, @@autocommit")
		require.NoError(t, err)
		require.Equal(t, "+00:00", row[0])
		require.Equal(t, d.dialect.Load().facts.collation, row[1])
		require.Equal(t, "utf8mb4", row[2])
		require.Contains(t, row[3], "STRICT_TRANS_TABLES")
		for _, mode := range []string{"PIPES_AS_CONCAT", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ONLY_FULL_GROUP_BY", "PAD_CHAR_TO_FULL_LENGTH"} {
			require.NotContains(t, row[3], mode)
		}
		require.Equal(t, []string{"20", "1024", "1"}, row[4:])
		name, limit := "@@max_execution_time", "30000"
		if d.mariadb() {
			name, limit = "@@max_statement_time", "30.000000"
		}
		row, err = s.row(t.Context(), "SELECT "+name)
		require.NoError(t, err)
		require.Contains(t, []string{limit, "30"}, row[0])
		f := d.dialect.Load().facts
		require.True(t, f.order && f.numbers, "proven here: %+v", f)
		require.Equal(t, d.mariadb(), f.casing != "", "MySQL's tables are those of Unicode 9")
	})
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
	require.Equal(t, []string{"tcp db.example.com:3306"}, dialled)
}

func TestConnectErrors(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int)`}, func(t *testing.T, d *database) {
		d.exec("CREATE USER IF NOT EXISTS lt_refused@'127.0.0.1' IDENTIFIED BY 'right'")
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
		err = ping(func(s *adapter.Settings) { s.User, s.Password = "lt_refused", "wrong" })
		require.ErrorIs(t, err, adapter.ErrAuth)
		err = ping(func(s *adapter.Settings) { s.User, s.Password = "lt_refused", "right" })
		require.ErrorIs(t, err, adapter.ErrDenied, "may not use the database")
		err = ping(func(s *adapter.Settings) { s.Port = 1 })
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		require.NotContains(t, err.Error(), d.settings.Host)
		err = ping(func(s *adapter.Settings) { s.TLS = "verify" })
		require.ErrorIs(t, err, adapter.ErrUnavailable, "the test server has no certificate that we trust")
	})
}

// TestHostileServer gives garbage for every packet: errors, no panic, no waiting.
func TestHostileServer(t *testing.T) {
	for name, bytes := range map[string]string{
		"closes": "", "http": "HTTP/1.1 400 Bad Request\r\n\r\n", "empty packet": "\x00\x00\x00\x00", "short": "\x01\x00\x00\x00\x0a",
		"no challenge": "\x10\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x00abc", "error": "\x03\x00\x00\x00\xff\x15\x04",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(bytes))
				_ = c.Close()
			}
		}()
		a, err := Open(t.Context(), adapter.Settings{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Database: "d", User: "u", TLS: "off"})
		require.NoError(t, err)
		require.Error(t, a.Ping(t.Context()), name)
		require.NoError(t, a.Close())
		require.NoError(t, listener.Close())
	}
}

func TestErrorsByNumber(t *testing.T) {
	for number, want := range map[uint16]error{
		1045: adapter.ErrAuth, 1044: adapter.ErrDenied, 1142: adapter.ErrDenied, 1143: adapter.ErrDenied, 1792: adapter.ErrDenied,
		1146: adapter.ErrNoTable, 1054: adapter.ErrNoTable, 3024: adapter.ErrTimeout, 1969: adapter.ErrTimeout,
		1264: adapter.ErrData, 1292: adapter.ErrData, 1365: adapter.ErrData, 1366: adapter.ErrData, 1411: adapter.ErrData, 1690: adapter.ErrData,
		1062: adapter.ErrConstraint, 1452: adapter.ErrConstraint, 3819: adapter.ErrConstraint, 4025: adapter.ErrConstraint,
		1040: adapter.ErrUnavailable, 1049: adapter.ErrUnavailable, 1317: adapter.ErrUnavailable, 1064: failure.ErrUnknown, 0: failure.ErrUnknown,
	} {
		err := translate(t.Context(), "scan orders", &mysql.MySQLError{Number: number, Message: "secret 10.1.2.3"})
		require.ErrorIs(t, err, want, number)
		require.Equal(t, "scan orders: "+want.Error(), err.Error(), "no words of the server")
		var my *mysql.MySQLError
		require.ErrorAs(t, err, &my, "but the log can have them")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, translate(ctx, "scan", &mysql.MySQLError{Number: 1317}), context.Canceled)
	require.NoError(t, translate(ctx, "scan", nil))
}
