package supervise

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// Share is a number of reads that may run at once. Those beyond it wait in the order in which they came, and only so many
// may wait. A nil Share has no bound. It is safe for concurrent use; make one with [NewShare].
type Share struct {
	mu      sync.Mutex
	size    int
	used    int
	queue   list.List // of chan struct{}, closed when the waiter has its turn
	waiting int       // length that the queue may have
}

// NewShare makes a share for size reads; waiting is how many more may wait. Both are at least 1.
func NewShare(size, waiting int) *Share {
	return &Share{size: max(1, size), waiting: max(1, waiting)}
}

// take waits for a turn, which give ends. The error is ErrBusy when too many wait already or the deadline of ctx comes
// first, and ctx's own when the caller leaves.
func (s *Share) take(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.used < s.size && s.queue.Len() == 0 {
		s.used++
		s.mu.Unlock()
		return nil
	}
	if s.queue.Len() >= s.waiting {
		s.mu.Unlock()
		return ErrBusy
	}
	turn := make(chan struct{})
	place := s.queue.PushBack(turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-turn: // it came together with the end of ctx
		s.pass()
	default:
		s.queue.Remove(place)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrBusy
	}
	return ctx.Err()
}

// give ends a turn.
func (s *Share) give() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass()
}

// pass hands a turn to the next in the queue.
func (s *Share) pass() {
	first := s.queue.Front()
	if first == nil {
		s.used--
		return
	}
	close(s.queue.Remove(first).(chan struct{}))
}

// counts are the reads that run and those that wait.
func (s *Share) counts() (used, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.queue.Len()
}
