package minidb

import (
	"sync"
	"time"

	"github.com/livetables/livetables/audit"
)

// Bounds of the memory of recent entries.
const (
	recentEntries = 1024
	recentBytes   = 8 << 10         // of the documents of one entry; larger ones are read from the log
	recentTime    = 2 * time.Second // after that an entry may have been removed by somebody else
)

// recent are the entries that this process has committed a moment ago, so that those who hear of a commit need not read what
// was just written. Each is in the place of its position, where it is replaced by a later one.
type recent struct {
	mu   sync.Mutex
	ring []recentEntry
	last int64 // the highest position that was committed here
}

type recentEntry struct {
	entry audit.Entry // its Position is 0 in a place that is empty
	at    time.Time
}

// add keeps entries that were committed up to a position; none of a transaction with many, of which who follows it reads pages
// anyway. They are shared from then on and must not be changed.
func (r *recent) add(entries []audit.Entry, last int64) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, last)
	if r.ring == nil {
		r.ring = make([]recentEntry, recentEntries)
	}
	for i := range entries {
		e := &entries[i]
		if at := &r.ring[e.Position%recentEntries]; at.entry.Position < e.Position {
			*at = recentEntry{}
			if len(e.Before)+len(e.After) <= recentBytes {
				*at = recentEntry{*e, now}
			}
		}
	}
}

// forget empties the memory, when entries are removed.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring = nil
}

// after are the entries that follow a position without a gap, as far as they are here.
func (r *recent) after(position int64, limit int) (list []audit.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ring == nil || position >= r.last {
		return nil
	}
	oldest := time.Now().Add(-recentTime)
	for next := position + 1; len(list) < limit; next++ {
		at := &r.ring[next%recentEntries]
		if at.entry.Position != next || at.at.Before(oldest) {
			return list
		}
		list = append(list, at.entry)
	}
	return list
}

// Newest are the entries of all workspaces after a position, at most limit, as far as this process has committed them within
// the last seconds and without a gap; none when the next one has to be read from the log by Changes. They are as those of
// Changes and shared: nothing in them may be changed.
func (db *DB) Newest(after int64, limit int) []audit.Entry { return db.recent.after(after, limit) }

// Written is the highest position that this process has committed since it began, 0 for none. A signal of Committed comes
// after it has grown.
func (db *DB) Written() int64 {
	db.recent.mu.Lock()
	defer db.recent.mu.Unlock()
	return db.recent.last
}
