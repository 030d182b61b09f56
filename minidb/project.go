package minidb

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
)

// Project groups bases of a workspace. Projects are optional: a base that is in none belongs to the workspace directly.
type Project struct {
	ID          string    `json:"id"`
	Workspace   string    `json:"workspace_id"`
	Name        string    `json:"name"` // unique in the workspace, case aside
	Description string    `json:"description"`
	Version     int64     `json:"version"` // counts the updates of the project itself, not those of its bases
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
}

// ProjectSpec describes a new project.
type ProjectSpec struct{ Name, Description string }

// ProjectPatch lists what UpdateProject changes; nil fields stay.
type ProjectPatch struct{ Name, Description *string }

const projectColumns = `id, workspace, name, description, version, created_at, created_by`

func scanProject(r record) Project {
	return Project{ID: r.text(0), Workspace: r.text(1), Name: r.text(2), Description: r.text(3), Version: r.integer(4),
		CreatedAt: r.instant(5), CreatedBy: r.text(6)}
}

func (s session) project(id string) (Project, error) {
	return must(s, "project "+id, scanProject, `SELECT `+projectColumns+` FROM lt_project WHERE id = ?`, argText(id))
}

func (p Project) entry(action string) audit.Entry {
	return audit.Entry{Workspace: p.Workspace, Action: action, ResourceType: "project", Resource: p.ID, Version: p.Version}
}

// check makes the fields fit to be stored.
func (p *Project) check() (err error) {
	if p.Name, err = cleanName(p.Name); err != nil {
		return err
	}
	return checkText("description", p.Description, maxDescription)
}

func (u *unit) freeProjectName(p Project) error {
	taken, err := u.taken(`SELECT 1 FROM lt_project WHERE workspace = ? AND name_key = ? AND id <> ?`,
		argText(p.Workspace), argText(nameKey(p.Name)), argText(p.ID))
	if err == nil && taken {
		err = fmt.Errorf("project %q: %w", p.Name, ErrExists)
	}
	return err
}

// CreateProject makes an empty project in a workspace.
func (db *DB) CreateProject(ctx context.Context, actor Actor, workspace string, spec ProjectSpec) (*Project, error) {
	var p Project
	err := db.write(ctx, "create project", actor, func(u *unit) error {
		p = Project{ID: NewID(prefixProject), Workspace: workspace, Name: spec.Name, Description: spec.Description, Version: 1,
			CreatedAt: u.now, CreatedBy: u.actor.ID}
		if err := p.check(); err != nil {
			return err
		}
		if err := u.touch(workspace, false); err != nil {
			return err
		}
		if err := u.roomForProject(workspace); err != nil {
			return err
		}
		if err := u.freeProjectName(p); err != nil {
			return err
		}
		if _, err := u.exec(`INSERT INTO lt_project (`+projectColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			argText(p.ID), argText(p.Workspace), argText(p.Name), argText(p.Description), argInt(p.Version), argTime(p.CreatedAt),
			argText(p.CreatedBy), argText(nameKey(p.Name))); err != nil {
			return err
		}
		return u.resource(p.entry("project.create"), nil, p)
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// UpdateProject changes a project. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateProject(ctx context.Context, actor Actor, id string, changes ProjectPatch, version int64) (*Project, error) {
	var p Project
	err := db.write(ctx, "update project "+id, actor, func(u *unit) error {
		old, err := u.project(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		p = old
		patch(&p.Name, changes.Name)
		patch(&p.Description, changes.Description)
		if err := p.check(); err != nil {
			return err
		}
		p.Version++
		if err := u.touch(p.Workspace, false); err != nil {
			return err
		}
		if err := u.freeProjectName(p); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_project SET name = ?, name_key = ?, description = ?, version = ? WHERE workspace = ? AND id = ?`,
			argText(p.Name), argText(nameKey(p.Name)), argText(p.Description), argInt(p.Version), argText(p.Workspace), argText(id)); err != nil {
			return err
		}
		return u.resource(p.entry("project.update"), old, p)
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// DeleteProject removes a project. One that has bases is ErrNotEmpty, unless keep says that they stay in the workspace
// without a project: what narrows roles on a project narrows them on its bases too and ends with it, which nobody should
// meet by accident. version is as in UpdateProject.
func (db *DB) DeleteProject(ctx context.Context, actor Actor, id string, keep bool, version int64) error {
	return db.write(ctx, "delete project "+id, actor, func(u *unit) error {
		p, err := u.project(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, p.Version); err != nil {
			return err
		}
		bases, err := all(u.session, scanBase, `SELECT `+baseColumns+` FROM lt_base WHERE workspace = ? AND project = ? ORDER BY id`,
			argText(p.Workspace), argText(id))
		if err != nil {
			return err
		}
		if len(bases) > 0 && !keep {
			return fmt.Errorf("project %q has %d bases: %w", p.Name, len(bases), ErrNotEmpty)
		}
		// What narrows roles on a base in the trash is not lost by accident either.
		left, err := u.taken(`SELECT 1 FROM lt_trash WHERE workspace = ? AND kind = 'base' AND place = ?`, argText(p.Workspace), argText(id))
		if err != nil {
			return err
		}
		if left && !keep {
			return fmt.Errorf("project %q has bases in the trash: %w", p.Name, ErrNotEmpty)
		}
		if err := u.touch(p.Workspace, true); err != nil {
			return err
		}
		for _, old := range bases {
			b := old
			b.Project, b.Version = "", old.Version+1
			if _, err := u.exec(`UPDATE lt_base SET project = '', version = ? WHERE workspace = ? AND id = ?`,
				argInt(b.Version), argText(b.Workspace), argText(b.ID)); err != nil {
				return err
			}
			if err := u.resource(b.entry("base.update"), old, b); err != nil {
				return err
			}
		}
		if err := u.uncap(p.Workspace, id); err != nil {
			return err
		}
		if _, err := u.exec(`DELETE FROM lt_project WHERE workspace = ? AND id = ?`, argText(p.Workspace), argText(id)); err != nil {
			return err
		}
		return u.resource(p.entry("project.delete"), p, nil)
	})
}

// checkProject says whether a base may be in the project that it names: one of its own workspace, or none.
func (u *unit) checkProject(b Base) error {
	if b.Project == "" {
		return nil
	}
	p, err := u.project(b.Project)
	if err == nil && p.Workspace != b.Workspace {
		err = fmt.Errorf("project %s: %w", b.Project, ErrNotFound)
	}
	return err
}
