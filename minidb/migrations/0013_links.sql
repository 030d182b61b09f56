-- The link columns by the tables whose rows they name. The links themselves are in the cells and, as edges, in the physical
-- table that edges names; both columns of a two-way link have the same one.
CREATE TABLE lt_link (
  id        TEXT NOT NULL PRIMARY KEY,
  workspace TEXT NOT NULL,
  table_id  TEXT NOT NULL,
  target_id TEXT NOT NULL,
  edges     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_link_target ON lt_link (workspace, target_id);
