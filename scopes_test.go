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

// token is an access of the owner that a scope narrows.
func (e *estate) token(resources []string, actions ...rbac.Action) *livetables.Access {
	return e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: actions, Resources: resources}})
}

// A view in the left base that reads the right table.
func (e *estate) across() *minidb.View {
	e.t.Helper()
	v, err := e.owner.CreateView(e.t.Context(), e.left, livetables.ViewSpec{Name: "Across", Query: &lqp.Query{From: lqp.Source{Table: e.rightTable.ID},
		Select: cols(e.t, "Name"), OrderBy: order(e.t, "Name")}})
	require.NoError(e.t, err)
	return v
}

// A token for a base reads what is in it; one that names a view reads the view wherever its tables are, and nothing else.
func TestTokenReadsWhatItsScopeNames(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	across := e.across()
	read := func(a *livetables.Access, view string) string {
		rows, err := a.ViewData(ctx, view, livetables.ViewRequest{})
		if err != nil {
			return livetables.Code(err)
		}
		return all(t, rows, err)[0]
	}
	base := e.token([]string{e.left}, rbac.ReadData)
	assert.Equal(t, "Ann Bob Cid", e.readTable(base, e.leftTable.ID))
	assert.Equal(t, livetables.CodeInvalid, e.readTable(base, e.rightTable.ID))
	assert.Equal(t, "Ann|10", read(base, e.leftView))
	assert.Equal(t, livetables.CodeNotFound, read(base, e.rightView))
	assert.Equal(t, livetables.CodeInvalid, read(base, across.ID), "its table is outside of the scope")

	named := e.token([]string{across.ID}, rbac.ReadData)
	assert.Equal(t, "Ann", read(named, across.ID))
	assert.Equal(t, livetables.CodeInvalid, e.readTable(named, e.rightTable.ID), "the view's table itself is not in the scope")
	assert.Equal(t, livetables.CodeNotFound, read(named, e.rightView))
	_, err := named.Table(ctx, e.rightTable.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	_, err = named.Base(ctx, e.left)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	assert.Equal(t, livetables.CodeNotFound, read(e.token([]string{across.ID}, rbac.WriteRows), across.ID), "nor without the action")

	// What the user may not read any more, the token does not either.
	member := e.engine.As(rbac.Principal{ID: "viewer", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}, Resources: []string{across.ID}}})
	assert.Equal(t, "Ann", read(member, across.ID))
	e.cap(e.right, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing})
	assert.Equal(t, livetables.CodeInvalid, read(member, across.ID))

	other, err := e.owner.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	_, _, err = base.Workspace(ctx, other.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound, "a workspace that the scope does not lead into")
	_, _, err = base.Workspace(ctx, e.workspace)
	assert.NoError(t, err)
	list, err := base.Workspaces(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	_, err = base.Members(ctx, e.workspace)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
}

// A token does not show others what it could not read itself.
func TestTokenPublishesWhatItReads(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	across := e.across()
	base := e.token([]string{e.left}, rbac.ReadData, rbac.ShareViews, rbac.AlterViews)
	_, err := base.Publish(ctx, across.ID, "across", minidb.SharePublic)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = base.Publish(ctx, e.leftView, "left", minidb.ShareKeyed)
	require.NoError(t, err)
	_, _, err = base.AddKey(ctx, e.leftView, noExpiry)
	require.NoError(t, err)
	_, err = e.owner.Publish(ctx, across.ID, "across", minidb.ShareKeyed)
	require.NoError(t, err)
	_, _, err = base.AddKey(ctx, across.ID, noExpiry)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = base.UpdateView(ctx, e.leftView, 0, livetables.ViewSpec{Query: &lqp.Query{From: lqp.Source{Table: e.rightTable.ID}}})
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "nor is a view led there")
}

// The bearer of a view's key cannot find out with whose rights it reads.
func TestPublisherIsNotGuessed(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	_, err := e.owner.Publish(ctx, e.leftView, "left", minidb.SharePublic)
	require.NoError(t, err)
	reader, view, err := e.engine.Public(ctx, "left", "")
	require.NoError(t, err)
	for _, r := range []livetables.ViewRequest{
		{Where: expr(t, `CURRENT_USER() = "owner"`)}, {Where: expr(t, `CURRENT_USER() = "nobody"`)}, {Where: expr(t, `LEFT(USER("team"), 1) = "r" OR TRUE`)},
		{OrderBy: order(t, `IF(CURRENT_USER() > "n", 1, 0)`)}, {Select: cols(t, "x=CURRENT_USER()")},
	} {
		_, err := reader.ViewData(ctx, view, r)
		var problems lqp.Problems
		require.ErrorAs(t, err, &problems)
		assert.Equal(t, lqp.CodeMissingParameter, problems[0].Code)
		assert.NotContains(t, err.Error(), "owner")
	}
	assert.Len(t, viewData(t, e.owner, view, livetables.ViewRequest{Where: expr(t, `CURRENT_USER() = "owner"`)}), 3, "members know who they are")
	rows, err := reader.ViewData(ctx, view, livetables.ViewRequest{Where: expr(t, "Pay > 10")})
	assert.Len(t, all(t, rows, err), 2)
}

// What a formula read is in the trash, and nobody can tell any more from whom it was kept: the formula stays with those from
// whom nothing is kept. A token of theirs is one of them unless it names what it is for.
func TestTokenSeesAFormulaOfWhatIsGone(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	trashed := func(name string) string {
		items, err := s.owner.Trash(ctx, s.workspace)
		require.NoError(t, err)
		for i := range items {
			if items[i].Name == name {
				return items[i].ID
			}
		}
		require.Fail(t, "not in the trash", name)
		return ""
	}
	require.NoError(t, s.owner.DeleteColumn(ctx, column(s.people, "Call"), 0))
	require.NoError(t, s.owner.DeleteColumn(ctx, column(s.people, "Phone"), 0))
	_, err := s.owner.RestoreTrashed(ctx, trashed("Call"), minidb.Recovery{})
	require.NoError(t, err)
	token := func(user string, resources []string, actions ...rbac.Action) *livetables.Access {
		return s.engine.As(rbac.Principal{ID: user, Scope: &rbac.Scope{Actions: actions, Resources: resources}})
	}
	const whole, less = "Name Salary Loud Double Chain Call", "Name Salary Loud Double Chain"
	assert.Equal(t, whole, s.sees(s.owner, s.people))
	assert.Equal(t, whole, s.sees(token("owner", nil, rbac.ReadData), s.people))
	assert.Equal(t, whole, s.sees(token("owner", nil, rbac.ReadData, rbac.WriteRows, rbac.AlterTables), s.people))
	assert.Equal(t, less, s.sees(token("owner", []string{s.people.ID}, rbac.ReadData), s.people), "what it was made of may have been elsewhere")
	s.rule(rbac.Viewer, s.people, "", map[string]rbac.Access{"Loud": rbac.Hidden})
	assert.Equal(t, "Name Salary Double Chain", s.sees(s.viewer, s.people))
	assert.Equal(t, "Name Salary Double Chain", s.sees(token("viewer", nil, rbac.ReadData), s.people))
	_, err = s.owner.RestoreTrashed(ctx, trashed("Phone"), minidb.Recovery{})
	require.NoError(t, err)
	assert.Equal(t, "Name Salary Phone Loud Double Chain Call", s.sees(token("owner", []string{s.people.ID}, rbac.ReadData), s.people), "and now it is known again")
}
