package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Caps lists the caps of a workspace, by resource, for those who manage rules: those on resources that they may read.
func (a *Access) Caps(ctx context.Context, workspace string) ([]minidb.Cap, error) {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return nil, err
	}
	list := make([]minidb.Cap, 0, len(s.Snapshot.Caps))
	for _, c := range s.Snapshot.Caps {
		if s.readable(c.Resource) {
			list = append(list, c)
		}
	}
	return list, nil
}

// SetCap sets what a role or a user may do at most with a project, base, table, view or connection, in the place of the cap
// that was there; see [rbac.Cap]. It needs the right to manage rules on the resource. Nobody sets a cap for themselves or
// for their own role, and those for people with power over others are set by those who may make admins.
func (a *Access) SetCap(ctx context.Context, resource string, c rbac.Cap) (*minidb.Cap, error) {
	return again(func() (*minidb.Cap, error) {
		s, err := a.at(ctx, resource, rbac.ManageRules)
		if err != nil {
			return nil, err
		}
		if err := s.mayCap(c.Role, c.User); err != nil {
			return nil, err
		}
		return a.e.store.PutCap(ctx, a.granted(s), minidb.Cap{Workspace: s.Workspace.ID, Resource: resource, Cap: c})
	})
}

// RemoveCap lifts the cap of a role or of a user on a resource. Who may set it may lift it.
func (a *Access) RemoveCap(ctx context.Context, resource string, role rbac.Role, user string) error {
	_, err := again(func() (struct{}, error) {
		s, err := a.at(ctx, resource, rbac.ManageRules)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.mayCap(role, user); err != nil {
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
