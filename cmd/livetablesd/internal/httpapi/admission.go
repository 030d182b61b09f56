package httpapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
)

// tally is what a request has drawn from the limits so far. The request's context carries it, since which workspace it is
// about becomes known in the engine, after the policy has let its principal in. It is safe for use by many goroutines.
type tally struct {
	s      *Server
	socket bool
	free   bool // it only looks who is let in, and draws nothing

	mu       sync.Mutex
	who      []limit.Bucket         // drawn on at the edge
	items    float64                // what the request costs
	entered  []idempotency.Entrance // by workspace, in the order of entering
	releases []func()
}

type tallyKey struct{}

func (s *Server) newTally(socket bool) *tally { return &tally{s: s, socket: socket, items: 1} }

func (t *tally) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, tallyKey{}, t)
}

// Admit is for livetables.Options.Admit of the engine that a [Server] serves: it draws on the workspace's limits for the
// requests of the server, once for each. Other calls of the engine pass.
func Admit(ctx context.Context, e livetables.Entrance) error {
	t, ok := ctx.Value(tallyKey{}).(*tally)
	if !ok {
		return nil
	}
	return t.enter(ctx, e)
}

// take draws on what is known of the request at the edge: in one round trip for all buckets.
func (t *tally) take(ctx context.Context, buckets ...limit.Bucket) error {
	if r := t.s.limiter.Take(ctx, buckets...); r.Refused() {
		t.s.opt.Metrics.Limited(r.Name)
		return overLimit(r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.who = append(t.who, buckets...)
	return nil
}

// acquire takes places that are given back when the request ends.
func (t *tally) acquire(ctx context.Context, wait time.Duration, shares ...limit.Share) error {
	release, full, err := t.s.shares.Acquire(ctx, wait, shares...)
	if err != nil {
		return err
	}
	if full != "" {
		t.s.opt.Metrics.Limited(full)
		return fullShare(full)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releases = append(t.releases, release)
	return nil
}

// enter draws on the limits of a workspace when the request comes there first. Places are taken in one workspace alone: a
// request about several would otherwise hold one while it waits for another.
func (t *tally) enter(ctx context.Context, e livetables.Entrance) error {
	t.mu.Lock()
	first := len(t.entered) == 0
	known := slices.ContainsFunc(t.entered, func(in idempotency.Entrance) bool { return in.Workspace == e.Workspace })
	if !known {
		t.entered = append(t.entered, idempotency.Entrance{Workspace: e.Workspace, Policy: e.PolicyVersion})
	}
	items := t.items
	t.mu.Unlock()
	if known || t.free {
		return nil
	}
	bucket := bucketOf("workspace", e.Workspace, t.s.opt.RateLimit.PerWorkspace)
	bucket.Cost = items
	if err := t.take(ctx, bucket); err != nil {
		return err
	}
	o := &t.s.opt.Concurrency
	switch {
	case !first:
		return nil
	case t.socket:
		return t.acquire(ctx, 0, shareOf("workspace_sockets", e.Workspace, o.SocketsPerWorkspace))
	}
	return t.acquire(ctx, o.Wait, limit.Share{Name: "workspace_requests", Key: e.Workspace, Size: o.PerWorkspace, Waiting: 8 * o.PerWorkspace})
}

// count makes the request cost as much as n items instead of one: on what was drawn on already, and on what comes.
func (t *tally) count(ctx context.Context, n int) error {
	if n <= 1 {
		return nil
	}
	t.mu.Lock()
	more := slices.Clone(t.who)
	t.items = float64(n)
	t.mu.Unlock()
	for i := range more {
		more[i].Cost = float64(n - 1)
	}
	if r := t.s.limiter.Take(ctx, more...); r.Refused() {
		t.s.opt.Metrics.Limited(r.Name)
		return overLimit(r)
	}
	return nil
}

// workspace is the one that the request came into first, empty before.
func (t *tally) workspace() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.entered) == 0 {
		return ""
	}
	return t.entered[0].Workspace
}

// entrances are the workspaces that the request came into.
func (t *tally) entrances() []idempotency.Entrance {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.entered)
}

// end gives back what the request held.
func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, release := range slices.Backward(t.releases) {
		release()
	}
	t.releases = nil
}
