package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Can says whether the principal may take an action on a resource of a workspace, "" for the workspace itself, with the
// reason in words and what led to it. A resource that the principal may not read is ErrNotFound.
func (a *Access) Can(ctx context.Context, workspace string, action rbac.Action, resource string) (rbac.Decision, error) {
	s, id, err := a.asked(ctx, workspace, resource)
	if err != nil {
		return rbac.Decision{}, err
	}
	return s.policy.Can(s.p, action, id), nil
}

// May says what the principal may do with a resource of a workspace, "" for the workspace itself: the decision for every
// action. A resource that the principal may not read is ErrNotFound.
//
// What is allowed here can still be refused for other reasons: by the rules of a table, because a view is published with
// the rights of somebody else, because nobody gives what they do not have.
func (a *Access) May(ctx context.Context, workspace, resource string) (map[rbac.Action]rbac.Decision, error) {
	s, id, err := a.asked(ctx, workspace, resource)
	if err != nil {
		return nil, err
	}
	all := rbac.Actions()
	decisions := make(map[rbac.Action]rbac.Decision, len(all))
	for action := range all {
		decisions[action] = s.policy.Can(s.p, action, id)
	}
	return decisions, nil
}

// asked enters a workspace to ask about one of its resources, which is answered as the policy knows it.
func (a *Access) asked(ctx context.Context, workspace, resource string) (*entry, string, error) {
	if a.p.View != "" {
		return nil, "", fmt.Errorf("workspace %s: %w", workspace, ErrNotFound)
	}
	s, err := a.load(ctx, workspace)
	if err != nil {
		return nil, "", err
	}
	id := ""
	if resource != "" && resource != workspace {
		id = s.place(resource)
		managed := s.policy.Can(s.p, rbac.ManageConnections, id).Allowed
		if _, connection := s.Connection(id); !s.Has(id) || !s.readable(id) && !(connection && managed) {
			return nil, "", fmt.Errorf("%s: %w", resource, ErrNotFound)
		}
		if t, ok := s.AnyTable(id); ok {
			if _, err := s.sight(ctx, t); err != nil {
				return nil, "", err
			}
		}
	}
	return s, id, a.admit(ctx, s, rbac.ReadData)
}

// again does something once more when what it was decided on has changed meanwhile.
func again[T any](do func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		v, err := do()
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return v, err
	}
}
