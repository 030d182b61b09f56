package mysql

import (
	"database/sql"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/stretchr/testify/require"
)

// database is a fresh database of a real server with an adapter to it.
type database struct {
	settings adapter.Settings
	admin    *sql.DB
	*Adapter
	*databasetest.Database
}

// onServers runs a test on a fresh database of each server, in which the statements were run before.
func onServers(t *testing.T, statements []string, test func(t *testing.T, d *database)) {
	for i := range servers {
		onServer(t, i, statements, test)
	}
}

func onServer(t *testing.T, i int, statements []string, test func(t *testing.T, d *database)) {
	t.Run(servers[i].name, func(t *testing.T) {
		dsn := servers[i].fresh(t)
		d := &database{settings: settingsOf(t, dsn), admin: adminOf(t, dsn)}
		for _, s := range statements {
			_, err := d.admin.ExecContext(t.Context(), s)
			require.NoError(t, err, s)
		}
		var err error
		d.Adapter, err = open(d.settings)
		require.NoError(t, err)
		d.Database = databasetest.New(t, d.Adapter)
		d.Discover()
		test(t, d)
	})
}

func (d *database) mariadb() bool { return d.dialect.Load().facts.mariadb }

func (d *database) exec(statements ...string) {
	d.T.Helper()
	for _, s := range statements {
		_, err := d.admin.ExecContext(d.T.Context(), s)
		require.NoError(d.T, err, s)
	}
}
