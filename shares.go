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

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ErrKey says that a published view needs a key and none, a wrong, an expired or a revoked one was given.
var ErrKey = fmt.Errorf("key required: %w", ErrNoPrincipal)

// Publish puts a view under a slug, or changes how it is published; mode is minidb.ShareKeyed or minidb.SharePublic. What
// the view's readers see is what the publisher may see at that moment, for as long as the publisher is a member who may
// publish. Only the publisher and owners change how a view is published, make keys for it and change its query; others who
// may publish can take it off and publish it with their own rights.
func (a *Access) Publish(ctx context.Context, view, slug, mode string) (*minidb.Share, error) {
	return again(func() (*minidb.Share, error) { return a.publish(ctx, view, slug, mode) })
}

func (a *Access) publish(ctx context.Context, view, slug, mode string) (*minidb.Share, error) {
	s, err := a.at(ctx, view, rbac.ShareViews)
	if err != nil {
		return nil, err
	}
	if _, ok := s.View(view); !ok {
		return nil, fmt.Errorf("view %s: %w", view, ErrNotFound)
	}
	if err := s.maySteer(view); err != nil {
		return nil, err
	}
	if err := s.mayShow(ctx, view); err != nil {
		return nil, err
	}
	return a.e.store.PutShare(ctx, a.granted(s), view, minidb.ShareSpec{Slug: slug, Mode: mode})
}

// Unpublish takes a view off its slug; its keys are gone with it, and its readers find nothing from then on. It needs the right to
// publish the view (rbac.ShareViews), whoever published it; [ErrNotFound] says that it is not published.
func (a *Access) Unpublish(ctx context.Context, view string) error {
	sh, err := a.Share(ctx, view)
	if err != nil {
		return err
	}
	return a.e.store.DeleteShare(ctx, a.actor(""), sh.ID)
}

// maySteer refuses to let somebody decide what others read with the rights of a publisher that may see more: by a published
// view's query, its address and its keys, or by the query of a view that it reads.
func (s *entry) maySteer(view string) error {
	for _, sh := range s.Shares {
		if sh.CreatedBy == s.p.ID || s.policy.Role(s.p) == rbac.Owner { // no rule binds an owner
			continue
		}
		if s.viewReads(sh.View, view, 0) {
			return fmt.Errorf("view %s is published, or read by one that is, with the rights of somebody else: %w", view, ErrForbidden)
		}
	}
	return nil
}

// mayShow refuses to let a token show others a view that it could not read itself: readers have the rights of its user, whom
// no scope narrows.
func (s *entry) mayShow(ctx context.Context, view string) error {
	if s.p.Scope == nil {
		return nil
	}
	reader := *s
	reader.p, reader.sights = forView(s.p, view), nil
	if v, err := reader.view(view); err != nil || !reader.runs(ctx, v) {
		return fmt.Errorf("the token does not reach all that view %s reads: %w", view, ErrForbidden)
	}
	return nil
}

// mayPublish reports whether a member may have a view published now, wherever the member is.
func mayPublish(policy *rbac.Policy, user, view string) bool {
	if policy == nil {
		return false
	}
	standing := *policy
	standing.Networks = nil // they bind the act of publishing
	return standing.Can(rbac.Principal{ID: user}, rbac.ShareViews, view).Allowed
}

// viewReads reports whether a view is another one or reads it. What cannot be told counts as reading.
func (s *entry) viewReads(view, other string, depth int) bool {
	if view == other || depth > maxViewDepth {
		return true
	}
	v, ok := s.View(view)
	if !ok {
		return false
	}
	q, err := decodeView(v)
	return err != nil || s.queryReads(q, other, depth)
}

func (s *entry) queryReads(q *lqp.Query, view string, depth int) bool {
	for _, src := range append([]*lqp.Source{&q.From}, joinSources(q.Joins)...) {
		if src.Query != nil && s.queryReads(src.Query, view, depth) || src.Query == nil && s.viewReads(src.Table, view, depth+1) {
			return true
		}
	}
	return false
}

// Share is how a view is published, for those who may publish it (rbac.ShareViews): the slug, the mode, who did it and the keys without
// what they open. [ErrNotFound] is for a view that is not published.
func (a *Access) Share(ctx context.Context, view string) (*minidb.Share, error) {
	_, sh, err := a.share(ctx, view)
	return sh, err
}

func (a *Access) share(ctx context.Context, view string) (*entry, *minidb.Share, error) {
	s, err := a.at(ctx, view, rbac.ShareViews)
	if err != nil {
		return nil, nil, err
	}
	for _, sh := range s.Shares {
		if sh.View == view {
			return s, sh, nil
		}
	}
	return nil, nil, fmt.Errorf("view %s is not published: %w", view, ErrNotFound)
}

// keyBytes is how random a key is: 192 bits.
const keyBytes = 24

// AddKey makes a key for a published view. key is shown this once; only its hash is kept. A zero expires never does. It needs the
// right to publish the view (rbac.ShareViews) and, as [Access.Publish] does, to be its publisher or an owner: [ErrForbidden]
// otherwise, and for a token that does not reach all that the view reads. [ErrNotFound] is for a view that is not published. The
// key ends with its maker's right to publish.
func (a *Access) AddKey(ctx context.Context, view string, expires time.Time) (key string, stored *minidb.ShareKey, err error) {
	stored, err = again(func() (made *minidb.ShareKey, err error) {
		key, made, err = a.addKey(ctx, view, expires)
		return made, err
	})
	return key, stored, err
}

func (a *Access) addKey(ctx context.Context, view string, expires time.Time) (key string, stored *minidb.ShareKey, err error) {
	s, sh, err := a.share(ctx, view)
	if err != nil {
		return "", nil, err
	}
	if err := s.maySteer(view); err != nil {
		return "", nil, err
	}
	if err := s.mayShow(ctx, view); err != nil {
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
	stored, err = a.e.store.AddShareKey(ctx, a.granted(s), sh.ID, k)
	if err != nil {
		return "", nil, err
	}
	return key, stored, nil
}

// RevokeKey makes a key of a published view worthless at once; key is its id, not what is shown to its bearer. It needs the right to
// publish the view (rbac.ShareViews), whoever made the key. An id that is none of the view's keys is [ErrNotFound]; revoking
// twice changes nothing.
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
	policy, err := e.policies.Policy(ctx, sh.Workspace)
	if err != nil {
		return nil, "", fmt.Errorf("published view: %w", err)
	}
	reader := rbac.Principal{ID: sh.CreatedBy}
	if !mayPublish(policy, reader.ID, sh.View) {
		return nil, "", fmt.Errorf("the publisher of %s may no longer publish: %w", slug, ErrNotFound)
	}
	reader.View = sh.View
	if sh.Mode != minidb.SharePublic {
		if reader.Key = e.openKey(sh, key, policy); reader.Key == "" {
			return nil, "", ErrKey
		}
	}
	return e.As(reader), sh.View, nil
}

// openKey is the id of the share's key that is given and still counts, empty when there is none. A key ends with its
// maker's right to publish.
func (e *Engine) openKey(sh *minidb.Share, key string, policy *rbac.Policy) string {
	prefix, _, _ := strings.Cut(key, ".")
	hash := hashKey(key)
	for _, k := range sh.Keys {
		if k.Prefix == prefix && k.RevokedAt == nil && (k.ExpiresAt == nil || e.clock().Before(*k.ExpiresAt)) {
			if subtle.ConstantTimeCompare(hash, k.Hash) != 1 || !mayPublish(policy, k.CreatedBy, sh.View) {
				return ""
			}
			return k.ID
		}
	}
	return ""
}
