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

// Somebody from whom a part is kept opens the whole for an accomplice: by the cap of others on what is around it, by a cap for
// the accomplice alone, by moving it out of where others are narrowed. Attack 33.
func TestAttack33BoundAdminOpensNothingForOthers(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	accomplice := e.as("accomplice", rbac.Editor)
	none := rbac.Cap{Role: rbac.Editor, Max: rbac.Nothing}
	e.cap(e.project, none)
	e.cap(e.leftTable.ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	require.Equal(t, livetables.CodeInvalid, e.readTable(e.admin, e.leftTable.ID))
	move := func(to string) error {
		_, err := e.admin.UpdateBase(ctx, e.left, minidb.BasePatch{Project: &to}, 0)
		return err
	}
	set := func(a *livetables.Access, on string, c rbac.Cap) error {
		_, err := a.SetCap(ctx, on, c)
		return err
	}
	for what, err := range map[string]error{
		"lifts the cap":             e.admin.RemoveCap(ctx, e.project, rbac.Editor, ""),
		"widens it":                 set(e.admin, e.project, rbac.Cap{Role: rbac.Editor, Max: rbac.Viewer}),
		"excepts one":               set(e.admin, e.project, rbac.Cap{User: "accomplice", Max: rbac.Editor}),
		"excepts one who will come": set(e.admin, e.project, rbac.Cap{User: "later", Max: rbac.Viewer}),
		"moves it out":              move(""),
		"ends the project":          e.admin.DeleteProject(ctx, e.project, true, 0),
	} {
		assert.ErrorIs(t, err, livetables.ErrForbidden, what)
	}
	assert.Equal(t, livetables.CodeInvalid, e.readTable(accomplice, e.leftTable.ID))
	require.NoError(t, set(e.admin, e.project, rbac.Cap{Role: rbac.Viewer, Max: rbac.Nothing}), "to narrow gives nobody anything")
	require.NoError(t, set(e.admin, e.right, none), "nor does it elsewhere")
	require.NoError(t, e.admin.RemoveCap(ctx, e.right, rbac.Editor, ""))

	// A rule binds as a cap does, and whoever may not write lets nobody write.
	require.NoError(t, e.owner.RemoveCap(ctx, e.leftTable.ID, rbac.Admin, ""))
	rule := livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 20")}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	require.ErrorIs(t, e.admin.RemoveCap(ctx, e.project, rbac.Editor, ""), livetables.ErrForbidden)
	require.ErrorIs(t, move(""), livetables.ErrForbidden)
	require.NoError(t, e.owner.DeleteRule(ctx, e.workspace, rule.Table, rbac.Admin))
	require.NoError(t, e.owner.RemoveCap(ctx, e.project, rbac.Viewer, ""))
	keeper := e.as("keeper", e.role("Keeper", rbac.Viewer, rbac.Grant{Action: rbac.ReadData}, rbac.Grant{Action: rbac.ManageRules}))
	require.ErrorIs(t, keeper.RemoveCap(ctx, e.project, rbac.Editor, ""), livetables.ErrForbidden)
	require.ErrorIs(t, set(keeper, e.project, rbac.Cap{Role: rbac.Editor, Max: rbac.Editor}), livetables.ErrForbidden)
	require.NoError(t, set(keeper, e.left, rbac.Cap{Role: rbac.Editor, Max: rbac.Nothing}))
	require.NoError(t, set(keeper, e.left, rbac.Cap{Role: rbac.Editor, Max: rbac.Viewer}), "reading is what it has itself")
	require.NoError(t, e.admin.RemoveCap(ctx, e.project, rbac.Editor, ""), "nothing binds the admin any more")
	require.Equal(t, "Ann Bob Cid", e.readTable(accomplice, e.leftTable.ID))
}

// Who is bound by a rule that asks for attributes does not bring those of another to bear.
func TestBoundPersonAwakensNoAttributes(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	hr := e.as("hr", e.role("HR", rbac.Viewer, rbac.Grant{Action: rbac.ReadData}, rbac.Grant{Action: rbac.ManageMembers}))
	e.as("sleeper", e.role("Nothing yet", rbac.Viewer))
	for user, name := range map[string]string{"hr": "Ann", "sleeper": "Bob"} {
		_, err := e.owner.SetMemberAttributes(ctx, e.workspace, user, minidb.Attributes{"name": lqp.TextValue(name)})
		require.NoError(t, err)
	}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Viewer, Read: expr(t, `Name = USER("name")`)}))
	require.Equal(t, "Ann", e.readTable(hr, e.leftTable.ID))
	_, err := hr.SetMember(ctx, e.workspace, "sleeper", rbac.Viewer)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	require.ErrorIs(t, hr.MayStandFor(ctx, e.workspace, "sleeper"), livetables.ErrForbidden, "nor acts in their name")
	_, err = hr.SetMember(ctx, e.workspace, "new", rbac.Viewer)
	require.NoError(t, err, "somebody new has none")
	require.NoError(t, e.admin.MayStandFor(ctx, e.workspace, "new"))
	require.ErrorIs(t, e.admin.MayStandFor(ctx, e.workspace, "owner"), livetables.ErrForbidden)
	require.ErrorIs(t, e.editor.MayStandFor(ctx, e.workspace, "viewer"), livetables.ErrForbidden)
	require.ErrorIs(t, e.stranger.MayStandFor(ctx, e.workspace, "viewer"), livetables.ErrNotFound)
	require.ErrorIs(t, e.admin.MayStandFor(ctx, e.workspace, "nobody"), livetables.ErrNotFound)
	_, err = e.admin.SetMember(ctx, e.workspace, "sleeper", rbac.Viewer)
	require.NoError(t, err, "whom nothing binds may")
}

// A change of a type tells of the views it breaks, but of none that is closed to who asks, and a view names nothing of it.
func TestClosedViewsAreNotNamed(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	sum := &lqp.Query{From: lqp.Source{Table: e.leftTable.ID, Alias: "l"}, Select: []lqp.Named{{Name: "more", Expr: expr(t, "Pay + 1")}}}
	for base, name := range map[string]string{e.left: "Open sums", e.right: "Closed sums"} {
		_, err := e.owner.CreateView(ctx, base, livetables.ViewSpec{Name: name, Query: sum})
		require.NoError(t, err)
	}
	both := *sum
	both.Joins = []lqp.Join{{Kind: lqp.Inner, Source: lqp.Source{Table: e.rightTable.ID, Alias: "r"}, On: expr(t, "l.Name = r.Name")}}
	both.Select = []lqp.Named{{Name: "name", Expr: expr(t, "l.Name")}}
	across, err := e.owner.CreateView(ctx, e.left, livetables.ViewSpec{Name: "Across", Query: &both})
	require.NoError(t, err)
	e.cap(e.right, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	report, err := e.admin.PreviewType(ctx, e.leftTable.Columns[1].ID, livetables.TypeChange{Type: minidb.TextColumn})
	require.NoError(t, err)
	text := string(mustJSON(t, report.Breaks))
	assert.Contains(t, text, "Open sums")
	assert.NotContains(t, text, "Closed sums")
	v, err := e.admin.View(ctx, across.ID)
	require.NoError(t, err)
	assert.NotContains(t, string(v.Query), e.rightTable.ID)
}
