package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestConformance runs the suite of all adapters on databases that sort texts in different ways: by bytes, by the rules
// of a language, and with columns that have collations of their own.
func TestConformance(t *testing.T) {
	variants := []struct {
		name, database string // clauses of CREATE DATABASE
		collation      string // clause of every text column
	}{
		{"C", "", ""},
		{"language", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.utf8'", ""},
		{"column", "", `COLLATE "en-x-icu"`},
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			h := &harness{collation: v.collation, options: v.database}
			adaptertest.Run(t, adaptertest.Harness{Open: h.open, Load: h.load, Sessions: h.sessions,
				Facts: adaptertest.Facts{Comments: true, Defaults: true, Views: true, Rows: true}})
		})
	}
}

// harness gives the suite databases and fills them.
type harness struct {
	options, collation string
	admins             databasetest.Admins[*pgx.Conn]
}

func (h *harness) open(t testing.TB) adapter.Adapter {
	url := testenv.Postgres(t)
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	admin, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	if h.options != "" {
		name := cfg.Database + "_l"
		_, err = admin.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' "+h.options)
		require.NoError(t, err)
		outer := admin
		t.Cleanup(func() {
			_, err := outer.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
			require.NoError(t, err)
			_ = outer.Close(context.Background())
		})
		cfg.Database = name
		admin, err = pgx.ConnectConfig(t.Context(), cfg)
		require.NoError(t, err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	a, err := Open(t.Context(), adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database,
		User: cfg.User, Password: cfg.Password, TLS: "off", ReadOnly: true})
	require.NoError(t, err)
	h.admins.Set(a, admin)
	return a
}

func (h *harness) load(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
	admin := h.admins.Of(a)
	for _, f := range tables {
		_, err := admin.Exec(t.Context(), databasetest.CreateTable(f, h.declare))
		require.NoError(t, err)
		if f.View != "" {
			continue
		}
		h.comment(t, admin, "TABLE "+f.Name, f.Comment)
		for _, c := range f.Columns {
			h.comment(t, admin, "COLUMN "+f.Name+"."+c.Name, c.Comment)
		}
		marks := make([]string, len(f.Columns))
		for i, c := range f.Columns {
			marks[i] = fmt.Sprintf("$%d::text::%s", i+1, nativeType(c.Type))
		}
		insert := "INSERT INTO " + f.Name + " VALUES (" + strings.Join(marks, ", ") + ")"
		for _, row := range f.Rows {
			args := make([]any, len(row))
			for i, v := range row {
				args[i] = nativeText(v)
			}
			_, err := admin.Exec(t.Context(), insert, args...)
			require.NoError(t, err)
		}
	}
}

func (h *harness) comment(t testing.TB, admin *pgx.Conn, on, text string) {
	if text != "" {
		_, err := admin.Exec(t.Context(), "COMMENT ON "+on+" IS "+databasetest.QuoteSQL(text))
		require.NoError(t, err)
	}
}

// sessions counts the connections to the adapter's database but the one that asks.
func (h *harness) sessions(t testing.TB, a adapter.Adapter) (open, running int) {
	err := h.admins.Of(a).QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE state = 'active')
		FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`).Scan(&open, &running)
	require.NoError(t, err)
	return open, running
}

// declare is the type of a column, texts with the harness's collation.
func (h *harness) declare(c adaptertest.Column) string {
	if c.Type.Kind == lqp.Text {
		return nativeType(c.Type) + " " + h.collation
	}
	return nativeType(c.Type)
}

func nativeType(t lqp.Type) string {
	switch t.Kind {
	case lqp.Bool:
		return "bool"
	case lqp.Number:
		if t.Integer() {
			return "bigint"
		}
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case lqp.Float:
		return "float8"
	case lqp.Date:
		return "date"
	case lqp.DateTime:
		return "timestamptz"
	case lqp.List:
		return nativeType(lqp.Type{Kind: t.Elem, Precision: 30, Scale: 10}) + "[]"
	case lqp.JSON:
		return "jsonb"
	case lqp.Bytes:
		return "bytea"
	}
	if t.MaxLen > 0 {
		return fmt.Sprintf("varchar(%d)", t.MaxLen)
	}
	return "text"
}

// nativeText is a value in PostgreSQL's text format, nil for NULL.
func nativeText(v lqp.Value) any {
	switch v.Kind() {
	case lqp.Null:
		return nil
	case lqp.Bytes:
		return fmt.Sprintf(`\x%x`, v.Text())
	case lqp.List:
		items := make([]string, len(v.Items()))
		for i, e := range v.Items() {
			if e.IsNull() {
				items[i] = "NULL"
			} else {
				items[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(e.String()) + `"`
			}
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	return v.String()
}
