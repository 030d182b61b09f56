package livetables_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// project makes a project with a base in it, as the owner.
func (w *world) project(name string) (*minidb.Project, *minidb.Base) {
	w.t.Helper()
	p, err := w.owner.CreateProject(w.t.Context(), w.workspace, minidb.ProjectSpec{Name: name})
	require.NoError(w.t, err)
	b, err := w.owner.CreateBase(w.t.Context(), w.workspace, minidb.BaseSpec{Name: "base of " + name, Project: p.ID})
	require.NoError(w.t, err)
	return p, b
}

func move(to string) minidb.BasePatch { return minidb.BasePatch{Project: &to} }

func TestProjectsWhoMay(t *testing.T) {
	w := newWorld(t)
	p, b := w.project("P")
	ctx := t.Context()
	for name, who := range map[string]*livetables.Access{"editor": w.editor, "viewer": w.viewer} {
		got, err := who.Project(ctx, p.ID)
		require.NoError(t, err, name)
		require.Equal(t, p, got, name)
		list, err := who.Projects(ctx, w.workspace)
		require.NoError(t, err, name)
		require.Len(t, list, 1, name)
		_, err = who.CreateProject(ctx, w.workspace, minidb.ProjectSpec{Name: "Q"})
		require.ErrorIs(t, err, livetables.ErrForbidden, name)
		_, err = who.UpdateProject(ctx, p.ID, minidb.ProjectPatch{}, 0)
		require.ErrorIs(t, err, livetables.ErrForbidden, name)
		require.ErrorIs(t, who.DeleteProject(ctx, p.ID, true, 0), livetables.ErrForbidden, name)
		_, err = who.UpdateBase(ctx, b.ID, move(""), 0)
		require.ErrorIs(t, err, livetables.ErrForbidden, name)
	}
	for name, err := range map[string]error{
		"read":   func() error { _, err := w.stranger.Project(ctx, p.ID); return err }(),
		"list":   func() error { _, err := w.stranger.Projects(ctx, w.workspace); return err }(),
		"change": func() error { _, err := w.stranger.UpdateProject(ctx, p.ID, minidb.ProjectPatch{}, 0); return err }(),
		"delete": w.stranger.DeleteProject(ctx, p.ID, true, 0),
		"make": func() error {
			_, err := w.stranger.CreateProject(ctx, w.workspace, minidb.ProjectSpec{Name: "Q"})
			return err
		}(),
	} {
		require.ErrorIs(t, err, livetables.ErrNotFound, name)
	}
	require.ErrorIs(t, w.admin.DeleteProject(ctx, p.ID, false, 0), minidb.ErrNotEmpty)
	require.Equal(t, livetables.CodeNotEmpty, livetables.Code(w.admin.DeleteProject(ctx, p.ID, false, 0)))
	_, err := w.admin.UpdateBase(ctx, b.ID, move(""), 0)
	require.NoError(t, err)
	require.NoError(t, w.admin.DeleteProject(ctx, p.ID, false, 0))
}

// TestProjectNarrowsItsBases caps viewers on a project: what is in it closes to them, and neither moving nor copying a base
// nor deleting the project opens it again for those who may not set caps.
func TestProjectNarrowsItsBases(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, b := w.project("Closed")
	tbl, err := w.owner.CreateTable(ctx, b.ID, minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	require.NoError(t, err)
	_, err = w.viewer.Table(ctx, tbl.ID)
	require.NoError(t, err)
	_, err = w.owner.SetCap(ctx, p.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing})
	require.NoError(t, err)
	closed := func(base, table string) {
		t.Helper()
		_, err := w.viewer.Project(ctx, p.ID)
		require.ErrorIs(t, err, livetables.ErrNotFound)
		list, err := w.viewer.Projects(ctx, w.workspace)
		require.NoError(t, err)
		require.NotContains(t, list, p)
		_, err = w.viewer.Base(ctx, base)
		require.ErrorIs(t, err, livetables.ErrNotFound)
		_, err = w.viewer.Table(ctx, table)
		require.ErrorIs(t, err, livetables.ErrNotFound)
	}
	closed(b.ID, tbl.ID)
	c, err := w.owner.DuplicateBase(ctx, b.ID, "Copy", true)
	require.NoError(t, err)
	require.Equal(t, p.ID, c.Project)
	tables, err := w.owner.Tables(ctx, c.ID)
	require.NoError(t, err)
	closed(c.ID, tables[0].ID)

	// Somebody who may alter tables and not manage rules lifts nothing.
	builder, err := w.owner.PutRole(ctx, w.workspace, "", minidb.RoleSpec{Name: "Builder", Base: rbac.Editor,
		Grants: []rbac.Grant{{Action: rbac.ReadData}, {Action: rbac.AlterTables}}}, 0)
	require.NoError(t, err)
	_, err = w.owner.SetMember(ctx, w.workspace, "builder", builder.ID)
	require.NoError(t, err)
	who := w.engine.As(rbac.Principal{ID: "builder"})
	open, ob := w.project("Open")
	_, err = who.UpdateBase(ctx, ob.ID, move(""), 0)
	require.NoError(t, err, "nothing hangs on that project")
	_, err = who.UpdateBase(ctx, b.ID, move(open.ID), 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = who.UpdateBase(ctx, ob.ID, move(p.ID), 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	require.ErrorIs(t, who.DeleteProject(ctx, p.ID, true, 0), livetables.ErrForbidden)
	closed(b.ID, tbl.ID)

	// Who manages rules may, and it has its effect at once.
	_, err = w.admin.UpdateBase(ctx, b.ID, move(open.ID), 0)
	require.NoError(t, err)
	_, err = w.viewer.Table(ctx, tbl.ID)
	require.NoError(t, err)
	_, err = w.admin.UpdateBase(ctx, b.ID, move(p.ID), 0)
	require.NoError(t, err)
	closed(b.ID, tbl.ID)
	require.NoError(t, w.admin.DeleteProject(ctx, p.ID, true, 0))
	_, err = w.viewer.Table(ctx, tbl.ID)
	require.NoError(t, err)
}

// TestAttack20ProjectElsewhere makes and moves bases into a project of another workspace of the same owner.
func TestAttack20ProjectElsewhere(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other, err := w.owner.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	foreign, err := w.owner.CreateProject(ctx, other.ID, minidb.ProjectSpec{Name: "P"})
	require.NoError(t, err)
	for _, id := range []string{foreign.ID, minidb.NewID("prj"), w.base, "x"} {
		_, err = w.owner.CreateBase(ctx, w.workspace, minidb.BaseSpec{Name: "B", Project: id})
		require.ErrorIs(t, err, livetables.ErrNotFound, id)
		_, err = w.owner.CreateBaseFrom(ctx, w.workspace, livetables.Templates()[0].ID, minidb.BaseSpec{Name: "B", Project: id})
		require.ErrorIs(t, err, livetables.ErrNotFound, id)
		_, err = w.owner.UpdateBase(ctx, w.base, move(id), 0)
		require.ErrorIs(t, err, livetables.ErrNotFound, id)
	}
}
