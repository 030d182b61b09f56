package livetables_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestViewAs(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	_, err := e.owner.SetMemberAttributes(ctx, e.workspace, "viewer", minidb.Attributes{"most": lqp.IntValue(20)})
	require.NoError(t, err)
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Viewer,
		Read: expr(t, `Pay <= USER("most")`), Columns: map[string]rbac.Access{e.leftTable.Columns[1].ID: rbac.Hidden}}))
	e.cap(e.right, rbac.Cap{User: "viewer", Max: rbac.Nothing})

	for _, a := range []*livetables.Access{e.owner, e.admin} {
		as, err := a.ViewAs(ctx, e.leftTable.ID, "viewer")
		require.NoError(t, err)
		assert.Equal(t, "Ann Bob", e.readTable(as, e.leftTable.ID), "the member's rules, with the member's attributes")
		assert.Equal(t, e.readTable(e.viewer, e.leftTable.ID), e.readTable(as, e.leftTable.ID))
		assert.Equal(t, livetables.CodeInvalid, e.readTable(as, e.rightTable.ID), "the member's caps")
		tbl, err := as.Table(ctx, e.leftTable.ID)
		require.NoError(t, err)
		assert.Len(t, tbl.Columns, 1)
		asker, ok := as.Asker()
		assert.True(t, ok)
		assert.Equal(t, a.Principal().ID, asker.ID)
	}
	entries, err := e.owner.AuditLog(ctx, e.workspace, livetables.HistoryFilter{Action: "member.view_as"})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.Equal(t, "admin", entries[0].Actor)
	assert.Equal(t, "viewer", entries[0].Resource)

	// It reads, and does nothing else: as an editor nothing is written, as an owner nothing is changed.
	for _, v := range verbs() {
		if v.action == rbac.ReadData && v.name != "subscribe" {
			continue
		}
		as, err := e.owner.ViewAs(ctx, e.workspace, "admin")
		require.NoError(t, err)
		for _, on := range v.on(e) {
			assert.ErrorIs(t, v.do(ctx, e, as, on), livetables.ErrForbidden, v.name)
		}
	}
	as, err := e.owner.ViewAs(ctx, e.workspace, "editor")
	require.NoError(t, err)
	_, err = as.ViewAs(ctx, e.workspace, "viewer")
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	assert.ErrorIs(t, as.RemoveMember(ctx, e.workspace, "editor"), livetables.ErrForbidden, "nobody leaves in another's name")
	_, err = as.CreateWorkspace(ctx, "Theirs")
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = as.Apply(ctx, e.workspace, &lqp.Mutation{Op: lqp.Insert, Table: e.leftTable.ID, Rows: []lqp.RowChange{{}}})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = as.Import(ctx, livetables.ImportSpec{Table: e.leftTable.ID}, strings.NewReader("Name\nx\n"))
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	list, err := as.Workspaces(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 1)

	// A workspace of the member's own is none of the asker's business.
	other, err := e.editor.CreateWorkspace(ctx, "Editor's own")
	require.NoError(t, err)
	_, _, err = as.Workspace(ctx, other.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	list, err = as.Workspaces(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestViewAsShowsNoMoreThanTheAskerSees(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	looker := e.as("looker", e.role("Looker", rbac.Viewer, rbac.Grant{Action: rbac.ReadData, On: e.left}, rbac.Grant{Action: rbac.ViewAs}))
	wide := e.as("wide", e.role("Wide looker", rbac.Viewer, rbac.Grant{Action: rbac.ReadData}, rbac.Grant{Action: rbac.ViewAs}))
	for name, c := range map[string]struct {
		a      *livetables.Access
		member string
		want   error
	}{
		"an editor":                      {e.editor, "viewer", livetables.ErrForbidden},
		"a viewer as the owner":          {e.viewer, "owner", livetables.ErrForbidden},
		"an admin as the owner":          {e.admin, "owner", livetables.ErrForbidden},
		"a role that sees one base":      {looker, "viewer", livetables.ErrForbidden},
		"a role that is no admin as one": {wide, "admin", livetables.ErrForbidden},
		"a role that sees everything":    {wide, "viewer", nil},
		"an admin as an admin":           {e.admin, "admin", nil},
		"as nobody":                      {e.owner, "nobody", livetables.ErrNotFound},
		"a stranger":                     {e.stranger, "viewer", livetables.ErrNotFound},
		"a token without the action":     {e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}}), "viewer", livetables.ErrForbidden},
		"the bearer of a view's key":     {e.engine.As(rbac.Principal{ID: "owner", View: e.leftView}), "viewer", livetables.ErrNotFound},
	} {
		_, err := c.a.ViewAs(ctx, e.workspace, c.member)
		if c.want == nil {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorIs(t, err, c.want, name)
		}
	}
	// A token's own bounds go along.
	token := e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData, rbac.ViewAs}, Resources: []string{e.workspace}}})
	as, err := token.ViewAs(ctx, e.workspace, "editor")
	require.NoError(t, err)
	assert.Equal(t, "Ann Bob Cid", e.readTable(as, e.leftTable.ID))

	// What lets one look is asked for again at every call.
	as, err = e.admin.ViewAs(ctx, e.workspace, "viewer")
	require.NoError(t, err)
	require.Equal(t, "Ann Bob Cid", e.readTable(as, e.leftTable.ID))
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.rightTable.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 20")}))
	assert.Equal(t, livetables.CodeForbidden, e.readTable(as, e.leftTable.ID), "now the admin is bound")
	require.NoError(t, e.owner.DeleteRule(ctx, e.workspace, rbac.TableRef{Table: e.rightTable.ID}, rbac.Admin))
	require.NoError(t, e.owner.RemoveMember(ctx, e.workspace, "admin"))
	assert.Equal(t, livetables.CodeNotFound, e.readTable(as, e.leftTable.ID), "and now is gone")
}

// A cursor of a look with another's eyes is neither the member's nor that of somebody else who looks.
func TestViewAsCursors(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	q := lqp.Query{From: lqp.Source{Table: e.leftTable.ID}, Page: lqp.Page{Limit: 1}}
	next := func(a *livetables.Access, cursor string) (string, error) {
		c := q
		c.Page.Cursor = cursor
		rows, err := a.Query(ctx, e.workspace, &c)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.NextCursor(), rows.Err()
	}
	byOwner, err := e.owner.ViewAs(ctx, e.workspace, "viewer")
	require.NoError(t, err)
	byAdmin, err := e.admin.ViewAs(ctx, e.workspace, "viewer")
	require.NoError(t, err)
	cursor, err := next(byOwner, "")
	require.NoError(t, err)
	for name, a := range map[string]*livetables.Access{"the member": e.viewer, "another asker": byAdmin, "the asker": e.owner} {
		_, err = next(a, cursor)
		assert.ErrorIs(t, err, livetables.ErrCursor, name)
	}
	_, err = next(byOwner, cursor)
	assert.NoError(t, err)
}

// An access that looks as somebody else ends by itself.
func TestViewAsEnds(t *testing.T) {
	e := newEstate(t)
	now := time.Now()
	engine, err := livetables.New(livetables.Options{Store: e.db, Clock: func() time.Time { return now }})
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	as, err := engine.As(rbac.Principal{ID: "owner"}).ViewAs(t.Context(), e.workspace, "viewer")
	require.NoError(t, err)
	_, err = as.Table(t.Context(), e.leftTable.ID)
	require.NoError(t, err)
	now = now.Add(10 * time.Minute)
	_, err = as.Table(t.Context(), e.leftTable.ID)
	require.ErrorIs(t, err, livetables.ErrForbidden)
}

// A job goes on after the look has ended, and is written down as the doing of the member.
func TestViewAsStartsNoJob(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	a, err := e.admin.ViewAs(ctx, e.workspace, "viewer")
	require.NoError(t, err)
	_, err = a.StartExport(ctx, e.workspace, &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}}, "")
	require.ErrorIs(t, err, livetables.ErrForbidden)
	jobs, err := e.viewer.Jobs(ctx, e.workspace)
	require.NoError(t, err)
	require.Empty(t, jobs)
}
