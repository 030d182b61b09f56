package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Caps lists the caps of a workspace, by resource: those on resources that the principal may read and that are not in the
// trash, where they stay in force. It needs the right to manage rules (rbac.ManageRules) in the workspace, not only on one of
// its resources.
func (a *Access) Caps(ctx context.Context, workspace string) ([]minidb.Cap, error) {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return nil, err
	}
	list := make([]minidb.Cap, 0, len(s.Snapshot.Caps))
	for _, c := range s.Snapshot.Caps {
		if s.readable(c.Resource) && s.Has(c.Resource) { // those of what lies in the trash stay in force, out of sight
			list = append(list, c)
		}
	}
	return list, nil
}

// SetCap sets what a role or a user may do at most with a project, base, table, view or connection, in the place of the cap
// that was there; see [rbac.Cap]. It needs the right to manage rules on the resource. Nobody sets a cap for themselves or
// for their own role, and those for people with power over others are set by those who may make admins. Nor does anybody let
// others do what they may not do there themselves, or see what a rule or a cap inside keeps from them.
func (a *Access) SetCap(ctx context.Context, resource string, c rbac.Cap) (*minidb.Cap, error) {
	return again(func() (*minidb.Cap, error) {
		s, err := a.at(ctx, resource, rbac.ManageRules)
		if err != nil {
			return nil, err
		}
		if err := s.mayCap(c.Role, c.User); err != nil {
			return nil, err
		}
		if err := s.mayWiden(resource, s.capBefore(resource, c), c.Max); err != nil {
			return nil, err
		}
		return a.e.store.PutCap(ctx, a.granted(s), minidb.Cap{Workspace: s.Workspace.ID, Resource: resource, Cap: c})
	})
}

// RemoveCap lifts the cap of a role, or of a user with an empty role, on a resource: [ErrNotFound] when there is none. It asks
// what [Access.SetCap] asks: the right to manage rules on the resource (rbac.ManageRules), and [ErrForbidden] for a cap
// that binds the principal or somebody with power over others, and for one below which they could do or see more than the
// principal does.
func (a *Access) RemoveCap(ctx context.Context, resource string, role rbac.Role, user string) error {
	_, err := again(func() (struct{}, error) {
		s, err := a.at(ctx, resource, rbac.ManageRules)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.mayCap(role, user); err != nil {
			return struct{}{}, err
		}
		if err := s.mayWiden(resource, s.capBefore(resource, rbac.Cap{Role: role, User: user}), rbac.Admin); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.e.store.DeleteCap(ctx, a.granted(s), s.Workspace.ID, resource, role, user)
	})
	return err
}

// mayCap says whether the principal may decide over the caps and rules of a role or of a user.
func (s *entry) mayCap(role rbac.Role, user string) error {
	if s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return nil
	}
	if user != "" {
		if user == s.p.ID {
			return fmt.Errorf("nobody changes what binds them: %w", ErrForbidden)
		}
		role = s.policy.Members[user]
	}
	if s.policy.Powerful(role) {
		return fmt.Errorf("those with power over others are bound by owners: %w", ErrForbidden)
	}
	if own := s.policy.Role(s.p); user == "" && (role == own || role == s.policy.Roles[own].Base) {
		return fmt.Errorf("nobody changes what binds them: %w", ErrForbidden)
	}
	return nil
}

// capBefore is what a cap leaves to somebody at a resource before it is set or lifted. One for a user takes the place of those
// for roles, whichever the user has then: without one, the least of them counts. Without any, nothing is narrowed.
func (s *entry) capBefore(resource string, c rbac.Cap) rbac.Role {
	most, found := rbac.Admin, false
	for _, old := range s.policy.Caps[resource] {
		switch {
		case old.User == c.User && old.Role == c.Role:
			return old.Max
		case c.User != "" && old.Role != "" && (!found || !old.Max.AtLeast(most)):
			most, found = old.Max, true
		}
	}
	return most
}

// mayWiden says whether the principal may let somebody do more with a resource than before: only what it may do there itself,
// and only where nothing inside is kept from it, or it may make admins.
func (s *entry) mayWiden(resource string, before, after rbac.Role) error {
	for action, lowest := range rbac.Actions() {
		if before.AtLeast(lowest) || !after.AtLeast(lowest) || lowest == rbac.Owner { // no cap is that wide
			continue
		}
		if d := s.policy.Can(s.p, action, resource); !d.Allowed {
			return fmt.Errorf("nobody gives what they do not have: %s: %w", d.Reason, ErrForbidden)
		}
		if s.boundWithin(resource) {
			return fmt.Errorf("rules or caps bind you there, and others would see more: %w", ErrForbidden)
		}
	}
	return nil
}

// boundWithin reports whether a rule or a cap keeps something of a resource, or of what is inside it, from the principal.
func (s *entry) boundWithin(resource string) bool {
	role := s.policy.Role(s.p)
	if role == rbac.Owner || s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return false
	}
	base := s.policy.Roles[role].Base
	inside := func(id string) bool {
		for range maxPlaces {
			if id == "" || id == resource {
				break
			}
			id = s.policy.Parents[id]
		}
		return id == resource
	}
	for table, byRole := range s.policy.Rules {
		for by := range byRole {
			if (by == role || by == base) && inside(ruledPlace(table)) {
				return true
			}
		}
	}
	for id, caps := range s.policy.Caps {
		for _, c := range caps {
			if (c.User == s.p.ID || c.User == "" && (c.Role == role || c.Role == base)) && inside(id) {
				return true
			}
		}
	}
	return false
}

// maxPlaces bounds the way up from a resource: a table or view, its base, its project.
const maxPlaces = 8
