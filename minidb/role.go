package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

// Role is a custom role of a workspace.
type Role struct {
	ID          rbac.Role    `json:"id"`
	Workspace   string       `json:"workspace_id"`
	Name        string       `json:"name"` // unique in the workspace, case aside; none of the built-in roles' names
	Description string       `json:"description"`
	Base        rbac.Role    `json:"base"` // admin, editor or viewer
	Grants      []rbac.Grant `json:"grants"`
	Version     int64        `json:"version"`
	CreatedAt   time.Time    `json:"created_at"`
	CreatedBy   string       `json:"created_by"`

	damaged bool // the stored grants cannot be read: the role means nothing
}

// RoleSpec describes a custom role. Its grants name actions of package rbac and resources of the workspace.
type RoleSpec struct {
	Name, Description string
	Base              rbac.Role
	Grants            []rbac.Grant
}

// The bounds of custom roles.
const (
	MaxRoles  = 200 // of a workspace
	MaxGrants = 500 // of a role
)

const roleColumns = `id, workspace, name, description, base, grants, version, created_at, created_by`

func scanRole(r record) Role {
	role := Role{ID: rbac.Role(r.text(0)), Workspace: r.text(1), Name: r.text(2), Description: r.text(3), Base: rbac.Role(r.text(4)),
		Version: r.integer(6), CreatedAt: r.instant(7), CreatedBy: r.text(8)}
	role.damaged = json.Unmarshal(r.document(5), &role.Grants) != nil
	return role
}

// Damaged reports whether what is stored of the role cannot be read. Such a role gives no rights.
func (r *Role) Damaged() bool { return r.damaged }

// Custom is the role as policies know it.
func (r *Role) Custom() rbac.CustomRole {
	return rbac.CustomRole{ID: r.ID, Name: r.Name, Base: r.Base, Grants: r.Grants}
}

func (r Role) entry(action string) audit.Entry {
	return audit.Entry{Workspace: r.Workspace, Action: action, ResourceType: "role", Resource: string(r.ID), Version: r.Version}
}

func (s session) role(workspace string, id rbac.Role) (Role, error) {
	return must(s, "role", scanRole, `SELECT `+roleColumns+` FROM lt_role WHERE workspace = ? AND id = ?`, argText(workspace), argText(string(id)))
}

// checkRole fails for a role that is neither built in nor a custom one of the workspace.
func (u *unit) checkRole(workspace string, role rbac.Role) error {
	if role.BuiltIn() {
		return nil
	}
	if !ValidID(string(role), prefixRole) {
		return invalid("role", CodeInvalid, "%q is no role", cleanText(string(role), maxName))
	}
	ok, err := u.taken(`SELECT 1 FROM lt_role WHERE workspace = ? AND id = ?`, argText(workspace), argText(string(role)))
	if err == nil && !ok {
		err = invalid("role", CodeInvalid, "the workspace has no role %q", role)
	}
	return err
}

// check makes the fields fit to be stored.
func (r *Role) check() (err error) {
	if r.Name, err = cleanName(r.Name); err != nil {
		return err
	}
	if rbac.Role(nameKey(r.Name)).BuiltIn() || nameKey(r.Name) == string(rbac.Nothing) {
		return invalid("name", CodeName, "%q is the name of a built-in role", r.Name)
	}
	if err := checkText("description", r.Description, maxDescription); err != nil {
		return err
	}
	if !r.Base.BuiltIn() || r.Base == rbac.Owner {
		return invalid("base", CodeInvalid, "the base of a role is admin, editor or viewer")
	}
	if len(r.Grants) > MaxGrants {
		return &LimitError{Name: "grants", Max: MaxGrants}
	}
	if r.Grants == nil {
		r.Grants = []rbac.Grant{}
	}
	for i, g := range r.Grants {
		if !g.Action.Valid() {
			return invalid(fmt.Sprintf("grants[%d].action", i), CodeInvalid, "%q is no action", cleanText(string(g.Action), maxName))
		}
	}
	return nil
}

// checkGrants fails for grants on what is not in the workspace.
func (u *unit) checkGrants(r Role) error {
	for i, g := range r.Grants {
		if g.On == "" {
			continue
		}
		ok, err := u.narrowable(r.Workspace, g.On)
		if err != nil {
			return err
		}
		if !ok {
			return invalid(fmt.Sprintf("grants[%d].on", i), CodeInvalid, "the workspace has no project, base, table, view or connection of that id")
		}
	}
	return nil
}

// narrowable reports whether an id is one of a project, base, table, view or connection of the workspace: of what grants and
// caps are made for.
func (u *unit) narrowable(workspace, id string) (bool, error) {
	switch prefix := idPrefix(id); prefix {
	case prefixProject, prefixBase, prefixTable, prefixView, prefixConnection:
		if !ValidID(id, prefix) || located[prefix] == "" {
			return false, nil
		}
		of, ok, err := one(u.session, func(r record) string { return r.text(0) }, located[prefix], argText(id))
		return ok && of == workspace, err
	}
	return false, nil
}

func (u *unit) freeRoleName(r Role) error {
	taken, err := u.taken(`SELECT 1 FROM lt_role WHERE workspace = ? AND name_key = ? AND id <> ?`,
		argText(r.Workspace), argText(nameKey(r.Name)), argText(string(r.ID)))
	if err == nil && taken {
		err = fmt.Errorf("role %q: %w", r.Name, ErrExists)
	}
	return err
}

// CreateRole makes a custom role in a workspace.
func (db *DB) CreateRole(ctx context.Context, actor Actor, workspace string, spec RoleSpec) (*Role, error) {
	var r Role
	err := db.write(ctx, "create role", actor, func(u *unit) error {
		r = Role{ID: rbac.Role(NewID(prefixRole)), Workspace: workspace, Name: spec.Name, Description: spec.Description, Base: spec.Base,
			Grants: spec.Grants, Version: 1, CreatedAt: u.now, CreatedBy: u.actor.ID}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		count, err := must(u.session, "roles", func(r record) int64 { return r.integer(0) }, `SELECT count(*) FROM lt_role WHERE workspace = ?`,
			argText(workspace))
		if err != nil {
			return err
		}
		if count >= MaxRoles {
			return &LimitError{Name: "roles", Max: MaxRoles}
		}
		if err := u.storeRole(&r); err != nil {
			return err
		}
		return u.resource(r.entry("role.create"), nil, r)
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// UpdateRole puts a custom role in the place of what it was. version is the one the caller has seen, 0 for any.
func (db *DB) UpdateRole(ctx context.Context, actor Actor, workspace string, id rbac.Role, spec RoleSpec, version int64) (*Role, error) {
	var r Role
	err := db.write(ctx, "update role "+string(id), actor, func(u *unit) error {
		old, err := u.role(workspace, id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, old.Version); err != nil {
			return err
		}
		r = old
		r.Name, r.Description, r.Base, r.Grants, r.damaged = spec.Name, spec.Description, spec.Base, spec.Grants, false
		r.Version++
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		if err := u.storeRole(&r); err != nil {
			return err
		}
		return u.resource(r.entry("role.update"), old, r)
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func (u *unit) storeRole(r *Role) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := u.checkGrants(*r); err != nil {
		return err
	}
	if err := u.freeRoleName(*r); err != nil {
		return err
	}
	grants, err := json.Marshal(r.Grants)
	if err != nil {
		return err
	}
	_, err = u.exec(`INSERT INTO lt_role (`+roleColumns+`, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, description = excluded.description,
		base = excluded.base, grants = excluded.grants, version = excluded.version`,
		argText(string(r.ID)), argText(r.Workspace), argText(r.Name), argText(r.Description), argText(string(r.Base)), argText(string(grants)),
		argInt(r.Version), argTime(r.CreatedAt), argText(r.CreatedBy), argText(nameKey(r.Name)))
	return err
}

// DeleteRole removes a custom role with its rules and caps. A role that members hold is ErrInUse.
func (db *DB) DeleteRole(ctx context.Context, actor Actor, workspace string, id rbac.Role, version int64) error {
	return db.write(ctx, "delete role "+string(id), actor, func(u *unit) error {
		r, err := u.role(workspace, id)
		if err != nil {
			return err
		}
		if err := checkVersion(version, r.Version); err != nil {
			return err
		}
		held, err := u.taken(`SELECT 1 FROM lt_member WHERE workspace = ? AND role = ? LIMIT 1`, argText(workspace), argText(string(id)))
		if err != nil {
			return err
		}
		if held {
			return fmt.Errorf("role %q is held by members: %w", r.Name, ErrInUse)
		}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		rules, err := all(u.session, scanRule, `SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? AND role = ?`, argText(workspace), argText(string(id)))
		if err != nil {
			return err
		}
		for _, rule := range rules {
			if err := u.deleteRule(rule); err != nil {
				return err
			}
		}
		caps, err := all(u.session, scanCap, `SELECT `+capColumns+` FROM lt_cap WHERE workspace = ? AND role = ?`, argText(workspace), argText(string(id)))
		if err != nil {
			return err
		}
		for _, c := range caps {
			if err := u.deleteCap(c); err != nil {
				return err
			}
		}
		if _, err := u.exec(`DELETE FROM lt_role WHERE workspace = ? AND id = ?`, argText(workspace), argText(string(id))); err != nil {
			return err
		}
		return u.resource(r.entry("role.delete"), r, nil)
	})
}
