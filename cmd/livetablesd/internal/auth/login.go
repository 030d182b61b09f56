package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Credentials are what a person logs in with.
type Credentials struct {
	Email    string
	Password livetables.Secret
}

// Tokens are a session's access token and its next refresh token, with the account they stand for.
type Tokens struct {
	Access           livetables.Secret
	AccessExpiresAt  time.Time
	Refresh          livetables.Secret
	RefreshExpiresAt time.Time
	SessionID        string
	User             User
}

// Login opens a session. The error is ErrCredentials, a *RateError or ErrBusy; whether the account exists shows in
// neither the error nor the time taken.
func (s *Service) Login(ctx context.Context, in Credentials, from Client) (Tokens, error) {
	email, valid := NormalizeEmail(in.Email)
	if !valid {
		email = strings.ToLower(clip(in.Email, MaxEmail))
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return Tokens{}, err
	}
	if err := s.byMail.take(email); err != nil {
		return Tokens{}, err
	}
	password := in.Password.Reveal()
	if len(password) > MaxPassword {
		return Tokens{}, ErrCredentials
	}
	acc, err := s.readAccount(ctx, "email", email)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Tokens{}, err
	}
	stored := acc.password
	if acc.Disabled {
		stored = "" // the same work, and no match
	}
	match, renew, err := s.hasher.verify(ctx, stored, password)
	if err != nil {
		return Tokens{}, fmt.Errorf("check password: %w", err)
	}
	if !match {
		return Tokens{}, cmp.Or(s.noteFailure(ctx, from, "auth.login_failed", acc.ID, ""), ErrCredentials)
	}
	next := acc.password
	if renew {
		if next, err = s.hasher.hash(ctx, password); err != nil {
			return Tokens{}, fmt.Errorf("renew password hash: %w", err)
		}
	}
	var tokens Tokens
	err = s.write(ctx, func(tx adapter.Tx) error {
		present, err := findAccount(ctx, tx, "id", acc.ID)
		if errors.Is(err, ErrNotFound) || err == nil && (present.Disabled || present.password != acc.password) {
			return ErrCredentials // changed since we looked
		}
		if err != nil {
			return err
		}
		present.password = next
		if tokens, err = s.openSession(ctx, tx, present, from); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.login", acc.ID, "")
	})
	if err != nil {
		if errors.Is(err, ErrCredentials) {
			return Tokens{}, ErrCredentials
		}
		return Tokens{}, fmt.Errorf("open session: %w", err)
	}
	s.byMail.forgive(email)
	return tokens, nil
}

// openSession adds a session of acc and writes acc's password and time of login.
func (s *Service) openSession(ctx context.Context, tx adapter.Tx, acc account, from Client) (Tokens, error) {
	now := s.clock().UTC().Truncate(time.Millisecond)
	if err := pruneSessions(ctx, tx, acc.ID, now); err != nil {
		return Tokens{}, err
	}
	refresh := newRefreshToken(minidb.NewID("ses"), 1)
	opened := session{
		id: refresh.sessionID, accountID: acc.ID, createdAt: now, usedAt: now,
		expiresAt: now.Add(s.options.RefreshTTL), deadline: now.Add(s.options.SessionTTL),
		generation: refresh.generation, refreshHash: refresh.hash(),
		userAgent: clip(from.UserAgent, 256), address: from.address(),
	}
	if err := insertSession(ctx, tx, opened); err != nil {
		return Tokens{}, err
	}
	_, err := tx.Exec(ctx, `UPDATE auth_account SET password = ?, last_login_at = ? WHERE id = ?`,
		lqp.TextValue(acc.password), timeValue(now), lqp.TextValue(acc.ID))
	if err != nil {
		return Tokens{}, err
	}
	acc.LastLoginAt = &now
	return s.issue(acc, opened, refresh)
}

// issue makes the tokens of a session.
func (s *Service) issue(acc account, of session, refresh refreshToken) (Tokens, error) {
	access, expires, err := s.access.sign(acc.ID, of.id, acc.epoch)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		Access: livetables.NewSecret(access), AccessExpiresAt: expires,
		Refresh: refresh.text(s.refresh), RefreshExpiresAt: of.expiresAt,
		SessionID: of.id, User: acc.User,
	}, nil
}

// rotate replaces the refresh token of a session, provided that it is still of the generation that was read: of any
// number of concurrent callers one succeeds.
func (s *Service) rotate(ctx context.Context, tx adapter.Tx, of session) (session, refreshToken, bool, error) {
	now := s.clock().UTC().Truncate(time.Millisecond)
	refresh := newRefreshToken(of.id, of.generation+1)
	next := of
	next.generation, next.refreshHash, next.usedAt = refresh.generation, refresh.hash(), now
	next.expiresAt = now.Add(s.options.RefreshTTL)
	if next.expiresAt.After(of.deadline) {
		next.expiresAt = of.deadline
	}
	n, err := tx.Exec(ctx, `UPDATE auth_session SET generation = ?, refresh_hash = ?, used_at = ?, expires_at = ?
		WHERE id = ? AND generation = ? AND refresh_hash = ? AND revoked_at IS NULL`,
		lqp.IntValue(next.generation), lqp.TextValue(next.refreshHash), timeValue(next.usedAt), timeValue(next.expiresAt),
		lqp.TextValue(of.id), lqp.IntValue(of.generation), lqp.TextValue(of.refreshHash))
	return next, refresh, n == 1, err
}
