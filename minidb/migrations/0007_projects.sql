-- Projects group bases. A base is in one project at most; '' is none.
CREATE TABLE lt_project (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  description TEXT NOT NULL,
  version     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_project_name ON lt_project (workspace, name_key);
ALTER TABLE lt_base ADD COLUMN project TEXT NOT NULL DEFAULT '';
CREATE INDEX lt_base_project ON lt_base (workspace, project) WHERE project <> '';

-- Workspaces that are deleted and whose rows and entries are not all removed yet. Nothing leads to what is listed here.
CREATE TABLE lt_purge (
  id         TEXT NOT NULL PRIMARY KEY,
  deleted_at INTEGER NOT NULL,
  deleted_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lt_purge_table (
  purge    TEXT NOT NULL,
  physical TEXT NOT NULL,
  PRIMARY KEY (purge, physical)
) STRICT, WITHOUT ROWID;
