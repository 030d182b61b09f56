package minidb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

func TestProjectsGroupBases(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	p, err := f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: " Shop ", Description: "all of it"})
	require.NoError(t, err)
	require.True(t, minidb.ValidID(p.ID, "prj"))
	require.Equal(t, "Shop", p.Name)
	_, err = f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: "SHOP"})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.CreateProject(f.ctx, alice, minidb.NewID("wsp"), minidb.ProjectSpec{Name: "X"})
	require.ErrorIs(t, err, minidb.ErrNotFound)

	b, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "Goods", Project: p.ID})
	require.NoError(t, err)
	own := *f
	own.base = b
	g := own.table(goods)
	v, err := f.CreateView(f.ctx, alice, b.ID, minidb.ViewSpec{Name: "V", Query: []byte(`{}`)})
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	got, ok := s.Project(p.ID)
	require.True(t, ok)
	require.Equal(t, p, got)
	require.Equal(t, map[string]string{b.ID: p.ID, g.ID: b.ID, v.ID: b.ID}, s.Parents())
	w, err := f.WorkspaceOf(f.ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, f.workspace.ID, w)

	// A copy of a base is in the same project: it must not be narrowed any less.
	c, err := f.DuplicateBase(f.ctx, alice, b.ID, minidb.Duplicate{Name: "Copy"})
	require.NoError(t, err)
	require.Equal(t, p.ID, c.Project)

	// Another project, none, and back. Who may do what follows from it: the policy has another version each time.
	version := s.PolicyVersion
	for _, to := range []string{"", p.ID} {
		b, err = f.UpdateBase(f.ctx, alice, b.ID, minidb.BasePatch{Project: &to}, 0)
		require.NoError(t, err)
		require.Equal(t, to, b.Project)
		s, err = f.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.Equal(t, version+1, s.PolicyVersion)
		version++
	}

	require.ErrorIs(t, f.DeleteProject(f.ctx, alice, p.ID, false, 0), minidb.ErrNotEmpty)
	var stale *minidb.VersionError
	require.ErrorAs(t, f.DeleteProject(f.ctx, alice, p.ID, true, 9), &stale)
	require.NoError(t, f.DeleteProject(f.ctx, alice, p.ID, true, 1))
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Projects)
	now, ok := s.Base(b.ID)
	require.True(t, ok)
	require.Empty(t, now.Project)
	require.Equal(t, b.Version+1, now.Version)
	_, err = f.WorkspaceOf(f.ctx, p.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, err = f.UpdateProject(f.ctx, alice, p.ID, minidb.ProjectPatch{}, 0)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	history, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, Resource: p.ID})
	require.NoError(t, err)
	require.Len(t, history, 2)
	require.Equal(t, "project.delete", history[0].Action)
	require.Contains(t, string(history[0].Before), "all of it")
}

func TestUpdateProject(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	p, err := f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: "Shop"})
	require.NoError(t, err)
	other, err := f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: "Farm"})
	require.NoError(t, err)
	set := func(name, description string) minidb.ProjectPatch {
		return minidb.ProjectPatch{Name: &name, Description: &description}
	}
	for name, c := range map[string]struct {
		patch   minidb.ProjectPatch
		version int64
		target  any
	}{
		"no name":          {set(" ", ""), 0, new(*minidb.ValidationError)},
		"long description": {set("A", strings.Repeat("x", 20_000)), 0, new(*minidb.ValidationError)},
		"old version":      {set("A", ""), 7, new(*minidb.VersionError)},
	} {
		_, err := f.UpdateProject(f.ctx, alice, p.ID, c.patch, c.version)
		require.ErrorAs(t, err, c.target, name)
	}
	_, err = f.UpdateProject(f.ctx, alice, p.ID, set("farm", ""), 0)
	require.ErrorIs(t, err, minidb.ErrExists)
	p, err = f.UpdateProject(f.ctx, alice, p.ID, set("shop", "x"), 1)
	require.NoError(t, err)
	require.Equal(t, int64(2), p.Version)
	require.Equal(t, "Farm", other.Name)
}

// TestAttack20ProjectOfAnotherWorkspace names a project of another workspace where a base is made or moved: as if there were none.
func TestAttack20ProjectOfAnotherWorkspace(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other, err := f.CreateWorkspace(f.ctx, minidb.Actor{ID: "usr_eve"}, "Other")
	require.NoError(t, err)
	foreign, err := f.CreateProject(f.ctx, minidb.Actor{ID: "usr_eve"}, other.ID, minidb.ProjectSpec{Name: "Theirs"})
	require.NoError(t, err)
	random := minidb.NewID("prj")
	for _, id := range []string{foreign.ID, random, "x"} {
		_, err = f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "B", Project: id})
		require.ErrorIs(t, err, minidb.ErrNotFound, id)
		_, err = f.UpdateBase(f.ctx, alice, f.base.ID, minidb.BasePatch{Project: &id}, 0)
		require.ErrorIs(t, err, minidb.ErrNotFound, id)
	}
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Bases, 1)
	require.Empty(t, s.Bases[0].Project)
	require.Equal(t, int64(1), s.Bases[0].Version)
}

func TestWorkspacesHaveRoomOfTheirOwn(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxBases: 2, MaxProjects: 1, MaxConnections: 1, MaxWorkspaceTables: 2})
	other, err := f.CreateWorkspace(f.ctx, alice, "Other")
	require.NoError(t, err)
	for _, w := range []string{f.workspace.ID, other.ID} {
		base, err := f.CreateBase(f.ctx, alice, w, minidb.BaseSpec{Name: "B"})
		require.NoError(t, err, "what one workspace has is no limit for another")
		for _, name := range []string{"T1", "T2"} {
			_, err = f.CreateTable(f.ctx, alice, base.ID, minidb.TableSpec{Name: name})
			require.NoError(t, err)
		}
		_, err = f.CreateProject(f.ctx, alice, w, minidb.ProjectSpec{Name: "P"})
		require.NoError(t, err)
		_, err = f.CreateConnection(f.ctx, alice, w, minidb.ConnectionSpec{Name: "C", Driver: "sqlite", Settings: []byte(`{}`)})
		require.NoError(t, err)
	}
	for name, try := range map[string]func() error{
		"projects_per_workspace": func() error {
			_, err := f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: "Q"})
			return err
		},
		"connections_per_workspace": func() error {
			_, err := f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{Name: "D", Driver: "sqlite", Settings: []byte(`{}`)})
			return err
		},
		"tables_per_workspace": func() error {
			_, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "T3"})
			return err
		},
		"bases_per_workspace": func() error {
			_, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "More"})
			return err
		},
	} {
		var limit *minidb.LimitError
		require.ErrorAs(t, try(), &limit, name)
		require.Equal(t, name, limit.Name)
	}
	_, err = f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy"})
	require.ErrorIs(t, err, minidb.ErrLimit)
}
