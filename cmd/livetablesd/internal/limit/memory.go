package limit

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Memory is a [Limiter] in this process. It remembers a bounded number of buckets of each name; of more, the longest unused
// is forgotten, and is full when it comes again. Make one with [NewMemory].
type Memory struct {
	entries int
	clock   func() time.Time

	mu     sync.Mutex
	byName map[string]*ring
}

var _ Limiter = (*Memory)(nil)

// ring are the buckets of a name. Names have room of their own, so that nobody pushes the accounts out with addresses.
type ring struct {
	byKey  map[string]*list.Element
	recent list.List // of *level, the most recently used first
}

type level struct {
	key  string
	full time.Time // the theoretical arrival time
}

// NewMemory makes a limiter that remembers entries buckets of each name (65,536 when it is not above 0). A nil clock is
// time.Now.
func NewMemory(entries int, clock func() time.Time) *Memory {
	if entries <= 0 {
		entries = 1 << 16
	}
	if clock == nil {
		clock = time.Now
	}
	return &Memory{entries: entries, clock: clock, byName: map[string]*ring{}}
}

// Take implements [Limiter].
func (m *Memory) Take(_ context.Context, buckets ...Bucket) Refusal {
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	var refusal Refusal
	for i := range buckets {
		b := &buckets[i]
		if !b.limits() {
			continue
		}
		if wait := m.after(b, now).Sub(now) - b.burst(); wait > refusal.Wait {
			refusal = Refusal{b.Name, wait}
		}
	}
	if refusal.Refused() {
		return refusal
	}
	for i := range buckets {
		if b := &buckets[i]; b.limits() {
			m.find(b, now).full = m.after(b, now)
		}
	}
	return Refusal{}
}

// giveBack undoes a draw that was made.
func (m *Memory) giveBack(buckets []Bucket) {
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range buckets {
		if b := &buckets[i]; b.limits() {
			l := m.find(b, now)
			l.full = l.full.Add(-b.cost())
		}
	}
}

// after is when a bucket would be full again after the draw.
func (m *Memory) after(b *Bucket, now time.Time) time.Time {
	full := now
	if r := m.byName[b.Name]; r != nil {
		if e, ok := r.byKey[b.Key]; ok {
			if l := e.Value.(*level); l.full.After(now) {
				full = l.full
			}
		}
	}
	return full.Add(b.cost())
}

// find is the level of a bucket, a new one at first.
func (m *Memory) find(b *Bucket, now time.Time) *level {
	r := m.byName[b.Name]
	if r == nil {
		r = &ring{byKey: map[string]*list.Element{}}
		m.byName[b.Name] = r
	}
	if e, ok := r.byKey[b.Key]; ok {
		r.recent.MoveToFront(e)
		return e.Value.(*level)
	}
	if r.recent.Len() >= m.entries {
		last := r.recent.Back()
		delete(r.byKey, r.recent.Remove(last).(*level).key)
	}
	l := &level{key: b.Key, full: now}
	r.byKey[b.Key] = r.recent.PushFront(l)
	return l
}
