package limit

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Share is a number of things of one owner that may run at once.
type Share struct {
	// Name says which share it is ("account", "export"); refusals name it.
	Name string
	// Key says whose it is. Shares are told apart by name and key.
	Key string
	// Size is how many may run at once. Of zero or less, the share does not limit.
	Size int
	// Waiting is how many more may wait; 0 is as many as Size.
	Waiting int
}

// Shares keeps count of what runs at once. What is beyond a share waits in the order in which it came, but only so many,
// and none longer than the wait that its caller gives. The zero Shares is ready for use, by many goroutines.
type Shares struct {
	mu     sync.Mutex
	places map[place]*queue
}

type place struct{ name, key string }

// queue is who runs and who waits in one share.
type queue struct {
	used    int
	waiting list.List // of chan struct{}, closed when the waiter has its turn
}

// Acquire takes a place in every share, in the order given, and waits for them for no longer than wait in all. It answers
// the function that gives the places back, to be called once, or the name of the share that was full. The error is ctx's
// own when it ends first. Shares are named in the same order everywhere, from the one of most owners to that of fewest.
func (s *Shares) Acquire(ctx context.Context, wait time.Duration, shares ...Share) (release func(), full string, err error) {
	var held []place
	release = func() {
		for i := len(held) - 1; i >= 0; i-- {
			s.give(held[i])
		}
	}
	var timer *time.Timer
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()
	for _, share := range shares {
		if share.Size <= 0 {
			continue
		}
		p := place{share.Name, share.Key}
		turn, at, ok := s.take(p, share, wait > 0)
		if !ok {
			release()
			return nil, share.Name, nil
		}
		if turn != nil {
			if timer == nil {
				timer = time.NewTimer(wait)
			}
			select {
			case <-turn:
			case <-timer.C:
				if !s.leave(p, turn, at) {
					break // the turn came at the last moment
				}
				release()
				return nil, share.Name, nil
			case <-ctx.Done():
				if !s.leave(p, turn, at) {
					s.give(p)
				}
				release()
				return nil, "", ctx.Err()
			}
		}
		held = append(held, p)
	}
	return release, "", nil
}

// take takes a place, or stands in the queue, which gives the channel to wait for.
func (s *Shares) take(p place, share Share, patient bool) (turn chan struct{}, at *list.Element, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.places[p]
	if q == nil {
		if s.places == nil {
			s.places = map[place]*queue{}
		}
		q = &queue{}
		s.places[p] = q
	}
	if q.used < share.Size && q.waiting.Len() == 0 {
		q.used++
		return nil, nil, true
	}
	room := share.Waiting
	if room <= 0 {
		room = share.Size
	}
	if !patient || q.waiting.Len() >= room {
		return nil, nil, false
	}
	turn = make(chan struct{})
	return turn, q.waiting.PushBack(turn), true
}

// leave leaves the queue; false when the turn has come meanwhile.
func (s *Shares) leave(p place, turn chan struct{}, at *list.Element) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-turn:
		return false
	default:
		s.places[p].waiting.Remove(at)
		return true
	}
}

// give gives a place to the next in the queue. Nothing is remembered of owners of whom nothing runs.
func (s *Shares) give(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.places[p]
	if first := q.waiting.Front(); first != nil {
		close(q.waiting.Remove(first).(chan struct{}))
		return
	}
	if q.used--; q.used == 0 {
		delete(s.places, p)
	}
}

// Load is how many run and how many wait in all shares of a name.
type Load struct{ Running, Waiting int }

// Loads are the loads by name of share, for metrics; shares in which nothing runs are missing.
func (s *Shares) Loads() map[string]Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	loads := map[string]Load{}
	for p, q := range s.places {
		l := loads[p.name]
		l.Running += q.used
		l.Waiting += q.waiting.Len()
		loads[p.name] = l
	}
	return loads
}
