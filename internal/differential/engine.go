package differential

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The engines by name.
const (
	Memory   = "memory"
	SQLite   = "sqlite"
	Postgres = "postgres"
	MySQL    = "mysql"
	MariaDB  = "mariadb"
	MongoDB  = "mongodb"
	// PostgresStore is the database of a mini-DB on PostgreSQL, as SQLite is that of one in a file.
	PostgresStore = "postgres-store"
)

// Engines are all engines, in the order in which they are shown.
var Engines = []string{Memory, SQLite, Postgres, MySQL, MariaDB, MongoDB, PostgresStore}

// backend is a database that worlds can be put into. It is used by one goroutine while it loads.
type backend interface {
	// load replaces the tables of the world before by those of w and answers with the adapter to them, which is valid
	// until the next load, and with what it discovers: the tables of w by their names there.
	load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error)
	close(ctx context.Context) error
}

var backends = map[string]func(ctx context.Context) (backend, error){
	Memory: openMemory, SQLite: openSQLite, Postgres: openPostgres,
	MySQL:   func(ctx context.Context) (backend, error) { return openMySQL(ctx, MySQL) },
	MariaDB: func(ctx context.Context) (backend, error) { return openMySQL(ctx, MariaDB) },
	MongoDB: openMongo, PostgresStore: openPostgresStore,
}

// engine is a backend with a world in it.
type engine struct {
	name    string
	backend backend
	adapter *watched
	tables  map[string]*lqp.Table // by the names of the world
	kinds   string                // the kinds of all columns, equal for engines that owe the same answers
}

// openEngine connects to an engine, which then has no world yet. The error is a *testenv.MissingError when there is none
// on this machine.
func openEngine(ctx context.Context, name string) (*engine, error) {
	open := backends[name]
	if open == nil {
		return nil, fmt.Errorf("no engine is called %q; there are %v", name, Engines)
	}
	b, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return &engine{name: name, backend: b}, nil
}

// load puts a world into the engine.
func (e *engine) load(ctx context.Context, w *World) error {
	a, found, err := e.backend.load(ctx, w)
	if err != nil {
		return fmt.Errorf("load %s: %w", e.name, err)
	}
	e.adapter, e.tables, e.kinds = watch(a), map[string]*lqp.Table{}, ""
	for _, t := range w.Tables {
		got := found[t.Name]
		if got == nil {
			return fmt.Errorf("load %s: table %s was created and is not discovered", e.name, t.Name)
		}
		seen, err := arrange(got, t)
		if err != nil {
			return fmt.Errorf("load %s: %w", e.name, err)
		}
		e.tables[t.Name] = seen
		for _, c := range seen.Columns {
			e.kinds += c.Type.String() + ","
		}
		e.kinds += ";"
	}
	return nil
}

// arrange is a discovered table with the columns in the order of the world, as if nothing else had been found. Documents
// have an _id that the world knows nothing of, and no keys but that.
func arrange(found *lqp.Table, t *Table) (*lqp.Table, error) {
	out := *found
	out.Columns, out.Key = nil, slices.Clone(t.Key)
	if t.Unsized {
		out.Rows = -1
	}
	for _, c := range t.Columns {
		got := found.Column(c.Name)
		if got == nil {
			return nil, fmt.Errorf("table %s: column %q was created and is not discovered", t.Name, c.Name)
		}
		if got.Type.Kind != c.Type.Kind && !(c.Type.Kind == lqp.List && got.Type.Kind == lqp.JSON) && !(c.Type.Kind == lqp.Date && got.Type.Kind == lqp.DateTime) {
			return nil, fmt.Errorf("table %s: column %q of type %s is discovered as %s (%s)", t.Name, c.Name, c.Type, got.Type, got.Native)
		}
		out.Columns = append(out.Columns, *got)
	}
	return &out, nil
}

// odd reports whether the cell of an odd column is held in another form than the usual one.
func (c *Column) odd(row, column int) bool { return c.Odd && (row+column)%2 == 0 }
