package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/stretchr/testify/require"
)

// database is a fresh database of a real server with an adapter to it.
type database struct {
	url      string
	settings adapter.Settings
	admin    *pgx.Conn
	*Adapter
	*databasetest.Database
}

// newDatabase runs the statements in a fresh database and opens an adapter to it.
func newDatabase(t testing.TB, statements ...string) *database {
	t.Helper()
	return openDatabase(t, testenv.Postgres(t), statements...)
}

func openDatabase(t testing.TB, url string, statements ...string) *database {
	t.Helper()
	d := &database{url: url}
	cfg, err := pgx.ParseConfig(d.url)
	require.NoError(t, err)
	d.settings = adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database, User: cfg.User,
		Password: cfg.Password, TLS: "off", ReadOnly: true}
	d.admin, err = pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.admin.Close(context.Background()) })
	for _, s := range statements {
		_, err := d.admin.Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
	d.Adapter, err = open(d.settings)
	require.NoError(t, err)
	d.Database = databasetest.New(t, d.Adapter)
	d.Discover()
	return d
}

func (d *database) exec(statements ...string) {
	d.T.Helper()
	for _, s := range statements {
		_, err := d.admin.Exec(d.T.Context(), s)
		require.NoError(d.T, err, s)
	}
}
