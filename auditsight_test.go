package livetables_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// logOf is what somebody reads of the audit log.
func (e *estate) logOf(a *livetables.Access) ([]audit.Entry, string) {
	e.t.Helper()
	entries, err := a.AuditLog(e.t.Context(), e.workspace, livetables.HistoryFilter{Limit: 1000})
	require.NoError(e.t, err)
	return entries, string(mustJSON(e.t, entries))
}

// Rules and caps are deleted with what they are for. What they kept from somebody does not come to light by that.
func TestAuditOfWhatIsGone(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	pay := e.leftTable.Columns[1].ID
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Admin, Read: expr(t, "Pay < 20"),
		Columns: map[string]rbac.Access{pay: rbac.Hidden}}))
	e.cap(e.right, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	e.cap(e.connection.ID, rbac.Cap{Role: rbac.Admin, Max: rbac.Nothing})
	sh, err := e.owner.Publish(ctx, e.rightView, "quiet-slug", minidb.SharePublic)
	require.NoError(t, err)
	_, err = e.owner.UpdateTable(ctx, e.leftTable.ID, minidb.TablePatch{Description: text("of wages")}, 0)
	require.NoError(t, err)

	require.NoError(t, e.owner.DeleteBase(ctx, e.right, 0))
	require.NoError(t, e.owner.DeleteConnection(ctx, e.connection.ID, 0))
	_, seen := e.logOf(e.admin)
	for _, secret := range []string{"Right", "quiet-slug", "shop.db", "none", e.rightTable.Columns[0].ID} {
		assert.NotContains(t, seen, secret)
	}
	// An admin may delete a table of which a part is kept from it, and then asks what was in it.
	require.NoError(t, e.admin.DeleteTable(ctx, e.leftTable.ID, 0))
	entries, seen := e.logOf(e.admin)
	for _, secret := range []string{"Bob", "Left table", "of wages"} {
		assert.NotContains(t, seen, secret)
	}
	actions := map[string]bool{}
	for _, en := range entries {
		actions[en.Action] = true
		assert.NotContains(t, en.Action, "row.")
	}
	assert.True(t, actions["table.delete"] && actions["base.delete"] && actions["connection.delete"], "that something was deleted is told: %v", actions)
	_, whole := e.logOf(e.owner)
	for _, told := range []string{pay, "Bob", "of wages", "Right", "quiet-slug", "shop.db", sh.ID} {
		assert.Contains(t, whole, told, "owners see the past")
	}
}

// A column that was hidden from an admin is deleted by somebody else.
func TestAuditOfAColumnThatIsGone(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	pay := e.leftTable.Columns[1].ID
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Admin,
		Columns: map[string]rbac.Access{pay: rbac.Hidden}}))
	require.NoError(t, e.owner.DeleteColumn(ctx, pay, 0))
	entries, err := e.admin.TableHistory(ctx, e.leftTable.ID, livetables.HistoryFilter{})
	require.NoError(t, err)
	seen := string(mustJSON(t, entries))
	assert.Contains(t, seen, "Ann")
	assert.NotContains(t, seen, `"Pay"`)
	assert.NotRegexp(t, `:30[,}]`, seen) // :30. is a time
	assert.NotContains(t, seen, `"30"`)
}

// The audit log tells its reader no more of rules, roles, attributes and connections than their lists do.
func TestAuditorReadsWhatListsShow(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	auditor := e.as("auditor", e.role("Auditor", rbac.Viewer, rbac.Grant{Action: rbac.ReadData}, rbac.Grant{Action: rbac.ReadAudit}))
	secret := e.role("Secret keeper", rbac.Editor, rbac.Grant{Action: rbac.WriteRows, On: e.left})
	pay := e.leftTable.Columns[1].ID
	require.NoError(t, e.owner.PutRule(ctx, e.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: e.leftTable.ID}, Role: rbac.Viewer,
		Read: expr(t, `Name <> "canary-name"`), Columns: map[string]rbac.Access{pay: rbac.Hidden}}))
	_, err := e.owner.UpdateView(ctx, e.leftView, 0, livetables.ViewSpec{Query: &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}, Where: expr(t, "Pay > 424242")}})
	require.NoError(t, err)
	_, err = e.owner.SetMemberAttributes(ctx, e.workspace, "viewer", minidb.Attributes{"grade": lqp.TextValue("canary-grade")})
	require.NoError(t, err)
	_, err = e.owner.SetMemberAttributes(ctx, e.workspace, "auditor", minidb.Attributes{"grade": lqp.TextValue("own-grade")})
	require.NoError(t, err)
	entries, seen := e.logOf(auditor)
	for _, hidden := range []string{pay, "canary", "424242", "shop.db", "Secret keeper"} {
		assert.NotContains(t, seen, hidden)
	}
	assert.Contains(t, seen, "own-grade")
	assert.Contains(t, seen, string(secret), "that there is a role is told")
	var kinds []string
	for _, en := range entries {
		kinds = append(kinds, en.ResourceType)
	}
	for _, kind := range []string{"rule", "role", "member", "connection", "view", "row"} {
		assert.Contains(t, kinds, kind)
	}
	_, whole := e.logOf(e.admin)
	for _, told := range []string{"canary-grade", "canary-name", "Secret keeper", "shop.db", pay} {
		assert.Contains(t, whole, told)
	}
}

func text(s string) *string { return &s }

// anEntry is the newest entry of the log.
func (e *estate) anEntry() audit.Entry {
	entries, _ := e.logOf(e.owner)
	return entries[0]
}
