package livetables_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestAttributesDecideOverRows(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	ref := rbac.TableRef{Table: e.leftTable.ID}
	read := lqp.And(lqp.NewCall("in", lqp.Ref("", "Name"), &lqp.Param{Name: "user.people"}), expr(t, `Pay >= USER("least")`))
	err := e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: ref, Role: rbac.Viewer, Read: read})
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "an attribute that nobody has is a spelling mistake")

	set := func(user string, a minidb.Attributes) {
		t.Helper()
		_, err := e.owner.SetMemberAttributes(ctx, e.workspace, user, a)
		require.NoError(t, err)
	}
	set("viewer", minidb.Attributes{"people": lqp.ListValue([]lqp.Value{lqp.TextValue("Ann"), lqp.TextValue("Cid")}), "least": lqp.IntValue(20)})
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: ref, Role: rbac.Viewer, Read: read}),
		"who writes a rule needs not have what it asks for")
	other := e.as("other", rbac.Viewer)
	assert.Equal(t, "Cid", e.readTable(e.viewer, ref.Table))
	assert.Equal(t, livetables.CodeInvalid, e.readTable(other, ref.Table), "without the attribute the table is closed")
	set("other", minidb.Attributes{"people": lqp.ListValue([]lqp.Value{lqp.TextValue("Bob")}), "least": lqp.IntValue(1)})
	assert.Equal(t, "Bob", e.readTable(other, ref.Table))
	set("viewer", nil)
	assert.Equal(t, livetables.CodeInvalid, e.readTable(e.viewer, ref.Table), "what is taken away counts at once")

	// The catalogue stands before what the embedding program says.
	told := e.engine.As(rbac.Principal{ID: "other", Attributes: map[string]lqp.Value{"least": lqp.IntValue(30), "people": lqp.TextValue("x")}})
	assert.Equal(t, "Bob", e.readTable(told, ref.Table))

	// A change of role keeps them, a new membership begins without.
	e.as("other", rbac.Editor)
	e.as("other", rbac.Viewer)
	assert.Equal(t, "Bob", e.readTable(other, ref.Table))
	require.NoError(t, e.owner.RemoveMember(ctx, e.workspace, "other"))
	e.as("other", rbac.Viewer)
	assert.Equal(t, livetables.CodeInvalid, e.readTable(other, ref.Table))

	set("viewer", minidb.Attributes{"team": lqp.TextValue("red")})
	for a, shown := range map[*livetables.Access]bool{e.owner: true, e.admin: true, e.viewer: true, e.editor: false} {
		list, err := a.MemberList(ctx, e.workspace)
		require.NoError(t, err)
		for _, m := range list {
			if m.User == "viewer" {
				assert.Equal(t, shown, len(m.Attributes) == 1, a.Principal().ID)
			}
		}
	}
	for name, bad := range map[string]minidb.Attributes{"no name": {"": lqp.TextValue("x")}, "null": {"a": lqp.NullValue}, "a float": {"a": lqp.FloatValue(1)},
		"mixed": {"a": lqp.ListValue([]lqp.Value{lqp.IntValue(1), lqp.TextValue("x")})}, "a list of lists": {"a": lqp.ListValue([]lqp.Value{lqp.ListValue(nil)})}} {
		_, err := e.owner.SetMemberAttributes(ctx, e.workspace, "viewer", bad)
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(err), name)
	}
	_, err = e.owner.SetMemberAttributes(ctx, e.workspace, "nobody", nil)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
}

func TestMasksInRules(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	name, pay := e.leftTable.Columns[0].ID, e.leftTable.Columns[1].ID
	rule := livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: e.role("Clerk", rbac.Viewer, rbac.Grant{Action: rbac.ReadData}),
		Columns: map[string]rbac.Access{name: rbac.Masked, pay: rbac.Masked}, Masks: map[string]lqp.Expr{name: expr(t, `LEFT(Name, 1) & "."`)}}
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, rule))
	clerk := e.as("clerk", rule.Role)
	rows, err := clerk.Query(ctx, e.workspace, &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}, Select: cols(t, "Name", "Pay"), OrderBy: order(t, "Name")})
	assert.Equal(t, []string{"A.|NULL", "B.|NULL", "C.|NULL"}, all(t, rows, err))
	stored, err := e.owner.Rules(ctx, e.workspace)
	require.NoError(t, err)
	require.Len(t, stored, 1)
	assert.Len(t, stored[0].Masks, 1)
	assert.Contains(t, string(stored[0].Masks[name]), name, "columns are kept by id")

	for what, bad := range map[string]livetables.RuleSpec{
		"a mask of another type":   {Columns: map[string]rbac.Access{pay: rbac.Masked}, Masks: map[string]lqp.Expr{pay: expr(t, "Name")}},
		"a mask of nothing":        {Masks: map[string]lqp.Expr{pay: expr(t, "1")}},
		"a mask of what is hidden": {Columns: map[string]rbac.Access{pay: rbac.Hidden}, Masks: map[string]lqp.Expr{pay: expr(t, "1")}},
		"an unknown column":        {Columns: map[string]rbac.Access{pay: rbac.Masked}, Masks: map[string]lqp.Expr{pay: expr(t, "Nope")}},
		"an unknown access":        {Columns: map[string]rbac.Access{pay: "blurred"}},
		"a role that is none":      {Role: "rol_x"},
		"an owner's":               {Role: rbac.Owner},
	} {
		bad.Table = rule.Table
		if bad.Role == "" {
			bad.Role = rule.Role
		}
		assert.Equal(t, livetables.CodeInvalid, livetables.Code(e.owner.PutRule(ctx, e.workspace, bad)), what)
	}
	require.NoError(t, e.owner.DeleteColumn(ctx, name, 0))
	stored, err = e.owner.Rules(ctx, e.workspace)
	require.NoError(t, err)
	assert.Equal(t, map[string]rbac.Access{pay: rbac.Masked}, stored[0].Columns)
	assert.Empty(t, stored[0].Masks, "a deleted column takes its mask with it")
}

// Whatever is stored and cannot be read takes rights away and gives none.
func TestDamagedPolicyCloses(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	role := e.role("Clerk", rbac.Viewer, rbac.Grant{Action: rbac.ReadData})
	clerk := e.as("clerk", role)
	e.cap(e.right, rbac.Cap{Role: rbac.Editor, Max: rbac.Viewer})
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Editor,
		Columns: map[string]rbac.Access{e.leftTable.Columns[0].ID: rbac.Masked}, Masks: map[string]lqp.Expr{e.leftTable.Columns[0].ID: expr(t, `"x"`)}}))
	require.Equal(t, "Ann Bob Cid", e.readTable(clerk, e.leftTable.ID))
	require.Equal(t, "Ann Bob Cid", e.readTable(e.editor, e.rightTable.ID))
	require.Equal(t, "x x x", e.readTable(e.editor, e.leftTable.ID))
	damage := func(sql string) {
		t.Helper()
		require.NoError(t, e.db.Adapter().Write(ctx, func(tx adapter.Tx) error { _, err := tx.Exec(ctx, sql); return err }))
		_, err := e.owner.UpdateBase(ctx, e.left, minidb.BasePatch{}, 0) // makes the snapshot stale
		require.NoError(t, err)
	}
	damage(`UPDATE lt_rule SET masks = '{"` + e.leftTable.Columns[0].ID + `": {"nope": 1}}'`)
	assert.Equal(t, livetables.CodeInvalid, e.readTable(e.editor, e.leftTable.ID))
	damage(`UPDATE lt_rule SET masks = 'garbage'`)
	assert.Equal(t, livetables.CodeInvalid, e.readTable(e.editor, e.leftTable.ID))
	damage(`UPDATE lt_cap SET most = 'everything'`)
	assert.Equal(t, livetables.CodeInvalid, e.readTable(e.editor, e.rightTable.ID))
	damage(`UPDATE lt_role SET grants = '[{'`)
	_, err := clerk.Table(ctx, e.leftTable.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	damage(`UPDATE lt_member SET attributes = '{"team": {"type": "colour", "value": "red"}}' WHERE user_id = 'viewer'`)
	_, err = e.viewer.Table(ctx, e.leftTable.ID)
	assert.ErrorIs(t, err, livetables.ErrNotFound)
	damage(`UPDATE lt_workspace SET networks = '["everywhere"]'`)
	_, err = e.owner.SetMember(ctx, e.workspace, "x", rbac.Viewer)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	assert.Equal(t, "Ann Bob Cid", e.readTable(e.owner, e.leftTable.ID))
}
