-- What came with the archive of a workspace. origin is the position that an entry was written under in the database that it
-- comes from, 0 for an entry of this database: its digest is over that position.
ALTER TABLE lt_change ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
-- waits is 1 for a connection that came without its password and is not opened before somebody has looked at it.
ALTER TABLE lt_connection ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
