package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle limits attempts per key with one token bucket each, for a bounded number of keys: the longest unused key is
// forgotten first. It is safe for concurrent use.
type throttle struct {
	perMinute int
	entries   int
	clock     func() time.Time

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent list.List // of *bucket, most recently used first
}

type bucket struct {
	key     string
	limiter *rate.Limiter
}

func newThrottle(perMinute, entries int, clock func() time.Time) *throttle {
	return &throttle{perMinute: perMinute, entries: entries, clock: clock, byKey: make(map[string]*list.Element)}
}

// take counts one attempt for key and refuses it with a *RateError when there were too many.
func (t *throttle) take(key string) error {
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.byKey[key]
	if ok {
		t.recent.MoveToFront(e)
	} else {
		if t.recent.Len() >= t.entries {
			last := t.recent.Back()
			t.recent.Remove(last)
			delete(t.byKey, last.Value.(*bucket).key)
		}
		limiter := rate.NewLimiter(rate.Limit(float64(t.perMinute)/60), t.perMinute)
		e = t.recent.PushFront(&bucket{key, limiter})
		t.byKey[key] = e
	}
	reservation := e.Value.(*bucket).limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now) // a refused attempt does not push the next one further away
		return &RateError{RetryAfter: wait.Round(time.Second) + time.Second}
	}
	return nil
}

// forgive forgets the attempts for key.
func (t *throttle) forgive(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.byKey[key]; ok {
		t.recent.Remove(e)
		delete(t.byKey, key)
	}
}

// addressKey is the part of an address that one client holds: the whole of an IPv4 address, the /64 of an IPv6 one.
func addressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
