package minidb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/livetables/livetables/adapter"
)

// Bounds of a group.
const (
	groupCalls = 128 // that are carried out together
	groupRows  = 16  // that a call of a group may name
)

// The states of a call that waits for its group.
const (
	callWaiting int32 = iota
	callStarted
	callWithdrawn
)

// groupCall is a call of Apply that waits to be carried out together with others.
type groupCall struct {
	ctx     context.Context
	actor   Actor
	plans   []*rowPlan
	state   atomic.Int32
	results []Result
	err     error
	alone   bool          // it has to be carried out by itself: nothing of it was done
	done    chan struct{} // closed when the above are set
}

// grouping carries out small calls of Apply that come at the same time together: what the database is asked for all of them it
// is asked once, and what they write goes out in a few statements. While one group is carried out the next one gathers.
type grouping struct {
	db *DB

	mu      sync.Mutex
	waiting []*groupCall
	running bool
}

// takes reports whether a call can be part of a group. It may still turn out in the transaction that it cannot.
func (g *grouping) takes(actor Actor, plans []*rowPlan) bool {
	if actor.Step != nil {
		return false
	}
	rows := 0
	for _, p := range plans {
		l := p.l
		if p.byFilter || p.m.Partial || p.m.DryRun || len(p.places) > 0 || len(p.restored) > 0 {
			return false
		}
		if len(l.links) > 0 || len(l.numbers) > 0 || len(l.users) > 0 || len(l.files) > 0 || len(p.t.Rules.Uniques) > 0 || l.looks {
			return false // the database has to be asked about each row
		}
		rows += len(p.changes)
	}
	return rows <= groupRows
}

// apply carries out a call in the next group. ok is false when nothing was done and the call has to be carried out by itself.
// A call whose context ends before its group has begun is taken back; afterwards its outcome is waited for.
func (g *grouping) apply(ctx context.Context, actor Actor, plans []*rowPlan) (results []Result, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, true, err
	}
	c := &groupCall{ctx: ctx, actor: actor, plans: plans, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	if !g.running {
		g.running = true
		go g.run()
	}
	g.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(callWaiting, callWithdrawn) {
			return nil, true, ctx.Err()
		}
		<-c.done
	}
	return c.results, !c.alone, c.err
}

// run carries out groups until nobody waits.
func (g *grouping) run() {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), groupCalls)
		if n == 0 {
			g.waiting, g.running = nil, false
			g.mu.Unlock()
			return
		}
		calls := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		g.execute(calls)
	}
}

// execute carries out the calls in one transaction and tells each what became of it.
func (g *grouping) execute(calls []*groupCall) {
	// The transaction serves all and must not end with the context of one.
	ctx := context.WithoutCancel(calls[0].ctx)
	work, began := newGroupWork(ctx, g.db), false
	err := adapter.WriteAsking(ctx, g.db.store, func() []adapter.Question { return work.ask(calls) },
		func(tx adapter.Tx, answers []adapter.Rows) error {
			began = true
			return work.run(tx, calls, answers)
		})
	if !began { // the transaction could not begin, and who came meanwhile would wait for nothing
		g.mu.Lock()
		calls = append(calls, g.waiting...)
		g.waiting = nil
		g.mu.Unlock()
		for _, c := range calls {
			if c.state.CompareAndSwap(callWaiting, callStarted) {
				c.err = err
				close(c.done)
			}
		}
		return
	}
	// Of a group of which nothing remains each call may be carried out by itself, to find out which of them is at fault. But a
	// database that could not be reached would let everybody wait once more, and what is not known must not be done twice.
	final := errors.Is(err, adapter.ErrUncertain) || errors.Is(err, adapter.ErrUnavailable)
	for _, c := range work.calls {
		switch {
		case err == nil || c.err != nil && final:
		case final:
			c.results, c.err, c.alone = nil, err, false
		default:
			c.results, c.err, c.alone = nil, nil, true
		}
	}
	if err == nil {
		g.db.committed(work.unit)
	}
	for _, c := range work.calls {
		close(c.done)
	}
}

// committed does what follows a commit: it drops the snapshots that it made stale and wakes the consumers of the log.
func (db *DB) committed(u *unit) {
	for workspace := range u.stale {
		db.snapshots.drop(workspace)
	}
	if u.seq.written == 0 {
		return
	}
	db.recent.add(u.seq.fresh, u.seq.position)
	db.wake.signal()
	if db.news != nil {
		db.news.committed()
	}
}

// applyTogether is Apply for calls that are carried out in groups.
func (db *DB) applyTogether(ctx context.Context, actor Actor, plans []*rowPlan) (results []Result, ok bool, err error) {
	results, ok, err = db.groups.apply(ctx, actor, plans)
	if err != nil {
		return nil, ok, fmt.Errorf("apply: %w", err)
	}
	return results, ok, nil
}
