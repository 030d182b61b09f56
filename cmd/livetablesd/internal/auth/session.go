package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Session is one login as its user may see it.
type Session struct {
	ID        string
	CreatedAt time.Time
	UsedAt    time.Time // of the last refresh
	ExpiresAt time.Time // unless refreshed before
	UserAgent string    // as the client named itself
	Address   string    // where it logged in from
	Current   bool      // the one the caller uses
}

// maxSessions is how many sessions an account may have; another login ends the longest unused one. As many that have ended
// are kept: whoever knows the password could otherwise fill the store by logging in and out.
const maxSessions = 100

// The reasons for which a session ends, kept with it.
const (
	endedLogout   = "logout"
	endedRevoked  = "revoked"
	endedReuse    = "refresh token reused"
	endedPassword = "password changed"
	endedReset    = "password reset"
	endedDisabled = "account disabled"
	endedTooMany  = "too many sessions"
)

// session is a row of auth_session.
type session struct {
	id, accountID      string
	createdAt, usedAt  time.Time
	expiresAt          time.Time // moves with every refresh, up to deadline
	deadline           time.Time
	generation         int64  // how often it was refreshed
	refreshHash        string // of the secret of the one good refresh token
	userAgent, address string
	revoked            bool
}

const sessionColumns = `s.id, s.account_id, s.created_at, s.used_at, s.expires_at, s.deadline, s.generation, s.refresh_hash,
	s.user_agent, s.address, CASE WHEN s.revoked_at IS NULL THEN 0 ELSE 1 END`

// scanSession reads sessionColumns.
func scanSession(r row) session {
	return session{
		id: r.text(0), accountID: r.text(1), createdAt: r.time(2), usedAt: r.time(3), expiresAt: r.time(4),
		deadline: r.time(5), generation: r.int(6), refreshHash: r.text(7), userAgent: r.text(8), address: r.text(9),
		revoked: r.bool(10),
	}
}

func insertSession(ctx context.Context, tx adapter.Tx, s session) error {
	_, err := tx.Exec(ctx, `INSERT INTO auth_session (id, account_id, created_at, used_at, expires_at, deadline, generation,
		refresh_hash, user_agent, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		lqp.TextValue(s.id), lqp.TextValue(s.accountID), timeValue(s.createdAt), timeValue(s.usedAt), timeValue(s.expiresAt),
		timeValue(s.deadline), lqp.IntValue(s.generation), lqp.TextValue(s.refreshHash), lqp.TextValue(s.userAgent),
		lqp.TextValue(s.address))
	return err
}

// pruneSessions forgets what is over of an account's sessions and ends those above maxSessions.
func pruneSessions(ctx context.Context, tx adapter.Tx, accountID string, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_session WHERE account_id = ? AND (expires_at <= ? OR revoked_at <= ?)`,
		lqp.TextValue(accountID), timeValue(now), timeValue(now.Add(-30*24*time.Hour)))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM auth_session WHERE account_id = ? AND revoked_at IS NOT NULL AND id NOT IN (
		SELECT id FROM auth_session WHERE account_id = ? AND revoked_at IS NOT NULL ORDER BY revoked_at DESC, id DESC LIMIT ?)`,
		lqp.TextValue(accountID), lqp.TextValue(accountID), lqp.IntValue(maxSessions-1))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE auth_session SET revoked_at = ?, revoke_reason = ? WHERE account_id = ? AND revoked_at IS NULL AND id NOT IN (
		SELECT id FROM auth_session WHERE account_id = ? AND revoked_at IS NULL ORDER BY used_at DESC, id DESC LIMIT ?)`,
		timeValue(now), lqp.TextValue(endedTooMany), lqp.TextValue(accountID), lqp.TextValue(accountID), lqp.IntValue(maxSessions-1))
	return err
}

// revokeSessions ends the sessions of an account that are alive and match where, and counts them.
func revokeSessions(ctx context.Context, tx adapter.Tx, accountID, reason string, now time.Time, where string, args ...lqp.Value) (int64, error) {
	all := append([]lqp.Value{timeValue(now), lqp.TextValue(reason), lqp.TextValue(accountID)}, args...)
	return tx.Exec(ctx, `UPDATE auth_session SET revoked_at = ?, revoke_reason = ?
		WHERE account_id = ? AND revoked_at IS NULL AND `+where, all...)
}

// Sessions lists the caller's sessions that are alive, the latest used first.
func (s *Service) Sessions(ctx context.Context, who Identity) ([]Session, error) {
	var out []Session
	now := s.clock()
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		out = nil
		return each(ctx, tx, `SELECT `+sessionColumns+` FROM auth_session s
			WHERE s.account_id = ? AND s.revoked_at IS NULL AND s.expires_at > ? ORDER BY s.used_at DESC, s.id DESC`,
			[]lqp.Value{lqp.TextValue(who.UserID), timeValue(now)}, func(r row) error {
				one := scanSession(r)
				out = append(out, Session{
					ID: one.id, CreatedAt: one.createdAt, UsedAt: one.usedAt, ExpiresAt: one.expiresAt,
					UserAgent: one.userAgent, Address: one.address, Current: one.id == who.SessionID,
				})
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return out, nil
}

// RevokeSession ends one of the caller's sessions; ErrNotFound for one that is over or not theirs.
func (s *Service) RevokeSession(ctx context.Context, who Identity, sessionID string) error {
	n, err := s.revoke(ctx, who, who.UserID, endedRevoked, `id = ?`, lqp.TextValue(sessionID))
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// RevokeOtherSessions ends all of the caller's sessions but the present one and counts them.
func (s *Service) RevokeOtherSessions(ctx context.Context, who Identity) (int64, error) {
	return s.revoke(ctx, who, who.UserID, endedRevoked, `id <> ?`, lqp.TextValue(who.SessionID))
}

// Logout ends the caller's session: its access token and its refresh token are dead when Logout returns.
func (s *Service) Logout(ctx context.Context, who Identity) error {
	_, err := s.revoke(ctx, who, who.UserID, endedLogout, `id = ?`, lqp.TextValue(who.SessionID))
	return err
}

// revoke ends sessions of an account. The cache is told even after an error, whose transaction may have been committed.
func (s *Service) revoke(ctx context.Context, actor Identity, accountID, reason, where string, args ...lqp.Value) (n int64, err error) {
	defer s.cache.forgetAccount(accountID)
	err = s.write(ctx, func(tx adapter.Tx) error {
		n, err = revokeSessions(ctx, tx, accountID, reason, s.clock(), where, args...)
		if err != nil || n == 0 {
			return err
		}
		return s.note(ctx, tx, Client{}, actor.UserID, "auth.session_end", accountID, reason)
	})
	if err != nil {
		return 0, fmt.Errorf("revoke sessions: %w", err)
	}
	return n, nil
}
