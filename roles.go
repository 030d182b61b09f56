package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Roles lists the custom roles of a workspace by name. Whoever may read the workspace sees their names; what they grant is
// for those who manage roles or members and for their holders.
func (a *Access) Roles(ctx context.Context, workspace string) ([]*minidb.Role, error) {
	s, err := a.people(ctx, workspace)
	if err != nil {
		return nil, err
	}
	all := s.standing(rbac.ManageRoles) || s.standing(rbac.ManageMembers)
	list := make([]*minidb.Role, len(s.Snapshot.Roles))
	for i, r := range s.Snapshot.Roles {
		list[i] = r
		if !all && s.policy.Role(s.p) != r.ID {
			list[i] = &minidb.Role{ID: r.ID, Workspace: r.Workspace, Name: r.Name, Description: r.Description, Base: r.Base,
				Version: r.Version, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy}
		}
	}
	return list, nil
}

// standing reports whether the principal has an action in the whole workspace, from wherever it asks: the networks of a
// workspace bind what is done and not who may look at it.
func (s *entry) standing(action rbac.Action) bool {
	policy := *s.policy
	policy.Networks = nil
	return policy.Can(s.p, action, "").Allowed
}

// PutRole makes a custom role when id is empty, and otherwise puts it in the place of what it was; version 0 skips the
// version check. Nobody makes a role that may what they may not themselves, nor changes their own, and roles with power over
// others are made and changed by those who may make admins. What a change takes away or gives, holders have at once.
func (a *Access) PutRole(ctx context.Context, workspace string, id rbac.Role, spec minidb.RoleSpec, version int64) (*minidb.Role, error) {
	return again(func() (*minidb.Role, error) {
		s, err := a.enter(ctx, workspace, rbac.ManageRoles)
		if err != nil {
			return nil, err
		}
		if id != "" {
			if err := s.mayChangeRole(id); err != nil {
				return nil, err
			}
		}
		for i, g := range spec.Grants {
			if !g.Action.Valid() {
				return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: fmt.Sprintf("grants[%d].action", i), Code: minidb.CodeInvalid,
					Message: "there is no such action"}}}
			}
			if g.On != "" && (!s.Has(g.On) || !s.readable(g.On)) {
				return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: fmt.Sprintf("grants[%d].on", i), Code: minidb.CodeInvalid,
					Message: "the workspace has no project, base, table, view or connection of that id"}}}
			}
		}
		if d := s.policy.MayDefine(s.p, rbac.CustomRole{ID: id, Name: spec.Name, Base: spec.Base, Grants: spec.Grants}); !d.Allowed {
			return nil, fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
		}
		if id == "" {
			return a.e.store.CreateRole(ctx, a.granted(s), workspace, spec)
		}
		return a.e.store.UpdateRole(ctx, a.granted(s), workspace, id, spec, version)
	})
}

// DeleteRole removes a custom role with the rules and caps that are for it; version 0 skips the version check. A role that
// members hold stays (minidb.ErrInUse). An invite to a role that is gone cannot be accepted any more.
func (a *Access) DeleteRole(ctx context.Context, workspace string, id rbac.Role, version int64) error {
	_, err := again(func() (struct{}, error) {
		s, err := a.enter(ctx, workspace, rbac.ManageRoles)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.mayChangeRole(id); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.e.store.DeleteRole(ctx, a.granted(s), workspace, id, version)
	})
	return err
}

// mayChangeRole says whether the principal may change or delete a custom role.
func (s *entry) mayChangeRole(id rbac.Role) error {
	if _, ok := s.Role(id); !ok {
		return fmt.Errorf("role %s: %w", id, ErrNotFound)
	}
	if s.policy.Role(s.p) == id {
		return fmt.Errorf("nobody changes their own role: %w", ErrForbidden)
	}
	if d := s.policy.Can(s.p, rbac.GrantAdmin, ""); s.policy.Powerful(id) && !d.Allowed {
		return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	return nil
}
