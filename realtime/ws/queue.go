package ws

import (
	"context"
	"sync"
	"time"
)

// queue is the messages of a connection that wait to be sent, in order. It never blocks who puts: whoever can wait asks
// for room first.
type queue struct {
	soft, hard int

	mu    sync.Mutex
	items []message
	bytes int // of items and of the one being sent
	// progress is when the network last took a message, or when the first one began to wait.
	progress time.Time
	ready    chan struct{} // has a value when there may be items
	space    chan struct{} // closed, and replaced, when there is less in the queue and somebody waits
	waiters  int
}

// message is one encoded message and the room it belongs to, nil for replies.
type message struct {
	data []byte
	room *room
}

func newQueue(hard int) *queue {
	return &queue{soft: hard / 4, hard: hard, ready: make(chan struct{}, 1), space: make(chan struct{})}
}

// put appends a message; false when the queue is full. One message always fits into an empty queue.
func (q *queue) put(m message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes > 0 && q.bytes+len(m.data) > q.hard {
		return false
	}
	q.add(m)
	return true
}

// add must be called with the lock held.
func (q *queue) add(m message) {
	if q.bytes == 0 {
		q.progress = time.Now()
	}
	q.items = append(q.items, m)
	q.bytes += len(m.data)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// fits tells whether a room may add n bytes; the lock is held.
func (q *queue) fits(n int) bool {
	return q.bytes == 0 || q.bytes <= q.soft && q.bytes+n <= q.hard
}

// take removes the first message for sending; sent must follow.
func (q *queue) take() (message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.items = nil // gives back what a burst took
		return message{}, false
	}
	m := q.items[0]
	q.items[0] = message{}
	q.items = q.items[1:]
	return m, true
}

// sent counts out a message that take returned.
func (q *queue) sent(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.progress = time.Now()
	q.free(len(m.data))
}

// free must be called with the lock held.
func (q *queue) free(n int) {
	q.bytes -= n
	if q.waiters > 0 && q.bytes <= q.soft {
		close(q.space)
		q.space = make(chan struct{})
	}
}

// drop removes the messages of a room that are not being sent yet; all messages for nil.
func (q *queue) drop(r *room) {
	q.mu.Lock()
	defer q.mu.Unlock()
	kept, freed := q.items[:0], 0
	for _, m := range q.items {
		if r == nil || m.room == r {
			freed += len(m.data)
		} else {
			kept = append(kept, m)
		}
	}
	clear(q.items[len(kept):])
	q.items = kept
	q.free(freed)
}

// wait returns when a room may add n bytes, with an error when ctx ends first. It answers false when the network took
// nothing for slow although something waits.
func (q *queue) wait(ctx context.Context, n int, slow time.Duration) (moving bool, err error) {
	return q.whenFits(ctx, n, slow, func() {})
}

// putWait is wait, and puts the message.
func (q *queue) putWait(ctx context.Context, m message, slow time.Duration) (moving bool, err error) {
	return q.whenFits(ctx, len(m.data), slow, func() { q.add(m) })
}

func (q *queue) whenFits(ctx context.Context, n int, slow time.Duration, do func()) (moving bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters++
	defer func() { q.waiters-- }()
	for {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		if q.fits(n) {
			do()
			return true, nil
		}
		idle := time.Since(q.progress)
		if idle >= slow {
			return false, nil
		}
		space := q.space
		q.mu.Unlock()
		timer := time.NewTimer(slow - idle)
		select {
		case <-space:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		q.mu.Lock()
	}
}
