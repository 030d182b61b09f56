package auth

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
)

// addressLife is how long a mail that confirms an address is good.
const addressLife = 24 * time.Hour

// RequestVerification asks for a mail to the caller's own address, whose token ConfirmAddress takes. The caller must be
// there in person: ErrForbidden for the identity of a key.
func (s *Service) RequestVerification(ctx context.Context, who Identity) error {
	if who.Key != "" {
		return ErrForbidden
	}
	if err := s.byMail.take("verify " + who.UserID); err != nil {
		return err
	}
	err := s.write(ctx, func(tx adapter.Tx) error {
		acc, err := s.present(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := s.enqueueMail(ctx, tx, mailAddress, acc.ID, acc.Email, acc.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, Client{}, acc.ID, "auth.address_request", acc.ID, "present address")
	})
	if err != nil {
		return wrapMail(err, "request verification", ErrUnauthenticated)
	}
	s.wakeMail()
	return nil
}

// RequestAddress asks for another address of the caller's account. It counts once ConfirmAddress was given the token that
// is sent there; until then nothing changes. Whether another account has the address does not show. A wrong password is
// ErrCredentials; the caller must be there in person: ErrForbidden for the identity of a key.
func (s *Service) RequestAddress(ctx context.Context, who Identity, email string, password livetables.Secret, from Client) error {
	if who.Key != "" {
		return ErrForbidden
	}
	var p problems
	email = p.email(email)
	if err := p.err(); err != nil {
		return err
	}
	if err := s.byMail.take(who.Email); err != nil { // guesses of the password count as logins do
		return err
	}
	acc, err := s.readAccount(ctx, "id", who.UserID)
	if err != nil {
		return err
	}
	if len(password.Reveal()) > MaxPassword {
		return ErrCredentials
	}
	match, _, err := s.hasher.verify(ctx, acc.password, password.Reveal())
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	if !match {
		return cmp.Or(s.noteFailure(ctx, from, "auth.password_failed", who.UserID, ""), ErrCredentials)
	}
	err = s.write(ctx, func(tx adapter.Tx) error {
		present, err := s.present(ctx, tx, who)
		if err != nil {
			return err
		}
		if present.password != acc.password {
			return ErrCredentials // changed since we looked
		}
		if err := s.enqueueMail(ctx, tx, mailAddress, acc.ID, email, acc.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, from, who.UserID, "auth.address_request", who.UserID, "")
	})
	if err != nil {
		return wrapMail(err, "request address", ErrUnauthenticated, ErrCredentials)
	}
	s.wakeMail()
	return nil
}

// present is the caller's account, provided that the session still counts.
func (s *Service) present(ctx context.Context, tx adapter.Tx, who Identity) (account, error) {
	if err := requireSession(ctx, tx, who); err != nil {
		return account{}, err
	}
	return findAccount(ctx, tx, "id", who.UserID)
}

// ConfirmAddress makes the address that a token was sent to the verified address of the caller's account, which must be the
// one that asked for it: whoever follows a link in a mail about somebody else's account gives that account nothing. A
// former address is told, and other mails of the account that are under way end. The errors are ErrToken, ErrEmailTaken,
// ErrForbidden for the identity of a key, *RateError and ErrBusy.
func (s *Service) ConfirmAddress(ctx context.Context, who Identity, token livetables.Secret, from Client) error {
	if who.Key != "" {
		return ErrForbidden
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return err
	}
	var acc account
	err := s.write(ctx, func(tx adapter.Tx) (err error) {
		if acc, err = s.present(ctx, tx, who); err != nil {
			return err
		}
		t, err := s.findMailToken(ctx, tx, mailAddress, token)
		if err != nil {
			return err
		}
		if t.subject != acc.ID {
			return ErrToken
		}
		if acc.Email != t.email {
			if err := s.enqueueMail(ctx, tx, mailNotice, acc.ID, acc.Email, ""); err != nil {
				return err
			}
		}
		now := s.clock().UTC().Truncate(time.Millisecond)
		acc.Email, acc.VerifiedAt, acc.UpdatedAt = t.email, &now, now
		if err := updateAccount(ctx, tx, acc); err != nil {
			return err
		}
		if err := dropMailTokens(ctx, tx, acc.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.address", acc.ID, "")
	})
	s.cache.forgetAccount(who.UserID)
	if err != nil {
		return wrapMail(err, "confirm address", ErrToken, ErrEmailTaken, ErrUnauthenticated)
	}
	s.wakeMail()
	return nil
}

// wrapMail is wrapUnless for operations that put a mail into the queue.
func wrapMail(err error, op string, own ...error) error {
	return wrapUnless(err, op, append(own, ErrBusy, ErrRateLimited, ErrNotFound, ErrForbidden)...)
}
