-- How long the log of a workspace is kept: what is younger than days and the newest entries are, 0 for neither; without a
-- row, or with both 0, everything is. held is 1 while nothing is to be cut, whatever the rest says.
CREATE TABLE lt_retention (
  workspace TEXT NOT NULL PRIMARY KEY,
  days      INTEGER NOT NULL,
  entries   INTEGER NOT NULL,
  held      INTEGER NOT NULL,
  set_at    INTEGER NOT NULL,
  set_by    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the log of a workspace begins: sequence, hash and position are those of the last entry that was cut, latest is the
-- time of the youngest of them. mark is its operation, or its own id. Entries at or below position may be there still; they
-- are being removed and are not read any more.
CREATE TABLE lt_floor (
  workspace TEXT NOT NULL PRIMARY KEY,
  sequence  INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  position  INTEGER NOT NULL,
  latest    INTEGER NOT NULL,
  mark      TEXT NOT NULL,
  cut_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The same for each table of which entries were cut: the offset and the position of the last one, the time of the youngest.
CREATE TABLE lt_floor_table (
  table_id     TEXT NOT NULL PRIMARY KEY,
  workspace    TEXT NOT NULL,
  table_offset INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  latest       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
