package minidb

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
)

// Base is a group of tables and views of a workspace.
type Base struct {
	ID          string    `json:"id"`
	Workspace   string    `json:"workspace_id"`
	Project     string    `json:"project_id,omitempty"` // empty for none
	Name        string    `json:"name"`                 // unique in the workspace, case aside
	Description string    `json:"description"`
	Colour      string    `json:"colour"` // one of Colours, "#" and six hexadecimal digits, or empty
	Icon        string    `json:"icon"`   // a name of small letters, digits and -, a sign such as an emoji, or empty
	Version     int64     `json:"version"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
}

// BaseSpec describes a new base.
type BaseSpec struct{ Name, Description, Colour, Icon, Project string }

// BasePatch lists what UpdateBase changes; nil fields stay. An empty Project takes the base out of the one it is in.
type BasePatch struct{ Name, Description, Colour, Icon, Project *string }

const (
	baseColumns = `id, workspace, name, description, colour, icon, version, created_at, created_by, project`
	maxLook     = 100 // code points of a colour or an icon
)

func scanBase(r record) Base {
	return Base{ID: r.text(0), Workspace: r.text(1), Name: r.text(2), Description: r.text(3), Colour: r.text(4), Icon: r.text(5),
		Version: r.integer(6), CreatedAt: r.instant(7), CreatedBy: r.text(8), Project: r.text(9)}
}

func (s session) base(id string) (Base, error) {
	return must(s, "base "+id, scanBase, `SELECT `+baseColumns+` FROM lt_base WHERE id = ?`, argText(id))
}

// check makes the fields fit to be stored.
func (b *Base) check() (err error) {
	if b.Name, err = cleanName(b.Name); err != nil {
		return err
	}
	if err := checkText("description", b.Description, maxDescription); err != nil {
		return err
	}
	return checkLooks(b.Colour, b.Icon)
}

func (u *unit) freeBaseName(b Base) error {
	taken, err := u.taken(`SELECT 1 FROM lt_base WHERE workspace = ? AND name_key = ? AND id <> ?`,
		argText(b.Workspace), argText(nameKey(b.Name)), argText(b.ID))
	if err == nil && taken {
		err = fmt.Errorf("base %q: %w", b.Name, ErrExists)
	}
	return err
}

// CreateBase makes an empty base in a workspace.
func (db *DB) CreateBase(ctx context.Context, actor Actor, workspace string, spec BaseSpec) (*Base, error) {
	var b Base
	err := db.write(ctx, "create base", actor, func(u *unit) (err error) {
		b, err = u.newBase(workspace, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// newBase makes an empty base.
func (u *unit) newBase(workspace string, spec BaseSpec) (Base, error) {
	b := Base{ID: NewID(prefixBase), Workspace: workspace, Name: spec.Name, Description: spec.Description,
		Colour: spec.Colour, Icon: spec.Icon, Project: spec.Project, Version: 1, CreatedAt: u.now, CreatedBy: u.actor.ID}
	if err := b.check(); err != nil {
		return b, err
	}
	if err := u.touch(workspace, false); err != nil {
		return b, err
	}
	if err := u.freeBaseName(b); err != nil {
		return b, err
	}
	if err := u.checkProject(b); err != nil {
		return b, err
	}
	if err := u.roomForBase(workspace); err != nil {
		return b, err
	}
	if _, err := u.exec(`INSERT INTO lt_base (`+baseColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		argText(b.ID), argText(b.Workspace), argText(b.Name), argText(b.Description), argText(b.Colour), argText(b.Icon),
		argInt(b.Version), argTime(b.CreatedAt), argText(b.CreatedBy), argText(b.Project), argText(nameKey(b.Name))); err != nil {
		return b, err
	}
	return b, u.resource(b.entry("base.create"), nil, b)
}

func (b Base) entry(action string) audit.Entry {
	return audit.Entry{Workspace: b.Workspace, Action: action, ResourceType: "base", Resource: b.ID, Version: b.Version}
}

// UpdateBase changes a base. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateBase(ctx context.Context, actor Actor, id string, p BasePatch, version int64) (*Base, error) {
	var b Base
	err := db.write(ctx, "update base "+id, actor, func(u *unit) error {
		old, err := u.base(id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		b = old
		patch(&b.Name, p.Name)
		patch(&b.Description, p.Description)
		patch(&b.Colour, p.Colour)
		patch(&b.Icon, p.Icon)
		patch(&b.Project, p.Project)
		if err := b.check(); err != nil {
			return err
		}
		b.Version++
		// Who may do what with a base follows from its project.
		if err := u.touch(b.Workspace, b.Project != old.Project); err != nil {
			return err
		}
		if err := u.checkProject(b); err != nil {
			return err
		}
		if err := u.freeBaseName(b); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_base SET name = ?, name_key = ?, description = ?, colour = ?, icon = ?, version = ?, project = ?
			WHERE workspace = ? AND id = ?`, argText(b.Name), argText(nameKey(b.Name)), argText(b.Description), argText(b.Colour),
			argText(b.Icon), argInt(b.Version), argText(b.Project), argText(b.Workspace), argText(id)); err != nil {
			return err
		}
		return u.resource(b.entry("base.update"), old, b)
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}
