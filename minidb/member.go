package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

// Member is a user's standing in a workspace.
type Member struct {
	User    string    `json:"user"`
	Role    rbac.Role `json:"role"`
	AddedAt time.Time `json:"added_at"`
	// Attributes are what rules may ask of the member.
	Attributes Attributes `json:"attributes,omitempty"`

	damaged bool // what is stored cannot be read: no right may follow from it
}

const maxUser = 200

const memberColumns = `user_id, role, added_at, attributes`

func scanMember(r record) Member {
	m := Member{User: r.text(0), Role: rbac.Role(r.text(1)), AddedAt: r.instant(2)}
	m.damaged = json.Unmarshal(r.document(3), &m.Attributes) != nil
	return m
}

func checkUser(user string) error {
	if user == "" || !utf8.ValidString(user) || utf8.RuneCountInString(user) > maxUser || cleanText(user, maxUser) != user {
		return invalid("user", CodeInvalid, "a user id of at most %d characters is required", maxUser)
	}
	return nil
}

// SetMember adds a user to a workspace or gives a member another role, built in or custom; attributes stay. The last owner
// keeps the role: ErrLastOwner.
func (db *DB) SetMember(ctx context.Context, actor Actor, workspace, user string, role rbac.Role) (*Member, error) {
	if err := checkUser(user); err != nil {
		return nil, fmt.Errorf("set member: %w", err)
	}
	var m Member
	err := db.write(ctx, "set member "+user, actor, func(u *unit) error {
		if err := u.checkRole(workspace, role); err != nil {
			return err
		}
		old, err := u.member(workspace, user)
		if err != nil {
			return err
		}
		m = Member{User: user, Role: role, AddedAt: u.now}
		if old != nil {
			m.AddedAt, m.Attributes = old.AddedAt, old.Attributes
			if old.Role == role {
				return nil
			}
			if err := u.keepOwner(workspace, *old); err != nil {
				return err
			}
		}
		m, err = u.putMember(workspace, m, old)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// RemoveMember takes a user out of a workspace, but not its last owner: ErrLastOwner.
func (db *DB) RemoveMember(ctx context.Context, actor Actor, workspace, user string) error {
	return db.write(ctx, "remove member "+user, actor, func(u *unit) error {
		old, err := u.member(workspace, user)
		if err != nil {
			return err
		}
		if old == nil {
			return fmt.Errorf("member: %w", ErrNotFound)
		}
		if err := u.keepOwner(workspace, *old); err != nil {
			return err
		}
		if _, err := u.exec(`DELETE FROM lt_member WHERE workspace = ? AND user_id = ?`, argText(workspace), argText(user)); err != nil {
			return err
		}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		return u.resource(audit.Entry{Workspace: workspace, Action: "member.remove", ResourceType: "member", Resource: user}, *old, nil)
	})
}

func (u *unit) member(workspace, user string) (*Member, error) {
	m, ok, err := one(u.session, scanMember, `SELECT `+memberColumns+` FROM lt_member WHERE workspace = ? AND user_id = ?`,
		argText(workspace), argText(user))
	if err != nil || !ok {
		return nil, err
	}
	return &m, nil
}

// keepOwner fails when the member about to be changed or removed is the only owner. The writer is alone in the database:
// of two owners who remove each other, the second finds no other owner left.
func (u *unit) keepOwner(workspace string, m Member) error {
	if m.Role != rbac.Owner {
		return nil
	}
	other, err := u.taken(`SELECT 1 FROM lt_member WHERE workspace = ? AND role = ? AND user_id <> ? LIMIT 1`,
		argText(workspace), argText(string(rbac.Owner)), argText(m.User))
	if err == nil && !other {
		err = ErrLastOwner
	}
	return err
}

func (u *unit) putMember(workspace string, m Member, old *Member) (Member, error) {
	if err := u.touch(workspace, true); err != nil {
		return m, err
	}
	if _, err := u.exec(`INSERT INTO lt_member (workspace, user_id, role, added_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (workspace, user_id) DO UPDATE SET role = excluded.role`,
		argText(workspace), argText(m.User), argText(string(m.Role)), argTime(m.AddedAt)); err != nil {
		return m, err
	}
	e := audit.Entry{Workspace: workspace, Action: "member.add", ResourceType: "member", Resource: m.User}
	if old == nil {
		return m, u.resource(e, nil, m)
	}
	e.Action = "member.update"
	return m, u.resource(e, *old, m)
}

// SetAttributes puts attributes in the place of those that a member has.
func (db *DB) SetAttributes(ctx context.Context, actor Actor, workspace, user string, attributes Attributes) (*Member, error) {
	if err := attributes.check(); err != nil {
		return nil, fmt.Errorf("set attributes: %w", err)
	}
	var m Member
	err := db.write(ctx, "set attributes of "+user, actor, func(u *unit) error {
		old, err := u.member(workspace, user)
		if err != nil {
			return err
		}
		if old == nil {
			return fmt.Errorf("member: %w", ErrNotFound)
		}
		m = *old
		m.Attributes, m.damaged = attributes, false
		doc, err := json.Marshal(attributes)
		if err != nil {
			return err
		}
		if err := u.touch(workspace, true); err != nil {
			return err
		}
		if _, err := u.exec(`UPDATE lt_member SET attributes = ? WHERE workspace = ? AND user_id = ?`, argText(string(doc)), argText(workspace),
			argText(user)); err != nil {
			return err
		}
		return u.resource(audit.Entry{Workspace: workspace, Action: "member.attributes", ResourceType: "member", Resource: user}, *old, m)
	})
	if err != nil {
		return nil, err
	}
	return &m, nil
}
