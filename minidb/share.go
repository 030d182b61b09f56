package minidb

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/livetables/livetables/audit"
)

// Share publishes one view under an address of its own.
type Share struct {
	ID        string     `json:"id"`
	Workspace string     `json:"workspace_id"`
	View      string     `json:"view_id"`
	Slug      string     `json:"slug"` // unique among all workspaces: 3 to 100 of a-z, 0-9 and -
	Mode      string     `json:"mode"` // ShareKeyed or SharePublic
	Keys      []ShareKey `json:"keys,omitempty"`
	Version   int64      `json:"version"` // counts the changes of slug and mode
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"` // whose rights readers have
}

// The modes of a share.
const (
	ShareKeyed  = "key"    // readers show one of the keys
	SharePublic = "public" // anybody reads
)

// ShareKey is a secret that opens a share. Only its hash is kept.
type ShareKey struct {
	ID        string     `json:"id"`
	Prefix    string     `json:"prefix"` // the beginning of the key, by which people tell keys apart
	Hash      []byte     `json:"-"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // nil: never
	RevokedAt *time.Time `json:"revoked_at,omitempty"` // nil: not revoked
}

const (
	shareColumns    = `id, workspace, view, slug, mode, version, created_at, created_by`
	shareKeyColumns = `id, share, prefix, hash, created_at, created_by, expires_at, revoked_at`
)

var slugForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{1,98})[a-z0-9]$`)

func scanShare(r record) Share {
	return Share{ID: r.text(0), Workspace: r.text(1), View: r.text(2), Slug: r.text(3), Mode: r.text(4), Version: r.integer(5),
		CreatedAt: r.instant(6), CreatedBy: r.text(7)}
}

// sharedKey is a key with the share it opens.
type sharedKey struct {
	share string
	key   ShareKey
}

func scanShareKey(r record) sharedKey {
	return sharedKey{share: r.text(1), key: ShareKey{ID: r.text(0), Prefix: r.text(2), Hash: r.bytes(3), CreatedAt: r.instant(4),
		CreatedBy: r.text(5), ExpiresAt: r.optional(6), RevokedAt: r.optional(7)}}
}

// share reads a share with its keys.
func (s session) share(id string) (Share, error) {
	share, err := must(s, "share "+id, scanShare, `SELECT `+shareColumns+` FROM lt_share WHERE id = ?`, argText(id))
	if err != nil {
		return share, err
	}
	return share, s.keysOf(&share)
}

func (s session) keysOf(share *Share) error {
	keys, err := all(s, scanShareKey, `SELECT `+shareKeyColumns+` FROM lt_share_key WHERE workspace = ? AND share = ? ORDER BY id`,
		argText(share.Workspace), argText(share.ID))
	for _, k := range keys {
		share.Keys = append(share.Keys, k.key)
	}
	return err
}

func (s Share) entry(action string) audit.Entry {
	return audit.Entry{Workspace: s.Workspace, Action: action, ResourceType: "share", Resource: s.ID, Version: s.Version}
}

// ShareBySlug finds a published view by its address, with its keys. ErrNotFound when there is none.
func (db *DB) ShareBySlug(ctx context.Context, slug string) (*Share, error) {
	var share Share
	err := db.read(ctx, "find share", func(s session) (err error) {
		if share, err = must(s, "share", scanShare, `SELECT `+shareColumns+` FROM lt_share WHERE slug = ?`, argText(slug)); err != nil {
			return err
		}
		return s.keysOf(&share)
	})
	if err != nil {
		return nil, err
	}
	return &share, nil
}

// ShareSpec says how a view is published.
type ShareSpec struct{ Slug, Mode string }

// PutShare publishes a view, or changes how it is published: a view has one share at most. A slug that is taken anywhere
// answers ErrExists. The rights of readers are those of who published first (CreatedBy).
func (db *DB) PutShare(ctx context.Context, actor Actor, view string, spec ShareSpec) (*Share, error) {
	if !slugForm.MatchString(spec.Slug) {
		return nil, fmt.Errorf("publish view: %w", invalid("slug", CodeName, "3 to 100 of a-z, 0-9 and -, no - at the ends"))
	}
	if spec.Mode != ShareKeyed && spec.Mode != SharePublic {
		return nil, fmt.Errorf("publish view: %w", invalid("mode", CodeInvalid, "%q is not %s or %s", spec.Mode, ShareKeyed, SharePublic))
	}
	var share Share
	err := db.write(ctx, "publish view "+view, actor, func(u *unit) error {
		v, err := u.view(view)
		if err != nil {
			return err
		}
		taken, err := u.taken(`SELECT 1 FROM lt_share WHERE slug = ? AND view <> ?`, argText(spec.Slug), argText(view))
		if err != nil {
			return err
		}
		if taken {
			return fmt.Errorf("slug: %w", ErrExists)
		}
		old, ok, err := one(u.session, scanShare, `SELECT `+shareColumns+` FROM lt_share WHERE workspace = ? AND view = ?`,
			argText(v.Workspace), argText(view))
		if err != nil {
			return err
		}
		// With whose rights a view is read by others is part of who may see what: what was decided before is decided again.
		if err := u.touch(v.Workspace, !ok); err != nil {
			return err
		}
		if !ok {
			share = Share{ID: NewID(prefixShare), Workspace: v.Workspace, View: view, Slug: spec.Slug, Mode: spec.Mode, Version: 1,
				CreatedAt: u.now, CreatedBy: u.actor.ID}
			if _, err := u.exec(`INSERT INTO lt_share (`+shareColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, argText(share.ID),
				argText(share.Workspace), argText(share.View), argText(share.Slug), argText(share.Mode), argInt(share.Version),
				argTime(share.CreatedAt), argText(share.CreatedBy)); err != nil {
				return err
			}
			return u.resource(share.entry("share.create"), nil, share)
		}
		share = old
		share.Slug, share.Mode, share.Version = spec.Slug, spec.Mode, old.Version+1
		if _, err := u.exec(`UPDATE lt_share SET slug = ?, mode = ?, version = ? WHERE workspace = ? AND id = ?`, argText(share.Slug),
			argText(share.Mode), argInt(share.Version), argText(share.Workspace), argText(share.ID)); err != nil {
			return err
		}
		if err := u.resource(share.entry("share.update"), old, share); err != nil {
			return err
		}
		return u.keysOf(&share)
	})
	if err != nil {
		return nil, err
	}
	return &share, nil
}

// DeleteShare ends the publication of a view; its keys are gone for good.
func (db *DB) DeleteShare(ctx context.Context, actor Actor, id string) error {
	return db.write(ctx, "delete share "+id, actor, func(u *unit) error {
		share, err := u.share(id)
		if err != nil {
			return err
		}
		return u.deleteShare(share)
	})
}

func (u *unit) deleteShare(share Share) error {
	if err := u.touch(share.Workspace, false); err != nil {
		return err
	}
	if _, err := u.exec(`DELETE FROM lt_share_key WHERE workspace = ? AND share = ?`, argText(share.Workspace), argText(share.ID)); err != nil {
		return err
	}
	if _, err := u.exec(`DELETE FROM lt_share WHERE workspace = ? AND id = ?`, argText(share.Workspace), argText(share.ID)); err != nil {
		return err
	}
	return u.resource(share.entry("share.delete"), share, nil)
}

// AddShareKey adds a key to a share: of k, Prefix, Hash and ExpiresAt count.
func (db *DB) AddShareKey(ctx context.Context, actor Actor, share string, k ShareKey) (*ShareKey, error) {
	if len(k.Hash) == 0 {
		return nil, fmt.Errorf("add key: %w", invalid("hash", CodeRequired, "the hash of the key is required"))
	}
	if err := checkText("prefix", k.Prefix, maxLook); err != nil {
		return nil, fmt.Errorf("add key: %w", err)
	}
	err := db.write(ctx, "add key to share "+share, actor, func(u *unit) error {
		s, err := u.share(share)
		if err != nil {
			return err
		}
		k.ID, k.CreatedAt, k.CreatedBy, k.RevokedAt = NewID(prefixKey), u.now, u.actor.ID, nil
		if _, err := u.exec(`INSERT INTO lt_share_key (`+shareKeyColumns+`, workspace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			argText(k.ID), argText(share), argText(k.Prefix), argBytes(k.Hash), argTime(k.CreatedAt), argText(k.CreatedBy),
			argOptional(k.ExpiresAt), argOptional(k.RevokedAt), argText(s.Workspace)); err != nil {
			return err
		}
		if err := u.touch(s.Workspace, false); err != nil {
			return err
		}
		return u.resource(s.keyEntry("share_key.create", k), nil, k)
	})
	if err != nil {
		return nil, err
	}
	return &k, nil
}

func (s Share) keyEntry(action string, k ShareKey) audit.Entry {
	return audit.Entry{Workspace: s.Workspace, Action: action, ResourceType: "share_key", Resource: k.ID}
}

// RevokeShareKey ends a key of a share for good. Revoking it again changes nothing.
func (db *DB) RevokeShareKey(ctx context.Context, actor Actor, share, key string) error {
	return db.write(ctx, "revoke key "+key, actor, func(u *unit) error {
		s, err := u.share(share)
		if err != nil {
			return err
		}
		for _, k := range s.Keys {
			if k.ID != key {
				continue
			}
			if k.RevokedAt != nil {
				return nil
			}
			old := k
			k.RevokedAt = &u.now
			if _, err := u.exec(`UPDATE lt_share_key SET revoked_at = ? WHERE workspace = ? AND id = ?`, argTime(u.now),
				argText(s.Workspace), argText(key)); err != nil {
				return err
			}
			if err := u.touch(s.Workspace, false); err != nil {
				return err
			}
			return u.resource(s.keyEntry("share_key.revoke", k), old, k)
		}
		return fmt.Errorf("key %s: %w", key, ErrNotFound)
	})
}
