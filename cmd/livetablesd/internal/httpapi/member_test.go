package httpapi

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/rbac"
)

// join makes an account a member of a workspace of the account "owner", without the ceremony of an invite.
func (in *instance) join(t testing.TB, workspace, who string, role rbac.Role) {
	t.Helper()
	_, err := in.engine.As(rbac.Principal{ID: in.id("owner")}).SetMember(t.Context(), workspace, in.id(who), role)
	require.NoError(t, err)
}

// TestOnlyOwnerIsNotDeleted: not even an instance admin leaves a workspace without an owner.
func TestOnlyOwnerIsNotDeleted(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor")
	p := newPlace(t, in)
	a := p.must(t, 409, "root", "DELETE", "/api/v1/users/"+p.id("owner"), nil)
	require.Contains(t, a.body, "last_owner")
	require.NotContains(t, a.body, p.workspace)
	p.must(t, 200, "owner", "GET", p.at(""), nil)
	p.must(t, 403, "editor", "DELETE", "/api/v1/users/"+p.id("owner"), nil)
	p.must(t, 204, "root", "DELETE", "/api/v1/users/"+p.id("editor"), nil)
	p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("admin")), `{"role":"owner"}`)
	p.must(t, 204, "root", "DELETE", "/api/v1/users/"+p.id("owner"), nil)
	p.must(t, 200, "admin", "GET", p.at(""), nil)
}

// TestAttack35OwnersLeaveAtOnce: of two owners who leave, or of whom one leaves while the other is demoted, one stays.
func TestAttack35OwnersLeaveAtOnce(t *testing.T) {
	p := newPlace(t, shared)
	leave := func(who string) func() {
		return func() { p.do(t, who, "DELETE", p.at("/members/"+p.id(who)), nil) }
	}
	demote := func(who, whom string) func() {
		return func() { p.do(t, who, "PUT", p.at("/members/"+p.id(whom)), `{"role":"viewer"}`) }
	}
	for range 5 {
		for _, pair := range [][2]func(){{leave("owner"), leave("admin")}, {leave("admin"), demote("admin", "owner")}, {leave("owner"), demote("admin", "owner")}} {
			both := []string{"owner", "admin"}
			for _, who := range both { // whoever is left takes the other one in
				for _, whom := range both {
					_, _ = shared.engine.As(rbac.Principal{ID: p.id(who)}).SetMember(t.Context(), p.workspace, p.id(whom), rbac.Owner)
				}
			}
			list := p.must(t, 200, "editor", "GET", p.at("/members"), nil)
			require.Equal(t, 2, strings.Count(list.body, `"role":"owner"`), list.body)
			var wg sync.WaitGroup
			for _, do := range pair {
				wg.Go(do)
			}
			wg.Wait()
			list = p.must(t, 200, "editor", "GET", p.at("/members"), nil)
			require.NotZero(t, strings.Count(list.body, `"role":"owner"`), list.body)
		}
	}
}

// TestMembersByID adds accounts by id: those that one can know, and no others.
func TestMembersByID(t *testing.T) {
	p := newPlace(t, newInstance(t, nil, "root", "owner", "admin", "stranger"))
	add := body("user_id", p.id("stranger"), "role", "viewer")
	p.check(t, []request{
		{name: "admin adds nobody they cannot know", who: "admin", method: "POST", path: p.at("/members"), body: add, status: 400, want: []string{"unknown_account"}},
		{name: "nor does an owner", who: "owner", method: "POST", path: p.at("/members"), body: add, status: 400, want: []string{"unknown_account"}},
	})
	meeting := p.must(t, 201, "stranger", "POST", "/api/v1/workspaces", `{"name":"Meeting"}`).text(t, "id")
	_, err := p.engine.As(rbac.Principal{ID: p.id("stranger")}).SetMember(t.Context(), meeting, p.id("admin"), rbac.Viewer)
	require.NoError(t, err)
	p.must(t, 400, "owner", "POST", p.at("/members"), add)
	p.must(t, 201, "admin", "POST", p.at("/members"), add)
	p.must(t, 200, "stranger", "GET", p.at(""), nil)
}
