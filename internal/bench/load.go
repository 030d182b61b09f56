package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// target is a server under load.
type target struct {
	name     string
	address  string
	pid      int
	requests [][]byte // as they go over the wire, sent in turn
	// next makes the next request of a client, in the place of requests, for those that cannot be sent twice.
	next   func(client int) []byte
	server *serverCPU
}

// patience is how long after a round a server may still not have answered. One that hangs costs its own figure only.
const patience = 15 * time.Second

// under is the target with a number of clients, each on a connection of its own and waiting for its answer before it asks
// again.
func (t target) under(clients int) side {
	return side{t.name, func(ctx context.Context, d time.Duration) (sample, error) {
		conns := make([]*client, clients)
		at := make([]int, clients)
		for i := range conns {
			c, err := dial(ctx, t.address)
			if err != nil {
				return sample{}, err
			}
			defer c.conn.Close()
			if err := c.conn.SetDeadline(time.Now().Add(d + patience)); err != nil {
				return sample{}, err
			}
			conns[i] = c
			// Spread over the requests, so that clients do not ask the same at the same time.
			at[i] = i * len(t.requests) / clients
		}
		return crowd(ctx, clients, d, func() time.Duration { return processCPU(t.pid) }, t.server, func(_ context.Context, i int) error {
			if t.next != nil {
				_, err := conns[i].ask(t.next(i), false)
				return err
			}
			at[i]++
			_, err := conns[i].ask(t.requests[(at[i]-1)%len(t.requests)], false)
			return err
		})
	}}
}

// answer asks once and gives the body.
func (t target) answer(ctx context.Context, request int) ([]byte, error) {
	return t.ask(ctx, t.requests[request])
}

// ask sends one request and gives the body of its answer.
func (t target) ask(ctx context.Context, request []byte) ([]byte, error) {
	c, err := dial(ctx, t.address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	return c.ask(request, true)
}

// crowd has a number of clients do something again and again at the same time, each waiting until it is done before it
// begins anew. cpu is the time that the side's own processes have used; the latency is the median.
func crowd(ctx context.Context, clients int, d time.Duration, cpu func() time.Duration, server *serverCPU, do func(ctx context.Context, client int) error) (sample, error) {
	took := make([][]time.Duration, clients)
	errs := make(chan error, clients)
	own, source, began := cpu(), server.cpu(), time.Now()
	for i := range clients {
		go func() {
			var err error
			for err == nil && time.Since(began) < d && ctx.Err() == nil {
				start := time.Now()
				if err = do(ctx, i); err == nil {
					took[i] = append(took[i], time.Since(start))
				}
			}
			errs <- err
		}()
	}
	var err error
	for range clients {
		if e := <-errs; err == nil {
			err = e
		}
	}
	s := sample{elapsed: time.Since(began), ours: cpu() - own, source: server.since(source)}
	if err != nil {
		return s, err
	}
	all := slices.Concat(took...)
	if s.ops = len(all); s.ops > 0 {
		slices.Sort(all)
		s.latency = all[len(all)/2]
	}
	return s, ctx.Err()
}

// together is a side in which a number of clients do something in this process, whose CPU time counts with that of the server.
// Operations are numbered from 1 on, over all rounds.
func together(name string, clients int, server *serverCPU, op func(ctx context.Context, client int, n int64) error) side {
	var count atomic.Int64
	return side{name, func(ctx context.Context, d time.Duration) (sample, error) {
		return crowd(ctx, clients, d, ownCPU, server, func(ctx context.Context, client int) error { return op(ctx, client, count.Add(1)) })
	}}
}

// repeat is together with one client.
func repeat(name string, server *serverCPU, op func(ctx context.Context) error) side {
	return together(name, 1, server, func(ctx context.Context, _ int, _ int64) error { return op(ctx) })
}
