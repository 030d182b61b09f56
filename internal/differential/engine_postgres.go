package differential

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// postgresBackend is a database of its own on a PostgreSQL server.
type postgresBackend struct {
	drop  func(context.Context) error
	admin *pgx.Conn
	a     adapter.Adapter
	loads int
}

func openPostgres(ctx context.Context) (_ backend, err error) {
	url, drop, err := testenv.Fresh(ctx, testenv.KindPostgres)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, drop(ctx))
		}
	}()
	b := &postgresBackend{drop: drop}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if b.admin, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, err
	}
	b.a, err = postgres.Open(ctx, adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database, User: cfg.User,
		Password: cfg.Password, TLS: "off", ReadOnly: true, MaxConns: connections})
	return b, err
}

// connections is how many connections an adapter may have: a plan has few sources.
const connections = 4

// at is the name of a table of the present world: statements and plans of the one before must not be found for it.
func at(loads int, name string) string { return fmt.Sprintf("w%d_%s", loads, name) }

func (b *postgresBackend) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	b.loads++
	batch := &pgx.Batch{}
	batch.Queue("DROP SCHEMA public CASCADE")
	batch.Queue("CREATE SCHEMA public")
	for _, t := range w.Tables {
		batch.Queue(createTable(t, at(b.loads, t.Name), Postgres, quoteDouble, func(_ *Column, native string) string { return native }))
	}
	if err := b.admin.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, err
	}
	batch = &pgx.Batch{}
	for _, t := range w.Tables {
		for n, row := range t.Rows {
			cells := make([]string, len(row))
			args := make([]any, len(row))
			for i, v := range row {
				native, _, _ := strings.Cut(t.Columns[i].native(Postgres, false), " COLLATE")
				cells[i] = fmt.Sprintf("$%d::text::%s", i+1, native)
				args[i] = postgresText(&t.Columns[i], v, t.Columns[i].odd(n, i), n)
			}
			batch.Queue("INSERT INTO "+quoteDouble(at(b.loads, t.Name))+" VALUES ("+strings.Join(cells, ", ")+")", args...)
		}
		batch.Queue("ANALYZE " + quoteDouble(at(b.loads, t.Name)))
	}
	if err := b.admin.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, err
	}
	found, err := discover(ctx, b.a, w, func(name string) string { return at(b.loads, name) })
	return b.a, found, err
}

func (b *postgresBackend) close(ctx context.Context) error {
	if b.a != nil {
		_ = b.a.Close() // the database goes anyway
	}
	_ = b.admin.Close(ctx)
	return b.drop(ctx)
}

// postgresText is a value in PostgreSQL's text format, nil for NULL.
func postgresText(c *Column, v lqp.Value, odd bool, n int) any {
	switch v.Kind() {
	case lqp.Null:
		if odd {
			return postgresNull(c, n)
		}
		return nil
	case lqp.DateTime:
		if odd { // finer than a millisecond
			return strings.TrimSuffix(v.String(), "Z") + "417Z"
		}
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

// postgresNull is a value that reads as NULL, nil where the type has none.
func postgresNull(c *Column, n int) any {
	native := c.native(Postgres, false)
	switch {
	case c.Type.Kind == lqp.Number && strings.HasPrefix(native, "numeric"):
		return "NaN"
	case c.Type.Kind == lqp.Float:
		return []string{"NaN", "Infinity", "-Infinity"}[n%3]
	case c.Type.Kind == lqp.Date || c.Type.Kind == lqp.DateTime:
		return []string{"infinity", "-infinity"}[n%2]
	}
	return nil
}
