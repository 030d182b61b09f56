package minidb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/adapter"
)

// SealedConnections lists the connections of all workspaces that have a secret, by id, at most limit of them and only those
// whose id is greater than after. It is for the upkeep of an installation and asks no policy.
func (db *DB) SealedConnections(ctx context.Context, after string, limit int) (list []Connection, err error) {
	err = db.store.Read(ctx, func(tx adapter.Tx) error {
		list, err = all(session{ctx, tx}, scanConnection, `SELECT `+connectionRead+` FROM lt_connection
			WHERE id > ? AND length(secret) > 0 ORDER BY id LIMIT ?`, argText(after), argInt(int64(limit)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list connections with a secret: %w", err)
	}
	return list, nil
}

// ReplaceSecret puts another sealed form of the same secret in the place of the one that c has, without making a new version
// of the connection. It reports false, and changes nothing, when the connection was changed or deleted since c was read.
// note is an object for the change log, which gets nothing of the secret.
func (db *DB) ReplaceSecret(ctx context.Context, actor Actor, c *Connection, sealed []byte, note json.RawMessage) (done bool, err error) {
	if len(sealed) == 0 {
		return false, fmt.Errorf("replace secret of connection %s: %w", c.ID, invalid("secret", CodeRequired, "a sealed secret is required"))
	}
	if note, err = cleanObject("note", note); err != nil {
		return false, fmt.Errorf("replace secret of connection %s: %w", c.ID, err)
	}
	err = db.write(ctx, "replace secret of connection "+c.ID, actor, func(u *unit) error {
		n, err := u.exec(`UPDATE lt_connection SET secret = ? WHERE workspace = ? AND id = ? AND version = ? AND secret = ?`,
			argBytes(sealed), argText(c.Workspace), argText(c.ID), argInt(c.Version), argBytes(c.Secret))
		if err != nil {
			return err
		}
		if done = n == 1; !done {
			return nil
		}
		if err := u.touch(c.Workspace, false); err != nil {
			return err
		}
		e := c.entry("connection.rewrap")
		e.After = note
		u.note(e)
		return nil
	})
	return done && err == nil, err
}
