-- Which of several processes does what only one of them is to do. beat counts on while the owner is alive.
CREATE TABLE lt_lease (
  name  TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  beat  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
