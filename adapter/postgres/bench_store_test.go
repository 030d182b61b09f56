package postgres

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// durableServer is a server of the benchmark's own that waits for the disk, as servers do.
func durableServer(b *testing.B) string {
	b.Helper()
	b.Setenv(testenv.KindPostgres.Env(), "")
	server, err := testenv.Start(testenv.KindPostgres)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, server.Close()) })
	pool, err := pgxpool.New(b.Context(), server.URL)
	require.NoError(b, err)
	defer pool.Close()
	for _, sql := range []string{"ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET synchronous_commit = on", "ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()"} {
		_, err = pool.Exec(b.Context(), sql)
		require.NoError(b, err)
	}
	return server.URL
}

const (
	benchAsk  = "SELECT v FROM bench_row WHERE id = "
	benchRow  = "INSERT INTO bench_row (id, v, name) VALUES "
	benchLast = "SELECT coalesce(max(position), 0) FROM bench_log"
	benchLog  = "INSERT INTO bench_log (position, entry) VALUES "
)

// BenchmarkStoreWrite writes a row and a log entry with the next position, in a transaction of four statements, from several
// goroutines at once: through a store, and through pgx, where every transaction takes the same lock to give out positions.
func BenchmarkStoreWrite(b *testing.B) {
	url := durableServer(b)
	s := openStoreAt(b, url, nil)
	mustExec(b, s, "CREATE TABLE bench_row (id bigint NOT NULL PRIMARY KEY, v bigint NOT NULL, name text NOT NULL)")
	mustExec(b, s, "CREATE TABLE bench_log (position bigint NOT NULL PRIMARY KEY, entry json NOT NULL)")
	doc := `{"id":"row_000000000000000000000000","before":null,"after":{"col_1":"a text of some length","col_2":12345}}`
	next := func() func() int64 {
		var mu sync.Mutex
		n := int64(0)
		return func() int64 { mu.Lock(); defer mu.Unlock(); n++; return n }
	}
	plain, inRole := s.mustTable(b, "bench_row"), *s.mustTable(b, "bench_row")
	makeNamespace(b, s, "bench")
	inRole.Path = append(s.NamespacePath("bench"), "bench_row")
	mustExec(b, s, "CREATE TABLE "+quoted(inRole.Path[0])+".bench_row (LIKE bench_row INCLUDING ALL)")
	store := func(writers int, table *lqp.Table) func(b *testing.B) {
		return func(b *testing.B) {
			mustExec(b, s, "TRUNCATE bench_row, bench_log, "+quoted(inRole.Path[0])+".bench_row")
			s.writer.commits.Store(0)
			id := next()
			ctx := context.Background()
			spread(b, writers, func() error {
				n := id()
				return s.Write(ctx, func(tx adapter.Tx) error {
					if _, err := drain(tx.Query(ctx, benchAsk+"?", lqp.IntValue(n))); err != nil {
						return err
					}
					if err := tx.Insert(ctx, table, []string{"id", "v", "name"}, [][]lqp.Value{{lqp.IntValue(n), lqp.IntValue(n), lqp.TextValue("customer")}}); err != nil {
						return err
					}
					last, err := drain(tx.Query(ctx, benchLast))
					if err != nil {
						return err
					}
					_, err = tx.Exec(ctx, benchLog+"(?, ?)", lqp.IntValue(last+1), lqp.JSONValue(doc))
					return err
				})
			})
			b.ReportMetric(float64(b.N)/float64(s.writer.commits.Load()), "writes/commit")
		}
	}
	for _, writers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("store/%d", writers), store(writers, plain))
		b.Run(fmt.Sprintf("role/%d", writers), store(writers, &inRole))
		b.Run(fmt.Sprintf("pgx/%d", writers), func(b *testing.B) {
			mustExec(b, s, "TRUNCATE bench_row, bench_log")
			pool := benchPool(b, url, writers)
			id := next()
			ctx := context.Background()
			spread(b, writers, func() error {
				n := id()
				tx, err := pool.Begin(ctx)
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback(ctx) }()
				if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1, 2)"); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, benchAsk+"$1", n); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, benchRow+"($1, $2, $3)", n, n, "customer"); err != nil {
					return err
				}
				var last int64
				if err := tx.QueryRow(ctx, benchLast).Scan(&last); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, benchLog+"($1, $2)", last+1, doc); err != nil {
					return err
				}
				return tx.Commit(ctx)
			})
		})
	}
}

func benchPool(b *testing.B, url string, conns int) *pgxpool.Pool {
	b.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	require.NoError(b, err)
	cfg.MaxConns = int32(conns)
	cfg.ConnConfig.RuntimeParams["search_path"] = defaultStoreSchema
	pool, err := pgxpool.NewWithConfig(b.Context(), cfg)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	return pool
}

// spread runs b.N calls from some goroutines.
func spread(b *testing.B, goroutines int, call func() error) {
	b.Helper()
	b.ResetTimer()
	work := make(chan struct{})
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range work {
				if err := call(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// drain reads a result of one number at most.
func drain(r adapter.Rows, err error) (n int64, _ error) {
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for r.Next() {
		n, _ = r.Value(0).Decimal().Int64()
	}
	return n, r.Err()
}

func (s *Store) mustTable(t testing.TB, name string) *lqp.Table {
	t.Helper()
	cat, err := s.Tables(t.Context())
	require.NoError(t, err)
	return cat.Table(name)
}

// BenchmarkStoreInsert adds 1000 rows in one transaction: by one statement, by a statement for each row, and by COPY.
func BenchmarkStoreInsert(b *testing.B) {
	s := openTestStore(b, nil)
	mustExec(b, s, "CREATE TABLE bench_row (id bigint NOT NULL PRIMARY KEY, v numeric(12,2) NOT NULL, name text NOT NULL)")
	table := s.mustTable(b, "bench_row")
	ctx := context.Background()
	columns := []string{"id", "v", "name"}
	rows := make([][]lqp.Value, 1000)
	plain := make([][]any, len(rows))
	for i := range rows {
		rows[i] = []lqp.Value{lqp.IntValue(int64(i)), lqp.NumberValue(lqp.DecimalFromScaled(int64(i), 2)), lqp.TextValue("customer number " + strconv.Itoa(i))}
		plain[i] = []any{int64(i), strconv.Itoa(i), "customer number " + strconv.Itoa(i)}
	}
	for name, insert := range map[string]func(tx adapter.Tx) error{
		"arrays": func(tx adapter.Tx) error { return tx.Insert(ctx, table, columns, rows) },
		"single": func(tx adapter.Tx) error {
			for i := range rows {
				if err := tx.Insert(ctx, table, columns, rows[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mustExec(b, s, "TRUNCATE bench_row")
				require.NoError(b, s.Write(ctx, insert))
			}
		})
	}
	b.Run("copy", func(b *testing.B) {
		conn, err := s.pool.Acquire(ctx)
		require.NoError(b, err)
		defer conn.Release()
		for b.Loop() {
			mustExec(b, s, "TRUNCATE bench_row")
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"bench_row"}, columns, pgx.CopyFromRows(plain))
			require.NoError(b, err)
		}
	})
}
