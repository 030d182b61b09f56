package auth

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// migrations bring the tables from each version to the next. Released ones are never edited. Times are milliseconds
// since 1970 in UTC.
var migrations = []string{`
CREATE TABLE auth_account (
	id            TEXT PRIMARY KEY NOT NULL,
	email         TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	password      TEXT NOT NULL,
	admin         INTEGER NOT NULL,
	disabled      INTEGER NOT NULL,
	epoch         INTEGER NOT NULL,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL,
	last_login_at INTEGER
)`, `
CREATE TABLE auth_session (
	id            TEXT PRIMARY KEY NOT NULL,
	account_id    TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	used_at       INTEGER NOT NULL,
	expires_at    INTEGER NOT NULL,
	deadline      INTEGER NOT NULL,
	generation    INTEGER NOT NULL,
	refresh_hash  TEXT NOT NULL,
	user_agent    TEXT NOT NULL,
	address       TEXT NOT NULL,
	revoked_at    INTEGER,
	revoke_reason TEXT
)`,
	`CREATE INDEX auth_session_account ON auth_session (account_id, id)`,
}

// migrate brings the store up to date in one transaction. A store that a newer program wrote is refused.
func migrate(ctx context.Context, store adapter.Store) error {
	err := store.Write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS auth_migration (version INTEGER PRIMARY KEY)`); err != nil {
			return err
		}
		version := int64(0)
		err := each(ctx, tx, `SELECT coalesce(max(version), 0) FROM auth_migration`, nil, func(r row) error {
			version = r.int(0)
			return nil
		})
		if err != nil {
			return err
		}
		if version > int64(len(migrations)) {
			return fmt.Errorf("tables have version %d, this program knows %d: it is too old", version, len(migrations))
		}
		for i := int(version); i < len(migrations); i++ {
			if _, err := tx.Exec(ctx, migrations[i]); err != nil {
				return fmt.Errorf("version %d: %w", i+1, err)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO auth_migration (version) VALUES (?)`, lqp.IntValue(int64(i+1))); err != nil {
				return fmt.Errorf("version %d: %w", i+1, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate account tables: %w", err)
	}
	return nil
}
