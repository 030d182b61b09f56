package livetables

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/seal"
	"github.com/livetables/livetables/minidb"
)

// RotateOptions say how secrets are brought to the present key. The zero value wraps anew what needs it.
type RotateOptions struct {
	// Reencrypt opens every secret and encrypts it with a new key of its own, also those that have the present master key
	// already: what to do when a copy of the store and an old master key may be in wrong hands. Otherwise only the keys of
	// secrets are wrapped anew.
	Reencrypt bool
	// Actor is who did it, for the audit log; the zero value is nobody.
	Actor minidb.Actor
	// Progress is called after every page of secrets, from the goroutine that called RotateSecrets; nil is not called.
	Progress func(Rotation)
}

// Rotation is how far bringing the secrets of a store to the present key has come.
type Rotation struct {
	Looked     int `json:"looked"`     // secrets that were looked at
	Changed    int `json:"changed"`    // those that were wrapped or encrypted anew
	Unreadable int `json:"unreadable"` // those that do not open; they stay as they are, and somebody must enter them again
}

// rotationPage is how many secrets are read at once and lie between two calls of Progress.
const rotationPage = 100

// RotateSecrets brings every secret in the store to the present key of the engine's Sealer. It may be ended at any moment,
// also by the death of the process, and goes on with what is left when it is called again: every secret is replaced whole or
// not at all, and opens before and after. What is changed meanwhile is left to its change, which uses the present key.
// Secrets from before their version was bound to them are sealed anew, with it.
//
// It belongs to the operator of an installation: it asks no policy and shows no secret. An audit record tells of the
// beginning and of the end, and one of every secret.
func (e *Engine) RotateSecrets(ctx context.Context, opt RotateOptions) (Rotation, error) {
	var r Rotation
	if e.sealer == nil {
		return r, errors.New("rotate secrets: the engine has no Sealer")
	}
	if err := e.recordRotation(ctx, opt, "keys.rotate_begin", r); err != nil {
		return r, err
	}
	for after := ""; ; {
		page, err := e.store.SealedConnections(ctx, after, rotationPage)
		if err != nil {
			return r, fmt.Errorf("rotate secrets: %w", err)
		}
		for i := range page {
			after = page[i].ID
			if err := e.rotateSecret(ctx, &page[i], opt, &r); err != nil {
				return r, fmt.Errorf("rotate secrets: connection %s: %w", after, err)
			}
		}
		if opt.Progress != nil && len(page) > 0 {
			opt.Progress(r)
		}
		if len(page) < rotationPage {
			return r, e.recordRotation(ctx, opt, "keys.rotate_end", r)
		}
	}
}

func (e *Engine) rotateSecret(ctx context.Context, c *minidb.Connection, opt RotateOptions, r *Rotation) error {
	r.Looked++
	sealed, err := e.sealedAnew(ctx, c, opt.Reencrypt)
	switch {
	case errors.Is(err, seal.ErrOpen), errors.Is(err, seal.ErrUnknownKey):
		e.log.ErrorContext(ctx, "a stored password does not open", "connection", c.ID, "workspace", c.Workspace, "error", err)
		r.Unreadable++
		return nil
	case err != nil:
		return err
	case bytes.Equal(sealed, c.Secret):
		return nil
	}
	done, err := e.store.ReplaceSecret(ctx, opt.Actor, c, sealed, rotationNote(c, sealed))
	if err == nil && done {
		r.Changed++
		e.sources.forget(c.ID)
	}
	return err
}

// sealedAnew is the secret of a connection under the present key.
func (e *Engine) sealedAnew(ctx context.Context, c *minidb.Connection, reencrypt bool) ([]byte, error) {
	if !reencrypt && !seal.Unversioned(c.Secret) {
		return e.sealer.Rewrap(ctx, c.Secret, secretPlace(c, c.Version))
	}
	plain, err := e.openSecret(ctx, c)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return e.sealer.Seal(ctx, plain, secretPlace(c, c.Version))
}

// rotationNote names the keys that a secret had and has.
func rotationNote(c *minidb.Connection, sealed []byte) json.RawMessage {
	keys := map[string]string{}
	// What another Sealer than ours makes has no id that could be read.
	if id, err := seal.KeyOf(c.Secret); err == nil {
		keys["key_before"] = id
	}
	if id, err := seal.KeyOf(sealed); err == nil {
		keys["key"] = id
	}
	doc, err := json.Marshal(keys)
	if err != nil {
		return nil
	}
	return doc
}

func (e *Engine) recordRotation(ctx context.Context, opt RotateOptions, action string, r Rotation) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	err = e.store.Record(ctx, opt.Actor, audit.Entry{Action: action, ResourceType: "installation", After: doc})
	if err != nil {
		return fmt.Errorf("record rotation of keys: %w", err)
	}
	return nil
}

// SecretKeys counts the secrets in the store by the id of the master key that they need, which is empty for those that do
// not tell. Nothing is opened and no policy is asked.
func (e *Engine) SecretKeys(ctx context.Context) (map[string]int, error) {
	count := map[string]int{}
	for after := ""; ; {
		page, err := e.store.SealedConnections(ctx, after, rotationPage)
		if err != nil {
			return nil, fmt.Errorf("count secrets: %w", err)
		}
		for i := range page {
			id, err := seal.KeyOf(page[i].Secret)
			if err != nil {
				id = ""
			}
			count[id]++
			after = page[i].ID
		}
		if len(page) < rotationPage {
			return count, nil
		}
	}
}
