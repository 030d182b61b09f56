package livetables

import (
	"context"
	"sync"
	"time"

	"github.com/livetables/livetables/minidb"
)

// leases are what one engine alone does of all that share a database: handing changes to each sink, signing heads, purging, cutting logs.
type leases struct {
	e  *Engine
	mu sync.Mutex // over list
	// list has each lease that was asked for.
	list map[string]*minidb.Lease
}

// The leases that are no sink's.
const (
	leaseHeads = "heads"
	leasePurge = "purge"
	leaseLogs  = "logs"
)

// of is the lease of that name. It is claimed by keep.
func (l *leases) of(name string) *minidb.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list[name] == nil {
		l.list[name] = l.e.store.Lease(name, l.e.instance)
	}
	return l.list[name]
}

// claim claims all leases.
func (l *leases) claim(ctx context.Context) {
	l.mu.Lock()
	all := make([]*minidb.Lease, 0, len(l.list))
	for _, lease := range l.list {
		all = append(all, lease)
	}
	l.mu.Unlock()
	for _, lease := range all {
		if _, err := lease.Claim(ctx); err != nil && ctx.Err() == nil {
			l.e.log.WarnContext(ctx, "background work may rest for a while", "error", err)
			return
		}
	}
}

// keep claims all leases until ctx ends.
func (l *leases) keep(ctx context.Context) {
	if !l.e.store.Shared() {
		return
	}
	tick := time.NewTicker(minidb.LeaseBeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.claim(ctx)
		}
	}
}

// release gives all leases back, so that others need not wait until they end.
func (l *leases) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), minidb.LeaseBeat)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lease := range l.list {
		if err := lease.Release(ctx); err != nil {
			l.e.log.DebugContext(ctx, "a lease was not given back", "error", err)
		}
	}
}
