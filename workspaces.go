package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CreateWorkspace makes a workspace whose owner is the principal. Everybody with an id may; [ErrForbidden] is for the bearer of a
// view's key and for a principal with a scope. Names need not be unique.
func (a *Access) CreateWorkspace(ctx context.Context, name string) (*minidb.Workspace, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" || a.p.Scope != nil {
		return nil, ErrForbidden
	}
	return a.e.store.CreateWorkspace(ctx, a.actor(""), name)
}

// Workspaces lists the workspaces of which the principal is a member and, where it has a scope, into which that leads and in which it
// may read anything. For the bearer of a view's key there is none; nobody's list is [ErrNoPrincipal].
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

// Workspace is one workspace with the principal's role in it. Every member may ask, whatever the role allows; a scope that does not
// lead into it makes it [ErrNotFound].
func (a *Access) Workspace(ctx context.Context, id string) (*minidb.Workspace, rbac.Role, error) {
	s, _, err := a.asked(ctx, id, "")
	if err != nil {
		return nil, "", err
	}
	w := s.Workspace
	return &w, s.policy.Role(a.p), nil
}

// UpdateWorkspace changes a workspace's name or settings, for those who may (rbac.UpdateWorkspace). Nil fields of patch stay as they
// are; settings are a JSON object and replaced as a whole. version is the workspace's.
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
