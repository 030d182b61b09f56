package minidb_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// BenchmarkStore measures single writes and reads of a page on tables of 10,000 and 100,000 rows: through the mini-DB, and
// on PostgreSQL also with plain pgx on a table of the same columns and indexes, which has no versions, checks or log.
//
//	LIVETABLES_TEST_STORE=postgres go test ./minidb -run none -bench Store
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			s := newStoreBench(b, size)
			for _, op := range []struct {
				name        string
				ours, plain func(b *testing.B)
			}{
				{"insert", s.insertOne, s.plainInsert}, {"update", s.updateOne, s.plainUpdate},
				{"page", s.pageOf(s.sorted(nil)), s.plainRead(s.plain(""))},
				{"keyset", s.pageOf(s.sorted(s.middle())), s.plainRead(s.plain(`WHERE n >= $1 AND (n > $1 OR id > $2)`), int64(size/2), s.ids[size/2])},
				{"filter", s.pageOf(s.filtered()), s.plainRead(s.plain(`WHERE n = $1`), int64(size/3))},
			} {
				b.Run(op.name+"/minidb", op.ours)
				if s.conn != nil {
					b.Run(op.name+"/pgx", op.plain)
				}
			}
		})
	}
}

const benchPage = 100

type storeBench struct {
	*table
	size int
	ids  []string
	next int
	conn *pgx.Conn // nil when the store is no PostgreSQL
}

func newStoreBench(b *testing.B, size int) *storeBench {
	f := newFixture(b, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "Bench", Columns: []minidb.ColumnSpec{
		{Name: "n", Type: minidb.IntegerColumn}, {Name: "name", Type: minidb.TextColumn},
		{Name: "price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}, {Name: "day", Type: minidb.DateColumn}}})
	_, err := f.CreateIndex(f.ctx, alice, g.ID, []minidb.IndexColumn{{Column: g.id("n")}}, 0)
	require.NoError(b, err)
	g.reload()
	s := &storeBench{table: g, size: size, next: size}
	for len(s.ids) < size {
		rows := make([]values, 1000)
		for i := range rows {
			rows[i] = s.row(len(s.ids) + i)
		}
		s.ids = append(s.ids, g.add(rows...)...)
	}
	if f.place.URL == "" {
		return s
	}
	s.conn, err = pgx.Connect(f.ctx, f.place.URL)
	require.NoError(b, err)
	b.Cleanup(func() {
		_, err := s.conn.Exec(f.ctx, `DROP TABLE plain`)
		require.NoError(b, err)
		_ = s.conn.Close(f.ctx)
	})
	name := quoted(g.Schema().Path)
	for _, sql := range []string{`CREATE TABLE plain (id text COLLATE "C" PRIMARY KEY, n bigint, name text, price numeric(18,2), day date,
			version bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, created_by text, updated_by text)`,
		fmt.Sprintf(`INSERT INTO plain SELECT "_id", %q, %q, %q, %q, "_version", "_created_at", "_updated_at", "_created_by", "_updated_by" FROM `+name,
			g.id("n"), g.id("name"), g.id("price"), g.id("day")),
		`CREATE INDEX ON plain (n, id)`, `CREATE INDEX ON plain (created_at)`, `ANALYZE plain`, `ANALYZE ` + name} {
		_, err := s.conn.Exec(f.ctx, sql)
		require.NoError(b, err, sql)
	}
	return s
}

func (s *storeBench) row(i int) values {
	return values{"n": num(int64(i)), "name": text("name " + strconv.Itoa(i)), "price": dec("12.50"), "day": lqp.DateValue(int64(20000 + i%1000))}
}

func (s *storeBench) insertOne(b *testing.B) {
	for b.Loop() {
		s.next++
		if _, err := s.try(s.insert(s.row(s.next)), minidb.Guard{}); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *storeBench) plainInsert(b *testing.B) {
	for b.Loop() {
		s.next++
		if _, err := s.conn.Exec(s.ctx, `INSERT INTO plain VALUES ($1, $2, $3, 12.50, '2024-01-01', 1, now(), now(), $4, $4)`, minidb.NewID("row"), s.next, "name", "usr_alice"); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *storeBench) updateOne(b *testing.B) {
	for b.Loop() {
		s.next++
		if _, err := s.try(s.update(s.ids[s.next%s.size], 0, values{"name": text(strconv.Itoa(s.next))}), minidb.Guard{}); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *storeBench) plainUpdate(b *testing.B) {
	for b.Loop() {
		s.next++
		if _, err := s.conn.Exec(s.ctx, `UPDATE plain SET name = $1, version = version + 1, updated_at = now() WHERE id = $2`, strconv.Itoa(s.next), s.ids[s.next%s.size]); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *storeBench) bound(q *lqp.Query) *lqp.Query {
	schema := s.Schema()
	q.From = lqp.Source{Table: schema.Name, Alias: "t"}
	page := q.Page
	bound, err := lqp.Bind(q, lqp.Env{Table: func(string, string) (*lqp.Table, error) { return schema, nil }, DefaultLimit: benchPage, MaxLimit: benchPage})
	require.NoError(s, err)
	bound.Page = page
	split := s.Adapter().Plan(bound)
	require.Nil(s, split.Residual)
	return split.Pushed
}

func (s *storeBench) sorted(after []lqp.Value) *lqp.Query {
	return s.bound(&lqp.Query{OrderBy: []lqp.Order{{Expr: lqp.Ref("t", s.id("n"))}, {Expr: lqp.Ref("t", "_id")}}, Page: lqp.Page{Limit: benchPage, After: after}})
}

func (s *storeBench) middle() []lqp.Value {
	return []lqp.Value{num(int64(s.size / 2)), text(s.ids[s.size/2])}
}

func (s *storeBench) filtered() *lqp.Query {
	return s.bound(&lqp.Query{Where: lqp.NewCall("eq", lqp.Ref("t", s.id("n")), lqp.Literal(num(int64(s.size/3)))),
		OrderBy: []lqp.Order{{Expr: lqp.Ref("t", s.id("n"))}, {Expr: lqp.Ref("t", "_id")}}, Page: lqp.Page{Limit: benchPage}})
}

// pageOf reads a page as it is delivered: as JSON.
func (s *storeBench) pageOf(q *lqp.Query) func(b *testing.B) {
	return func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			rows, err := s.Adapter().Scan(s.ctx, q)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				buf = buf[:0]
				for i := range q.Select {
					buf = rows.AppendJSON(buf, i)
				}
			}
			if err := rows.Err(); err != nil {
				b.Fatal(err)
			}
			_ = rows.Close()
		}
	}
}

func (s *storeBench) plain(where string) string {
	return `SELECT id, n, name, price, day, version, created_at, updated_at, created_by, updated_by FROM plain ` + where + ` ORDER BY n, id LIMIT ` + strconv.Itoa(benchPage)
}

// plainRead reads the same rows to values of Go.
func (s *storeBench) plainRead(sql string, args ...any) func(b *testing.B) {
	return func(b *testing.B) {
		for b.Loop() {
			rows, err := s.conn.Query(s.ctx, sql, args...)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				if _, err := rows.Values(); err != nil {
					b.Fatal(err)
				}
			}
			if err := rows.Err(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSnapshot measures what it costs to know that the catalogue in memory is still the newest: nothing in an SQLite
// file, one statement on PostgreSQL, which callers at the same time share.
func BenchmarkSnapshot(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	f.table(goods)
	ask := func() error {
		_, err := f.Snapshot(f.ctx, f.workspace.ID)
		return err
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if err := ask(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := ask(); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
