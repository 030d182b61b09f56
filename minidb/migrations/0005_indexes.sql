-- Indexes that people have made on user tables. Those that tables have by themselves follow from their columns.
CREATE TABLE lt_index (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  table_id   TEXT NOT NULL,
  columns    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_index_table ON lt_index (workspace, table_id);
