-- The members of row images. An image in the log is a JSON object, or an array of the id of its shape and the object's
-- values: the names of the columns, which are longer than most values, are here then. members are the names as they stand in the object,
-- one in a line. The id is worked out from workspace and members, so that it is the same whoever writes the shape.
CREATE TABLE lt_shape (
  id        TEXT NOT NULL PRIMARY KEY,
  workspace TEXT NOT NULL,
  members   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lt_shape_workspace ON lt_shape (workspace);
