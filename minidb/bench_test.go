package minidb_test

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// benchWrites lets a number of goroutines insert and then update single rows, each write durable on its own.
func benchWrites(b *testing.B, writers int) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods).reload()
	var n atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			id := ""
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				m := g.update(id, 0, values{"Stock": num(i)})
				if id == "" || i%2 == 0 {
					m = g.insert(values{"Name": text("name"), "Code": text(strconv.FormatInt(i, 10)), "Stock": num(i), "Price": dec("12.5"), "State": text("new")})
				}
				r, err := g.try(m, minidb.Guard{})
				if err != nil {
					b.Error(err)
					return
				}
				id = r.Rows[0].ID
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func BenchmarkWriteSequential(b *testing.B) { benchWrites(b, 1) }
func BenchmarkWrite32Writers(b *testing.B)  { benchWrites(b, 32) }

func benchRow(g *table, i int) values {
	return values{"Name": text("name"), "Code": text(strconv.Itoa(i)), "Stock": num(int64(i)), "Price": dec("12.5"), "State": text("new"),
		"Since": lqp.DateValue(20000), "Active": lqp.BoolValue(true)}
}

// BenchmarkBulkInsert inserts a thousand rows with one Apply, with results.
func BenchmarkBulkInsert(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods).reload()
	const size = 1000
	n := 0
	for b.Loop() {
		b.StopTimer()
		rows := make([]values, size)
		for i := range rows {
			n++
			rows[i] = benchRow(g, n)
		}
		m := g.insert(rows...)
		b.StartTimer()
		_, err := g.try(m, minidb.Guard{})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkImport streams ten thousand rows into a table.
func BenchmarkImport(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods).reload()
	names := []string{"Name", "Code", "Stock", "Price", "State", "Since", "Active"}
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = g.id(name)
	}
	const size = 10_000
	n := 0
	for b.Loop() {
		left := size
		row := make([]lqp.Value, len(names))
		_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: columns, Next: func() ([]lqp.Value, error) {
			if left == 0 {
				return nil, io.EOF
			}
			left--
			n++
			v := benchRow(g, n)
			for i, name := range names {
				row[i] = v[name]
			}
			return row, nil
		}})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
