-- Every entry is tied to the one before it in its workspace. Entries from before this step get their places when the
-- database is opened next.
ALTER TABLE lt_change ADD COLUMN chain_sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lt_change ADD COLUMN chain_salt BLOB;
ALTER TABLE lt_change ADD COLUMN chain_prev BLOB;
ALTER TABLE lt_change ADD COLUMN chain_hash BLOB;

-- Where the chain of each workspace ends; '' has the entries of no workspace. signed is the last number that a signed head
-- names.
CREATE TABLE lt_chain (
  workspace TEXT NOT NULL PRIMARY KEY,
  sequence  INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  signed    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Statements of where a chain ended at a time, signed with a key that is not in the database.
CREATE TABLE lt_head (
  workspace  TEXT NOT NULL,
  sequence   INTEGER NOT NULL,
  hash       BLOB NOT NULL,
  at         INTEGER NOT NULL,
  public_key BLOB NOT NULL,
  signature  BLOB NOT NULL,
  PRIMARY KEY (workspace, sequence)
) STRICT, WITHOUT ROWID;

INSERT INTO lt_meta (name, value) VALUES ('chain', 'pending');
