package kills

import (
	"context"
	"path/filepath"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testenv"
)

// Place is where the daemon keeps its data.
type Place interface {
	// Name says for people what it is.
	Name() string
	// Args are the arguments that the daemon finds it by.
	Args() []string
	// Open opens the store of the mini-DB. The caller closes it.
	Open(ctx context.Context) (adapter.Store, error)
	// Server is the database server, nil without one.
	Server() Server
	// Close ends what it started.
	Close() error
}

// Server is a database server that can be killed.
type Server interface {
	// Kill ends it at once, with all its processes.
	Kill() error
	// Start starts it again on what it left, and waits until it answers.
	Start() error
}

// files are those of the embedded store.
type files struct{ dir string }

// Name implements Place.
func (files) Name() string { return "SQLite files" }

// Args implements Place.
func (files) Args() []string { return nil }

// Open implements Place.
func (f files) Open(ctx context.Context) (adapter.Store, error) {
	return sqlite.OpenStore(ctx, filepath.Join(f.dir, "livetables.db"), sqlite.StoreOptions{})
}

// Server implements Place.
func (files) Server() Server { return nil }

// Close implements Place.
func (files) Close() error { return nil }

func openPlace(o Options, dir string) (Place, error) {
	if !o.Postgres {
		return files{dir}, nil
	}
	server, err := testenv.NewKillable()
	if err != nil {
		return nil, err
	}
	return &database{server}, nil
}

// database is a PostgreSQL server of its own.
type database struct{ server *testenv.Killable }

// Name implements Place.
func (*database) Name() string { return "PostgreSQL" }

// Args implements Place.
func (d *database) Args() []string { return []string{"--database-url", d.server.URL} }

// Open implements Place.
func (d *database) Open(ctx context.Context) (adapter.Store, error) {
	settings, err := storetest.Settings(d.server.URL)
	if err != nil {
		return nil, err
	}
	return postgres.OpenStore(ctx, postgres.StoreOptions{Settings: settings})
}

// Server implements Place.
func (d *database) Server() Server { return d.server }

// Close implements Place.
func (d *database) Close() error { return d.server.Close() }
