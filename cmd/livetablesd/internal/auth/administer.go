package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// NewUser is an account that an instance admin makes, and whose address the admin vouches for.
type NewUser struct {
	Email    string
	Name     string
	Password livetables.Secret
	Admin    bool
}

// UserUpdate is what an instance admin changes in an account. A nil field stays as it is.
type UserUpdate struct {
	Email    *string // the admin vouches for it
	Name     *string
	Password *livetables.Secret // ends all sessions of the account
	Admin    *bool              // not one's own
	Disabled *bool              // not one's own; true ends all sessions of the account
}

// CreateUser makes an account, by an instance admin.
func (s *Service) CreateUser(ctx context.Context, actor Identity, in NewUser) (User, error) {
	if !actor.Admin {
		return User{}, ErrForbidden
	}
	acc, err := s.newAccount(ctx, in.Email, in.Name, in.Password)
	if err != nil {
		return User{}, err
	}
	acc.Admin, acc.VerifiedAt = in.Admin, &acc.CreatedAt
	err = s.write(ctx, func(tx adapter.Tx) error {
		if err := requireAdmin(ctx, tx, actor); err != nil {
			return err
		}
		if err := insertAccount(ctx, tx, acc); err != nil {
			return err
		}
		return s.note(ctx, tx, Client{}, actor.UserID, "user.create", acc.ID, "")
	})
	if err != nil {
		return User{}, wrapUnless(err, "create user", ErrForbidden, ErrEmailTaken)
	}
	return acc.User, nil
}

// requireAdmin asks for the actor's right as it is now, inside the transaction that needs it.
func requireAdmin(ctx context.Context, tx adapter.Tx, actor Identity) error {
	if actor.Key != "" { // of an admin's token, which is none
		return ErrForbidden
	}
	n, err := countAccounts(ctx, tx, `id = ? AND admin = 1 AND disabled = 0 AND epoch = ?`,
		lqp.TextValue(actor.UserID), lqp.IntValue(actor.epoch))
	if err == nil && n == 0 {
		return ErrForbidden
	}
	return err
}

// ListUsers lists accounts in the order of their ids, which is that of their making, from after the id given ("" for the
// start), by an instance admin. more tells whether there are further ones. limit is 1 to 1,000, 0 for 100.
func (s *Service) ListUsers(ctx context.Context, actor Identity, after string, limit int) (users []User, more bool, err error) {
	limit = min(max(defaultTo(limit, 100), 1), 1000)
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		users = nil
		if err := requireAdmin(ctx, tx, actor); err != nil {
			return err
		}
		return each(ctx, tx, `SELECT `+accountColumns+` FROM auth_account a WHERE a.id > ? ORDER BY a.id LIMIT ?`,
			[]lqp.Value{lqp.TextValue(after), lqp.IntValue(int64(limit) + 1)}, func(r row) error {
				users = append(users, scanAccount(r).User)
				return nil
			})
	})
	if err != nil {
		return nil, false, wrapUnless(err, "list users", ErrForbidden)
	}
	if len(users) > limit {
		return users[:limit], true, nil
	}
	return users, false, nil
}

// UpdateUser changes an account, by an instance admin. Nobody changes their own Admin or Disabled (ErrForbidden); since the
// actor's right is asked for in the transaction of the change, one active admin always remains: the actor.
func (s *Service) UpdateUser(ctx context.Context, actor Identity, userID string, in UserUpdate) (User, error) {
	if !actor.Admin || userID == actor.UserID && (in.Admin != nil || in.Disabled != nil) {
		return User{}, ErrForbidden
	}
	var p problems
	var email, name, hash string
	if in.Email != nil {
		email = p.email(*in.Email)
	}
	if in.Name != nil {
		name = p.name(*in.Name)
	}
	if in.Password != nil {
		p.password("password", in.Password.Reveal())
	}
	err := p.err()
	if err == nil && in.Password != nil {
		hash, err = s.hasher.hash(ctx, in.Password.Reveal())
	}
	if err != nil {
		return User{}, err
	}
	defer s.cache.forgetAccount(userID)
	now := s.clock().UTC().Truncate(time.Millisecond)
	var out User
	err = s.write(ctx, func(tx adapter.Tx) error {
		if err := requireAdmin(ctx, tx, actor); err != nil {
			return err
		}
		acc, err := findAccount(ctx, tx, "id", userID)
		if err != nil {
			return err
		}
		if in.Email != nil {
			acc.Email, acc.VerifiedAt = email, &now
		}
		if in.Name != nil {
			acc.Name = name
		}
		if in.Admin != nil {
			acc.Admin = *in.Admin
		}
		if in.Disabled != nil {
			acc.Disabled = *in.Disabled
		}
		reason := ""
		if in.Password != nil {
			acc.password, reason = hash, endedPassword
		}
		if acc.Disabled {
			reason = endedDisabled
		}
		if reason != "" {
			acc.epoch++
			if _, err := revokeSessions(ctx, tx, acc.ID, reason, s.clock(), everyRow); err != nil {
				return err
			}
		}
		if in.Email != nil || reason != "" {
			// Mails that are under way were asked for by the account as it was.
			if err := dropMailTokens(ctx, tx, acc.ID); err != nil {
				return err
			}
		}
		acc.UpdatedAt = now
		out = acc.User
		if err := updateAccount(ctx, tx, acc); err != nil {
			return err
		}
		return s.note(ctx, tx, Client{}, actor.UserID, "user.update", userID, "")
	})
	if err != nil {
		return User{}, wrapUnless(err, "update user", ErrForbidden, ErrNotFound, ErrEmailTaken)
	}
	return out, nil
}

// DisableUser closes an account and ends all its sessions, by an instance admin.
func (s *Service) DisableUser(ctx context.Context, actor Identity, userID string) (User, error) {
	disabled := true
	return s.UpdateUser(ctx, actor, userID, UserUpdate{Disabled: &disabled})
}

// RevokeUserSessions ends all sessions of an account, by an instance admin, and counts them.
func (s *Service) RevokeUserSessions(ctx context.Context, actor Identity, userID string) (n int64, err error) {
	if !actor.Admin {
		return 0, ErrForbidden
	}
	defer s.cache.forgetAccount(userID)
	err = s.write(ctx, func(tx adapter.Tx) error {
		if err := requireAdmin(ctx, tx, actor); err != nil {
			return err
		}
		if _, err := findAccount(ctx, tx, "id", userID); err != nil {
			return err
		}
		n, err = revokeSessions(ctx, tx, userID, endedRevoked, s.clock(), everyRow)
		if err != nil || n == 0 {
			return err
		}
		return s.note(ctx, tx, Client{}, actor.UserID, "auth.session_end", userID, endedRevoked)
	})
	if err != nil {
		return 0, wrapUnless(err, "end sessions of a user", ErrForbidden, ErrNotFound)
	}
	return n, nil
}

// DeleteUser removes an account with its sessions for good, by an instance admin; not one's own. What other
// records say of it keeps its id. Disabling is the reversible way.
func (s *Service) DeleteUser(ctx context.Context, actor Identity, userID string) error {
	if !actor.Admin || userID == actor.UserID {
		return ErrForbidden
	}
	defer s.cache.forgetAccount(userID)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if err := requireAdmin(ctx, tx, actor); err != nil {
			return err
		}
		if _, err := findAccount(ctx, tx, "id", userID); err != nil {
			return err
		}
		if _, err := deleteInvites(ctx, tx, `inviter_id = ?`, lqp.TextValue(userID)); err != nil {
			return fmt.Errorf("delete user: %w", err)
		}
		for _, sql := range []string{`DELETE FROM auth_session WHERE account_id = ?`, `DELETE FROM auth_key WHERE maker_id = ?`,
			`DELETE FROM auth_mail_token WHERE subject = ?`, `DELETE FROM auth_oidc_flow WHERE account_id = ?`,
			`DELETE FROM auth_oidc_link WHERE account_id = ?`, `DELETE FROM auth_account WHERE id = ?`} {
			if _, err := tx.Exec(ctx, sql, lqp.TextValue(userID)); err != nil {
				return fmt.Errorf("delete user: %w", err)
			}
		}
		return s.note(ctx, tx, Client{}, actor.UserID, "user.delete", userID, "")
	})
	if err != nil {
		return wrapUnless(err, "delete user", ErrForbidden, ErrNotFound)
	}
	return nil
}
