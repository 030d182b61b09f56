//go:build unix

package livetables

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/livetables/livetables/lqp"
)

// BenchmarkWrite is what a durable write of one row costs an embedder, by one client and by 32: the update of a number with the
// version that was seen, and a new row. It reports the processor time of this process; a database server has its own.
func BenchmarkWrite(b *testing.B) {
	w := newWideTable(b)
	ctx, schema := b.Context(), w.table.Schema()
	apply := func(b *testing.B, op lqp.Op, change lqp.RowChange) {
		_, err := w.owner.Apply(ctx, w.workspace, &lqp.Mutation{Op: op, Table: w.table.ID, Rows: []lqp.RowChange{change}})
		must(b, err)
	}
	versions := make([]int64, len(w.ids))
	fresh := int64(w.rows)
	update := func(b *testing.B, client, clients, i int) {
		at := (i*clients + client) % (len(w.ids) / clients * clients)
		versions[at]++
		apply(b, lqp.Update, lqp.RowChange{ID: []lqp.Value{lqp.TextValue(w.ids[at])}, Version: versions[at],
			Set: []lqp.Assignment{{Column: w.table.Columns[12].ID, Value: lqp.NumberValue(lqp.DecimalFromScaled(versions[at]*100+int64(client), 2))}}})
	}
	insert := func(b *testing.B, _, _, _ int) {
		var set []lqp.Assignment
		for i, cell := range w.cells(int(atomic.AddInt64(&fresh, 1))) {
			c := schema.Column(w.table.Columns[i].ID)
			v, err := lqp.ParseText(c.Type, cell)
			must(b, err)
			set = append(set, lqp.Assignment{Column: c.ID, Value: v})
		}
		apply(b, lqp.Insert, lqp.RowChange{Set: set})
	}
	for _, c := range []struct {
		name string
		do   func(b *testing.B, client, clients, i int)
	}{{"update", update}, {"insert", insert}} {
		for _, clients := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", c.name, clients), func(b *testing.B) {
				b.ReportAllocs()
				var n atomic.Int64
				var wg sync.WaitGroup
				before := processorTime(b)
				for client := range clients {
					wg.Go(func() {
						for i := 0; n.Add(1) <= int64(b.N); i++ {
							c.do(b, client, clients, i)
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-us/op")
			})
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
