package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CreateProject makes an empty project in a workspace, for those who may alter tables there (rbac.AlterTables), not in one of its
// projects alone.
func (a *Access) CreateProject(ctx context.Context, workspace string, spec minidb.ProjectSpec) (*minidb.Project, error) {
	if _, err := a.enter(ctx, workspace, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.CreateProject(ctx, a.actor(""), workspace, spec)
}

// Projects lists the projects of a workspace that the principal may read in (rbac.ReadData), by name. Whoever may read some table
// of the workspace may ask; without any project in sight the list is empty.
func (a *Access) Projects(ctx context.Context, workspace string) ([]*minidb.Project, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	list := make([]*minidb.Project, 0, len(s.Projects))
	for _, p := range s.Projects {
		if s.policy.Can(a.p, rbac.ReadData, p.ID).Allowed {
			list = append(list, p)
		}
	}
	return list, nil
}

// Project is one project that the principal may read in (rbac.ReadData).
func (a *Access) Project(ctx context.Context, id string) (*minidb.Project, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.project(id)
}

func (s *entry) project(id string) (*minidb.Project, error) {
	p, ok := s.Project(id)
	if !ok || !s.policy.Can(s.p, rbac.ReadData, id).Allowed {
		return nil, fmt.Errorf("project %s: %w", id, ErrNotFound)
	}
	return p, nil
}

// UpdateProject changes a project's name or description, for those who may alter tables in it (rbac.AlterTables). Nil fields of
// patch stay as they are; version is the project's.
func (a *Access) UpdateProject(ctx context.Context, id string, patch minidb.ProjectPatch, version int64) (*minidb.Project, error) {
	if _, err := a.at(ctx, id, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.UpdateProject(ctx, a.actor(""), id, patch, version)
}

// DeleteProject removes a project; version 0 skips the version check. Its bases stay in the workspace when keep says so; without
// it a project that has bases is minidb.ErrNotEmpty. Where roles are narrowed on the project or granted something on it, that
// ends with it and the principal needs the right to manage rules there.
func (a *Access) DeleteProject(ctx context.Context, id string, keep bool, version int64) error {
	_, err := again(func() (struct{}, error) {
		var none struct{}
		s, err := a.at(ctx, id, rbac.AlterTables)
		if err != nil {
			return none, err
		}
		if _, err := s.project(id); err != nil {
			return none, err
		}
		if err := s.mayRegroup(id, id); err != nil {
			return none, err
		}
		return none, a.e.store.DeleteProject(ctx, a.granted(s), id, keep, version)
	})
	return err
}

// mayMove says whether a base may go from its project to another one, "" for none: the principal must be allowed to alter
// tables on both sides, and may not lift what it may not set.
func (s *entry) mayMove(b *minidb.Base, to string) error {
	if b.Project == to {
		return nil
	}
	for _, project := range []string{b.Project, to} {
		if project == "" {
			// The workspace's own side: what a grant on a project allows does not reach there.
			if d := s.policy.Can(s.p, rbac.AlterTables, ""); !d.Allowed {
				return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
			}
			continue
		}
		if _, err := s.project(project); err != nil {
			return err
		}
		if d := s.policy.Can(s.p, rbac.AlterTables, project); !d.Allowed {
			return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
		}
		if err := s.mayRegroup(project, b.ID); err != nil {
			return err
		}
	}
	return nil
}

// mayRegroup says whether the principal may put something into a project or take it out, a base or all that is there: where
// roles are narrowed on the project, or granted something, that is as much as changing what people may do.
func (s *entry) mayRegroup(project, moved string) error {
	decides := len(s.policy.Caps[project]) > 0
	for _, role := range s.policy.Roles {
		for _, g := range role.Grants {
			decides = decides || g.On == project
		}
	}
	if !decides {
		return nil
	}
	if d := s.policy.Can(s.p, rbac.ManageRules, project); !d.Allowed {
		return fmt.Errorf("who may do what depends on the project: %s: %w", d.Reason, ErrForbidden)
	}
	if s.boundWithin(moved) {
		return fmt.Errorf("who may do what depends on the project, and rules or caps bind you there: %w", ErrForbidden)
	}
	return nil
}

// mayMakeBase says whether the principal may make a base in a workspace, in one of its projects where one is named.
func (a *Access) mayMakeBase(ctx context.Context, workspace, project string) error {
	if project == "" {
		_, err := a.enter(ctx, workspace, rbac.AlterTables)
		return err
	}
	if _, err := a.enter(ctx, workspace, rbac.ReadData); err != nil {
		return err
	}
	s, err := a.at(ctx, project, rbac.AlterTables)
	if err == nil && s.Workspace.ID != workspace {
		err = fmt.Errorf("project %s: %w", project, ErrNotFound)
	}
	return err
}
