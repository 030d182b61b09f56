package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// spillBytes is the memory of a query that is measured with temporary storage.
const spillBytes = 64 << 20

// measureSpill runs joins, sorts and groups over rows of two connections, as many in each as there are orders, with 64 MiB
// of memory, and the same with all the memory they want. The sources make their rows as they go: what the process holds
// besides is the engine's.
func measureSpill(ctx context.Context, b *bench) error {
	w, err := b.inWorld(ctx)
	if err != nil {
		return err
	}
	col := func(alias, id string) lqp.Expr { return lqp.Ref(alias, id) }
	one, two := lqp.Source{Connection: "one", Table: "rows", Alias: "a"}, lqp.Source{Connection: "two", Table: "rows", Alias: "b"}
	join := func(kind lqp.JoinKind) *lqp.Builder {
		return lqp.FromSource(one).Join(kind, two, call("eq", col("a", "id"), col("b", "ref")))
	}
	for _, q := range []struct {
		name string
		b    *lqp.Builder
		rows int // at least
	}{
		{"sort", lqp.FromSource(one).Columns("id", "name").Sort("name"), b.rows},
		{"full join", join(lqp.Full).Columns("a.id", "b.id", "b.name"), b.rows},
		{"join and sort", join(lqp.Inner).Columns("a.id", "b.name").Sort("-b.name"), b.rows / 2},
		{"group, as many groups as rows", lqp.FromSource(one).GroupBy("id").Aggregate("s", "sum", col("a", "amount")).Aggregate("u", "count_unique", col("a", "name")), b.rows},
		{"join, group and sort", join(lqp.Inner).GroupBy("b.ref").Aggregate("s", "sum", col("b", "amount")).Aggregate("m", "median", col("b", "amount")).Sort("-s"), 1},
	} {
		line := line{What: fmt.Sprintf("%s of %d rows in 64 MiB", q.name, b.rows), Target: "peak: about 2 budgets"}
		var took [2]time.Duration
		for i, bytes := range []int64{spillBytes, 1 << 40} {
			e, owner, err := spillEngine(ctx, w, b.rows, bytes, filepath.Join(b.dir, "spill"))
			if err != nil {
				return err
			}
			peak, d, err := peakOf(func() error { return readAll(ctx, w, owner, q.b.Query(), q.rows) })
			err = errors.Join(err, e.Close())
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took[i] = d
			text := fmt.Sprintf("%.1f s, peak heap %.0f MiB", d.Seconds(), float64(peak)/(1<<20))
			if i == 0 {
				line.Ours = text
			} else {
				line.Base = text
			}
		}
		ratio := took[0].Seconds() / took[1].Seconds()
		line.Ratio = spread{Median: ratio, Low: ratio, High: ratio}
		line.Notes = "time against the same with all the memory it wants"
		b.report.add(line)
	}
	return nil
}

func readAll(ctx context.Context, w *world, a *livetables.Access, q *lqp.Query, least int) error {
	rows, err := a.Export(ctx, w.workspace, q)
	if err != nil {
		return err
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if n < least {
		return fmt.Errorf("%d rows instead of %d", n, least)
	}
	return nil
}

// peakOf runs f and answers with the largest heap seen meanwhile, garbage included.
func peakOf(f func() error) (peak uint64, took time.Duration, err error) {
	runtime.GC()
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(s)
			peak = max(peak, s[0].Value.Uint64())
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
	start := time.Now()
	err = f()
	took = time.Since(start)
	close(stop)
	done.Wait()
	return peak, took, err
}

// spillEngine is an engine over the world's mini-DB whose connections "one" and "two" make rows of nothing.
func spillEngine(ctx context.Context, w *world, rows int, bytes int64, dir string) (*livetables.Engine, *livetables.Access, error) {
	e, err := livetables.New(livetables.Options{
		Store: w.db, Logger: slog.New(slog.DiscardHandler), SpillDir: dir, Dial: new(net.Dialer).DialContext, Plain: func(string, int) bool { return true },
		Limits:  livetables.Limits{ScanRows: int64(10 * rows), ScanBytes: bytes, SpillBytes: 8 << 30},
		Openers: map[string]adapter.Opener{"made": func(context.Context, adapter.Settings) (adapter.Adapter, error) { return made{rows}, nil }},
	})
	if err != nil {
		return nil, nil, err
	}
	owner := e.As(rbac.Principal{ID: ownerID})
	list, err := owner.Connections(ctx, w.workspace)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"one", "two"} {
		found := false
		for _, c := range list {
			found = found || c.Name == name
		}
		if found {
			continue
		}
		if _, err := owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: name, Driver: "made", Host: "127.0.0.1", Port: 1, Database: name, TLS: "off"}); err != nil {
			return nil, nil, err
		}
	}
	return e, owner, nil
}

// made is a source of rows that are computed when they are read, and that it neither sorts nor filters.
type made struct{ rows int }

var madeTable = lqp.Table{Name: "rows", Path: []string{"rows"}, Kind: lqp.BaseTable, Key: []string{"id"}, Rows: -1, Columns: []lqp.Column{
	{ID: "id", Name: "id", Type: lqp.Type{Kind: lqp.Number, Precision: 9, NotNull: true}},
	{ID: "ref", Name: "ref", Type: lqp.Type{Kind: lqp.Number, Precision: 9}},
	{ID: "name", Name: "name", Type: lqp.Type{Kind: lqp.Text, MaxLen: 40}},
	{ID: "amount", Name: "amount", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}},
}}

func (m made) Tables(context.Context) (lqp.Catalog, error) {
	return lqp.Catalog{Tables: []*lqp.Table{&madeTable}}, nil
}
func (m made) Capabilities() adapter.Capabilities { return adapter.Capabilities{Driver: "made"} }
func (m made) Plan(q *lqp.Query) adapter.Split    { return adapter.ScanOnly(q) }
func (m made) Ping(context.Context) error         { return nil }
func (m made) Close() error                       { return nil }

func (m made) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	r := &madeRows{ctx: ctx, of: uint64(m.rows)}
	for _, n := range q.Select {
		id := ""
		if c, ok := n.Expr.(*lqp.Col); ok {
			id = c.Column
		}
		r.columns = append(r.columns, id)
	}
	return r, nil
}

type madeRows struct {
	ctx     context.Context
	columns []string
	of, at  uint64
	err     error
}

// Next implements adapter.Rows.
func (r *madeRows) Next() bool {
	if r.at%1024 == 0 {
		r.err = r.ctx.Err()
	}
	r.at++
	return r.err == nil && r.at <= r.of
}

// Value implements adapter.Rows: ids in another order than their own, references that are spread over them.
func (r *madeRows) Value(i int) lqp.Value {
	mixed := r.at * 0x9E3779B97F4A7C15
	switch r.columns[i] {
	case "id":
		return lqp.IntValue(int64(r.at))
	case "ref":
		return lqp.IntValue(int64(1 + mixed>>32%r.of))
	case "name":
		return lqp.TextValue(fmt.Sprintf("customer %016x", mixed))
	case "amount":
		return lqp.NumberValue(lqp.DecimalFromScaled(int64(mixed>>40%100_000), 2))
	}
	return lqp.BoolValue(true)
}

// AppendJSON implements adapter.Rows.
func (r *madeRows) AppendJSON(dst []byte, i int) []byte { return r.Value(i).AppendJSON(dst) }

// Err implements adapter.Rows.
func (r *madeRows) Err() error { return r.err }

// Close implements adapter.Rows.
func (r *madeRows) Close() error { return nil }
