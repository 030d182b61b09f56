package httpapi

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter is a token bucket for each of a bounded number of keys; the longest unused key is forgotten first. It is safe
// for use by many goroutines. One with a negative rate limits nothing.
type limiter struct {
	perSecond float64
	burst     int
	entries   int
	clock     func() time.Time

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent list.List // of *bucket, the most recently used first
}

type bucket struct {
	key  string
	rate *rate.Limiter
}

// burstSeconds is how many seconds' worth of requests may come at once.
const burstSeconds = 10

func newLimiter(perSecond float64, entries int, clock func() time.Time) *limiter {
	return &limiter{perSecond: perSecond, burst: max(1, int(perSecond*burstSeconds)), entries: entries, clock: clock,
		byKey: make(map[string]*list.Element)}
}

// take counts n requests of a key. It answers 0, or how long to wait, and then counts nothing.
func (l *limiter) take(key string, n int) time.Duration {
	if l.perSecond < 0 {
		return 0
	}
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.byKey[key]
	if ok {
		l.recent.MoveToFront(e)
	} else {
		if l.recent.Len() >= l.entries {
			last := l.recent.Back()
			l.recent.Remove(last)
			delete(l.byKey, last.Value.(*bucket).key)
		}
		e = l.recent.PushFront(&bucket{key, rate.NewLimiter(rate.Limit(l.perSecond), l.burst)})
		l.byKey[key] = e
	}
	reservation := e.Value.(*bucket).rate.ReserveN(now, min(n, l.burst))
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
