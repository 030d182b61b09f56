-- Advisory locks on rows. One that has expired counts for nothing and is removed when the table's next lock is taken.
CREATE TABLE lt_lock (
  table_id   TEXT NOT NULL,
  row_id     TEXT NOT NULL,
  workspace  TEXT NOT NULL,
  holder     TEXT NOT NULL,
  taken_at   INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (table_id, row_id)
) STRICT, WITHOUT ROWID;
