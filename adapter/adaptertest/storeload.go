package adaptertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func (h *StoreHarness) seed(t testing.TB) uint64 {
	if h.Seed != 0 {
		return h.Seed
	}
	return testseed.Of(t)
}

// counters is a load on some counters, and what is known of them.
type counters struct {
	t       *testing.T
	stores  []tested
	mu      sync.Mutex
	highest []int64 // acknowledged
	seen    []map[int64]bool
}

const counterCount = 3

// storeCounters runs increments of a few counters from many goroutines through two stores of one database. Some fail after
// having written, or panic. Each increment answers with the value it wrote. What was acknowledged must form one unbroken
// sequence for each counter, every value above those acknowledged before its call began, and reads never go back.
func storeCounters(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	load := &counters{t: t, stores: []tested{s, closing(t, h.Again(t, s.Store))}, highest: make([]int64, counterCount)}
	s.exec("CREATE TABLE counter (id INTEGER NOT NULL PRIMARY KEY, v INTEGER NOT NULL)")
	for c := range counterCount {
		s.exec("INSERT INTO counter VALUES (?, 0)", lqp.IntValue(int64(c)))
		load.seen = append(load.seen, map[int64]bool{})
	}
	seed := h.seed(t)
	var wg sync.WaitGroup
	for w := range 12 {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for range 40 {
				load.step(load.stores[rng.IntN(2)], rng.IntN(counterCount), rng.IntN(12))
			}
		})
	}
	wg.Wait()
	for c := range counterCount {
		// Failed increments left nothing: the last value is the count of the acknowledged ones.
		if n, last := int64(len(load.seen[c])), s.counter(c); n != last || n != load.highest[c] {
			t.Errorf("counter %d is %d after %d acknowledged increments up to %d", c, last, n, load.highest[c])
		}
	}
}

func (l *counters) step(s tested, c, plan int) {
	l.mu.Lock()
	before := l.highest[c]
	l.mu.Unlock()
	if plan < 3 {
		if got := s.counter(c); got < before {
			l.t.Errorf("counter %d read as %d after %d was acknowledged", c, got, before)
		}
		return
	}
	got, err := increment(s, c, plan)
	if err != nil {
		if plan > 4 {
			l.t.Errorf("counter %d: %v", c, err)
		}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got <= before || l.seen[c][got] {
		l.t.Errorf("counter %d: %d acknowledged after %d, seen before: %v", c, got, before, l.seen[c][got])
	}
	l.seen[c][got] = true
	l.highest[c] = max(l.highest[c], got)
}

// increment adds one and answers with the new value. The plans 3 and 4 fail after having written.
func increment(s tested, c, plan int) (got int64, err error) {
	ctx := context.Background()
	err = s.Write(ctx, func(tx adapter.Tx) error {
		rows, err := rowsOf(ctx, tx, 1, "SELECT v FROM counter WHERE id = ?", lqp.IntValue(int64(c)))
		if err != nil {
			return err
		}
		old, _ := rows[0][0].Decimal().Int64()
		got = old + 1
		if _, err := tx.Exec(ctx, "UPDATE counter SET v = ? WHERE id = ?", lqp.IntValue(got), lqp.IntValue(int64(c))); err != nil {
			return err
		}
		switch plan {
		case 3:
			return errors.New("planned failure")
		case 4:
			panic("planned panic")
		}
		return nil
	})
	return got, err
}

func (s tested) counter(c int) int64 {
	return s.number("SELECT v FROM counter WHERE id = ?", lqp.IntValue(int64(c)))
}

// storeTwo opens a second store while the first writes, and lets each see what the other has written.
func storeTwo(t *testing.T, h *StoreHarness) {
	one := h.open(t)
	one.numbers("")
	var two tested
	for n := range 5 {
		one.exec("INSERT INTO n VALUES (?)", lqp.IntValue(int64(n)))
		if n == 0 {
			two = closing(t, h.Again(t, one.Store))
		}
		if got := two.number("SELECT count(*) FROM n"); got != int64(2*n+1) {
			t.Errorf("the second store sees %d rows of %d", got, 2*n+1)
		}
		two.exec("INSERT INTO n VALUES (?)", lqp.IntValue(int64(-n)))
		if got := one.number("SELECT count(*) FROM n"); got != int64(2*n+2) {
			t.Errorf("the first store sees %d rows of %d", got, 2*n+2)
		}
	}
}

// storeGoroutines looks for what stays after Close.
func storeGoroutines(t *testing.T, h *StoreHarness) {
	warm := h.open(t) // what a process starts once is started
	warm.numbers("")
	if err := warm.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	before := goroutines()
	s := h.open(t)
	s.numbers("")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s.exec("INSERT INTO n VALUES (1)")
			_ = s.number("SELECT count(*) FROM n")
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	suite := &suite{h: Harness{Patience: 10 * time.Second}}
	suite.settled(goTest{t, t}, before, 0, "Close")
}
