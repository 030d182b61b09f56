package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Invite asks one address into one workspace. It is no right: whether the inviter may give the role is asked when the
// invite is made and again when it is accepted, by whoever knows workspaces.
type Invite struct {
	ID        string
	Workspace string // id
	Label     string // the workspace's name when the invite was made, for the mail
	Email     string // normalised
	Role      string
	Inviter   string // account id
	// Address is where the inviter asked from, for workspaces that allow that from some networks only.
	Address   string
	CreatedAt time.Time
	ExpiresAt time.Time

	claimedBy string // the account that is accepting it
	claimedAt *time.Time
}

// NewInvite is what an inviter asks for.
type NewInvite struct{ Workspace, Label, Email, Role string }

// maxInvites is how many invites of a workspace may be open.
const maxInvites = 500

const inviteColumns = `i.id, i.workspace, i.label, i.email, i.role, i.inviter_id, i.inviter_at, i.created_at, i.expires_at, coalesce(i.claimed_by, ''), i.claimed_at`

// scanInvite reads inviteColumns.
func scanInvite(r row) Invite {
	return Invite{
		ID: r.text(0), Workspace: r.text(1), Label: r.text(2), Email: r.text(3), Role: r.text(4), Inviter: r.text(5),
		Address: r.text(6), CreatedAt: r.time(7), ExpiresAt: r.time(8), claimedBy: r.text(9), claimedAt: r.optionalTime(10),
	}
}

// findInvite reads one invite; ErrNotFound when there is none.
func findInvite(ctx context.Context, tx adapter.Tx, where string, args ...lqp.Value) (found Invite, err error) {
	err = each(ctx, tx, `SELECT `+inviteColumns+` FROM auth_invite i WHERE `+where, args, func(r row) error {
		found = scanInvite(r)
		return nil
	})
	if err == nil && found.ID == "" {
		err = ErrNotFound
	}
	return found, err
}

// deleteInvites removes invites with their tokens, and counts them.
func deleteInvites(ctx context.Context, tx adapter.Tx, where string, args ...lqp.Value) (int64, error) {
	_, err := tx.Exec(ctx, `DELETE FROM auth_mail_token WHERE subject IN (SELECT id FROM auth_invite WHERE `+where+`)`, args...)
	if err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `DELETE FROM auth_invite WHERE `+where, args...)
}

// CreateInvite makes an invite and puts its mail into the queue. One that the workspace has for the address already is
// replaced. That the caller may give the role is the caller's to know. A service account invites nobody (ErrForbidden):
// there is no person who answers for it.
func (s *Service) CreateInvite(ctx context.Context, who Identity, in NewInvite, from Client) (Invite, error) {
	var p problems
	email := p.email(in.Email)
	if err := p.err(); err != nil {
		return Invite{}, err
	}
	if err := s.byMail.take("invite " + who.UserID); err != nil {
		return Invite{}, err
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	made := Invite{
		ID: minidb.NewID("inv"), Workspace: in.Workspace, Label: clip(in.Label, MaxName), Email: email, Role: in.Role,
		Inviter: who.UserID, Address: from.address(), CreatedAt: now, ExpiresAt: now.Add(s.options.InviteLife),
	}
	err := s.write(ctx, func(tx adapter.Tx) error {
		if alive, err := inviterAlive(ctx, tx, who.UserID); err != nil || !alive {
			return errors.Join(err, ErrForbidden)
		}
		if _, err := deleteInvites(ctx, tx, `workspace = ? AND (email = ? OR expires_at <= ?)`,
			lqp.TextValue(made.Workspace), lqp.TextValue(email), timeValue(now)); err != nil {
			return err
		}
		open := int64(0)
		err := each(ctx, tx, `SELECT count(*) FROM auth_invite WHERE workspace = ?`, texts(made.Workspace), func(r row) error {
			open = r.int(0)
			return nil
		})
		if err != nil {
			return err
		}
		if open >= maxInvites {
			return &ValidationError{[]FieldError{{"email", "limit", fmt.Sprintf("a workspace has at most %d open invites", maxInvites)}}}
		}
		_, err = tx.Exec(ctx, `INSERT INTO auth_invite (id, workspace, label, email, role, inviter_id, inviter_at, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(texts(made.ID, made.Workspace, made.Label, made.Email, made.Role, made.Inviter, made.Address),
			timeValue(made.CreatedAt), timeValue(made.ExpiresAt))...)
		if err != nil {
			return err
		}
		if err := s.enqueueMail(ctx, tx, mailInvite, made.ID, email, who.UserID); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `UPDATE auth_mail SET workspace = ? WHERE subject = ?`, texts(made.Workspace, made.ID)...); err != nil {
			return err
		}
		return s.noteInvite(ctx, tx, from, who.UserID, "invite.create", made)
	})
	var invalid *ValidationError
	if errors.As(err, &invalid) {
		return Invite{}, invalid
	}
	if err != nil {
		return Invite{}, wrapMail(err, "create invite")
	}
	s.wakeMail()
	return made, nil
}

// inviterAlive reports whether an account may still answer for its invites.
func inviterAlive(ctx context.Context, tx adapter.Tx, id string) (bool, error) {
	acc, err := findAccount(ctx, tx, "id", id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && !acc.Disabled, err
}

// Invites lists the open invites of a workspace, the latest first. They hold addresses: for those who manage members.
func (s *Service) Invites(ctx context.Context, workspace string) ([]Invite, error) {
	var list []Invite
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		list = nil
		return each(ctx, tx, `SELECT `+inviteColumns+` FROM auth_invite i WHERE i.workspace = ? AND i.expires_at > ? ORDER BY i.id DESC`,
			[]lqp.Value{lqp.TextValue(workspace), timeValue(s.clock())}, func(r row) error {
				list = append(list, scanInvite(r))
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("list invites: %w", err)
	}
	return list, nil
}

// RevokeInvite ends an invite of a workspace: its token is dead when RevokeInvite returns. ErrNotFound for one that is
// over or of another workspace.
func (s *Service) RevokeInvite(ctx context.Context, who Identity, workspace, id string, from Client) error {
	var ended Invite
	err := s.write(ctx, func(tx adapter.Tx) (err error) {
		if ended, err = findInvite(ctx, tx, `i.id = ? AND i.workspace = ?`, texts(id, workspace)...); err != nil {
			return err
		}
		if _, err = deleteInvites(ctx, tx, `id = ?`, lqp.TextValue(id)); err != nil {
			return err
		}
		return s.noteInvite(ctx, tx, from, who.UserID, "invite.revoke", ended)
	})
	if err != nil {
		return wrapUnless(err, "revoke invite", ErrNotFound)
	}
	return nil
}

// DropInvites ends the invites of a workspace that was deleted, or, of an account that is no member of it any more, those
// that it made and those that would bring it back.
func (s *Service) DropInvites(ctx context.Context, workspace, userID string) error {
	err := s.write(ctx, func(tx adapter.Tx) error {
		if userID == "" {
			_, err := deleteInvites(ctx, tx, `workspace = ?`, lqp.TextValue(workspace))
			return err
		}
		_, err := deleteInvites(ctx, tx, `workspace = ? AND (inviter_id = ? OR claimed_by = ? OR
			email = (SELECT a.email FROM auth_account a WHERE a.id = ?))`, texts(workspace, userID, userID, userID)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop invites of %s: %w", workspace, err)
	}
	return nil
}
