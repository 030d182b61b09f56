package minidb

import "sync"

// wake tells the consumers of the change log that there is something new. A signal that nobody has taken yet covers all
// later ones, so that waking never waits for a consumer.
type wake struct {
	mu     sync.Mutex
	chans  map[chan struct{}]struct{}
	closed bool
}

// Committed gives a channel that receives something soon after each commit that added to the change log; commits in quick
// succession may share one signal. The consumer then reads Changes from its position until there are no more. The channel
// is closed by stop, which must be called, and by DB.Close. A consumer should also poll now and then: on
// PostgreSQL a commit of another process sends a signal as a rule, which may be lost, and in an SQLite file it sends none.
func (db *DB) Committed() (woken <-chan struct{}, stop func()) {
	w := &db.wake
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(c)
		return c, func() {}
	}
	if db.news != nil {
		db.news.hear()
	}
	if w.chans == nil {
		w.chans = make(map[chan struct{}]struct{})
	}
	w.chans[c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := w.chans[c]; ok {
			delete(w.chans, c)
			close(c)
		}
	}
}

func (w *wake) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.chans {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (w *wake) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for c := range w.chans {
		close(c)
	}
	w.chans = nil
}
