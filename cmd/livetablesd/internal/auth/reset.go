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

// resetLife is how long a mail for a new password is good.
const resetLife = 30 * time.Minute

// mayReset reports whether an account may get a new password by mail. One without a password logs in elsewhere, and whoever
// closes it there must not leave a way open here.
func mayReset(acc account) bool { return !acc.Disabled && acc.password != "" }

// RequestReset asks for a mail with which its reader can set a new password. Whether the address has an account shows
// neither in the error nor in the work done: the request is only written down, and RunMail finds out. The errors are
// *ValidationError for what is no address, and *RateError for a client that asks too often; a full queue is none.
func (s *Service) RequestReset(ctx context.Context, email string, from Client) error {
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return err
	}
	var p problems
	email = p.email(email)
	if err := p.err(); err != nil {
		return err
	}
	err := s.write(ctx, func(tx adapter.Tx) error {
		waiting, err := countMails(ctx, tx, `address = ? AND purpose = ? AND state = ?`, lqp.TextValue(email), lqp.TextValue(mailReset), lqp.IntValue(mailWaiting))
		if err != nil {
			return err
		}
		if waiting >= maxMailsHour {
			// More would not be sent. One that waits is written again in place of a new one: the request takes as long.
			_, err = tx.Exec(ctx, `UPDATE auth_mail SET next_at = next_at WHERE id =
				(SELECT max(id) FROM auth_mail WHERE address = ? AND purpose = ? AND state = ?)`,
				lqp.TextValue(email), lqp.TextValue(mailReset), lqp.IntValue(mailWaiting))
			return err
		}
		return s.enqueueMail(ctx, tx, mailReset, "", email, "")
	})
	if errors.Is(err, ErrBusy) {
		s.log.ErrorContext(ctx, "request for a new password dropped", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("request reset: %w", err)
	}
	s.wakeMail()
	return nil
}

// ConfirmReset sets a new password with the token of a mail. It ends every session of the account, every access token and
// personal access token, and every other mail that is under way; the address counts as verified, since the token was sent
// there. The errors are ErrToken, *ValidationError, *RateError and ErrBusy.
func (s *Service) ConfirmReset(ctx context.Context, token, password livetables.Secret, from Client) error {
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return err
	}
	var p problems
	p.password("password", password.Reveal())
	if err := p.err(); err != nil {
		return err
	}
	// A token that is no good costs no hash.
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		_, err := s.resettable(ctx, tx, token)
		return err
	})
	if err != nil {
		return wrapUnless(err, "look at reset token", ErrToken)
	}
	hash, err := s.hasher.hash(ctx, password.Reveal())
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	var acc account
	err = s.write(ctx, func(tx adapter.Tx) (err error) {
		if acc, err = s.resettable(ctx, tx, token); err != nil { // of two who use it, one does
			return err
		}
		now := s.clock().UTC().Truncate(time.Millisecond)
		acc.password, acc.epoch, acc.UpdatedAt = hash, acc.epoch+1, now
		if acc.VerifiedAt == nil {
			acc.VerifiedAt = &now
		}
		if err := updateAccount(ctx, tx, acc); err != nil {
			return err
		}
		if _, err := revokeSessions(ctx, tx, acc.ID, endedReset, now, everyRow); err != nil {
			return err
		}
		if err := dropMailTokens(ctx, tx, acc.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.reset", acc.ID, "")
	})
	if acc.ID != "" {
		s.cache.forgetAccount(acc.ID)
	}
	if err != nil {
		return wrapUnless(err, "reset password", ErrToken)
	}
	s.byMail.forgive(acc.Email)
	return nil
}

// resettable is the account of a token from a mail.
func (s *Service) resettable(ctx context.Context, tx adapter.Tx, token livetables.Secret) (account, error) {
	t, err := s.findMailToken(ctx, tx, mailReset, token)
	if err != nil {
		return account{}, err
	}
	acc, err := findAccount(ctx, tx, "id", t.subject)
	if errors.Is(err, ErrNotFound) || err == nil && (!mayReset(acc) || acc.Email != t.email) {
		return account{}, ErrToken
	}
	return acc, err
}
