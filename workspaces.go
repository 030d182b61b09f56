package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CreateWorkspace makes a workspace whose owner is the principal.
func (a *Access) CreateWorkspace(ctx context.Context, name string) (*minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" {
		return nil, ErrForbidden
	}
	return a.e.store.CreateWorkspace(ctx, a.actor(""), name)
}

// Workspaces lists the workspaces of which the principal is a member.
func (a *Access) Workspaces(ctx context.Context) ([]minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" {
		return nil, nil
	}
	return a.e.store.WorkspacesOf(ctx, a.p.ID)
}

// Workspace is one workspace with the principal's role in it.
func (a *Access) Workspace(ctx context.Context, id string) (*minidb.Workspace, rbac.Role, error) {
	s, err := a.enter(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, "", err
	}
	w := s.Workspace
	return &w, s.policy.Role(a.p), nil
}

// UpdateWorkspace changes a workspace; version 0 skips the version check.
func (a *Access) UpdateWorkspace(ctx context.Context, id string, patch minidb.WorkspacePatch, version int64) (*minidb.Workspace, error) {
	if _, err := a.enter(ctx, id, rbac.UpdateWorkspace); err != nil {
		return nil, err
	}
	return a.e.store.UpdateWorkspace(ctx, a.actor(""), id, patch, version)
}

// DeleteWorkspace removes a workspace and everything in it for good; version 0 skips the version check.
func (a *Access) DeleteWorkspace(ctx context.Context, id string, version int64) error {
	s, err := a.enter(ctx, id, rbac.DeleteWorkspace)
	if err != nil {
		return err
	}
	if err := a.e.store.DeleteWorkspace(ctx, a.actor(""), id, version); err != nil {
		return fmt.Errorf("delete workspace %s: %w", id, err)
	}
	for _, c := range s.Connections {
		a.e.sources.cut(c.ID)
	}
	return nil
}

// Members lists who is in a workspace, with their roles.
func (a *Access) Members(ctx context.Context, workspace string) (map[string]rbac.Role, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.Members, nil
}

// SetMember adds a member or changes a member's role. Nobody changes their own role, and only an owner gives or takes the
// roles admin and owner. The last owner stays.
func (a *Access) SetMember(ctx context.Context, workspace, user string, role rbac.Role) (*minidb.Member, error) {
	if err := checkRole(role); err != nil {
		return nil, err
	}
	if err := a.mayChangeMember(ctx, workspace, user, role); err != nil {
		return nil, err
	}
	return a.e.store.SetMember(ctx, a.actor(""), workspace, user, role)
}

// MayAddMember tells whether SetMember would take somebody new into a workspace with this role: nil, or why not. Who asks
// people in before they are known asks this first, and again through SetMember when they come.
func (a *Access) MayAddMember(ctx context.Context, workspace string, role rbac.Role) error {
	if err := a.mayChangeMember(ctx, workspace, "", role); err != nil {
		return err
	}
	return checkRole(role)
}

func checkRole(role rbac.Role) error {
	if role.BuiltIn() {
		return nil
	}
	return &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "role", Code: minidb.CodeInvalid, Message: fmt.Sprintf("%q is not one of owner, admin, editor, viewer", role)}}}
}

// RemoveMember takes a member out of a workspace. Everybody may leave, but the last owner.
func (a *Access) RemoveMember(ctx context.Context, workspace, user string) error {
	if user == a.p.ID {
		if _, err := a.enter(ctx, workspace, rbac.ReadData); err != nil {
			return err
		}
	} else if err := a.mayChangeMember(ctx, workspace, user, ""); err != nil {
		return err
	}
	return a.e.store.RemoveMember(ctx, a.actor(""), workspace, user)
}

func (a *Access) mayChangeMember(ctx context.Context, workspace, user string, role rbac.Role) error {
	s, err := a.enter(ctx, workspace, rbac.ManageMembers)
	if err != nil {
		return err
	}
	if user == a.p.ID {
		return fmt.Errorf("nobody changes their own role: %w", ErrForbidden)
	}
	if role.AtLeast(rbac.Admin) || s.Members[user].AtLeast(rbac.Admin) {
		if d := s.policy.Can(a.p, rbac.GrantAdmin, ""); !d.Allowed {
			return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
		}
	}
	return nil
}
