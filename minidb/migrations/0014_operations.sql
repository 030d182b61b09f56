-- An operation is what one transaction did to rows: its entries have the positions from first_position to last_position. An
-- index over the log: by whom it was, which tables it touched (ids with commas between), and what undoing has made of it.
-- kind is edit, schema (a change of the definition that also changed rows), revert, undo or redo; target is the operation
-- that was reverted.
CREATE TABLE lt_operation (
  id             TEXT NOT NULL PRIMARY KEY,
  workspace      TEXT NOT NULL,
  actor          TEXT NOT NULL,
  at             INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  last_position  INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  target         TEXT NOT NULL,
  tables         TEXT NOT NULL,
  changes        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_operation_actor ON lt_operation (workspace, actor, last_position);

-- Deleted rows are found without reading the other entries of their table.
CREATE INDEX lt_change_deleted ON lt_change (table_id, table_offset) WHERE action = 'row.delete';
