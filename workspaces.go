package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CreateWorkspace makes a workspace whose owner is the principal, whom no view or scope may narrow.
func (a *Access) CreateWorkspace(ctx context.Context, name string) (*minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" || a.p.Scope != nil {
		return nil, ErrForbidden
	}
	return a.e.store.CreateWorkspace(ctx, a.actor(""), name)
}

// Workspaces lists the workspaces of which the principal is a member and into which its scope leads.
func (a *Access) Workspaces(ctx context.Context) ([]minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" {
		return nil, nil
	}
	list, err := a.e.store.WorkspacesOf(ctx, a.p.ID)
	if err != nil {
		return nil, err
	}
	return a.narrowed(ctx, list)
}

// Workspace is one workspace with the principal's role in it.
func (a *Access) Workspace(ctx context.Context, id string) (*minidb.Workspace, rbac.Role, error) {
	s, _, err := a.asked(ctx, id, "")
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

// DeleteWorkspace removes a workspace and everything in it for good; version 0 skips the version check. When it returns,
// nothing of the workspace can be found any more; Engine.Run then removes its bytes, see Engine.Purge.
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
	a.e.deleted()
	return nil
}
