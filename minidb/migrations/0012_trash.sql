-- What was deleted and can be brought back. The records of the catalogue leave their tables while they are in the trash: what
-- is deleted is nowhere to be found, and its name is free. place is what it was in; storage is the physical type of a column,
-- kept is 1 for what was put away without an end.
CREATE TABLE lt_trash (
  id         TEXT NOT NULL PRIMARY KEY,
  workspace  TEXT NOT NULL,
  kind       TEXT NOT NULL,
  resource   TEXT NOT NULL,
  place      TEXT NOT NULL,
  name       TEXT NOT NULL,
  inside     TEXT NOT NULL,
  grants     TEXT NOT NULL,
  storage    TEXT NOT NULL,
  kept       INTEGER NOT NULL,
  deleted_at INTEGER NOT NULL,
  deleted_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_trash_place ON lt_trash (workspace, place);

-- The records themselves, each as an array of its values, in the order in which they come back.
CREATE TABLE lt_trash_record (
  trash     TEXT NOT NULL,
  ordinal   INTEGER NOT NULL,
  workspace TEXT NOT NULL,
  source    TEXT NOT NULL,
  document  TEXT NOT NULL,
  PRIMARY KEY (trash, ordinal)
) STRICT, WITHOUT ROWID;

-- The physical tables that nothing else names any more.
CREATE TABLE lt_trash_table (
  physical  TEXT NOT NULL PRIMARY KEY,
  trash     TEXT NOT NULL,
  workspace TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The entries about definitions, by which older forms of a table are found among those about its rows.
CREATE INDEX lt_change_schema ON lt_change (table_id, position) WHERE resource_type <> 'row';

-- Where a table stands among those of its base, 0 for by its name; and what it looks like.
ALTER TABLE lt_table ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lt_table ADD COLUMN icon TEXT NOT NULL DEFAULT '';
ALTER TABLE lt_table ADD COLUMN colour TEXT NOT NULL DEFAULT '';
