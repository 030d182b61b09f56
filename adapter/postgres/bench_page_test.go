package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/stretchr/testify/require"
)

// BenchmarkPage fetches a page of 100 rows of 13 columns as JSON: through the adapter, and by hand with the raw text that
// the server sends, which is the floor, and with values decoded by pgx, which is what programs usually do.
func BenchmarkPage(b *testing.B) {
	url := testenv.Postgres(b)
	d := openDatabase(b, url, `CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status varchar(20) NOT NULL, total numeric(12,2) NOT NULL,
		tax numeric(6,4), paid bool NOT NULL, placed timestamptz NOT NULL, shipped date, note text, ref uuid, rate float8, tags text[], doc jsonb)`,
		`INSERT INTO orders SELECT i, i % 500, 'status ' || i % 5, i / 7.0, 0.19, i % 2 = 0, '2024-01-01'::timestamptz + i * interval '1 second', '2024-01-01',
		'a note of some length for order ' || i, md5(i::text)::uuid, i / 3.0, ARRAY['a', 'b'], '{"k": 1}' FROM generate_series(1, 50000) AS i`,
		`CREATE INDEX ON orders (customer, id)`, `ANALYZE orders`)
	q := d.Plan(d.Bind(`{"source":{"table":"orders"},"filters":"{customer} = 7","sorts":["id"],"pagination":{"limit":100}}`)).Pushed
	sql, err := d.Native(q)
	require.NoError(b, err)
	pool, err := pgxpool.New(b.Context(), url)
	require.NoError(b, err)
	defer pool.Close()

	b.Run("adapter", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			rows, err := d.Scan(b.Context(), q)
			require.NoError(b, err)
			buf = buf[:0]
			n := 0
			for rows.Next() {
				n++
				for i := range q.Select {
					buf = append(rows.AppendJSON(buf, i), ',')
				}
			}
			require.NoError(b, rows.Close())
			require.Equal(b, 100, n)
		}
	})
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			rows, err := pool.Query(b.Context(), sql, pgx.QueryResultFormats{pgx.TextFormatCode}, int64(7))
			require.NoError(b, err)
			buf = buf[:0]
			for rows.Next() {
				for _, v := range rows.RawValues() {
					buf = append(append(buf, v...), ',')
				}
			}
			require.NoError(b, rows.Err())
		}
	})
	b.Run("values", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows, err := pool.Query(b.Context(), sql, int64(7))
			require.NoError(b, err)
			for rows.Next() {
				_, err := rows.Values()
				require.NoError(b, err)
			}
			require.NoError(b, rows.Err())
		}
	})
}
