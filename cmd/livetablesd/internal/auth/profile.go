package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Profile is what people may change about themselves. A nil field stays as it is.
type Profile struct{ Name *string }

// Me returns the caller's account.
func (s *Service) Me(ctx context.Context, who Identity) (User, error) {
	return s.User(ctx, who.UserID)
}

// UpdateProfile changes the caller's own account.
func (s *Service) UpdateProfile(ctx context.Context, who Identity, in Profile) (User, error) {
	var p problems
	var name string
	if in.Name != nil {
		name = p.name(*in.Name)
	}
	if err := p.err(); err != nil {
		return User{}, err
	}
	defer s.cache.forgetAccount(who.UserID)
	var out User
	err := s.write(ctx, func(tx adapter.Tx) error {
		acc, err := findAccount(ctx, tx, "id", who.UserID)
		if err != nil {
			return err
		}
		if in.Name != nil {
			acc.Name = name
		}
		acc.UpdatedAt = s.clock().UTC().Truncate(time.Millisecond)
		out = acc.User
		if err := updateAccount(ctx, tx, acc); err != nil {
			return err
		}
		return s.note(ctx, tx, Client{}, who.UserID, "auth.profile", who.UserID, "")
	})
	if err != nil {
		return User{}, wrapUnless(err, "update profile", ErrNotFound)
	}
	return out, nil
}

// ChangePassword gives the caller a new password. Every other session ends, and so do all tokens of the present one: the
// result replaces them. A wrong current password is ErrCredentials.
func (s *Service) ChangePassword(ctx context.Context, who Identity, current, next livetables.Secret, from Client) (Tokens, error) {
	var p problems
	p.password("new_password", next.Reveal())
	if err := p.err(); err != nil {
		return Tokens{}, err
	}
	if err := s.byMail.take(who.Email); err != nil {
		return Tokens{}, err
	}
	acc, err := s.readAccount(ctx, "id", who.UserID)
	if err != nil {
		return Tokens{}, err
	}
	if len(current.Reveal()) > MaxPassword {
		return Tokens{}, ErrCredentials
	}
	match, _, err := s.hasher.verify(ctx, acc.password, current.Reveal())
	if err != nil {
		return Tokens{}, fmt.Errorf("check password: %w", err)
	}
	if !match {
		return Tokens{}, cmp.Or(s.noteFailure(ctx, from, "auth.password_failed", who.UserID, ""), ErrCredentials)
	}
	hash, err := s.hasher.hash(ctx, next.Reveal())
	if err != nil {
		return Tokens{}, fmt.Errorf("hash password: %w", err)
	}
	defer s.cache.forgetAccount(who.UserID)
	var tokens Tokens
	err = s.write(ctx, func(tx adapter.Tx) error {
		of, present, err := findSession(ctx, tx, who.SessionID)
		if err != nil {
			return err
		}
		if of.id == "" || of.revoked || present.ID != who.UserID || present.Disabled || present.epoch != acc.epoch {
			return ErrUnauthenticated
		}
		if present.password != acc.password {
			return ErrCredentials // renewed or changed since we looked
		}
		present.password, present.epoch = hash, present.epoch+1
		present.UpdatedAt = s.clock().UTC().Truncate(time.Millisecond)
		if err := updateAccount(ctx, tx, present); err != nil {
			return err
		}
		if _, err := revokeSessions(ctx, tx, acc.ID, endedPassword, s.clock(), `id <> ?`, lqp.TextValue(of.id)); err != nil {
			return err
		}
		if err := dropMailTokens(ctx, tx, acc.ID); err != nil { // a mail must not undo the change
			return err
		}
		rotated, refresh, won, err := s.rotate(ctx, tx, of)
		if err != nil {
			return err
		}
		if !won {
			return errors.New("session changed inside a transaction")
		}
		if tokens, err = s.issue(present, rotated, refresh); err != nil {
			return err
		}
		return s.note(ctx, tx, from, who.UserID, "auth.password", who.UserID, "")
	})
	if err != nil {
		return Tokens{}, wrapUnless(err, "change password", ErrUnauthenticated, ErrCredentials)
	}
	s.byMail.forgive(who.Email)
	return tokens, nil
}
