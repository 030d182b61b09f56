package mysql

import (
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// servers are the two kinds of servers that every test with a database runs on.
var servers = []struct {
	name  string
	fresh func(testing.TB) string
	// binary is the collation that orders by code point.
	binary string
}{
	{"MySQL", testenv.MySQL, "utf8mb4_0900_bin"},
	{"MariaDB", testenv.MariaDB, "utf8mb4_nopad_bin"},
}

// TestConformance runs the suite of all adapters on both servers, with columns under the server's default collation, under
// the one that we compare by, under one that pads, and in another character set.
func TestConformance(t *testing.T) {
	for _, s := range servers {
		for _, v := range []struct {
			name, clause string
			only         []string
		}{
			{"default", "", nil},
			{"binary", "CHARACTER SET utf8mb4 COLLATE " + s.binary, nil},
			{"padded", "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", []string{"Operators", "Membership", "Texts", "Sorting", "Joins", "Groups", "Random"}},
		} {
			t.Run(s.name+"/"+v.name, func(t *testing.T) {
				h := &harness{fresh: s.fresh, collation: v.clause}
				adaptertest.Run(t, adaptertest.Harness{Open: h.open, Load: h.load, Holds: holds, Only: v.only, Sessions: h.sessions,
					Facts: adaptertest.Facts{Comments: true, Defaults: true, Views: true}}) // the servers count rows some time later
			})
		}
	}
}

// holds leaves lists out: there is no such type.
func holds(t lqp.Type) bool { return t.Kind != lqp.List }

// harness gives the suite databases and fills them.
type harness struct {
	fresh     func(testing.TB) string
	collation string
	admins    databasetest.Admins[*sql.DB]
}

// settingsOf are our settings for a database of the tests' servers.
func settingsOf(t testing.TB, dsn string) adapter.Settings {
	cfg, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(cfg.Addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return adapter.Settings{Driver: "mysql", Host: host, Port: n, Database: cfg.DBName, User: cfg.User, Password: cfg.Passwd, TLS: "off", ReadOnly: true}
}

// adminOf is a connection around the adapter, under lax rules that let odd values in.
func adminOf(t testing.TB, dsn string) *sql.DB {
	cfg, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.Params = map[string]string{"sql_mode": "'ALLOW_INVALID_DATES'", "time_zone": "'+00:00'"}
	connector, err := driver.NewConnector(cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func (h *harness) open(t testing.TB) adapter.Adapter {
	dsn := h.fresh(t)
	a, err := Open(t.Context(), settingsOf(t, dsn))
	require.NoError(t, err)
	admin := adminOf(t, dsn)
	h.admins.Set(a, admin)
	return a
}

func (h *harness) load(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
	admin := h.admins.Of(a)
	for _, f := range tables {
		create := databasetest.CreateTable(f, h.declare)
		if f.Comment != "" {
			create += " COMMENT=" + quoted(f.Comment)
		}
		_, err := admin.ExecContext(t.Context(), create)
		require.NoError(t, err, create)
		if f.View != "" {
			continue
		}
		insert := "INSERT INTO " + f.Name + " VALUES (?" + strings.Repeat(", ?", len(f.Columns)-1) + ")"
		for _, row := range f.Rows {
			args := make([]any, len(row))
			for i, v := range row {
				args[i] = sourceValue(v)
			}
			_, err := admin.ExecContext(t.Context(), insert, args...)
			require.NoError(t, err)
		}
	}
}

// declare is the type of a column, texts with the harness's collation.
func (h *harness) declare(c adaptertest.Column) string {
	text := declared(c.Type)
	if c.Type.Kind == lqp.Text {
		text += " " + h.collation
	}
	if c.Comment != "" {
		text += " COMMENT " + quoted(c.Comment)
	}
	return text
}

// quoted is a text as these servers write it by default, where a backslash is special.
func quoted(text string) string { return databasetest.QuoteSQL(strings.ReplaceAll(text, `\`, `\\`)) }

// sessions counts the connections to the adapter's database but the one that asks.
func (h *harness) sessions(t testing.TB, a adapter.Adapter) (open, running int) {
	err := h.admins.Of(a).QueryRowContext(t.Context(), `SELECT count(*), coalesce(sum(command IN ('Query', 'Execute')), 0)
		FROM information_schema.processlist WHERE db = database() AND id <> connection_id()`).Scan(&open, &running)
	require.NoError(t, err)
	return open, running
}

func declared(t lqp.Type) string {
	switch t.Kind {
	case lqp.Bool:
		return "BOOL"
	case lqp.Number:
		if t.Integer() {
			return "BIGINT"
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case lqp.Float:
		return "DOUBLE"
	case lqp.Date:
		return "DATE"
	case lqp.DateTime:
		return "DATETIME(6)"
	case lqp.JSON:
		return "JSON"
	case lqp.Bytes:
		return "VARBINARY(100)"
	}
	if t.MaxLen > 0 {
		return fmt.Sprintf("VARCHAR(%d)", t.MaxLen)
	}
	return "TEXT"
}

// sourceValue is a value as the servers read it, nil for NULL.
func sourceValue(v lqp.Value) any {
	switch v.Kind() {
	case lqp.Null:
		return nil
	case lqp.Bool:
		return v.Bool()
	case lqp.Float:
		return v.Float()
	case lqp.Bytes:
		return []byte(v.Text())
	case lqp.DateTime:
		return strings.TrimSuffix(strings.Replace(v.String(), "T", " ", 1), "Z")
	}
	return v.String()
}
