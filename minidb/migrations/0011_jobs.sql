-- Work that goes on after its request: imports and exports. The document says how far it is.
CREATE TABLE lt_job (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  owner      TEXT NOT NULL,
  state      TEXT NOT NULL,
  document   TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_job_owner ON lt_job (workspace, owner, created_at);
