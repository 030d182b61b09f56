package interference

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/lqp"
)

// postgresSource is an external database on a PostgreSQL server, in a schema of its own.
type postgresSource struct {
	conn     *pgx.Conn
	settings adapter.Settings
	schema   string
	made     bool
}

var schemas atomic.Int64

// Postgres keeps the external tables of every worker in a schema of its own at a database that may be written to.
func Postgres(url string) SourceFunc {
	return func(ctx context.Context) (Source, func() error, error) {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, nil, fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		c := conn.Config()
		s := &postgresSource{conn: conn, schema: fmt.Sprintf("interference%d", schemas.Add(1)), settings: adapter.Settings{Driver: "postgres",
			Host: c.Host, Port: int(c.Port), Database: c.Database, User: c.User, Password: c.Password, TLS: "off"}}
		s.settings.Schemas = []string{s.schema}
		drop := fmt.Sprintf(`DROP SCHEMA IF EXISTS %q CASCADE`, s.schema)
		for _, sql := range []string{drop, fmt.Sprintf(`CREATE SCHEMA %q`, s.schema)} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return nil, nil, errors.Join(fmt.Errorf("prepare PostgreSQL: %w", err), conn.Close(ctx))
			}
		}
		return s, func() error {
			ctx := context.WithoutCancel(ctx)
			_, err := conn.Exec(ctx, drop)
			return errors.Join(err, conn.Close(ctx))
		}, nil
	}
}

// PostgresStore keeps the mini-DB of every worker in a schema of its own at such a database.
func PostgresStore(url string) StoreFunc {
	return func(ctx context.Context, _ string) (adapter.Store, func() error, error) {
		cfg, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, nil, fmt.Errorf("address of PostgreSQL: %w", err)
		}
		schema := fmt.Sprintf("mini%d", schemas.Add(1))
		// Without roles, which would outlive the database.
		s, err := postgres.OpenStore(ctx, postgres.StoreOptions{Settings: adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port),
			Database: cfg.Database, User: cfg.User, Password: cfg.Password, TLS: "off"}, Schema: schema, Roles: postgres.RolesNever})
		if err != nil {
			return nil, nil, err
		}
		return s, func() error {
			ctx := context.WithoutCancel(ctx)
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return err
			}
			_, err = conn.Exec(ctx, fmt.Sprintf(`DO $$ DECLARE s text; BEGIN
				FOR s IN SELECT nspname FROM pg_namespace WHERE nspname = '%[1]s' OR nspname LIKE '%[1]s\_%%' LOOP
					EXECUTE format('DROP SCHEMA %%I CASCADE', s);
				END LOOP; END $$`, schema))
			return errors.Join(err, conn.Close(ctx))
		}, nil
	}
}

// Open implements Source, as the following do.
func (s *postgresSource) Open(ctx context.Context, _ adapter.Settings) (adapter.Adapter, error) {
	return postgres.Open(ctx, s.settings)
}

// Fixed is true: tables are made once.
func (s *postgresSource) Fixed() bool { return true }

// Put replaces all rows.
func (s *postgresSource) Put(ctx context.Context, tables []memory.Table, _ adapter.Prover) error {
	b := &pgx.Batch{}
	for _, t := range tables {
		_, name, _ := strings.Cut(t.Schema.Name, ".")
		if name == "" {
			name = t.Schema.Name
		}
		if !s.made { // what the server guesses of the numbers of rows must not change while two answers are compared
			sql := fmt.Sprintf(`CREATE TABLE %q.%q (id integer PRIMARY KEY, ref integer, n integer, d numeric(12,2), t varchar(40), b boolean,
				day date, at timestamptz) WITH (autovacuum_enabled = off)`, s.schema, name)
			if _, err := s.conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("make table %s: %w", name, err)
			}
		}
		b.Queue(fmt.Sprintf(`DELETE FROM %q.%q`, s.schema, name))
		for _, row := range t.Rows {
			args := make([]any, len(row))
			for i, v := range row {
				args[i] = nativeValue(v)
			}
			b.Queue(fmt.Sprintf(`INSERT INTO %q.%q VALUES ($1::int, $2::int, $3::int, $4::text::numeric, $5, $6, $7::text::date, $8::text::timestamptz)`, s.schema, name), args...)
		}
	}
	s.made = true
	return s.conn.SendBatch(ctx, b).Close()
}

// nativeValue is a value as the driver takes it.
func nativeValue(v lqp.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == lqp.Bool:
		return v.Bool()
	case v.Kind() == lqp.Number:
		if n, ok := v.Decimal().Int64(); ok {
			return strconv.FormatInt(n, 10)
		}
	}
	return v.String()
}
