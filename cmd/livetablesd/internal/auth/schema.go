package auth

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// migrations bring the tables from each version to the next, on every store alike. Released ones are never edited. Times are
// milliseconds since 1970 in UTC. Texts that are compared with < or sorted are ids, whose order is the same in every collation.
var migrations = []string{`
CREATE TABLE auth_account (
	id            TEXT PRIMARY KEY NOT NULL,
	email         TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	password      TEXT NOT NULL,
	admin         BIGINT NOT NULL,
	disabled      BIGINT NOT NULL,
	epoch         BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	last_login_at BIGINT
)`, `
CREATE TABLE auth_session (
	id            TEXT PRIMARY KEY NOT NULL,
	account_id    TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	used_at       BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	deadline      BIGINT NOT NULL,
	generation    BIGINT NOT NULL,
	refresh_hash  TEXT NOT NULL,
	user_agent    TEXT NOT NULL,
	address       TEXT NOT NULL,
	revoked_at    BIGINT,
	revoke_reason TEXT
)`,
	`CREATE INDEX auth_session_account ON auth_session (account_id, id)`,
	// Personal access tokens and the keys of service accounts.
	`CREATE TABLE auth_key (
	id            TEXT PRIMARY KEY NOT NULL,
	prefix        TEXT NOT NULL UNIQUE,
	hash          TEXT NOT NULL,
	owner_id      TEXT NOT NULL,
	maker_id      TEXT NOT NULL,
	maker_address TEXT NOT NULL,
	name          TEXT NOT NULL,
	actions       TEXT NOT NULL,
	resources     TEXT NOT NULL,
	epoch         BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	used_at       BIGINT
)`,
	`CREATE INDEX auth_key_owner ON auth_key (owner_id, id)`,
	`CREATE INDEX auth_key_maker ON auth_key (maker_id)`,
	`CREATE TABLE auth_service (
	id            TEXT PRIMARY KEY NOT NULL,
	workspace_id  TEXT NOT NULL,
	name          TEXT NOT NULL,
	disabled      BIGINT NOT NULL,
	maker_id      TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	expires_at    BIGINT
)`,
	`CREATE INDEX auth_service_workspace ON auth_service (workspace_id, id)`,
	// Accounts that log in at an OpenID Connect issuer, and logins there that are under way.
	`CREATE TABLE auth_oidc_link (
	issuer        TEXT NOT NULL,
	subject       TEXT NOT NULL,
	account_id    TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	PRIMARY KEY (issuer, subject)
)`,
	`CREATE INDEX auth_oidc_link_account ON auth_oidc_link (account_id)`,
	`CREATE TABLE auth_oidc_flow (
	id            TEXT PRIMARY KEY NOT NULL,
	account_id    TEXT,
	epoch         BIGINT NOT NULL,
	ticket_hash   TEXT,
	expires_at    BIGINT NOT NULL
)`,
	`ALTER TABLE auth_account ADD COLUMN verified_at BIGINT`, // NULL: nobody has proved to read mail at the address
	`CREATE TABLE auth_invite (
	id            TEXT PRIMARY KEY NOT NULL,
	workspace     TEXT NOT NULL,
	label         TEXT NOT NULL,
	email         TEXT NOT NULL,
	role          TEXT NOT NULL,
	inviter_id    TEXT NOT NULL,
	inviter_at    TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	expires_at    BIGINT NOT NULL,
	claimed_by    TEXT,
	claimed_at    BIGINT,
	UNIQUE (workspace, email)
)`,
	`CREATE INDEX auth_invite_inviter ON auth_invite (inviter_id)`,
	// Mails that wait (state 0), were sent (1) or failed for good (2).
	`CREATE TABLE auth_mail (
	id            TEXT PRIMARY KEY NOT NULL,
	address       TEXT NOT NULL,
	purpose       TEXT NOT NULL,
	subject       TEXT NOT NULL,
	cause         TEXT NOT NULL,
	nonce         TEXT NOT NULL,
	state         BIGINT NOT NULL,
	tries         BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	next_at       BIGINT NOT NULL,
	lease_until   BIGINT NOT NULL,
	done_at       BIGINT
)`,
	`CREATE INDEX auth_mail_next ON auth_mail (state, next_at)`,
	`CREATE INDEX auth_mail_address ON auth_mail (address, done_at)`,
	`CREATE INDEX auth_mail_cause ON auth_mail (cause, created_at)`,
	// The tokens that mails carry, by their hash.
	`CREATE TABLE auth_mail_token (
	hash          TEXT PRIMARY KEY NOT NULL,
	purpose       TEXT NOT NULL,
	subject       TEXT NOT NULL,
	email         TEXT NOT NULL,
	expires_at    BIGINT NOT NULL
)`,
	`CREATE INDEX auth_mail_token_subject ON auth_mail_token (subject)`,
	`CREATE INDEX auth_mail_token_expires ON auth_mail_token (expires_at)`,
	// The workspace that a mail is about, '' for none: what is kept of it goes with the workspace.
	`ALTER TABLE auth_mail ADD COLUMN workspace TEXT NOT NULL DEFAULT ''`,
	// Audit entries that wait to be handed over. A position is never given twice: what is confirmed is one entry for ever. The
	// last one that was given has a row of its own, whose lock makes positions come in the order of commits.
	`CREATE TABLE auth_outbox (
	position      BIGINT PRIMARY KEY NOT NULL,
	workspace     TEXT NOT NULL,
	entry         TEXT NOT NULL,
	refused       TEXT
)`,
	`CREATE TABLE auth_outbox_last (position BIGINT NOT NULL)`,
	`INSERT INTO auth_outbox_last (position) VALUES (0)`,
}

// migrate brings the store up to date in one transaction. A store that a newer program wrote is refused.
func migrate(ctx context.Context, store adapter.Store) error {
	err := store.Write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS auth_migration (version BIGINT PRIMARY KEY NOT NULL)`); err != nil {
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
