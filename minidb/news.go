package minidb

import (
	"context"
	"sync"
	"time"
)

// announcer is implemented by stores on which processes can tell each other that there is something new.
type announcer interface {
	// Announce sends a note to all who listen, in this process and in others.
	Announce(ctx context.Context, note string) error
	// Listen calls heard with every note from the moment that it has called ready, until ctx or the connection ends.
	Listen(ctx context.Context, ready func(), heard func(note string)) error
}

// Timing of the news.
const (
	newsPause    = 10 * time.Millisecond // between two announcements: commits in quick succession share one
	newsPatience = 5 * time.Second       // for one announcement
	newsRetry    = 2 * time.Second       // after a failure; who listens polls meanwhile
)

// news tells other processes of commits and hears of theirs. It is best effort: consumers of the log poll as well.
type news struct {
	store  announcer
	self   string        // tells our own notes from those of others
	due    chan struct{} // of one: a commit is to be announced
	hear   func()        // starts listening, once
	cancel context.CancelFunc
}

// newNews is nil for a store on which there is nobody to be told.
func newNews(db *DB) *news {
	a, ok := db.store.(announcer)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &news{store: a, self: NewID("ann"), due: make(chan struct{}, 1), cancel: cancel}
	db.running.Go(func() { n.announce(ctx, db) })
	n.hear = sync.OnceFunc(func() { db.running.Go(func() { n.listen(ctx, db) }) })
	return n
}

// committed asks for an announcement. It never waits.
func (n *news) committed() {
	select {
	case n.due <- struct{}{}:
	default: // one that is to come covers this commit too
	}
}

func (n *news) announce(ctx context.Context, db *DB) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.due:
		}
		pause := newsPause
		sending, cancel := context.WithTimeout(ctx, newsPatience)
		if err := n.store.Announce(sending, n.self); err != nil && ctx.Err() == nil {
			db.opt.Logger.DebugContext(ctx, "commit not announced", "error", err)
			pause = newsRetry
		}
		cancel()
		if !wait(ctx, pause) {
			return
		}
	}
}

func (n *news) listen(ctx context.Context, db *DB) {
	for {
		// What was committed while nobody listened is news too.
		err := n.store.Listen(ctx, db.wake.signal, func(note string) {
			if note != n.self {
				db.wake.signal()
			}
		})
		if ctx.Err() != nil {
			return
		}
		db.opt.Logger.DebugContext(ctx, "not listening to commits of other processes; they are found by polling", "error", err)
		if !wait(ctx, newsRetry) {
			return
		}
	}
}

// wait answers false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
