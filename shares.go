package livetables

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ErrKey says that a published view needs a key and none, a wrong, an expired or a revoked one was given.
var ErrKey = fmt.Errorf("key required: %w", ErrNoPrincipal)

// Publish puts a view under a slug, or changes how it is published; mode is minidb.ShareKeyed or minidb.SharePublic. What
// the view's readers see is what the publisher may see at that moment, for as long as the publisher is a member who may
// publish.
func (a *Access) Publish(ctx context.Context, view, slug, mode string) (*minidb.Share, error) {
	s, err := a.at(ctx, view, rbac.ShareViews)
	if err != nil {
		return nil, err
	}
	if _, ok := s.View(view); !ok {
		return nil, fmt.Errorf("view %s: %w", view, ErrNotFound)
	}
	return a.e.store.PutShare(ctx, a.actor(""), view, minidb.ShareSpec{Slug: slug, Mode: mode})
}

// Unpublish takes a view off its slug; its keys are gone with it.
func (a *Access) Unpublish(ctx context.Context, view string) error {
	sh, err := a.Share(ctx, view)
	if err != nil {
		return err
	}
	return a.e.store.DeleteShare(ctx, a.actor(""), sh.ID)
}

// Share is how a view is published.
func (a *Access) Share(ctx context.Context, view string) (*minidb.Share, error) {
	s, err := a.at(ctx, view, rbac.ShareViews)
	if err != nil {
		return nil, err
	}
	for _, sh := range s.Shares {
		if sh.View == view {
			return sh, nil
		}
	}
	return nil, fmt.Errorf("view %s is not published: %w", view, ErrNotFound)
}

// keyBytes is how random a key is: 192 bits.
const keyBytes = 24

// AddKey makes a key for a published view. The key is shown this once; only its hash is kept. A zero expires never does.
func (a *Access) AddKey(ctx context.Context, view string, expires time.Time) (key string, stored *minidb.ShareKey, err error) {
	sh, err := a.Share(ctx, view)
	if err != nil {
		return "", nil, err
	}
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("make key: %w", err)
	}
	// The prefix finds the key among others without being any part of its secret.
	prefix := "ltk_" + strings.ToLower(rand.Text()[:10])
	key = prefix + "." + base64.RawURLEncoding.EncodeToString(raw)
	k := minidb.ShareKey{Prefix: prefix, Hash: hashKey(key)}
	if !expires.IsZero() {
		k.ExpiresAt = &expires
	}
	stored, err = a.e.store.AddShareKey(ctx, a.actor(""), sh.ID, k)
	if err != nil {
		return "", nil, err
	}
	return key, stored, nil
}

// RevokeKey makes a key worthless at once.
func (a *Access) RevokeKey(ctx context.Context, view, key string) error {
	sh, err := a.Share(ctx, view)
	if err != nil {
		return err
	}
	return a.e.store.RevokeShareKey(ctx, a.actor(""), sh.ID, key)
}

func hashKey(key string) []byte {
	h := sha256.Sum256([]byte(key))
	return h[:]
}

// Public is the way to a published view without an account: it checks the key and answers with an access that reads this
// one view and nothing else. It errs with ErrNotFound for an unknown slug and with ErrKey when the key does not open it.
func (e *Engine) Public(ctx context.Context, slug, key string) (*Access, string, error) {
	sh, err := e.store.ShareBySlug(ctx, slug)
	if err != nil {
		return nil, "", fmt.Errorf("published view: %w", err)
	}
	actor := "public"
	if sh.Mode != minidb.SharePublic {
		id, ok := e.openKey(sh, key)
		if !ok {
			return nil, "", ErrKey
		}
		actor = id
	}
	a := e.As(rbac.Principal{ID: sh.CreatedBy, View: sh.View, Request: "", Address: "", Attributes: nil})
	policy, err := e.policies.Policy(ctx, sh.Workspace)
	if err != nil {
		return nil, "", fmt.Errorf("published view: %w", err)
	}
	publisher := rbac.Principal{ID: sh.CreatedBy}
	if !policy.Can(publisher, rbac.ShareViews).Allowed {
		return nil, "", fmt.Errorf("the publisher of %s may no longer publish (asked by %s): %w", slug, actor, ErrNotFound)
	}
	return a, sh.View, nil
}

func (e *Engine) openKey(sh *minidb.Share, key string) (id string, ok bool) {
	prefix, _, _ := strings.Cut(key, ".")
	hash := hashKey(key)
	for _, k := range sh.Keys {
		if k.Prefix == prefix && k.RevokedAt == nil && (k.ExpiresAt == nil || e.clock().Before(*k.ExpiresAt)) {
			return k.ID, subtle.ConstantTimeCompare(hash, k.Hash) == 1
		}
	}
	return "", false
}
