package minidb

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/livetables/livetables/audit"
)

// AddHeads keeps signed heads. One of a workspace that is gone, and one that is there already, is passed over.
func (db *DB) AddHeads(ctx context.Context, heads []audit.Head) error {
	return db.write(ctx, "add signed heads", Actor{}, func(u *unit) error {
		for i := range heads {
			h := &heads[i]
			n, err := u.exec(`UPDATE lt_chain SET signed = ? WHERE workspace = ? AND signed < ? AND sequence >= ?`,
				argInt(h.Sequence), argText(h.Workspace), argInt(h.Sequence), argInt(h.Sequence))
			if err != nil {
				return fmt.Errorf("head of %s: %w", h.Workspace, err)
			}
			if n == 0 {
				continue
			}
			if _, err := u.exec(`INSERT INTO lt_head (workspace, sequence, hash, at, public_key, signature) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT DO NOTHING`, argText(h.Workspace), argInt(h.Sequence), argBytes(h.Hash), argTime(h.At), argBytes(h.PublicKey), argBytes(h.Signature)); err != nil {
				return fmt.Errorf("head of %s: %w", h.Workspace, err)
			}
		}
		return nil
	})
}

// Heads lists the signed heads of a workspace whose numbers are above after, in their order, at most limit (as in Changes).
func (db *DB) Heads(ctx context.Context, workspace string, after int64, limit int) (list []audit.Head, err error) {
	err = db.read(ctx, "list signed heads of "+workspace, func(s session) (err error) {
		list, err = all(s, func(r record) audit.Head {
			return audit.Head{Workspace: workspace, Sequence: r.integer(0), Hash: r.bytes(1), At: r.instant(2),
				PublicKey: ed25519.PublicKey(r.bytes(3)), Signature: r.bytes(4)}
		}, `SELECT sequence, hash, at, public_key, signature FROM lt_head WHERE workspace = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
			argText(workspace), argInt(after), entryLimit(limit))
		return err
	})
	return list, err
}

// ChainEnd is where the chain of a workspace ends now.
func (db *DB) ChainEnd(ctx context.Context, workspace string) (end ChainEnd, err error) {
	err = db.read(ctx, "read end of chain of "+workspace, func(s session) (err error) {
		end, _, err = one(s, scanChainEnd, `SELECT `+endColumns+` FROM lt_chain c WHERE workspace = ?`, argText(workspace))
		end.Workspace = workspace
		return err
	})
	return end, err
}
