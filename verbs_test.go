package livetables_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// estate is a world with a project, two bases with a table and a view each, and a connection: everything that a policy can
// speak of.
type estate struct {
	*world
	project, left, right  string // bases, the left one in the project
	leftTable, rightTable *minidb.Table
	leftView, rightView   string
	connection            *livetables.Connection
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	e := &estate{world: newWorld(t)}
	ctx := t.Context()
	p, err := e.owner.CreateProject(ctx, e.workspace, minidb.ProjectSpec{Name: "Project"})
	require.NoError(t, err)
	e.project = p.ID
	for _, side := range []struct {
		name, project string
		base, view    *string
		table         **minidb.Table
	}{{"Left", p.ID, &e.left, &e.leftView, &e.leftTable}, {"Right", "", &e.right, &e.rightView, &e.rightTable}} {
		b, err := e.owner.CreateBase(ctx, e.workspace, minidb.BaseSpec{Name: side.name, Project: side.project})
		require.NoError(t, err)
		*side.base = b.ID
		tbl, err := e.owner.CreateTable(ctx, b.ID, minidb.TableSpec{Name: side.name + " table", Columns: []minidb.ColumnSpec{
			{Name: "Name", Type: minidb.TextColumn}, {Name: "Pay", Type: minidb.IntegerColumn}}})
		require.NoError(t, err)
		*side.table = tbl
		e.insert(e.owner, tbl, []string{"Ann", "10"}, []string{"Bob", "20"}, []string{"Cid", "30"})
		v, err := e.owner.CreateView(ctx, b.ID, livetables.ViewSpec{Name: side.name + " view", Query: &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "Name", "Pay")}})
		require.NoError(t, err)
		*side.view = v.ID
	}
	e.connection = e.connectFile("shop", "shop.db")
	return e
}

// connectFile makes a connection to a new, empty SQLite file.
func (e *estate) connectFile(name, file string) *livetables.Connection {
	e.t.Helper()
	store, err := sqlite.OpenStore(e.t.Context(), filepath.Join(e.dir, file), sqlite.StoreOptions{Relaxed: true})
	require.NoError(e.t, err)
	require.NoError(e.t, store.Close())
	c, err := e.owner.CreateConnection(e.t.Context(), e.workspace, livetables.ConnectionSpec{Name: name, Driver: "sqlite", File: file})
	require.NoError(e.t, err)
	return c
}

// as is the engine in the hands of a member who was just given a role.
func (e *estate) as(user string, role rbac.Role) *livetables.Access {
	e.t.Helper()
	_, err := e.owner.SetMember(e.t.Context(), e.workspace, user, role)
	require.NoError(e.t, err)
	return e.engine.As(rbac.Principal{ID: user})
}

// role makes a custom role.
func (e *estate) role(name string, base rbac.Role, grants ...rbac.Grant) rbac.Role {
	e.t.Helper()
	r, err := e.owner.PutRole(e.t.Context(), e.workspace, "", minidb.RoleSpec{Name: name, Base: base, Grants: grants}, 0)
	require.NoError(e.t, err)
	return r.ID
}

func (e *estate) cap(resource string, c rbac.Cap) {
	e.t.Helper()
	_, err := e.owner.SetCap(e.t.Context(), resource, c)
	require.NoError(e.t, err)
}

// readTable is what somebody reads of a table, the error as text.
func (e *estate) readTable(a *livetables.Access, table string) string {
	rows, err := a.Query(e.t.Context(), e.workspace, &lqp.Query{From: lqp.Source{Table: table}, Select: cols(e.t, "Name"), OrderBy: order(e.t, "Name")})
	if err != nil {
		return livetables.Code(err)
	}
	return strings.Join(all(e.t, rows, err), " ")
}

// verb is something that can be done again and again to a resource, or to the workspace.
type verb struct {
	name   string
	action rbac.Action
	on     func(*estate) []string // resources, "" for the workspace
	do     func(ctx context.Context, e *estate, a *livetables.Access, on string) error
}

func verbs() []verb {
	tables := func(e *estate) []string { return []string{e.leftTable.ID, e.rightTable.ID} }
	bases := func(e *estate) []string { return []string{e.left, e.right} }
	views := func(e *estate) []string { return []string{e.leftView, e.rightView} }
	connections := func(e *estate) []string { return []string{e.connection.ID} }
	whole := func(*estate) []string { return []string{""} }
	text := "told"
	return []verb{
		{"project", rbac.ReadData, func(e *estate) []string { return []string{e.project} }, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Project(ctx, on)
			return err
		}},
		{"base", rbac.ReadData, bases, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Base(ctx, on)
			return err
		}},
		{"update base", rbac.AlterTables, bases, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.UpdateBase(ctx, on, minidb.BasePatch{Description: &text}, 0)
			return err
		}},
		{"create and delete table", rbac.AlterTables, bases, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			t, err := a.CreateTable(ctx, on, minidb.TableSpec{Name: "New", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.TextColumn}}})
			if err != nil {
				return err
			}
			return e.owner.DeleteTable(ctx, t.ID, 0)
		}},
		{"table", rbac.ReadData, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Table(ctx, on)
			return err
		}},
		{"history", rbac.ReadData, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.TableHistory(ctx, on, livetables.HistoryFilter{Limit: 1})
			return err
		}},
		{"indexes", rbac.ReadData, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Indexes(ctx, on)
			return err
		}},
		{"subscribe", rbac.ReadData, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			s, err := a.Subscribe(ctx, on, nil)
			if err == nil {
				s.Close()
			}
			return err
		}},
		{"import", rbac.WriteRows, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Import(ctx, livetables.ImportSpec{Table: on}, strings.NewReader("Name\nDan\n"))
			return err
		}},
		{"update table", rbac.AlterTables, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.UpdateTable(ctx, on, minidb.TablePatch{Description: &text}, 0)
			return err
		}},
		{"archive and restore", rbac.AlterTables, tables, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			if _, err := a.ArchiveTable(ctx, on, 0); err != nil {
				return err
			}
			_, err := a.RestoreTable(ctx, on, 0)
			return err
		}},
		{"view", rbac.ReadData, views, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.View(ctx, on)
			return err
		}},
		{"rename view", rbac.AlterViews, views, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.UpdateView(ctx, on, 0, livetables.ViewSpec{Name: "Renamed " + on})
			return err
		}},
		{"publish", rbac.ShareViews, views, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			if _, err := a.Publish(ctx, on, "slug-"+strings.ReplaceAll(on, "_", "-"), minidb.SharePublic); err != nil {
				return err
			}
			return e.owner.Unpublish(ctx, on)
		}},
		{"schema", rbac.ReadData, connections, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Schema(ctx, on, false)
			return err
		}},
		{"update connection", rbac.ManageConnections, connections, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.UpdateConnection(ctx, on, 0, livetables.ConnectionSpec{Name: "shop", Driver: "sqlite", File: "shop.db"})
			return err
		}},
		{"audit log", rbac.ReadAudit, whole, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.AuditLog(ctx, e.workspace, livetables.HistoryFilter{Limit: 1})
			return err
		}},
		{"rules", rbac.ManageRules, whole, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.Rules(ctx, e.workspace)
			return err
		}},
		{"update workspace", rbac.UpdateWorkspace, whole, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			_, err := a.UpdateWorkspace(ctx, e.workspace, minidb.WorkspacePatch{Name: &text}, 0)
			return err
		}},
		{"create and delete base", rbac.AlterTables, whole, func(ctx context.Context, e *estate, a *livetables.Access, on string) error {
			b, err := a.CreateBase(ctx, e.workspace, minidb.BaseSpec{Name: "New"})
			if err != nil {
				return err
			}
			return e.owner.DeleteBase(ctx, b.ID, 0)
		}},
	}
}
