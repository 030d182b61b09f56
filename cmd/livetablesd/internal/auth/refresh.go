package auth

import (
	"context"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Refresh trades a refresh token for new tokens of its session. A token that was traded before ends the session, with
// everything that was issued for it since. Every refusal is ErrUnauthenticated or a *RateError.
func (s *Service) Refresh(ctx context.Context, token livetables.Secret, from Client) (Tokens, error) {
	if err := s.byFresh.take(addressKey(from.Address)); err != nil {
		return Tokens{}, err
	}
	given, ok := parseRefreshToken(token.Reveal(), s.refresh)
	if !ok {
		return Tokens{}, fmt.Errorf("%w: not a refresh token", ErrUnauthenticated)
	}
	var (
		tokens  Tokens
		userID  string
		refused string
		reused  bool
	)
	err := s.write(ctx, func(tx adapter.Tx) error {
		tokens, userID, refused, reused = Tokens{}, "", "", false
		of, acc, err := findSession(ctx, tx, given.sessionID)
		if err != nil {
			return err
		}
		userID = acc.ID
		switch {
		case of.id == "":
			refused = "no such session"
		case of.revoked:
			refused = "session has ended"
		case given.generation < of.generation:
			// The transaction is committed with the session's end in it, so the refusal cannot be its error.
			refused, reused = endedReuse, true
			if _, err = revokeSessions(ctx, tx, acc.ID, endedReuse, s.clock(), `id = ?`, lqp.TextValue(of.id)); err != nil {
				return err
			}
			return s.note(ctx, tx, from, acc.ID, "auth.session_end", acc.ID, endedReuse)
		case given.generation != of.generation || !given.matches(of.refreshHash):
			refused = "unknown refresh token" // issued after the state that was restored from a backup
		case acc.Disabled:
			refused = "account is disabled"
		case !s.clock().Before(of.expiresAt):
			refused = "session has expired"
		}
		if refused != "" {
			return nil
		}
		next, refresh, won, err := s.rotate(ctx, tx, of)
		if err != nil {
			return err
		}
		if !won {
			return fmt.Errorf("session %s changed inside a transaction", of.id)
		}
		tokens, err = s.issue(acc, next, refresh)
		return err
	})
	if userID != "" {
		s.cache.forgetAccount(userID) // a new expiry, or the end
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh session: %w", err)
	}
	if reused {
		s.log.WarnContext(ctx, "refresh token reused, session ended", "user", userID, "session", given.sessionID)
	}
	if refused != "" {
		return Tokens{}, fmt.Errorf("%w: %s", ErrUnauthenticated, refused)
	}
	return tokens, nil
}

// LogoutRefresh ends the session of a refresh token, for clients whose access token has expired. Any token that was
// ever the session's will do; one that is none is no error, since the session it would name is over as well.
func (s *Service) LogoutRefresh(ctx context.Context, token livetables.Secret) error {
	given, ok := parseRefreshToken(token.Reveal(), s.refresh)
	if !ok {
		return nil
	}
	state, err := s.readState(ctx, given.sessionID)
	if err != nil || state.sessionID == "" {
		return err
	}
	return s.Logout(ctx, Identity{UserID: state.user.ID, SessionID: state.sessionID})
}
