package adaptertest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// leaks checks that scans leave nothing behind however they end: no goroutine, no connection, no running statement.
func (s *suite) leaks(t T) {
	bound, err := s.bind(&lqp.Query{From: s.from(walks, ""), OrderBy: []lqp.Order{{Expr: ref("id")}}})
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	q := s.a.Plan(bound).Pushed
	if q == nil {
		t.Fatalf("plan does not take a scan of one table")
	}
	t.Run("scans", func(t T) {
		s.endings(t, q, 4) // whatever stays open for reuse is open now
		before := goroutines()
		s.endings(t, q, 20)
		s.settled(t, before, 10, "200 scans")
		s.idle(t, s.a)
	})
	t.Run("close", func(t T) {
		before := goroutines()
		// The harness's own goroutines end with the sub-test.
		t.Run("adapter", func(t T) {
			a := s.h.Open(t)
			if err := a.Ping(ctxOf(t)); err != nil {
				t.Errorf("ping: %v", err)
			}
			if _, err := a.Tables(ctxOf(t)); err != nil {
				t.Errorf("discover tables: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if s.h.Sessions != nil && !s.eventually(func() bool { open, _ := s.h.Sessions(t, a); return open == 0 }) {
				open, running := s.h.Sessions(t, a)
				t.Errorf("%d connections are open after Close, %d of them running a statement", open, running)
			}
		})
		s.settled(t, before, 0, "Close")
	})
}

// endings scans ten times as many rounds, ending the scans in every way.
func (s *suite) endings(t T, q *lqp.Query, rounds int) {
	t.Helper()
	for n := range rounds * 10 {
		ctx, cancel := context.WithCancel(ctxOf(t))
		r, err := s.a.Scan(ctx, q)
		if err != nil {
			cancel()
			t.Fatalf("scan: %v", err)
		}
		switch n % 5 {
		case 0: // closed before the first row
		case 1:
			for r.Next() {
			}
		case 2:
			r.Next()
			cancel()
		case 3:
			r.Next()
			_ = r.Value(0)
		case 4:
			cancel()
			r.Next()
		}
		if err := r.Close(); err != nil && ctx.Err() == nil {
			t.Errorf("close: %v", err)
		}
		cancel()
	}
}

// idle waits until the source runs no statement of the adapter any more.
func (s *suite) idle(t T, a adapter.Adapter) {
	t.Helper()
	if s.h.Sessions == nil {
		return
	}
	if !s.eventually(func() bool { _, running := s.h.Sessions(t, a); return running == 0 }) {
		_, running := s.h.Sessions(t, a)
		t.Errorf("the source still runs %d statements of the adapter after %v", running, s.h.Patience)
	}
}

// settled waits until the goroutines that were not there before have ended, but for a few that scans may share.
func (s *suite) settled(t T, before map[string]string, slack int, after string) {
	t.Helper()
	var left []string
	if s.eventually(func() bool {
		left = nil
		now := goroutines()
		for id, stack := range now {
			if _, ok := before[id]; !ok {
				left = append(left, stack)
			}
		}
		// A connection that was given up may have been replaced, goroutine for goroutine, and a pool may have grown.
		return len(now) <= len(before)+slack
	}) {
		return
	}
	t.Errorf("%d goroutines are left after %s, one of them\n%s", len(left), after, left[0])
}

// goroutines are the stacks of all goroutines but those that run tests, by their ids.
func goroutines() map[string]string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	for _, stack := range strings.Split(string(buf), "\n\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		if !strings.Contains(stack, "testing.tRunner") {
			all[id] = stack
		}
	}
	return all
}

// eventually asks until the answer is yes or the harness's patience ends.
func (s *suite) eventually(yes func() bool) bool {
	for end := time.Now().Add(s.h.Patience); ; time.Sleep(20 * time.Millisecond) {
		if yes() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// slow checks that a statement which would run for minutes ends with its context, at the source too.
func (s *suite) slow(t T) {
	q := &lqp.Query{From: s.from(walks, "w0"), Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}}, Select: []lqp.Named{{Name: "n", Expr: ref("n")}}}
	for i := range 5 { // 61 rows to the sixth power
		alias := fmt.Sprintf("w%d", i+1)
		on := call("le", call("add", lqp.Ref("w0", "id"), lqp.Ref(alias, "id")), whole(1000))
		q.Joins = append(q.Joins, lqp.Join{Kind: lqp.Inner, Source: s.from(walks, alias), On: on})
	}
	bound, err := s.bind(q)
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	split := s.a.Plan(bound)
	if split.Pushed == nil || split.Residual != nil {
		t.Logf("the source leaves the slow query to the engine")
		return
	}
	for how, limited := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(200*time.Millisecond, cancel)
			return ctx, cancel
		},
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 200*time.Millisecond)
		},
	} {
		t.Run(how, func(t T) {
			ctx, cancel := limited(ctxOf(t))
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				r, err := s.a.Scan(ctx, split.Pushed)
				if err == nil {
					for r.Next() {
					}
					err = r.Err()
					_ = r.Close()
				}
				ended <- err
			}()
			select {
			case err := <-ended:
				if err == nil {
					t.Errorf("a statement that had to be cancelled ended without an error")
				}
			case <-time.After(s.h.Patience):
				t.Fatalf("a cancelled statement is still read %v later", s.h.Patience)
			}
			s.idle(t, s.a)
		})
	}
	s.check(t, &lqp.Query{From: s.from(walks, "")}, false)
}
