-- Custom roles: names for grants. base is the built-in role whose rules and caps bind the holders too.
CREATE TABLE lt_role (
  id          TEXT NOT NULL PRIMARY KEY,
  workspace   TEXT NOT NULL,
  name        TEXT NOT NULL,
  name_key    TEXT NOT NULL,
  description TEXT NOT NULL,
  base        TEXT NOT NULL,
  grants      TEXT NOT NULL,
  version     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lt_role_name ON lt_role (workspace, name_key);

-- Caps narrow a role or one user on a resource and everything inside it. One of role and user_id is empty.
CREATE TABLE lt_cap (
  workspace TEXT NOT NULL,
  resource  TEXT NOT NULL,
  role      TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  most      TEXT NOT NULL,
  PRIMARY KEY (workspace, resource, role, user_id)
) STRICT, WITHOUT ROWID;

-- Facts about a member that rules ask for: an object of {"type", "value"} by name.
ALTER TABLE lt_member ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
-- The networks from which sensitive actions are allowed: an array of CIDR prefixes, empty for every network.
ALTER TABLE lt_workspace ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
-- What masked columns show: an object of expressions by column id.
ALTER TABLE lt_rule ADD COLUMN masks TEXT NOT NULL DEFAULT '{}';
