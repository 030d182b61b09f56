package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Access is the engine as one principal sees it: every verb of the catalogue and every way to data. It is cheap to make
// and safe for use by many goroutines; it holds no rights of its own, each call asks the policy anew.
//
// A resource in a workspace of which the principal is no member is answered with [ErrNotFound], just like one that does
// not exist; one that it may see but not treat so, with [ErrForbidden].
type Access struct {
	e *Engine
	p rbac.Principal
}

// Principal is who this access acts for.
func (a *Access) Principal() rbac.Principal { return a.p }

// entry is a principal inside a workspace, allowed the action it came for: one consistent view of catalogue and policy.
type entry struct {
	*minidb.Snapshot
	e      *Engine
	p      rbac.Principal
	policy *rbac.Policy
	limits Limits
	// instead are tables of the mini-DB as they would be, by id: what a change of them would break is found out with it.
	instead map[string]*lqp.Table
}

// enter asks the policy question for an action in a workspace. The bearer of a view's key does not get in: nothing of the
// workspace but the view's rows is for it (enterView).
func (a *Access) enter(ctx context.Context, workspace string, action rbac.Action) (*entry, error) {
	if a.p.View != "" {
		return nil, fmt.Errorf("workspace %s: %w", workspace, ErrNotFound)
	}
	return a.open(ctx, workspace, action)
}

// enterView enters the workspace of a view to read it, also as the bearer of its key.
func (a *Access) enterView(ctx context.Context, view string) (*entry, error) {
	if a.p.View != "" && a.p.View != view {
		return nil, fmt.Errorf("view %s: %w", view, ErrNotFound)
	}
	workspace, err := a.e.store.WorkspaceOf(ctx, view)
	if err != nil {
		return nil, fmt.Errorf("view %s: %w", view, err)
	}
	return a.open(ctx, workspace, rbac.ReadData)
}

func (a *Access) open(ctx context.Context, workspace string, action rbac.Action) (*entry, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	snap, err := a.e.store.Snapshot(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("workspace %s: %w", workspace, err)
	}
	policy, err := a.e.policies.Policy(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", workspace, err)
	}
	if policy.Role(a.p) == "" {
		return nil, fmt.Errorf("workspace %s: %w", workspace, ErrNotFound)
	}
	d := policy.Can(a.p, action, "")
	if action == rbac.ReadData || action == rbac.WriteRows {
		d = policy.CanSomewhere(a.p, action) // what is read or written is asked for table by table
	}
	if !d.Allowed {
		return nil, fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	return &entry{Snapshot: snap, e: a.e, p: a.p, policy: policy, limits: a.e.limits}, nil
}

// at enters the workspace that holds a resource.
func (a *Access) at(ctx context.Context, resource string, action rbac.Action) (*entry, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	workspace, err := a.e.store.WorkspaceOf(ctx, resource)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resource, err)
	}
	return a.enter(ctx, workspace, action)
}

func (a *Access) actor(reason string) minidb.Actor {
	return minidb.Actor{ID: a.p.ID, Request: a.p.Request, Address: a.p.Address, Reason: reason}
}

// Can says whether the principal may take an action in a workspace, with the reason in words.
func (a *Access) Can(ctx context.Context, workspace string, action rbac.Action) (rbac.Decision, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return rbac.Decision{}, err
	}
	return s.policy.Can(a.p, action, ""), nil
}
