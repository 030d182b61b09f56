package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// people enters a workspace to look at who is in it: for members who may read all of it, not just some bases, and for those
// who manage members or roles.
func (a *Access) people(ctx context.Context, workspace string) (*entry, error) {
	s, _, err := a.asked(ctx, workspace, "")
	if err != nil {
		return nil, err
	}
	d := s.policy.Can(s.p, rbac.ReadData, "")
	if !d.Allowed && !s.standing(rbac.ManageMembers) && !s.standing(rbac.ManageRoles) {
		return nil, fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	return s, nil
}

// Members lists who is in a workspace, with their roles, by user id. It is for members who may read all of it (rbac.ReadData on the
// workspace, not on some of its bases alone), and for those who manage members or roles (rbac.ManageMembers, rbac.ManageRoles);
// for other members it is [ErrForbidden]. The map is not to be changed.
func (a *Access) Members(ctx context.Context, workspace string) (map[string]rbac.Role, error) {
	s, err := a.people(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return s.Snapshot.Members, nil
}

// MemberList lists who is in a workspace, by user id. Attributes are there for those who manage members; everybody sees
// their own.
func (a *Access) MemberList(ctx context.Context, workspace string) ([]minidb.Member, error) {
	s, err := a.people(ctx, workspace)
	if err != nil {
		return nil, err
	}
	manages := s.standing(rbac.ManageMembers)
	list := make([]minidb.Member, len(s.Snapshot.MemberList))
	for i, m := range s.Snapshot.MemberList {
		if !manages && m.User != s.p.ID {
			m.Attributes = nil
		}
		list[i] = m
	}
	return list, nil
}

// SetMember adds a member or changes a member's role, built in or custom. Nobody changes their own role or gives one that
// may what they may not, or that is not bound by what binds them; only an owner gives or takes the roles admin and owner and
// those as powerful. The last owner stays.
func (a *Access) SetMember(ctx context.Context, workspace, user string, role rbac.Role) (*minidb.Member, error) {
	return again(func() (*minidb.Member, error) {
		s, err := a.enter(ctx, workspace, rbac.ManageMembers)
		if err != nil {
			return nil, err
		}
		if err := s.mayChangeMember(user); err != nil {
			return nil, err
		}
		if err := s.mayGrant(role); err != nil {
			return nil, err
		}
		if len(s.policy.Attributes[user]) > 0 {
			if err := s.unbound(); err != nil { // the new role's rules may make more of them than the old one's
				return nil, err
			}
		}
		return a.e.store.SetMember(ctx, a.granted(s), workspace, user, role)
	})
}

// MayAddMember tells whether SetMember would take somebody new into a workspace with this role: nil, or why not. Who asks
// people in before they are known asks this first, and again through SetMember when they come.
func (a *Access) MayAddMember(ctx context.Context, workspace string, role rbac.Role) error {
	s, err := a.enter(ctx, workspace, rbac.ManageMembers)
	if err != nil {
		return err
	}
	return s.mayGrant(role)
}

// mayGrant says whether the principal may give somebody a role.
func (s *entry) mayGrant(role rbac.Role) error {
	if _, custom := s.Role(role); !custom && !role.BuiltIn() {
		return &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "role", Code: minidb.CodeInvalid,
			Message: fmt.Sprintf("%q is not one of owner, admin, editor, viewer, nor a role of the workspace", role)}}}
	}
	if d := s.policy.MayGrant(s.p, role); !d.Allowed {
		return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	return nil
}

// SetMemberAttributes puts facts that rules may ask for in the place of those that a member has. Nobody sets their own;
// whoever sets others' is bound by no rule and no cap, or may make admins.
func (a *Access) SetMemberAttributes(ctx context.Context, workspace, user string, attributes minidb.Attributes) (*minidb.Member, error) {
	return again(func() (*minidb.Member, error) {
		s, err := a.enter(ctx, workspace, rbac.ManageMembers)
		if err != nil {
			return nil, err
		}
		if err := s.mayChangeMember(user); err != nil {
			return nil, err
		}
		if err := s.unbound(); err != nil {
			return nil, err
		}
		return a.e.store.SetAttributes(ctx, a.granted(s), workspace, user, attributes)
	})
}

// unbound refuses to let somebody who is bound decide what others are bound by: with other attributes, or as another user, a
// rule for the same role may show more.
func (s *entry) unbound() error {
	bare := s.p
	bare.Scope = nil
	if s.policy.Binds(bare) && !s.policy.Can(s.p, rbac.GrantAdmin, "").Allowed {
		return fmt.Errorf("rules or caps bind you, and others might see more: %w", ErrForbidden)
	}
	return nil
}

// MayStandFor tells whether the principal may hold what acts as another member of a workspace, the key of an account that is
// no person: nil, or why not. It must be allowed to give the member's role, and be bound by no rule and no cap or be allowed to
// make admins: under the rules of its own role another member may see other rows. Whoever lets such a key act asks it again.
func (a *Access) MayStandFor(ctx context.Context, workspace, user string) error {
	s, err := a.enter(ctx, workspace, rbac.ManageMembers)
	if err != nil {
		return err
	}
	role := s.policy.Role(rbac.Principal{ID: user})
	if role == "" {
		return fmt.Errorf("member: %w", ErrNotFound)
	}
	if err := s.mayGrant(role); err != nil {
		return err
	}
	return s.unbound()
}

// RemoveMember takes a member out of a workspace, at once: every later call of theirs is answered with [ErrNotFound]. It needs the
// right to manage members (rbac.ManageMembers), and to take an owner or admin out, or whose role is as powerful, that to grant
// admin (rbac.GrantAdmin). Everybody may leave in person, without a scope and not with the eyes of another, but the last
// owner: [minidb.ErrLastOwner]. Who is no member is [ErrNotFound].
func (a *Access) RemoveMember(ctx context.Context, workspace, user string) error {
	_, err := again(func() (struct{}, error) {
		var none struct{}
		if user == a.p.ID {
			s, _, err := a.asked(ctx, workspace, "")
			if err != nil {
				return none, err
			}
			if a.p.Scope != nil || a.eyes != nil {
				return none, fmt.Errorf("a member leaves in person: %w", ErrForbidden)
			}
			return none, a.e.store.RemoveMember(ctx, a.granted(s), workspace, user)
		}
		s, err := a.enter(ctx, workspace, rbac.ManageMembers)
		if err != nil {
			return none, err
		}
		if err := s.mayChangeMember(user); err != nil {
			return none, err
		}
		return none, a.e.store.RemoveMember(ctx, a.granted(s), workspace, user)
	})
	return err
}

// mayChangeMember says whether the principal may change anything about a user's standing.
func (s *entry) mayChangeMember(user string) error {
	if user == s.p.ID {
		return fmt.Errorf("nobody changes their own role or attributes: %w", ErrForbidden)
	}
	// Both are asked: an engine whose policies are kept elsewhere has members in two places.
	for _, role := range []rbac.Role{s.policy.Members[user], s.Snapshot.Members[user]} {
		if d := s.policy.MayTake(s.p, role); !d.Allowed {
			return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
		}
	}
	return nil
}
