package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

const benchPage = "SELECT id, name, price, day, at, done, qty FROM orders WHERE qty >= ?1 ORDER BY id LIMIT 100"

func benchStore(b *testing.B) (*Store, *lqp.Query) {
	s := openTestStore(b, StoreOptions{})
	ctx := context.Background()
	mustExec(b, s, `CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT(80), price DECINT(12,2), day DATETEXT, at DATETIMETEXT, done BOOLINT, qty INTEGER)`)
	require.NoError(b, s.Write(ctx, func(tx adapter.Tx) error {
		for n := range 20_000 {
			if _, err := tx.Exec(ctx, "INSERT INTO orders VALUES (?, ?, ?, '2024-02-29', '2024-02-29T10:00:00.000Z', ?, ?)", lqp.IntValue(int64(n)),
				lqp.TextValue(fmt.Sprintf("customer number %d", n)), lqp.IntValue(int64(n*7)), lqp.BoolValue(n%2 == 0), lqp.IntValue(int64(n%10))); err != nil {
				return err
			}
		}
		return nil
	}))
	return s, planned(b, s, &lqp.Query{From: lqp.Source{Table: "orders"}, Where: lqp.NewCall("ge", lqp.Ref("", "qty"), lqp.Literal(lqp.IntValue(3))),
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", "id")}}, Page: lqp.Page{Limit: 100}})
}

// BenchmarkPage reads a page of 100 rows as JSON, as an adapter and as a program would that uses the driver directly.
func BenchmarkPage(b *testing.B) {
	s, q := benchStore(b)
	ctx := context.Background()
	b.Run("adapter", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			r, err := s.Scan(ctx, q)
			require.NoError(b, err)
			buf = buf[:0]
			n := 0
			for ; r.Next(); n++ {
				for i := range q.Select {
					buf = append(r.AppendJSON(buf, i), ',')
				}
			}
			_ = r.Close()
			require.Equal(b, 100, n)
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("driver", func(b *testing.B) {
		c, err := s.openReader(ctx)
		require.NoError(b, err)
		defer c.close()
		type order struct {
			ID    int64
			Name  string
			Price int64
			Day   string
			At    string
			Done  bool
			Qty   int64
		}
		stmt, _, err := c.db.Prepare(benchPage)
		require.NoError(b, err)
		defer stmt.Close()
		for b.Loop() {
			_ = stmt.BindInt64(1, 3)
			var page []order
			for stmt.Step() {
				page = append(page, order{stmt.ColumnInt64(0), stmt.ColumnText(1), stmt.ColumnInt64(2), stmt.ColumnText(3), stmt.ColumnText(4), stmt.ColumnBool(5), stmt.ColumnInt64(6)})
			}
			_ = stmt.Reset()
			_, err := json.Marshal(page)
			require.NoError(b, err)
			require.Len(b, page, 100)
		}
	})
}

// BenchmarkWrites commits durable single-row writes from 32 callers, sharing commits and one commit each.
func BenchmarkWrites(b *testing.B) {
	for name, batch := range map[string]int{"shared": 128, "alone": 1} {
		b.Run(name, func(b *testing.B) {
			s := openTestStore(b, StoreOptions{MaxBatch: batch})
			mustExec(b, s, "CREATE TABLE n (v INTEGER)")
			ctx := context.Background()
			b.SetParallelism(16) // 32 callers on two processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Write(ctx, func(tx adapter.Tx) error {
						_, err := tx.Exec(ctx, "INSERT INTO n VALUES (?)", lqp.IntValue(1))
						return err
					}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
