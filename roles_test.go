package livetables_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestCustomRole(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	clerk := e.role("Clerk", rbac.Editor, rbac.Grant{Action: rbac.ReadData, On: e.left}, rbac.Grant{Action: rbac.WriteRows, On: e.leftTable.ID})
	a := e.as("clerk", clerk)

	assert.Equal(t, "Ann Bob Cid", e.readTable(a, e.leftTable.ID))
	assert.Equal(t, livetables.CodeInvalid, e.readTable(a, e.rightTable.ID), "a table that is not granted is unknown")
	_, err := a.Query(ctx, e.workspace, &lqp.Query{From: lqp.Source{Table: e.rightView}})
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))
	bases, err := a.Bases(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, bases, 1)
	assert.Equal(t, e.left, bases[0].ID)
	views, err := a.Views(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, views, 1)
	connections, err := a.Connections(ctx, e.workspace)
	require.NoError(t, err)
	assert.Empty(t, connections)
	projects, err := a.Projects(ctx, e.workspace)
	require.NoError(t, err)
	assert.Empty(t, projects, "a grant on a base does not open its project")
	_, err = a.Members(ctx, e.workspace)
	assert.ErrorIs(t, err, livetables.ErrForbidden, "who reads one base is not told who is in the others")
	w, role, err := a.Workspace(ctx, e.workspace)
	require.NoError(t, err)
	assert.Equal(t, clerk, role)
	assert.Equal(t, e.workspace, w.ID)

	d, err := a.Can(ctx, e.workspace, rbac.WriteRows, e.leftTable.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{string(clerk) + ": rows.write on " + e.leftTable.ID}, d.Grants, "what led to the decision")

	// The rules for the role it was made from bind it, and its own with them.
	rule := livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Editor, Read: expr(t, "Pay > 10")}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	assert.Equal(t, "Bob Cid", e.readTable(a, e.leftTable.ID))
	rule.Role, rule.Read = clerk, expr(t, "Pay < 30")
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	assert.Equal(t, "Bob", e.readTable(a, e.leftTable.ID))
	assert.Equal(t, "Bob Cid", e.readTable(e.editor, e.leftTable.ID))

	// A change of the role acts at once, and one that is held cannot be deleted.
	require.ErrorIs(t, e.owner.DeleteRole(ctx, e.workspace, clerk, 0), minidb.ErrInUse)
	_, err = e.owner.PutRole(ctx, e.workspace, clerk, minidb.RoleSpec{Name: "Clerk", Base: rbac.Editor}, 1)
	require.NoError(t, err)
	_, err = a.Table(ctx, e.leftTable.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound, "nothing is granted any more")
	_, err = e.owner.PutRole(ctx, e.workspace, clerk, minidb.RoleSpec{Name: "Clerk", Base: rbac.Editor}, 1)
	assert.Equal(t, livetables.CodeConflict, livetables.Code(err))
	require.NoError(t, e.owner.RemoveMember(ctx, e.workspace, "clerk"))
	require.NoError(t, e.owner.DeleteRole(ctx, e.workspace, clerk, 0))
	rules, err := e.owner.Rules(ctx, e.workspace)
	require.NoError(t, err)
	assert.Len(t, rules, 1, "the rules for the role are gone with it")
	_, err = e.owner.SetMember(ctx, e.workspace, "clerk", clerk)
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))
}

// A role may be for one thing without the sight of data: connections are managed by those who do not read what is behind.
func TestRoleWithoutSight(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	a := e.as("keeper", e.role("Keeper", rbac.Viewer, rbac.Grant{Action: rbac.ManageConnections}, rbac.Grant{Action: rbac.ManageMembers}))
	list, err := a.Connections(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, list, 1)
	c, err := a.Connection(ctx, e.connection.ID)
	require.NoError(t, err)
	assert.Equal(t, "shop.db", c.File)
	_, err = a.TestConnection(ctx, e.connection.ID)
	require.NoError(t, err)
	_, err = a.Schema(ctx, e.connection.ID, false)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = a.Query(ctx, e.workspace, &lqp.Query{From: lqp.Source{Connection: "shop", Table: "t"}})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	members, err := a.Members(ctx, e.workspace)
	require.NoError(t, err)
	assert.Len(t, members, 5)
	_, err = a.Bases(ctx, e.workspace)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
}

func TestRolesAreShownByNeed(t *testing.T) {
	e := newEstate(t)
	role := e.role("Clerk", rbac.Viewer, rbac.Grant{Action: rbac.ReadData})
	for _, c := range []struct {
		a      *livetables.Access
		grants int
	}{{e.owner, 1}, {e.admin, 1}, {e.viewer, 0}, {e.as("clerk", role), 1}} {
		list, err := c.a.Roles(t.Context(), e.workspace)
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, "Clerk", list[0].Name)
		assert.Len(t, list[0].Grants, c.grants, c.a.Principal().ID)
	}
	_, err := e.stranger.Roles(t.Context(), e.workspace)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
}

func TestRolesOutOfShape(t *testing.T) {
	e := newEstate(t)
	read := rbac.Grant{Action: rbac.ReadData}
	for name, spec := range map[string]minidb.RoleSpec{
		"no name":                {Base: rbac.Viewer},
		"the name of a built-in": {Name: "Admin", Base: rbac.Viewer},
		"none":                   {Name: "None", Base: rbac.Viewer},
		"no base":                {Name: "R"},
		"an owner's":             {Name: "R", Base: rbac.Owner},
		"a base that is custom":  {Name: "R", Base: "rol_x"},
		"no action":              {Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: "paint"}}},
		"an unknown resource":    {Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: minidb.NewID("bas")}}},
		"a resource of no place": {Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: e.workspace}}},
		"too many":               {Name: "R", Base: rbac.Viewer, Grants: make([]rbac.Grant, minidb.MaxGrants+1)},
	} {
		if name == "too many" {
			for i := range spec.Grants {
				spec.Grants[i] = read
			}
		}
		_, err := e.owner.PutRole(t.Context(), e.workspace, "", spec, 0)
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), name)
	}
	e.role("Clerk", rbac.Viewer)
	_, err := e.owner.PutRole(t.Context(), e.workspace, "", minidb.RoleSpec{Name: "clerk", Base: rbac.Viewer}, 0)
	assert.Equal(t, livetables.CodeExists, livetables.Code(err))
	for _, id := range []rbac.Role{rbac.Role(minidb.NewID("rol")), rbac.Admin, "'"} {
		_, err = e.owner.PutRole(t.Context(), e.workspace, id, minidb.RoleSpec{Name: "X", Base: rbac.Viewer}, 0)
		assert.ErrorIs(t, err, livetables.ErrNotFound)
		assert.ErrorIs(t, e.owner.DeleteRole(t.Context(), e.workspace, id, 0), livetables.ErrNotFound)
	}
}
