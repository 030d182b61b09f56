package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// claimLife is how long an invite that somebody is accepting is nobody else's, and not the same account's a second time.
// After it the account may try again: the process may have died in between.
const claimLife = time.Minute

// PeekInvite is the invite of a token, which stays as it is. The errors are ErrToken and *RateError.
func (s *Service) PeekInvite(ctx context.Context, token livetables.Secret, from Client) (Invite, error) {
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return Invite{}, err
	}
	var found Invite
	err := s.store.Read(ctx, func(tx adapter.Tx) (err error) {
		found, err = s.inviteOf(ctx, tx, token, "")
		return err
	})
	if err != nil {
		return Invite{}, wrapUnless(err, "look at invite", ErrToken)
	}
	return found, nil
}

// inviteOf is the invite of a token that an account ("" for one that does not exist yet) could accept now.
func (s *Service) inviteOf(ctx context.Context, tx adapter.Tx, token livetables.Secret, userID string) (Invite, error) {
	t, err := s.findMailToken(ctx, tx, mailInvite, token)
	if err != nil {
		return Invite{}, err
	}
	in, err := findInvite(ctx, tx, `i.id = ?`, lqp.TextValue(t.subject))
	if errors.Is(err, ErrNotFound) {
		return Invite{}, ErrToken
	}
	if err != nil {
		return Invite{}, err
	}
	now := s.clock()
	claimed := in.claimedBy != "" && (in.claimedBy != userID || now.Sub(*in.claimedAt) < claimLife)
	if claimed || in.Email != t.email || !now.Before(in.ExpiresAt) {
		return Invite{}, ErrToken
	}
	alive, err := inviterAlive(ctx, tx, in.Inviter)
	if err == nil && !alive {
		err = ErrToken
	}
	return in, err
}

// claimInvite makes an invite the account's to accept.
func (s *Service) claimInvite(ctx context.Context, tx adapter.Tx, in *Invite, userID string) error {
	now := s.clock()
	in.claimedBy, in.claimedAt = userID, &now
	_, err := tx.Exec(ctx, `UPDATE auth_invite SET claimed_by = ?, claimed_at = ? WHERE id = ?`,
		lqp.TextValue(userID), timeValue(now), lqp.TextValue(in.ID))
	return err
}

// ClaimInvite begins the acceptance of an invite by the caller, whose verified address must be the invite's. For a minute
// the invite is this call's alone. FinishInvite must follow once the caller is a member, ReleaseInvite when that could not
// be done now, or VoidInvite when it never will. The errors are ErrToken, ErrWrongAddress, ErrUnverified, ErrForbidden for
// the identity of a key, and *RateError.
func (s *Service) ClaimInvite(ctx context.Context, who Identity, token livetables.Secret, from Client) (Invite, error) {
	if who.Key != "" {
		return Invite{}, ErrForbidden
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return Invite{}, err
	}
	var in Invite
	err := s.write(ctx, func(tx adapter.Tx) error {
		acc, err := s.present(ctx, tx, who)
		if err != nil {
			return err
		}
		if in, err = s.inviteOf(ctx, tx, token, acc.ID); err != nil {
			return err
		}
		switch {
		case acc.Email != in.Email:
			return ErrWrongAddress
		case acc.VerifiedAt == nil:
			return ErrUnverified
		}
		return s.claimInvite(ctx, tx, &in, acc.ID)
	})
	if err != nil {
		return Invite{}, wrapUnless(err, "claim invite", ErrToken, ErrWrongAddress, ErrUnverified, ErrUnauthenticated)
	}
	return in, nil
}

// RegisterInvited makes an account with the address of an invite, also where registration is closed, and claims the invite
// for it as ClaimInvite does. The address counts as verified: the token was sent there. An Email that is not the invite's is
// ErrWrongAddress, none at all means the invite's. The other errors are those of Register, and ErrToken.
func (s *Service) RegisterInvited(ctx context.Context, in Registration, token livetables.Secret, from Client) (Tokens, Invite, error) {
	invite, err := s.PeekInvite(ctx, token, from)
	if err != nil {
		return Tokens{}, Invite{}, err
	}
	if in.Email == "" {
		in.Email = invite.Email
	}
	if email, ok := NormalizeEmail(in.Email); ok && email != invite.Email {
		return Tokens{}, Invite{}, ErrWrongAddress
	}
	acc, err := s.newAccount(ctx, in.Email, in.Name, in.Password)
	if err != nil {
		return Tokens{}, Invite{}, err
	}
	acc.VerifiedAt = &acc.CreatedAt
	var tokens Tokens
	err = s.write(ctx, func(tx adapter.Tx) error {
		if invite, err = s.inviteOf(ctx, tx, token, acc.ID); err != nil {
			return err
		}
		if invite.Email != acc.Email {
			return ErrWrongAddress
		}
		if err := insertAccount(ctx, tx, acc); err != nil {
			return err
		}
		if err := s.claimInvite(ctx, tx, &invite, acc.ID); err != nil {
			return err
		}
		if tokens, err = s.openSession(ctx, tx, acc, from); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.register", acc.ID, "invite "+invite.ID)
	})
	if err != nil {
		return Tokens{}, Invite{}, wrapUnless(err, "register", ErrEmailTaken, ErrToken, ErrWrongAddress)
	}
	return tokens, invite, nil
}

// FinishInvite ends an accepted invite for good.
func (s *Service) FinishInvite(ctx context.Context, in Invite, from Client) error {
	return s.endClaim(ctx, in, from, "invite.accept")
}

// ReleaseInvite gives a claimed invite back: it can be accepted with its token again.
func (s *Service) ReleaseInvite(ctx context.Context, in Invite) error {
	return s.endClaim(ctx, in, Client{}, "")
}

// VoidInvite ends a claimed invite that leads nowhere: its inviter may not give the role any more, or the account is a
// member already.
func (s *Service) VoidInvite(ctx context.Context, in Invite, from Client) error {
	return s.endClaim(ctx, in, from, "invite.void")
}

// endClaim ends a claim, and with an action that is recorded the invite too. An invite that was replaced or revoked meanwhile
// stays as it is.
func (s *Service) endClaim(ctx context.Context, in Invite, from Client, action string) error {
	err := s.write(context.WithoutCancel(ctx), func(tx adapter.Tx) error {
		if action != "" {
			if _, err := deleteInvites(ctx, tx, `id = ? AND claimed_by = ?`, texts(in.ID, in.claimedBy)...); err != nil {
				return err
			}
			return s.noteInvite(ctx, tx, from, in.claimedBy, action, in)
		}
		_, err := tx.Exec(ctx, `UPDATE auth_invite SET claimed_by = NULL, claimed_at = NULL WHERE id = ? AND claimed_by = ?`, texts(in.ID, in.claimedBy)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("end claim of invite %s: %w", in.ID, err)
	}
	return nil
}
