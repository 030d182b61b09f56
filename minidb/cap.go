package minidb

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

// Cap is a [rbac.Cap] on a project, base, table, view or connection of a workspace.
type Cap struct {
	Workspace string `json:"workspace_id"`
	Resource  string `json:"resource_id"`
	rbac.Cap
}

// MaxCaps is how many caps a workspace may have.
const MaxCaps = 10_000

const capColumns = `workspace, resource, role, user_id, most`

func scanCap(r record) Cap {
	return Cap{Workspace: r.text(0), Resource: r.text(1), Cap: rbac.Cap{Role: rbac.Role(r.text(2)), User: r.text(3), Max: rbac.Role(r.text(4))}}
}

func (c Cap) entry(action string) audit.Entry {
	return audit.Entry{Workspace: c.Workspace, Action: action, ResourceType: "cap", Resource: c.Resource + ":" + string(c.Role) + c.User}
}

// check says what is wrong with a cap that is to be stored.
func (c *Cap) check() error {
	switch {
	case (c.Role == "") == (c.User == ""):
		return invalid("role", CodeInvalid, "a cap is for a role or for a user")
	case c.Role == rbac.Owner:
		return invalid("role", CodeInvalid, "no cap binds owners")
	case c.Max != rbac.Nothing && (!c.Max.BuiltIn() || c.Max == rbac.Owner):
		return invalid("max", CodeInvalid, "%q is not one of none, viewer, editor, admin", cleanText(string(c.Max), maxName))
	case c.User != "":
		return checkUser(c.User)
	}
	return nil
}

func (u *unit) cap(c Cap) (Cap, bool, error) {
	return one(u.session, scanCap, `SELECT `+capColumns+` FROM lt_cap WHERE workspace = ? AND resource = ? AND role = ? AND user_id = ?`,
		argText(c.Workspace), argText(c.Resource), argText(string(c.Role)), argText(c.User))
}

// PutCap sets what a role or a user may do at most with a resource, in the place of the cap before. A user need not be a
// member, so that one who comes finds it.
func (db *DB) PutCap(ctx context.Context, actor Actor, c Cap) (*Cap, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("set cap: %w", err)
	}
	err := db.write(ctx, "set cap", actor, func(u *unit) error {
		if err := u.touch(c.Workspace, true); err != nil {
			return err
		}
		ok, err := u.narrowable(c.Workspace, c.Resource)
		if err == nil && !ok {
			err = fmt.Errorf("%s: %w", cleanText(c.Resource, maxName), ErrNotFound)
		}
		if err != nil {
			return err
		}
		if c.Role != "" {
			if err := u.checkRole(c.Workspace, c.Role); err != nil {
				return err
			}
		}
		return u.putCap(c)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// putCap stores a checked cap; the policy was touched.
func (u *unit) putCap(c Cap) error {
	old, existed, err := u.cap(c)
	if err != nil {
		return err
	}
	if !existed {
		count, err := must(u.session, "caps", func(r record) int64 { return r.integer(0) }, `SELECT count(*) FROM lt_cap WHERE workspace = ?`, argText(c.Workspace))
		if err != nil {
			return err
		}
		if count >= MaxCaps {
			return &LimitError{Name: "caps", Max: MaxCaps}
		}
	}
	if _, err := u.exec(`INSERT INTO lt_cap (`+capColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (workspace, resource, role, user_id) DO UPDATE SET most = excluded.most`,
		argText(c.Workspace), argText(c.Resource), argText(string(c.Role)), argText(c.User), argText(string(c.Max))); err != nil {
		return err
	}
	if existed {
		return u.resource(c.entry("cap.update"), old, c)
	}
	return u.resource(c.entry("cap.create"), nil, c)
}

// DeleteCap lifts the cap of a role or of a user on a resource.
func (db *DB) DeleteCap(ctx context.Context, actor Actor, workspace, resource string, role rbac.Role, user string) error {
	return db.write(ctx, "lift cap", actor, func(u *unit) error {
		c, ok, err := u.cap(Cap{Workspace: workspace, Resource: resource, Cap: rbac.Cap{Role: role, User: user}})
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("cap: %w", ErrNotFound)
		}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		return u.deleteCap(c)
	})
}

// deleteCap removes a cap; the policy was touched.
func (u *unit) deleteCap(c Cap) error {
	if _, err := u.exec(`DELETE FROM lt_cap WHERE workspace = ? AND resource = ? AND role = ? AND user_id = ?`,
		argText(c.Workspace), argText(c.Resource), argText(string(c.Role)), argText(c.User)); err != nil {
		return err
	}
	return u.resource(c.entry("cap.delete"), c, nil)
}

// capsOn lists the caps of a resource.
func (u *unit) capsOn(workspace, resource string) ([]Cap, error) {
	return all(u.session, scanCap, `SELECT `+capColumns+` FROM lt_cap WHERE workspace = ? AND resource = ? ORDER BY role, user_id`,
		argText(workspace), argText(resource))
}

// uncap lifts the caps of a resource that is deleted.
func (u *unit) uncap(workspace, resource string) error {
	caps, err := u.capsOn(workspace, resource)
	if err != nil || len(caps) == 0 {
		return err
	}
	if err := u.touch(workspace, true); err != nil {
		return err
	}
	for _, c := range caps {
		if err := u.deleteCap(c); err != nil {
			return err
		}
	}
	return nil
}

// copyCaps gives a copy the caps of the original.
func (u *unit) copyCaps(workspace, from, to string) error {
	caps, err := u.capsOn(workspace, from)
	if err != nil || len(caps) == 0 {
		return err
	}
	if err := u.touch(workspace, true); err != nil {
		return err
	}
	for _, c := range caps {
		c.Resource = to
		if err := u.putCap(c); err != nil {
			return err
		}
	}
	return nil
}
