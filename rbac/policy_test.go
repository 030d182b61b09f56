package rbac

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func members() *Policy {
	return &Policy{Workspace: "w", Members: map[string]Role{"o": Owner, "a": Admin, "e": Editor, "v": Viewer, "x": "emperor"}}
}

func TestMatrix(t *testing.T) {
	for action, allowed := range map[Action]string{
		ReadData: "oaev", WriteRows: "oae", AlterViews: "oae", AlterTables: "oa", ShareViews: "oa", ManageConnections: "oa",
		ManageMembers: "oa", ManageRules: "oa", ManageRoles: "oa", ViewAs: "oa", ReadAudit: "oa", UpdateWorkspace: "oa", GrantAdmin: "o", DeleteWorkspace: "o",
	} {
		got := ""
		for _, who := range []string{"o", "a", "e", "v", "x", "stranger", ""} {
			d := members().Can(Principal{ID: who}, action, "")
			assert.NotEmpty(t, d.Reason)
			if d.Allowed {
				got += who
			}
		}
		assert.Equal(t, allowed, got, action)
	}
	assert.Len(t, Actions(), 14, "an action without a row here is untested")
}

func TestWhatIsNotAllowedIsDenied(t *testing.T) {
	assert.False(t, members().Can(Principal{ID: "o"}, "workspace.paint", "").Allowed, "unknown action")
	assert.False(t, (*Policy)(nil).Can(Principal{ID: "o"}, ReadData, "").Allowed, "no policy")
	assert.True(t, (*Policy)(nil).Table(Principal{ID: "o"}, TableRef{}).Closed, "no policy")
	assert.True(t, members().Table(Principal{ID: "stranger"}, TableRef{}).Closed, "no member")
	assert.True(t, members().Table(Principal{ID: "x"}, TableRef{}).Closed, "no role that exists")

	key := Principal{ID: "o", View: "viw_1"}
	for action := range Actions() {
		assert.Equal(t, action == ReadData, members().Can(key, action, "").Allowed, "the key of a view, even an owner's: %s", action)
	}
}

func TestRolesAreOrdered(t *testing.T) {
	roles := []Role{Owner, Admin, Editor, Viewer}
	assert.True(t, Role("rol_1").Custom())
	assert.False(t, Role("rol_").Custom() || Owner.Custom() || Role("rol_1").BuiltIn())
	assert.False(t, Role("rol_1").AtLeast(Viewer) || Nothing.AtLeast(Nothing) || Nothing.BuiltIn())
	for i, r := range roles {
		for j, o := range roles {
			assert.Equal(t, i <= j, r.AtLeast(o), "%s at least %s", r, o)
		}
		assert.False(t, r.AtLeast("emperor"), "no role is at least one that does not exist")
		assert.False(t, Role("").AtLeast(r))
	}
}

func ExamplePolicy_Can() {
	p := &Policy{Members: map[string]Role{"ada": Editor}}
	fmt.Println(p.Can(Principal{ID: "ada"}, WriteRows, "").Allowed)
	fmt.Println(p.Can(Principal{ID: "ada"}, DeleteWorkspace, "").Reason)
	// Output:
	// true
	// workspace.delete needs the role owner, not editor
}
