package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/rbac"
)

// Identity is who a verified access token or key stands for. Its account facts are the present ones, not those of the token.
type Identity struct {
	UserID    string // of the account, or of the service account
	Email     string
	Name      string
	Admin     bool   // of the instance; says nothing about workspaces. Never true of a key.
	SessionID string // empty for a key
	// Key is the id of the personal access token or of the service account's key, empty for a session.
	Key string
	// Scope is what the key allows of what its holder may do, nil for all of it.
	Scope *rbac.Scope
	// Service is set for the keys of service accounts, and must be asked for before the identity is believed.
	Service   *ServiceStanding
	ExpiresAt time.Time // of the access token or the key
	epoch     int64
	keyPrefix string
}

// Verify tells whom an access token or a key stands for. A token that is not good is ErrUnauthenticated; any other error means
// that it could not be told, and must be treated as a refusal too. It is cheap enough for every request: sessions and
// accounts are cached, and a change made through this service is seen by the next call, one made by another process
// within three seconds.
func (s *Service) Verify(ctx context.Context, token string) (Identity, error) {
	if looksLikeKey(token) {
		return s.verifyKey(ctx, token)
	}
	claims, err := s.access.read(token)
	if err != nil {
		return Identity{}, err
	}
	return s.identify(ctx, Identity{
		UserID: claims.Subject, SessionID: claims.Session, ExpiresAt: claims.ExpiresAt.Time, epoch: claims.Epoch,
	})
}

// Recheck is Verify for an identity that Verify returned before, except that it does not mind an expired access token: it tells
// whether a long-lived connection's session still counts, and returns the identity with its present facts.
func (s *Service) Recheck(ctx context.Context, who Identity) (Identity, error) {
	if who.Key != "" {
		return s.recheckKey(ctx, who)
	}
	return s.identify(ctx, who)
}

func (s *Service) identify(ctx context.Context, who Identity) (Identity, error) {
	now := s.clock()
	state, mark, ok := s.cache.get(who.UserID, who.SessionID, now)
	if !ok {
		var err error
		if state, err = s.readState(ctx, who.SessionID); err != nil {
			return Identity{}, err
		}
		if state.sessionID != "" {
			s.cache.put(state, mark, now)
		}
	}
	switch {
	case state.sessionID == "" || state.user.ID != who.UserID:
		return Identity{}, fmt.Errorf("%w: no such session", ErrUnauthenticated)
	case state.revoked:
		return Identity{}, fmt.Errorf("%w: session has ended", ErrUnauthenticated)
	case state.user.Disabled:
		return Identity{}, fmt.Errorf("%w: account is disabled", ErrUnauthenticated)
	case state.epoch != who.epoch:
		return Identity{}, fmt.Errorf("%w: token is of an earlier epoch", ErrUnauthenticated)
	case !now.Before(state.expiresAt):
		return Identity{}, fmt.Errorf("%w: session has expired", ErrUnauthenticated)
	}
	who.Email, who.Name, who.Admin = state.user.Email, state.user.Name, state.user.Admin
	return who, nil
}

// readState reads a session with its account; the zero state when either is missing.
func (s *Service) readState(ctx context.Context, sessionID string) (state sessionState, err error) {
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		found, acc, err := findSession(ctx, tx, sessionID)
		if err == nil && found.id != "" {
			state = sessionState{sessionID: found.id, user: acc.User, epoch: acc.epoch, expiresAt: found.expiresAt, revoked: found.revoked}
		}
		return err
	})
	if err != nil {
		return sessionState{}, fmt.Errorf("read session: %w", err)
	}
	return state, nil
}

// findSession reads a session with its account; zero values when either is missing.
func findSession(ctx context.Context, tx adapter.Tx, id string) (found session, acc account, err error) {
	err = each(ctx, tx, `SELECT `+accountColumns+`, `+sessionColumns+`
		FROM auth_session s JOIN auth_account a ON a.id = s.account_id WHERE s.id = ?`, texts(id), func(r row) error {
		acc = scanAccount(r)
		found = scanSession(row{r.rows, accountWidth})
		return nil
	})
	return found, acc, err
}
