package livetables_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Attack 33, and what else gives somebody more than the giver has.
func TestAttack33NobodyGivesWhatTheyDoNotHave(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	all := func(actions ...rbac.Action) (grants []rbac.Grant) {
		for _, a := range actions {
			grants = append(grants, rbac.Grant{Action: a})
		}
		return grants
	}
	wide := e.role("Wide", rbac.Viewer, all(rbac.ReadData, rbac.ManageRules)...)
	narrow := e.role("Narrow", rbac.Viewer, all(rbac.ReadData)...)
	hr := e.role("HR", rbac.Viewer, all(rbac.ReadData, rbac.ManageMembers, rbac.ManageRoles)...)
	person := e.as("person", hr)
	e.as("powerful", wide)
	put := func(a *livetables.Access, id rbac.Role, base rbac.Role, actions ...rbac.Action) error {
		_, err := a.PutRole(ctx, e.workspace, id, minidb.RoleSpec{Name: "Made by " + a.Principal().ID, Base: base, Grants: all(actions...)}, 0)
		return err
	}
	set := func(a *livetables.Access, user string, role rbac.Role) error {
		_, err := a.SetMember(ctx, e.workspace, user, role)
		return err
	}
	for name, err := range map[string]error{
		"an admin makes an owner":                             set(e.admin, "x", rbac.Owner),
		"an admin makes an admin":                             set(e.admin, "x", rbac.Admin),
		"an admin gives a powerful role":                      set(e.admin, "x", wide),
		"an admin takes one":                                  set(e.admin, "powerful", rbac.Viewer),
		"an admin removes an owner":                           e.admin.RemoveMember(ctx, e.workspace, "owner"),
		"an admin demotes an owner":                           set(e.admin, "owner", rbac.Viewer),
		"an admin makes a powerful role":                      put(e.admin, "", rbac.Viewer, rbac.ReadData, rbac.ManageMembers),
		"an admin makes one that makes admins":                put(e.admin, "", rbac.Viewer, rbac.GrantAdmin),
		"an admin makes one out of admin":                     put(e.admin, "", rbac.Admin, rbac.ReadData),
		"an admin changes a powerful role":                    put(e.admin, wide, rbac.Viewer),
		"an admin deletes one":                                e.admin.DeleteRole(ctx, e.workspace, wide, 0),
		"an editor adds anyone":                               set(e.editor, "x", rbac.Viewer),
		"an editor makes a role":                              put(e.editor, "", rbac.Viewer, rbac.ReadData),
		"a viewer too":                                        set(e.viewer, "viewer", rbac.Editor),
		"a custom role gives what it is not":                  set(person, "x", rbac.Editor),
		"it makes what it is not":                             put(person, "", rbac.Viewer, rbac.WriteRows),
		"it makes admins":                                     set(person, "x", rbac.Admin),
		"it changes itself":                                   put(person, hr, rbac.Viewer, rbac.ReadData, rbac.ManageMembers, rbac.ManageRoles, rbac.WriteRows),
		"it gives itself another role":                        set(person, "person", narrow),
		"it gives itself to others":                           set(person, "x", hr),
		"somebody gives themselves attributes":                func() error { _, err := person.SetMemberAttributes(ctx, e.workspace, "person", nil); return err }(),
		"an owner too":                                        func() error { _, err := e.owner.SetMemberAttributes(ctx, e.workspace, "owner", nil); return err }(),
		"an admin gives an owner attributes":                  func() error { _, err := e.admin.SetMemberAttributes(ctx, e.workspace, "owner", nil); return err }(),
		"an owner's token that may not make admins makes one": set(e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ManageMembers, rbac.ReadData}}}), "x", rbac.Admin),
		"an owner's token for one base adds members":          set(e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ManageMembers}, Resources: []string{e.left}}}), "x", rbac.Viewer),
		"an admin's token without rows.write makes editors":   set(e.engine.As(rbac.Principal{ID: "admin", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ManageMembers, rbac.ReadData}}}), "x", rbac.Editor),
		"a token makes a workspace": func() error {
			_, err := e.engine.As(rbac.Principal{ID: "owner", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}}).CreateWorkspace(ctx, "W")
			return err
		}(),
		"a token leaves for its person": e.engine.As(rbac.Principal{ID: "viewer", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}}).RemoveMember(ctx, e.workspace, "viewer"),
	} {
		assert.ErrorIs(t, err, livetables.ErrForbidden, name)
	}
	members, err := e.owner.Members(ctx, e.workspace)
	require.NoError(t, err)
	assert.Equal(t, map[string]rbac.Role{"owner": rbac.Owner, "admin": rbac.Admin, "editor": rbac.Editor, "viewer": rbac.Viewer, "person": hr, "powerful": wide}, members,
		"nothing has changed")
	roles, err := e.owner.Roles(ctx, e.workspace)
	require.NoError(t, err)
	assert.Len(t, roles, 3)

	require.NoError(t, set(e.admin, "x", rbac.Editor), "what one has one may give")
	require.NoError(t, set(e.admin, "x", narrow))
	require.NoError(t, put(e.admin, "", rbac.Editor, rbac.ReadData, rbac.WriteRows))
	require.NoError(t, set(person, "y", rbac.Viewer))
	require.NoError(t, put(e.owner, wide, rbac.Viewer, rbac.ReadData))
}

// Attack 35: of two owners who demote or remove each other at once, exactly one remains, and nobody's right counts once it
// is gone.
func TestAttack35OwnersDemoteEachOther(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	for range 20 {
		e.as("second", rbac.Owner)
		one, two := e.engine.As(rbac.Principal{ID: "owner"}), e.engine.As(rbac.Principal{ID: "second"})
		done := make(chan error, 2)
		go func() { _, err := one.SetMember(ctx, e.workspace, "second", rbac.Admin); done <- err }()
		go func() { done <- two.RemoveMember(ctx, e.workspace, "owner") }()
		first, second := <-done, <-done
		require.True(t, (first == nil) != (second == nil), "%v, %v", first, second)
		snap, err := e.db.Snapshot(ctx, e.workspace)
		require.NoError(t, err)
		owners := 0
		for _, role := range snap.Members {
			if role == rbac.Owner {
				owners++
			}
		}
		require.Equal(t, 1, owners)
		if snap.Members["owner"] != rbac.Owner {
			_, err = two.SetMember(ctx, e.workspace, "owner", rbac.Owner)
			require.NoError(t, err)
		}
	}
}

// An admin whom rules and caps bind tries every way around them.
func TestBoundAdminStaysBound(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	pay := e.leftTable.Columns[1].ID
	rule := livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 20"),
		Columns: map[string]rbac.Access{pay: rbac.Masked}, Masks: map[string]lqp.Expr{pay: expr(t, "0")}}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	e.cap(e.right, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	second := e.connectFile("second", "second.db")
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.rightTable.ID}, Role: rbac.Viewer, Read: expr(t, "Pay > 1")}))
	e.cap(second.ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Viewer})

	require.Equal(t, "Ann", e.readTable(e.admin, e.leftTable.ID))
	require.Equal(t, livetables.CodeInvalid, e.readTable(e.admin, e.rightTable.ID))
	yes, name := true, "n"
	left := rbac.TableRef{Table: e.leftTable.ID}
	for what, err := range map[string]error{
		"lifts the rule":             e.admin.DeleteRule(ctx, e.workspace, left, rbac.Admin),
		"changes it":                 e.admin.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: left, Role: rbac.Admin}),
		"shows the table to others":  e.admin.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: left, Role: rbac.Viewer}),
		"gives an accomplice a role": func() error { _, err := e.admin.SetMember(ctx, e.workspace, "x", rbac.Editor); return err }(),
		"makes a role": func() error {
			_, err := e.admin.PutRole(ctx, e.workspace, "", minidb.RoleSpec{Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData}}}, 0)
			return err
		}(),
		"gives attributes":      func() error { _, err := e.admin.SetMemberAttributes(ctx, e.workspace, "viewer", nil); return err }(),
		"lifts a cap of admins": e.admin.RemoveCap(ctx, second.ID, rbac.Admin, ""),
		"looks as a viewer":     func() error { _, err := e.admin.ViewAs(ctx, e.workspace, "viewer"); return err }(),
		"learns values by a new type": func() error {
			_, err := e.admin.PreviewType(ctx, e.leftTable.Columns[0].ID, livetables.TypeChange{Type: minidb.SingleSelectColumn, AddChoices: true})
			return err
		}(),
		"changes the type of the masked": func() error {
			_, err := e.admin.ChangeType(ctx, pay, livetables.TypeChange{Type: minidb.TextColumn}, 0)
			return err
		}(),
		"makes a column unique": func() error {
			_, err := e.admin.UpdateColumn(ctx, e.leftTable.Columns[0].ID, minidb.ColumnPatch{Unique: &yes}, 0)
			return err
		}(),
		"deletes the masked column": e.admin.DeleteColumn(ctx, pay, 0),
		"connects to the same file": func() error {
			_, err := e.admin.CreateConnection(ctx, e.workspace, livetables.ConnectionSpec{Name: "c", Driver: "sqlite", File: "./second.db"})
			return err
		}(),
		"leads one there": func() error {
			_, err := e.admin.UpdateConnection(ctx, e.connection.ID, 0, livetables.ConnectionSpec{Name: "shop", Driver: "sqlite", File: "second.db"})
			return err
		}(),
		"deletes the narrowed connection": e.admin.DeleteConnection(ctx, second.ID, 0),
		"writes a masked value": func() error {
			_, err := e.admin.Apply(ctx, e.workspace, &lqp.Mutation{Op: lqp.Insert, Table: e.leftTable.ID, Rows: []lqp.RowChange{{Set: []lqp.Assignment{{Column: pay, Value: lqp.IntValue(1)}}}}})
			return err
		}(),
		"sets networks": e.admin.SetNetworks(ctx, e.workspace, nil),
	} {
		assert.ErrorIs(t, err, livetables.ErrForbidden, what)
	}
	for what, err := range map[string]error{
		"deletes the closed base": e.admin.DeleteBase(ctx, e.right, 0),
		"copies it":               func() error { _, err := e.admin.DuplicateBase(ctx, e.right, "", true); return err }(),
		"moves it": func() error {
			_, err := e.admin.UpdateBase(ctx, e.right, minidb.BasePatch{Project: &e.project}, 0)
			return err
		}(),
		"archives its table": func() error { _, err := e.admin.ArchiveTable(ctx, e.rightTable.ID, 0); return err }(),
		"renames its column": func() error {
			_, err := e.admin.UpdateColumn(ctx, e.rightTable.Columns[0].ID, minidb.ColumnPatch{Name: &name}, 0)
			return err
		}(),
		"changes rules there": e.admin.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.rightTable.ID}, Role: rbac.Viewer}),
		"lifts them":          e.admin.DeleteRule(ctx, e.workspace, rbac.TableRef{Table: e.rightTable.ID}, rbac.Viewer),
		"lifts its cap":       e.admin.RemoveCap(ctx, e.right, rbac.Admin, ""),
		"narrows it for others": func() error {
			_, err := e.admin.SetCap(ctx, e.rightTable.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Viewer})
			return err
		}(),
		"publishes its view":   func() error { _, err := e.admin.Publish(ctx, e.rightView, "slug", minidb.SharePublic); return err }(),
		"reads its view":       func() error { _, err := e.admin.ViewData(ctx, e.rightView, livetables.ViewRequest{}); return err }(),
		"listens to its table": func() error { _, err := e.admin.Subscribe(ctx, e.rightTable.ID, nil); return err }(),
		"reads its history": func() error {
			_, err := e.admin.TableHistory(ctx, e.rightTable.ID, livetables.HistoryFilter{})
			return err
		}(),
		"imports into it": func() error {
			_, err := e.admin.Import(ctx, livetables.ImportSpec{Table: e.rightTable.ID}, strings.NewReader("Name\nx\n"))
			return err
		}(),
		"asks what may be done there": func() error { _, err := e.admin.May(ctx, e.workspace, e.rightTable.ID); return err }(),
		"locks a row":                 func() error { _, err := e.admin.LockRow(ctx, e.rightTable.ID, minidb.NewID("row"), 1); return err }(),
	} {
		assert.ErrorIs(t, err, livetables.ErrNotFound, what)
	}
	_, err := e.admin.CreateView(ctx, e.left, livetables.ViewSpec{Name: "Through", Query: &lqp.Query{From: lqp.Source{Table: e.rightTable.ID}}})
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), "a view of what one does not see")
	_, err = e.admin.CreateView(ctx, e.left, livetables.ViewSpec{Name: "Over", Query: &lqp.Query{From: lqp.Source{Table: e.rightView}}})
	assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), "a view over one that one does not see")
	rules, err := e.admin.Rules(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, rules, 1, "rules of closed tables are not told")
	caps, err := e.admin.Caps(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, caps, 1)
	entries, err := e.admin.AuditLog(ctx, e.workspace, livetables.HistoryFilter{Limit: 1000})
	require.NoError(t, err)
	for _, en := range entries {
		for _, closed := range []string{e.right, e.rightTable.ID, e.rightView} {
			assert.NotContains(t, en.Resource+string(en.Before)+string(en.After), closed, "%s", en.Action)
		}
		assert.NotEqual(t, e.rightTable.ID, en.Table)
	}

	// A copy shows no more than the original.
	copied, err := e.admin.DuplicateBase(ctx, e.left, "Copy", true)
	require.NoError(t, err)
	tables, err := e.admin.Tables(ctx, copied.ID)
	require.NoError(t, err)
	rows, err := e.admin.Query(ctx, e.workspace, &lqp.Query{From: lqp.Source{Table: tables[0].ID}, Select: cols(t, "Name", "Pay")})
	assert.Equal(t, []string{"Ann|0"}, all(t, rows, err))
	copied, err = e.owner.DuplicateBase(ctx, e.right, "Copy of right", true)
	require.NoError(t, err)
	_, err = e.admin.Base(ctx, copied.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound, "the caps come along")
	require.Equal(t, "Ann Bob Cid", e.readTable(e.owner, e.leftTable.ID), "nothing has changed")
}

// What a base holds that one may not delete is not deleted with it, and a copy lands where one may make tables.
func TestBasesAreTreatedAsWhatIsInThem(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	e.cap(e.leftTable.ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	require.ErrorIs(t, e.admin.DeleteBase(ctx, e.left, 0), livetables.ErrForbidden)
	builder := e.as("builder", e.role("Builder", rbac.Editor, rbac.Grant{Action: rbac.ReadData}, rbac.Grant{Action: rbac.AlterTables, On: e.right}))
	_, err := builder.DuplicateBase(ctx, e.right, "", false)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = builder.UpdateBase(ctx, e.right, minidb.BasePatch{Project: &e.project}, 0)
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = builder.CreateBase(ctx, e.workspace, minidb.BaseSpec{Name: "Mine"})
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = builder.CreateBaseFrom(ctx, e.workspace, "crm", minidb.BaseSpec{Name: "Mine"})
	require.ErrorIs(t, err, livetables.ErrForbidden)
	_, err = builder.AddColumn(ctx, e.rightTable.ID, minidb.ColumnSpec{Name: "More", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	require.NoError(t, e.owner.DeleteBase(ctx, e.left, 0))
	require.NoError(t, e.owner.DeleteForever(ctx, trashID(t, e.owner, e.workspace, e.left)))
	snap, err := e.db.Snapshot(ctx, e.workspace)
	require.NoError(t, err)
	require.Empty(t, snap.Caps, "caps go with what they are about")
}
