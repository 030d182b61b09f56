package auth

import (
	"context"
	"errors"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// ServiceKey is a key of a service account as those who manage it may see it.
type ServiceKey struct {
	ID        string
	Prefix    string // the part of the key that is no secret
	Name      string
	Maker     string // account id; the key counts for no longer than its maker may give the account's role
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time // to the minute, nil before the first use
}

// NewServiceKey is what a new key of a service account is made from.
type NewServiceKey struct {
	Name      string
	ExpiresAt time.Time // after now and at most a year away
}

// maxServiceKeys is how many keys a service account may have: enough to bring in a new one before the old one goes.
const maxServiceKeys = 20

// AddServiceKey makes a key for a service account and returns its text, this once.
func (s *Service) AddServiceKey(ctx context.Context, actor Identity, workspace, id string, in NewServiceKey, from Client) (livetables.Secret, ServiceKey, error) {
	if actor.Key != "" {
		return livetables.Secret{}, ServiceKey{}, ErrForbidden
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	var p problems
	name := p.keyName(in.Name)
	p.expiry(in.ExpiresAt, now)
	if err := p.err(); err != nil {
		return livetables.Secret{}, ServiceKey{}, err
	}
	key, text := newKey(serviceMark)
	key.ownerID, key.makerID, key.makerAddr, key.name = id, actor.UserID, from.address(), name
	key.createdAt, key.expiresAt = now, in.ExpiresAt.UTC().Truncate(time.Millisecond)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if err := requireSession(ctx, tx, actor); err != nil {
			return err
		}
		if _, err := findService(ctx, tx, workspace, id); err != nil {
			return err
		}
		left, err := pruneKeys(ctx, tx, id, now)
		if err != nil {
			return err
		}
		if left >= maxServiceKeys {
			return tooManyOf("name", "a service account has at most %d keys", maxServiceKeys)
		}
		if err := insertKey(ctx, tx, key); err != nil {
			return err
		}
		return s.noteService(ctx, tx, actor, from, "service_account.key_create", workspace, id, key.id)
	})
	if err != nil {
		return livetables.Secret{}, ServiceKey{}, wrapOwn(err, "add service key")
	}
	return text, serviceKeyOf(key), nil
}

func serviceKeyOf(k storedKey) ServiceKey {
	return ServiceKey{ID: k.id, Prefix: k.prefix, Name: k.name, Maker: k.makerID, CreatedAt: k.createdAt, ExpiresAt: k.expiresAt, UsedAt: k.usedAt}
}

// ServiceKeys lists the keys of a service account, the latest first; ErrNotFound when the workspace has no such account.
func (s *Service) ServiceKeys(ctx context.Context, workspace, id string) ([]ServiceKey, error) {
	var out []ServiceKey
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		out = nil
		if _, err := findService(ctx, tx, workspace, id); err != nil {
			return err
		}
		return each(ctx, tx, `SELECT `+keyColumns+` FROM auth_key k WHERE k.owner_id = ? ORDER BY k.id DESC`, texts(id), func(r row) error {
			out = append(out, serviceKeyOf(scanKey(r)))
			return nil
		})
	})
	if err != nil {
		return nil, wrapOwn(err, "list service keys")
	}
	return out, nil
}

// DeleteServiceKey ends a key of a service account; ErrNotFound when the account has no such key.
func (s *Service) DeleteServiceKey(ctx context.Context, actor Identity, workspace, id, key string, from Client) error {
	if actor.Key != "" {
		return ErrForbidden
	}
	defer s.keys.forget(id)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if _, err := findService(ctx, tx, workspace, id); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM auth_key WHERE id = ? AND owner_id = ?`, lqp.TextValue(key), lqp.TextValue(id))
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.noteService(ctx, tx, actor, from, "service_account.key_delete", workspace, id, key)
	})
	if err != nil {
		return wrapOwn(err, "delete service key")
	}
	return nil
}

// wrapOwn adds the operation to an error that is none of those which this service tells its callers.
func wrapOwn(err error, op string) error {
	var fields *ValidationError
	if errors.As(err, &fields) {
		return fields
	}
	return wrapUnless(err, op, ErrUnauthenticated, ErrForbidden, ErrNotFound)
}
