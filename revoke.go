package livetables

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// readCheck is how often a running read looks whether its principal may still see what it was planned to show.
const readCheck = time.Second

// askTime is how long the policy may be waited for there: what cannot be told in time is refused.
const askTime = 3 * time.Second

// permit watches the right to a running read: exports can take long, and a right that is taken away ends them.
type permit struct {
	lost  atomic.Bool
	timer *time.Timer
}

// right is what a read rests on: who asks, and what was planned to be shown. The entry is a copy, since it is asked about while the
// read goes on and changes its own.
type right struct {
	entry entry
	plan  *rewrite.Plan
}

func (s *entry) right(plan *rewrite.Plan) *right {
	r := &right{entry: *s, plan: plan}
	r.entry.read = slices.Clone(s.read)
	r.entry.sights, r.entry.linked = nil, nil // maps of the read, not looked at
	return r
}

// watch ends ctx by end when the right to a read is lost, which the permit then tells.
func (r *right) watch(ctx context.Context, end context.CancelFunc) *permit {
	p := &permit{}
	ready := make(chan struct{})
	p.timer = time.AfterFunc(readCheck, func() {
		<-ready // timer is set
		switch {
		case ctx.Err() != nil:
		case r.heldInTime(ctx):
			p.timer.Reset(readCheck)
		case ctx.Err() == nil: // else the end of the read kept us from asking
			p.lost.Store(true)
			end()
		}
	})
	close(ready)
	return p
}

// end stops watching.
func (p *permit) end() { p.timer.Stop() }

// heldInTime is held, false too when the policy does not answer within askTime. A store that does not listen to its context
// holds up nobody but itself.
func (r *right) heldInTime(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	answer := make(chan bool, 1)
	go func() { answer <- r.held(ctx) }()
	select {
	case may := <-answer:
		return may
	case <-ctx.Done():
		return false
	}
}

// held reports whether the principal may see now what the plan shows. A policy that cannot be had allows nothing.
func (r *right) held(ctx context.Context) bool {
	s := &r.entry
	policy, err := s.e.policies.Policy(ctx, s.Workspace.ID)
	if err != nil {
		return false
	}
	if s.p.View != "" && s.p.Scope == nil && !s.stillPublished(ctx, policy) { // with a scope it is a token, which has no key
		return false
	}
	now := *s
	now.policy = policy
	if now.member() != nil {
		return false
	}
	if policy == s.policy {
		return true
	}
	for _, view := range s.read {
		if !now.readable(view) {
			return false
		}
	}
	return policy.CanSomewhere(s.p, rbac.ReadData).Allowed && r.plan.StillAllowed(policy)
}

// stillPublished reports whether the view of the principal is still published by the same member, and its key still opens it.
func (s *entry) stillPublished(ctx context.Context, policy *rbac.Policy) bool {
	snap, err := s.e.store.Snapshot(ctx, s.Workspace.ID)
	if err != nil {
		return false
	}
	sh, ok := snap.ShareOfView(s.p.View)
	if !ok || sh.CreatedBy != s.p.ID || !mayPublish(policy, sh.CreatedBy, sh.View) {
		return false
	}
	if sh.Mode == minidb.SharePublic {
		return true
	}
	for _, k := range sh.Keys {
		if k.ID == s.p.Key {
			return k.RevokedAt == nil && (k.ExpiresAt == nil || s.e.clock().Before(*k.ExpiresAt)) &&
				mayPublish(policy, k.CreatedBy, sh.View)
		}
	}
	return false
}
