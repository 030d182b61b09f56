-- Facts about the database itself: its epoch.
CREATE TABLE lt_meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- revision counts every change of the workspace's catalogue, policy_version those of members and rules.
CREATE TABLE lt_workspace (
  id             TEXT NOT NULL PRIMARY KEY,
  name           TEXT NOT NULL,
  settings       TEXT NOT NULL,
  version        INTEGER NOT NULL,
  policy_version INTEGER NOT NULL,
  revision       INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  created_by     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lt_member (
  workspace TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  role      TEXT NOT NULL,
  added_at  INTEGER NOT NULL,
  PRIMARY KEY (workspace, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_member_user ON lt_member (user_id, workspace);

CREATE TABLE lt_base (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  description TEXT NOT NULL,
  colour      TEXT NOT NULL,
  icon        TEXT NOT NULL,
  version     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_base_name ON lt_base (workspace, name_key);

-- version is the version of the table's schema: it counts changes of the table and of its columns.
CREATE TABLE lt_table (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  base        TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  description TEXT NOT NULL,
  version     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_table_name ON lt_table (workspace, base, name_key);

CREATE TABLE lt_column (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  table_id    TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  type        TEXT NOT NULL,
  options     TEXT NOT NULL,
  required    INTEGER NOT NULL,
  is_unique   INTEGER NOT NULL,
  default_doc TEXT,
  position    INTEGER NOT NULL,
  description TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_column_name ON lt_column (workspace, table_id, name_key);

CREATE TABLE lt_view (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  base       TEXT NOT NULL,
  name       TEXT NOT NULL,
  name_key   TEXT NOT NULL,
  query      TEXT NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_view_name ON lt_view (workspace, base, name_key);

-- A view is published at most once. The slug is the one name that all workspaces share: it stands in public addresses.
CREATE TABLE lt_share (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  view       TEXT NOT NULL,
  slug       TEXT NOT NULL,
  mode       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_share_slug ON lt_share (slug);
CREATE UNIQUE INDEX lt_share_view ON lt_share (workspace, view);

CREATE TABLE lt_share_key (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  share      TEXT NOT NULL,
  prefix     TEXT NOT NULL,
  hash       BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_share_key_share ON lt_share_key (workspace, share);

CREATE TABLE lt_connection (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  name       TEXT NOT NULL,
  name_key   TEXT NOT NULL,
  driver     TEXT NOT NULL,
  settings   TEXT NOT NULL,
  secret     BLOB,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_connection_name ON lt_connection (workspace, name_key);

-- connection is empty for the mini-DB's own tables.
CREATE TABLE lt_rule (
  workspace   TEXT NOT NULL,
  connection  TEXT NOT NULL,
  table_name  TEXT NOT NULL,
  role        TEXT NOT NULL,
  read_expr   TEXT,
  create_expr TEXT,
  update_expr TEXT,
  delete_expr TEXT,
  columns     TEXT NOT NULL,
  PRIMARY KEY (workspace, connection, table_name, role)
) STRICT, WITHOUT ROWID;

-- The change log: audit trail, history and outbox. Positions are dense and in commit order because the one writer gives
-- them out inside its transaction; offsets likewise within a table. The newest entry of the log and that of each table
-- must stay, for the next position and offset follow from them.
CREATE TABLE lt_change (
  position      INTEGER PRIMARY KEY,
  id            TEXT NOT NULL,
  at            INTEGER NOT NULL,
  workspace     TEXT NOT NULL,
  actor         TEXT NOT NULL,
  action        TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource      TEXT NOT NULL,
  table_id      TEXT NOT NULL,
  table_offset  INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  before_doc    JSONTEXT,
  after_doc     JSONTEXT,
  batch         TEXT NOT NULL,
  request       TEXT NOT NULL,
  address       TEXT NOT NULL,
  reason        TEXT NOT NULL
);
CREATE UNIQUE INDEX lt_change_table ON lt_change (table_id, table_offset) WHERE table_id <> '';
CREATE INDEX lt_change_workspace ON lt_change (workspace, position);
CREATE INDEX lt_change_resource ON lt_change (resource, position);

-- Positions up to which consumers of the log have confirmed what they were given.
CREATE TABLE lt_cursor (
  consumer   TEXT NOT NULL PRIMARY KEY,
  position   INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
