package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// NewToken is what a person asks of a new personal access token.
type NewToken struct {
	Name string
	// Scope narrows the token: at least one action; no resources are all that the person may reach.
	Scope rbac.Scope
	// ExpiresAt is after now and at most a year away.
	ExpiresAt time.Time
}

// PersonalToken is a personal access token as its person may see it.
type PersonalToken struct {
	ID        string
	Prefix    string // the part of the token that is no secret
	Name      string
	Scope     rbac.Scope
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time // to the minute, nil before the first use
}

// The bounds of personal access tokens.
const (
	maxTokens         = 100 // of one account
	maxTokenResources = 100 // of one token
)

// resourceMarks begin the ids that a scope may name: of workspaces, projects, bases, tables, views and connections.
var resourceMarks = []string{"wsp_", "prj_", "bas_", "tbl_", "viw_", "con_"}

// CreateToken makes a personal access token for the caller and returns its text, this once. The token does what its scope
// says of what its person may do at the moment of use. It ends with its time, with DeleteToken, with a new password of its
// person and with the account. Whether the resources of the scope exist is not looked up. The caller must be there in
// person: ErrForbidden for the identity of a key.
func (s *Service) CreateToken(ctx context.Context, who Identity, in NewToken, from Client) (livetables.Secret, PersonalToken, error) {
	if who.Key != "" {
		return livetables.Secret{}, PersonalToken{}, ErrForbidden
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	var p problems
	name := p.keyName(in.Name)
	scope := p.scope(in.Scope)
	p.expiry(in.ExpiresAt, now)
	if err := p.err(); err != nil {
		return livetables.Secret{}, PersonalToken{}, err
	}
	key, text := newKey(personalMark)
	key.ownerID, key.makerID, key.makerAddr = who.UserID, who.UserID, from.address()
	key.name, key.scope, key.epoch = name, &scope, who.epoch
	key.createdAt, key.expiresAt = now, in.ExpiresAt.UTC().Truncate(time.Millisecond)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if err := requireSession(ctx, tx, who); err != nil {
			return err
		}
		// Those of an earlier epoch are dead and not listed: they must not take the room of others.
		if _, err := tx.Exec(ctx, `DELETE FROM auth_key WHERE owner_id = ? AND epoch < ?`, lqp.TextValue(who.UserID), lqp.IntValue(who.epoch)); err != nil {
			return err
		}
		left, err := pruneKeys(ctx, tx, who.UserID, now)
		if err != nil {
			return err
		}
		if left >= maxTokens {
			return tooManyOf("name", "an account has at most %d tokens", maxTokens)
		}
		if err := insertKey(ctx, tx, key); err != nil {
			return err
		}
		return s.note(ctx, tx, from, who.UserID, "auth.token_create", who.UserID, key.id)
	})
	if err != nil {
		return livetables.Secret{}, PersonalToken{}, wrapOwn(err, "create token")
	}
	return text, tokenOf(key), nil
}

// requireSession asks, inside the transaction that needs it, whether the caller's session still counts.
func requireSession(ctx context.Context, tx adapter.Tx, who Identity) error {
	of, acc, err := findSession(ctx, tx, who.SessionID)
	if err == nil && (of.id == "" || of.revoked || acc.ID != who.UserID || acc.Disabled || acc.epoch != who.epoch) {
		err = ErrUnauthenticated
	}
	return err
}

func tokenOf(k storedKey) PersonalToken {
	return PersonalToken{ID: k.id, Prefix: k.prefix, Name: k.name, Scope: *k.scope, CreatedAt: k.createdAt, ExpiresAt: k.expiresAt, UsedAt: k.usedAt}
}

// Tokens lists the caller's personal access tokens that count or have expired not long ago, the latest first.
func (s *Service) Tokens(ctx context.Context, who Identity) ([]PersonalToken, error) {
	var out []PersonalToken
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		out = nil
		return each(ctx, tx, `SELECT `+keyColumns+` FROM auth_key k JOIN auth_account a ON a.id = k.owner_id
			WHERE k.owner_id = ? AND k.epoch = a.epoch ORDER BY k.id DESC`, texts(who.UserID), func(r row) error {
			out = append(out, tokenOf(scanKey(r)))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// DeleteToken ends one of the caller's personal access tokens; ErrNotFound for one that is gone or not theirs.
func (s *Service) DeleteToken(ctx context.Context, who Identity, id string) error {
	n, err := s.deleteTokens(ctx, who, `id = ?`, lqp.TextValue(id))
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// DeleteTokens ends all of the caller's personal access tokens and counts them.
func (s *Service) DeleteTokens(ctx context.Context, who Identity) (int64, error) {
	return s.deleteTokens(ctx, who, everyRow)
}

func (s *Service) deleteTokens(ctx context.Context, who Identity, where string, args ...lqp.Value) (n int64, err error) {
	if who.Key != "" {
		return 0, ErrForbidden
	}
	defer s.keys.forget(who.UserID)
	err = s.write(ctx, func(tx adapter.Tx) error {
		n, err = tx.Exec(ctx, `DELETE FROM auth_key WHERE owner_id = ? AND `+where, append(texts(who.UserID), args...)...)
		if err != nil || n == 0 {
			return err
		}
		return s.note(ctx, tx, Client{}, who.UserID, "auth.token_delete", who.UserID, "")
	})
	if err != nil {
		return 0, fmt.Errorf("delete tokens: %w", err)
	}
	return n, nil
}

// RevokeEverything ends all that was ever issued to the caller: every session, the present one too, every personal access
// token, every key that the caller made for a service account, every open invite that the caller made, and every mail that
// is under way. It is for people who fear that somebody got at their account.
func (s *Service) RevokeEverything(ctx context.Context, who Identity, from Client) error {
	if who.Key != "" {
		return ErrForbidden
	}
	defer s.cache.forgetAccount(who.UserID)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if err := requireSession(ctx, tx, who); err != nil {
			return err
		}
		acc, err := findAccount(ctx, tx, "id", who.UserID)
		if err != nil {
			return err
		}
		acc.epoch++
		acc.UpdatedAt = s.clock().UTC().Truncate(time.Millisecond)
		if err := updateAccount(ctx, tx, acc); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM auth_key WHERE maker_id = ?`, lqp.TextValue(acc.ID)); err != nil {
			return err
		}
		// Whoever was in the account may have asked somebody of theirs into its workspaces.
		if _, err := deleteInvites(ctx, tx, `inviter_id = ?`, lqp.TextValue(acc.ID)); err != nil {
			return err
		}
		if err := dropMailTokens(ctx, tx, acc.ID); err != nil {
			return err
		}
		if _, err = revokeSessions(ctx, tx, acc.ID, endedRevoked, s.clock(), everyRow); err != nil {
			return err
		}
		return s.note(ctx, tx, from, who.UserID, "auth.revoke_everything", who.UserID, "")
	})
	if err != nil {
		return wrapOwn(err, "revoke everything")
	}
	return nil
}

// keyName checks what people call a key; it may not be empty, or nobody would know what to delete.
func (p *problems) keyName(s string) string {
	if s = p.name(s); s == "" && len(*p) == 0 {
		p.add("name", "required", "a name is required")
	}
	return s
}

// expiry checks until when a key is to be good.
func (p *problems) expiry(at, now time.Time) {
	switch {
	case at.IsZero():
		p.add("expires_at", "required", "a time of expiry is required")
	case !at.After(now):
		p.add("expires_at", "invalid", "the time is past")
	case at.Sub(now) > maxKeyLife:
		p.add("expires_at", "invalid", "a key lives for a year at most")
	}
}

// scope checks the narrowing of a token and returns a copy without repetitions.
func (p *problems) scope(in rbac.Scope) rbac.Scope {
	out := rbac.Scope{Actions: slices.Clone(in.Actions), Resources: slices.Clone(in.Resources)}
	if len(out.Actions) == 0 {
		p.add("scopes", "required", "at least one action is required")
	}
	if len(out.Actions) > len(rbac.Actions()) || slices.ContainsFunc(out.Actions, func(a rbac.Action) bool { return !a.Valid() }) {
		p.add("scopes", "invalid", "not a list of known actions")
	}
	if len(out.Resources) > maxTokenResources {
		p.add("resources", "too_long", fmt.Sprintf("at most %d resources", maxTokenResources))
	} else if !slices.ContainsFunc(out.Resources, func(id string) bool { return !plainResource(id) }) {
		slices.Sort(out.Resources)
		out.Resources = slices.Compact(out.Resources)
	} else {
		p.add("resources", "invalid", "not a list of ids of workspaces, projects, bases, tables, views or connections")
	}
	slices.Sort(out.Actions)
	out.Actions = slices.Compact(out.Actions)
	return out
}

func plainResource(id string) bool {
	if len(id) > 64 || !slices.ContainsFunc(resourceMarks, func(m string) bool { return strings.HasPrefix(id, m) && len(id) > len(m) }) {
		return false
	}
	return !strings.ContainsFunc(id[4:], func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') })
}

// tooManyOf is the refusal of one more of what is enough already.
func tooManyOf(field, format string, most int) error {
	return &ValidationError{Fields: []FieldError{{Field: field, Code: "too_many", Message: fmt.Sprintf(format, most)}}}
}
