package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// sample is what one round of one side did.
type sample struct {
	ops     int
	elapsed time.Duration
	latency time.Duration // median of an operation, 0 when it was not taken
	ours    time.Duration // CPU time of the side's own processes
	source  time.Duration // CPU time of the database server; below 0 when it cannot be known
}

// rate is operations per second.
func (s sample) rate() float64 { return float64(s.ops) / s.elapsed.Seconds() }

// perOp is the wall time of an operation.
func (s sample) perOp() float64 {
	if s.latency > 0 {
		return s.latency.Seconds()
	}
	return s.elapsed.Seconds() / float64(s.ops)
}

// cpu is the CPU time of an operation on all sides of the sockets, in seconds; NaN-free: 0 when unknown.
func (s sample) cpu() float64 {
	if s.ops == 0 || s.source < 0 {
		return 0
	}
	return (s.ours + s.source).Seconds() / float64(s.ops)
}

func (s sample) ourCPU() float64 { return s.ours.Seconds() / float64(max(s.ops, 1)) }

// side is one of the programs that are compared. run works for about the given time.
type side struct {
	name string
	run  func(ctx context.Context, d time.Duration) (sample, error)
}

// series are the samples of one side, by round.
type series struct {
	name    string
	samples []sample
}

// compare runs the sides in turn, the first of them being the baseline. Every other round goes backwards, so that a
// machine that slows down or speeds up does so for all. One short round of each goes before and is not counted: it opens
// connections, prepares statements and warms caches.
func (b *bench) compare(ctx context.Context, sides ...side) ([]series, error) {
	length := time.Duration(b.seconds * float64(time.Second))
	for _, s := range sides {
		if _, err := s.run(ctx, length/4); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return compareCold(ctx, b.rounds, length, sides...)
}

// compareCold is compare without the round that is not counted.
func compareCold(ctx context.Context, rounds int, length time.Duration, sides ...side) ([]series, error) {
	out := make([]series, len(sides))
	for i, s := range sides {
		out[i].name = s.name
	}
	for round := range rounds {
		order := make([]int, len(sides))
		for i := range order {
			order[i] = i
		}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, i := range order {
			got, err := sides[i].run(ctx, length)
			if err == nil && got.ops == 0 {
				err = fmt.Errorf("nothing was done in %s", length)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			out[i].samples = append(out[i].samples, got)
		}
	}
	return out, nil
}

// spread is a median with its quartiles.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low_quartile"`
	High   float64 `json:"high_quartile"`
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	at := func(q float64) float64 {
		x := q * float64(len(v)-1)
		i := int(x)
		if i+1 >= len(v) {
			return v[i]
		}
		return v[i] + (x-float64(i))*(v[i+1]-v[i])
	}
	return spread{Median: at(0.5), Low: at(0.25), High: at(0.75)}
}

// of is the spread of a figure over the rounds.
func (s series) of(figure func(sample) float64) spread {
	values := make([]float64, len(s.samples))
	for i, one := range s.samples {
		values[i] = figure(one)
	}
	return spreadOf(values)
}

// against is the spread of the ratio of a figure to the baseline's of the same round.
func (s series) against(base series, figure func(sample) float64) spread {
	var values []float64
	for i := range s.samples {
		if d := figure(base.samples[i]); d > 0 && figure(s.samples[i]) > 0 {
			values = append(values, figure(s.samples[i])/d)
		}
	}
	return spreadOf(values)
}

// once is a side that does one thing in a round, however long it takes: prepare is not counted.
func once(name string, ops int, server *serverCPU, pid func() int, prepare, do func(ctx context.Context) error) side {
	return side{name, func(ctx context.Context, _ time.Duration) (sample, error) {
		if err := prepare(ctx); err != nil {
			return sample{}, err
		}
		cpu := func() time.Duration {
			if pid == nil {
				return ownCPU()
			}
			return processCPU(pid())
		}
		own, source, began := cpu(), server.cpu(), time.Now()
		err := do(ctx)
		return sample{ops: ops, elapsed: time.Since(began), ours: cpu() - own, source: server.since(source)}, err
	}}
}
