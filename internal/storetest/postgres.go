package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/internal/testenv"
)

// server is the one database that the tests of a process share. Each test has a schema of its own in it, which takes a
// fraction of the time that a database takes to be made.
var server struct {
	sync.Mutex
	url     string
	drop    func(context.Context) error
	schemas int
}

// patience bounds what is done to the server between tests; a loaded machine needs far longer than usual.
const patience = time.Minute

// unused is a schema that no test had before. Whoever gets it removes it.
func unused(t testing.TB) Place {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server.Lock()
	defer server.Unlock()
	if server.url == "" {
		url, drop, err := testenv.Fresh(ctx, testenv.KindPostgres)
		if missing := (*testenv.MissingError)(nil); errors.As(err, &missing) && !testenv.KindPostgres.Required() {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		server.url, server.drop = url, drop
	}
	server.schemas++
	return Place{URL: server.url, Schema: fmt.Sprintf("s%d", server.schemas)}
}

// schema is a schema that no test had before and none has after this one.
func schema(t testing.TB) Place {
	t.Helper()
	p := unused(t)
	t.Cleanup(func() { // after the stores of the test are closed, which were opened later
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.remove(ctx); err != nil {
			t.Errorf("remove the test's schema: %v", err)
		}
	})
	return p
}

func (p Place) openPostgres(ctx context.Context) (*postgres.Store, error) {
	settings, err := Settings(p.URL)
	if err != nil {
		return nil, err
	}
	return postgres.OpenStore(ctx, postgres.StoreOptions{Settings: settings, Schema: p.Schema, Relaxed: p.Relaxed})
}

// Settings are those of a store in the PostgreSQL database at a URL of package testenv.
func Settings(url string) (adapter.Settings, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return adapter.Settings{}, fmt.Errorf("address of the test's database: %w", err)
	}
	return adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database, User: cfg.User,
		Password: cfg.Password, TLS: "off"}, nil
}

// remove drops the schema of a test with its namespaces and their roles, each by itself: all together they may hold more
// locks than the server has.
func (p Place) remove(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const named = `nspname = $1 OR nspname LIKE $1 || '\_%'`
	schemas, err := texts(ctx, conn, `SELECT nspname::text FROM pg_namespace WHERE `+named, p.Schema)
	if err != nil {
		return err
	}
	roles, err := texts(ctx, conn, `SELECT DISTINCT rolname::text FROM pg_namespace, aclexplode(nspacl) a JOIN pg_roles r ON r.oid = a.grantee
		WHERE (`+named+`) AND rolname LIKE 'lt\_%'`, p.Schema)
	if err != nil {
		return err
	}
	var errs []error
	run := func(sql string) {
		_, err := conn.Exec(ctx, sql)
		errs = append(errs, err)
	}
	for _, name := range schemas {
		run("DROP SCHEMA " + pgx.Identifier{name}.Sanitize() + " CASCADE")
	}
	for _, name := range roles {
		run("DROP ROLE " + pgx.Identifier{name}.Sanitize())
	}
	return errors.Join(errs...)
}

func texts(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// dropAll closes what is kept and removes the database once all tests are done.
func dropAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := discardKept(ctx)
	server.Lock()
	defer server.Unlock()
	if server.drop != nil {
		err = errors.Join(err, server.drop(ctx))
	}
	return err
}
