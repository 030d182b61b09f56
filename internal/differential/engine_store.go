package differential

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// storeBackend is a database that Live Tables owns on a PostgreSQL server: tables declared and filled by the store itself,
// which counts on finding nothing else there. Each world has a schema of its own.
type storeBackend struct {
	settings adapter.Settings
	drop     func(context.Context) error
	open     *postgres.Store
	loads    int
}

func openPostgresStore(ctx context.Context) (backend, error) {
	url, drop, err := testenv.Fresh(ctx, testenv.KindPostgres)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.Join(err, drop(ctx))
	}
	return &storeBackend{drop: drop, settings: adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database,
		User: cfg.User, Password: cfg.Password, TLS: "off", MaxConns: connections}}, nil
}

func (b *storeBackend) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	if err := b.end(); err != nil {
		return nil, nil, err
	}
	b.loads++
	s, err := postgres.OpenStore(ctx, postgres.StoreOptions{Settings: b.settings, Schema: fmt.Sprintf("w%d", b.loads), Relaxed: true, Roles: postgres.RolesNever})
	if err != nil {
		return nil, nil, err
	}
	b.open = s
	if err := s.Write(ctx, func(tx adapter.Tx) error {
		for _, t := range w.Tables {
			if _, err := tx.Exec(ctx, createTable(t, t.Name, SQLite, quoteDouble, func(c *Column, _ string) string { return s.DeclareType(c.Type) })); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	found, err := discover(ctx, s, w, func(name string) string { return name })
	if err != nil {
		return nil, nil, err
	}
	return s, found, s.Write(ctx, func(tx adapter.Tx) error {
		for _, t := range w.Tables {
			if err := fillStore(ctx, tx, t, found[t.Name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// fillStore writes the rows, and makes indexes as the mini-DB does.
func fillStore(ctx context.Context, tx adapter.Tx, t *Table, schema *lqp.Table) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
	}
	if len(t.Rows) > 0 {
		if err := tx.Insert(ctx, schema, columns, t.Rows); err != nil {
			return err
		}
	}
	for i := range t.Columns {
		if !t.Columns[i].Type.Kind.Orderable() {
			continue
		}
		index := quoteDouble(fmt.Sprintf("%s_%d", t.Name, i))
		if _, err := tx.Exec(ctx, "CREATE INDEX "+index+" ON "+quoteDouble(t.Name)+" ("+quoteDouble(columns[i])+" NULLS FIRST)"); err != nil {
			return err
		}
	}
	return nil
}

// end closes the world before, whose schema goes with the database.
func (b *storeBackend) end() error {
	if b.open == nil {
		return nil
	}
	err := b.open.Close()
	b.open = nil
	return err
}

func (b *storeBackend) close(ctx context.Context) error { return errors.Join(b.end(), b.drop(ctx)) }
