package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Roles says whether namespaces have database roles of their own.
type Roles string

// The answers.
const (
	// RolesAuto makes them where the store's account may create roles. It is the zero value.
	RolesAuto Roles = ""
	// RolesNever makes none.
	RolesNever Roles = "never"
	// RolesAlways refuses to open a store whose account may not create them.
	RolesAlways Roles = "always"
)

// A namespace is a PostgreSQL schema with the tables of one owner, a workspace. Where the store's account may create
// roles, each has a role that may read and write the rows of its tables and nothing else: statements that come with a
// table, which are Scan, Insert, Update and Delete, run as the role of that table's namespace. A mistake in such a statement
// then cannot reach another owner's rows nor the store's own tables.

// NamespacePath is the beginning of the paths of tables in a namespace: the name of its schema.
func (s *Store) NamespacePath(name string) []string { return []string{s.namespaceSchema(name)} }

func (s *Store) namespaceSchema(name string) string { return s.opt.Schema + "_" + name }

// maxNamespace leaves the name of the schema within the 63 bytes of a PostgreSQL name.
const maxNamespace = 63 - maxSchemaName - 1

// CreateNamespace makes a namespace in a transaction of this store; one that is there stays as it is. A name has up to 38
// small letters, digits and underscores. What others write is not seen before the commit, nor is the namespace.
func (s *Store) CreateNamespace(ctx context.Context, t adapter.Tx, name string) error {
	op := "create namespace " + name
	own, err := s.ownTx(ctx, op, t, name)
	if err != nil {
		return err
	}
	schema := s.namespaceSchema(name)
	for _, sql := range append([]string{
		"INSERT INTO lt_namespace (name) VALUES ('" + name + "') ON CONFLICT DO NOTHING",
		"CREATE SCHEMA IF NOT EXISTS " + quoted(schema),
	}, s.grants(schema)...) {
		if _, err := own.exec(ctx, op, sql, nil); err != nil {
			return err
		}
	}
	return nil
}

// DropNamespace removes a namespace with everything in it; one that is not there is no error.
func (s *Store) DropNamespace(ctx context.Context, t adapter.Tx, name string) error {
	op := "drop namespace " + name
	own, err := s.ownTx(ctx, op, t, name)
	if err != nil {
		return err
	}
	schema := s.namespaceSchema(name)
	statements := []string{"DELETE FROM lt_namespace WHERE name = '" + name + "'", "DROP SCHEMA IF EXISTS " + quoted(schema) + " CASCADE"}
	if s.roles {
		role := s.roleName(schema)
		statements = append(statements, `DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '`+role+`') THEN
 DROP OWNED BY `+quoted(role)+`; DROP ROLE `+quoted(role)+`; END IF; END $$`)
	}
	for _, sql := range statements {
		if _, err := own.exec(ctx, op, sql, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) ownTx(ctx context.Context, op string, t adapter.Tx, name string) (*tx, error) {
	own, ok := t.(*tx)
	switch {
	case !ok || own.ses.store != s:
		return nil, fmt.Errorf("%s: %w: the transaction is another store's", op, adapter.ErrUnsupported)
	case !plainName(name) || len(name) > maxNamespace:
		return nil, fmt.Errorf("%s: %w: a name has up to %d small letters, digits and underscores", op, adapter.ErrUnsupported, maxNamespace)
	}
	if err := own.writing(ctx, op); err != nil {
		return nil, err
	}
	own.as("")
	return own, nil
}

// roleName is the role of a schema. Roles are known to all databases of a server, so that the name tells them apart.
func (s *Store) roleName(schema string) string {
	sum := sha256.Sum256([]byte(s.database + "\x00" + schema))
	return "lt_" + hex.EncodeToString(sum[:14])
}

// grants make the role of a schema, if there shall be one, and give it the rows of all tables, also of those to come.
func (s *Store) grants(schema string) []string {
	if !s.roles {
		return nil
	}
	role, in := quoted(s.roleName(schema)), " IN SCHEMA "+quoted(schema)
	return []string{
		`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '` + s.roleName(schema) + `') THEN
 CREATE ROLE ` + role + ` NOLOGIN; END IF; END $$`,
		// A superuser may act as any role without being its member, and anybody else must be one.
		`GRANT ` + role + ` TO CURRENT_USER`,
		"GRANT USAGE ON SCHEMA " + quoted(schema) + " TO " + role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES" + in + " TO " + role,
		"ALTER DEFAULT PRIVILEGES" + in + " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO " + role,
	}
}

var errNoRoles = errors.New("the account may not create roles")

// prepareRoles decides whether there are roles, and makes those that are missing, as after a restore on another server.
func (s *Store) prepareRoles(ctx context.Context, w *writerConn) error {
	const op = "prepare roles"
	if s.opt.Roles == RolesNever {
		return nil
	}
	able, err := w.has(ctx, "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)")
	if err != nil {
		return translate(ctx, op, err)
	}
	if !able {
		if s.opt.Roles == RolesAlways {
			return fmt.Errorf("%s: %w: %w", op, adapter.ErrDenied, errNoRoles)
		}
		return nil
	}
	s.roles = true
	res := w.pg.ExecParams(ctx, "SELECT name FROM lt_namespace ORDER BY name", nil, nil, nil, nil).Read()
	if res.Err != nil {
		return translate(ctx, op, res.Err)
	}
	for _, row := range res.Rows {
		schema := s.namespaceSchema(string(row[0]))
		known, err := w.has(ctx, "SELECT 1 FROM pg_roles WHERE rolname = '"+s.roleName(schema)+"'")
		if err == nil && !known {
			err = w.do(ctx, strings.Join(s.grants(schema), ";"))
		}
		if err != nil {
			return translate(ctx, op, err)
		}
	}
	return nil
}

// roleOfPath is the role for statements on a table, empty for the store's own.
func (s *Store) roleOfPath(path []string) string {
	if !s.roles || len(path) != 2 || !strings.HasPrefix(path[0], s.opt.Schema+"_") {
		return ""
	}
	return s.roleName(path[0])
}

var errTwoNamespaces = errors.New("a query reads tables of two namespaces")

// roleOf is the role for a query. One that reads two namespaces has none.
func (s *Store) roleOf(q *lqp.Query) (string, error) {
	if !s.roles {
		return "", nil
	}
	role, first := "", true
	var look func(q *lqp.Query) error
	look = func(q *lqp.Query) error {
		for i := range len(q.Joins) + 1 {
			src := &q.From
			if i > 0 {
				src = &q.Joins[i-1].Source
			}
			if src.Query != nil {
				if err := look(src.Query); err != nil {
					return err
				}
				continue
			}
			if src.Schema == nil {
				continue
			}
			r := s.roleOfPath(src.Schema.Path)
			if !first && r != role {
				return fmt.Errorf("%w: %w", adapter.ErrDenied, errTwoNamespaces)
			}
			role, first = r, false
		}
		return nil
	}
	return role, look(q)
}

// as makes the statements that follow run as a role of the transaction, the store's own when it is empty.
func (t *tx) as(role string) { t.ses.take(role) }

// take changes the role with the next statement. It lasts to the end of the transaction or of the savepoint.
func (s *session) take(role string) {
	if s.role == role {
		return
	}
	s.role = role
	s.wait(roleSQL(role))
}

// roleSQL takes on a role, the store's own account for none.
func roleSQL(role string) string {
	if role == "" {
		return "SET LOCAL ROLE NONE"
	}
	return "SET LOCAL ROLE " + quoted(role)
}
