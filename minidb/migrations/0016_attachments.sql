-- The files of attachment columns. Their contents are in the blob store, under the workspace and blob: copies of a file have
-- the blob of the original. state is 0 for a file that was uploaded and is in no cell yet, 1 for one that was in a cell once,
-- 2 for one whose column is gone: it is there for nobody and waits for the content to be removed.
CREATE TABLE lt_attachment (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  table_id   TEXT NOT NULL,
  column_id  TEXT NOT NULL,
  blob       TEXT NOT NULL,
  name       TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size       INTEGER NOT NULL,
  sha256     TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_attachment_place ON lt_attachment (table_id, column_id);
CREATE INDEX lt_attachment_blob ON lt_attachment (workspace, blob, size);
CREATE INDEX lt_attachment_loose ON lt_attachment (state, created_at) WHERE state <> 1;
