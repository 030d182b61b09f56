package minidb

import (
	"context"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/lqp"
)

// What differs between the databases that hold a mini-DB. All other SQL of the package is the same for each of them:
// placeholders are ?, flags are integers, texts are ordered by their bytes, and every column of a grouped query is grouped.

// namespaces are implemented by stores that keep the tables of each owner apart. Each workspace then has a namespace of its
// own, named by the workspace's id, with the physical tables of the workspace in it. The mini-DB's own tables are in none.
type namespaces interface {
	// NamespacePath is the beginning of the paths of tables in a namespace.
	NamespacePath(name string) []string
	// CreateNamespace makes a namespace in a transaction of the store; one that is there stays as it is.
	CreateNamespace(ctx context.Context, tx adapter.Tx, name string) error
	// DropNamespace removes a namespace with everything in it; one that is not there is no error.
	DropNamespace(ctx context.Context, tx adapter.Tx, name string) error
}

// pathOf says where a physical table of a workspace, or an index of one, is.
func pathOf(store adapter.Store, workspace, name string) []string {
	if n, ok := store.(namespaces); ok {
		return append(n.NamespacePath(workspace), name)
	}
	return []string{name}
}

// createNamespace makes the namespace of a new workspace.
func (u *unit) createNamespace(workspace string) error {
	if n, ok := u.db.store.(namespaces); ok {
		return n.CreateNamespace(u.ctx, u.tx, workspace)
	}
	return nil
}

// dropNamespace removes the namespace of a workspace whose tables are gone.
func (u *unit) dropNamespace(workspace string) error {
	if n, ok := u.db.store.(namespaces); ok {
		return n.DropNamespace(u.ctx, u.tx, workspace)
	}
	return nil
}

// onPostgres reports whether the SQL is PostgreSQL's.
func onPostgres(store adapter.Store) bool { return store.Capabilities().Driver == ddl.Postgres }

// shared reports whether other processes are expected to write to the database while this one does. What is kept in memory
// is then compared with the database before it is used.
func shared(store adapter.Store) bool { return onPostgres(store) }

// declared is a column of a table that the mini-DB makes, as the store's own discovery would describe it.
func declared(store adapter.Store, c lqp.Column, stored lqp.Type) lqp.Column {
	c.Native = store.DeclareType(stored)
	return c
}

// at is a physical table of a workspace, or an index of one, as it is named in SQL.
func (s session) at(store adapter.Store, workspace, name string) string {
	path := pathOf(store, workspace, name)
	for i, part := range path {
		path[i] = quoteID(part)
	}
	return strings.Join(path, ".")
}

// physical is the physical table of t as it is named in SQL.
func (u *unit) physical(t *Table) string { return u.at(u.db.store, t.Workspace, t.physicalName()) }

// tableOptions end the definition of a physical table whose rows lie in the order of their key, where there is a choice.
func tableOptions(store adapter.Store) string {
	if store.Capabilities().Driver == ddl.SQLite {
		return " WITHOUT ROWID"
	}
	return ""
}

// exactBytes reads a document column as the bytes that are stored, of whatever form they are.
func exactBytes(store adapter.Store, column string) string {
	if store.Capabilities().Driver == ddl.SQLite {
		return "CAST(" + column + " AS BLOB)"
	}
	return "convert_to(" + column + ", 'UTF8')"
}
