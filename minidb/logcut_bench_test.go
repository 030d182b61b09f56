package minidb_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// BenchmarkCutBesideWriters removes the entries of a log while four writers change single rows, and tells how long their slowest write
// and the one of a hundred took.
//
//	go test ./minidb -run none -bench CutBesideWriters -benchtime 1000000x
func BenchmarkCutBesideWriters(b *testing.B) {
	f := newFixture(b, minidb.Options{})
	g := f.table(goods).reload()
	const batch = 1000
	for n := 0; n < b.N; n += batch {
		rows := make([]values, min(batch, b.N-n))
		for i := range rows {
			rows[i] = benchRow(g, n+i)
		}
		_, err := g.try(g.insert(rows...), minidb.Guard{})
		require.NoError(b, err)
	}
	writes := func(during func()) (took []time.Duration) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		done := make(chan struct{})
		for w := range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-done:
						return
					default:
					}
					began := time.Now()
					_, err := g.try(g.insert(values{"Name": text("w" + strconv.Itoa(w) + "." + strconv.Itoa(n))}), minidb.Guard{})
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
				}
			})
		}
		during()
		close(done)
		wg.Wait()
		slices.Sort(took)
		return took
	}
	alone := writes(func() { time.Sleep(5 * time.Second) })
	f.cut(10)
	b.ResetTimer()
	beside := writes(func() {
		_, err := f.RemoveCut(f.ctx, f.workspace.ID)
		require.NoError(b, err)
	})
	b.StopTimer()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	for name, took := range map[string][]time.Duration{"alone": alone, "beside": beside} {
		b.ReportMetric(ms(took[len(took)*99/100]), name+"-p99-ms")
		b.ReportMetric(ms(took[len(took)-1]), name+"-max-ms")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
