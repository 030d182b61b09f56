package adaptertest

import (
	"context"
	"errors"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// lifecycle checks an adapter without data from its opening to after its end.
func (s *suite) lifecycle(t T) {
	a := s.h.Open(t)
	ctx := ctxOf(t)
	if err := a.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := a.Ping(done); err == nil {
		t.Errorf("ping with a context that has ended succeeds")
	}
	if _, err := a.Tables(done); err == nil {
		t.Errorf("discovery with a context that has ended succeeds")
	}
	if err := a.Ping(ctx); err != nil {
		t.Errorf("ping after a cancelled one: %v", err)
	}
	for n := range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("close %d: %v", n+1, err)
		}
	}
	if err := a.Ping(ctx); err == nil {
		t.Errorf("ping of a closed adapter succeeds")
	}
	if _, err := a.Tables(ctx); err == nil {
		t.Errorf("discovery by a closed adapter succeeds")
	}
}

// cancellation checks that rows can be left early, closed twice and cancelled, that this gives the connection back, and
// that the adapter serves many readers at once.
func (s *suite) cancellation(t T) {
	bound, err := s.bind(&lqp.Query{From: s.from(walks, ""), OrderBy: []lqp.Order{{Expr: ref("id")}}})
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	q := s.a.Plan(bound).Pushed
	if q == nil {
		t.Fatalf("plan does not take a scan of one table")
	}
	t.Run("early close", func(t T) {
		for range 40 { // more than any pool has connections
			r, err := s.a.Scan(ctxOf(t), q)
			if err != nil {
				t.Fatalf("scan: %v", err)
			}
			if !r.Next() {
				t.Fatalf("no row: %v", r.Err())
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
			if r.Next() {
				t.Errorf("a row after Close")
			}
		}
	})
	t.Run("read to the end", func(t T) {
		r, err := s.a.Scan(ctxOf(t), q)
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		n := 0
		for r.Next() {
			n++
		}
		if r.Next() || r.Err() != nil || n != len(s.fixture(walks).Rows) {
			t.Errorf("%d rows, then another %v, error %v", n, r.Next(), r.Err())
		}
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Run("cancelled before", func(t T) {
		ctx, cancel := context.WithCancel(ctxOf(t))
		cancel()
		for range 40 {
			r, err := s.a.Scan(ctx, q)
			if err == nil {
				for r.Next() {
				}
				err = r.Err()
				_ = r.Close()
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, adapter.ErrTimeout) {
				t.Fatalf("scan with a context that has ended: error %v", err)
			}
		}
	})
	t.Run("cancelled between rows", func(t T) {
		for range 20 {
			ctx, cancel := context.WithCancel(ctxOf(t))
			r, err := s.a.Scan(ctx, q)
			if err != nil {
				cancel()
				t.Fatalf("scan: %v", err)
			}
			r.Next()
			cancel()
			n := 0
			for r.Next() {
				n++
			}
			// Rows that had arrived may still be delivered; then all of them are.
			if r.Err() == nil && n != len(s.fixture(walks).Rows)-1 {
				t.Errorf("%d rows and no error after the cancellation", n)
			}
			_ = r.Close()
		}
		s.check(t, &lqp.Query{From: s.from(walks, "")}, false)
	})
	t.Run("slow statement", s.slow)
	t.Run("many readers", func(t T) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 16 {
			wg.Go(func() {
				for range 5 {
					n, err := s.count(ctxOf(t), q)
					if err != nil || n != len(s.fixture(walks).Rows) {
						mu.Lock()
						t.Errorf("%d rows, error %v", n, err)
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	})
}

func (s *suite) count(ctx context.Context, q *lqp.Query) (n int, err error) {
	r, err := s.a.Scan(ctx, q)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for r.Next() {
		n++
	}
	return n, r.Err()
}
