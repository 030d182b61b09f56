-- What was discovered at connections, the newest reading of each. A cache: it may be emptied at any time.
CREATE TABLE lt_schema (
  connection TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  version    INTEGER NOT NULL,
  read_at    INTEGER NOT NULL,
  catalog    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
