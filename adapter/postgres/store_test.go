package postgres

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// storeOptions are those of a store in the database at url.
func storeOptions(t testing.TB, url string) StoreOptions {
	t.Helper()
	opt, err := optionsOf(url)
	require.NoError(t, err)
	return opt
}

func optionsOf(url string) (StoreOptions, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return StoreOptions{}, err
	}
	return StoreOptions{Settings: adapter.Settings{Driver: "postgres", Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database,
		User: cfg.User, Password: cfg.Password, TLS: "off"}}, nil
}

// openTestStore opens a store in a database of its own.
func openTestStore(t testing.TB, change func(*StoreOptions)) *Store {
	t.Helper()
	return openStoreAt(t, testenv.Postgres(t), change)
}

func openStoreAt(t testing.TB, url string, change func(*StoreOptions)) *Store {
	t.Helper()
	opt := storeOptions(t, url)
	if change != nil {
		change(&opt)
	}
	s, err := OpenStore(t.Context(), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func mustExec(t testing.TB, s *Store, sql string, args ...lqp.Value) {
	t.Helper()
	require.NoError(t, s.Write(context.Background(), func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	}), sql)
}

// queryAll reads the result of a statement as text, row by row.
func queryAll(t testing.TB, s *Store, sql string, args ...lqp.Value) [][]string {
	t.Helper()
	var out [][]string
	require.NoError(t, s.Read(context.Background(), func(tx adapter.Tx) error {
		r, err := tx.Query(context.Background(), sql, args...)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			line := make([]string, len(r.(*txRows).columns))
			for i := range line {
				line[i] = string(r.AppendJSON(nil, i))
			}
			out = append(out, line)
		}
		return r.Err()
	}), sql)
	return out
}

func TestStoreConformance(t *testing.T) {
	adaptertest.Run(t, adaptertest.Harness{
		Open: func(t testing.TB) adapter.Adapter {
			s, err := OpenStore(t.Context(), storeOptions(t, testenv.Postgres(t)))
			require.NoError(t, err)
			return s
		},
		Load: func(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
			s := a.(*Store)
			ctx := context.Background()
			for _, f := range tables {
				mustExec(t, s, databasetest.CreateTable(f, func(c adaptertest.Column) string { return s.DeclareType(c.Type) }))
			}
			cat, err := s.Tables(ctx)
			require.NoError(t, err)
			for _, f := range tables {
				if f.View != "" {
					continue
				}
				var ids []string
				for _, c := range f.Columns {
					ids = append(ids, c.Name)
				}
				require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, cat.Table(f.Name), ids, f.Rows) }))
			}
		},
		Facts:  adaptertest.Facts{Defaults: true, Views: true},
		Random: 100, // the adapter has its own run
	})
}

// TestStore runs the suite of all stores, each of them in a schema of its own.
func TestStore(t *testing.T) {
	opt := storeOptions(t, testenv.Postgres(t))
	schemas := 0
	adaptertest.RunStore(t, adaptertest.StoreHarness{
		Open: func(t testing.TB) adapter.Store {
			schemas++
			opt.Schema = "s" + strconv.Itoa(schemas)
			s, err := OpenStore(t.Context(), opt)
			require.NoError(t, err)
			return s
		},
		Again: func(t testing.TB, s adapter.Store) adapter.Store {
			again, err := OpenStore(t.Context(), s.(*Store).opt)
			require.NoError(t, err)
			return again
		},
	})
}
