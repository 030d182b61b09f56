-- physical is the name of the physical table when it is not the table's id: changing the type of a column builds the
-- physical table anew under a new name, so that a reader who planned on the old one finds none instead of other values.
ALTER TABLE lt_table ADD COLUMN physical TEXT NOT NULL DEFAULT '';
ALTER TABLE lt_table ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE lt_table ADD COLUMN archived_at INTEGER;
