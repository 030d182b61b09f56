package livetables

import (
	"context"
	"errors"
	"slices"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// leadsInto reports whether a scope leads into a workspace at all: it names no resources, or one that is there. The names and
// members of a workspace are not for the bearer of a token for another one, though its person is in both.
func leadsInto(scope *rbac.Scope, s *minidb.Snapshot) bool {
	return scope == nil || len(scope.Resources) == 0 || slices.ContainsFunc(scope.Resources, s.Has)
}

// narrowed leaves of a principal's workspaces those into which its scope leads.
func (a *Access) narrowed(ctx context.Context, list []minidb.Workspace) ([]minidb.Workspace, error) {
	if a.p.Scope == nil {
		return list, nil
	}
	var out []minidb.Workspace
	for _, w := range list {
		s, err := a.load(ctx, w.ID)
		if errors.Is(err, ErrNotFound) { // out of scope, or deleted since the list was read
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.policy.CanSomewhere(a.p, rbac.ReadData).Allowed {
			out = append(out, w)
		}
	}
	return out, nil
}
