package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

// robot makes a service account and a key, which tests use under the name given.
func (p *place) robot(who, as string, role rbac.Role) (account, key string) {
	p.t.Helper()
	account = p.must(p.t, 201, who, "POST", p.at("/service-accounts"), map[string]any{"name": as, "role": role}).text(p.t, "id")
	return account, p.key(who, as, account)
}

func (p *place) key(who, as, account string) (id string) {
	p.t.Helper()
	made := p.must(p.t, 201, who, "POST", p.at("/service-accounts/"+account+"/keys"), map[string]any{"name": "k", "expires_at": time.Now().Add(time.Hour)})
	require.Equal(p.t, "no-store", made.header.Get("Cache-Control"))
	p.tokens[as] = auth.Tokens{Access: secret(made.text(p.t, "key"))}
	return made.text(p.t, "id")
}

func TestServiceAccountLife(t *testing.T) {
	in := newInstance(t, nil, "owner", "viewer")
	p := newPlace(t, in)
	p.fill()
	account, key := p.robot("owner", "robot", rbac.Editor)
	at := p.at("/service-accounts/" + account)
	row := in.must(t, 201, "robot", "POST", p.rows(""), `{"fields":{"Name":"made by a robot"}}`).text(t, "id")
	require.Contains(t, in.must(t, 200, "owner", "GET", p.rows("/"+row+"/history"), nil).body, account, "it is the actor of what it does")

	members := in.must(t, 200, "viewer", "GET", p.at("/members"), nil)
	require.Contains(t, members.body, `{"user_id":"`+account+`","kind":"service_account","role":"editor","name":"robot"}`)
	require.Contains(t, members.body, `"kind":"person","role":"viewer"`)
	shown := in.must(t, 200, "owner", "GET", at, nil)
	require.Equal(t, "editor", shown.text(t, "role"))
	require.NotEmpty(t, shown.text(t, "keys.0.last_used_at"))
	require.NoError(t, in.auth.HandOver(t.Context()))
	require.Contains(t, in.must(t, 200, "owner", "GET", "/api/v1/audit-logs?workspace_id="+p.workspace, nil).body, "service_account.key_create")

	in.check(t, []request{
		{"it makes no workspace", "robot", "POST", "/api/v1/workspaces", `{"name":"X"}`, nil, 403, []string{"login_required"}, nil},
		{"it makes no account", "robot", "POST", p.at("/service-accounts"), `{"name":"X","role":"viewer"}`, nil, 403, []string{"login_required"}, nil},
		{"it makes no key", "robot", "POST", at + "/keys", `{"name":"X"}`, nil, 403, []string{"login_required"}, nil},
		{"it makes no token", "robot", "POST", "/api/v1/auth/tokens", `{}`, nil, 403, []string{"login_required"}, nil},
		{"it has no sessions", "robot", "GET", "/api/v1/auth/sessions", nil, nil, 403, nil, nil},
		{"it does not log in", "", "POST", "/api/v1/auth/login", `{"email":"` + account + `","password":"` + in.tokens["robot"].Access.Reveal() + `"}`, nil, 401, nil, nil},
		{"it has its role and no more", "robot", "PATCH", p.at(""), `{"name":"X"}`, nil, 403, nil, nil},
		{"nobody takes it for a person", "owner", "GET", "/api/v1/users/" + account, nil, nil, 404, nil, nil},
		{"it is no owner", "owner", "PUT", p.at("/members/" + account), `{"role":"owner"}`, nil, 400, nil, nil},
		{"nor born as one", "owner", "POST", p.at("/service-accounts"), `{"name":"X","role":"owner"}`, nil, 400, nil, nil},
		{"a role that is none", "owner", "POST", p.at("/service-accounts"), `{"name":"X","role":"emperor"}`, nil, 400, nil, nil},
		{"no role", "owner", "POST", p.at("/service-accounts"), `{"name":"X"}`, nil, 400, nil, nil},
		{"a viewer sees none", "viewer", "GET", p.at("/service-accounts"), nil, nil, 403, nil, []string{"robot"}},
		{"a viewer makes none", "viewer", "POST", p.at("/service-accounts"), `{"name":"X","role":"viewer"}`, nil, 403, nil, nil},
		{"a viewer makes no key", "viewer", "POST", at + "/keys", `{}`, nil, 403, nil, nil},
	})
	require.InDelta(t, 1, len(in.must(t, 200, "owner", "GET", p.at("/service-accounts"), nil).get(t, "data").([]any)), 0)

	// Rotation: the new key comes before the old one goes.
	p.key("owner", "robot 2", account)
	in.must(t, 200, "robot", "GET", p.rows(""), nil)
	in.must(t, 204, "owner", "DELETE", at+"/keys/"+key, nil)
	in.must(t, 401, "robot", "GET", p.rows(""), nil)
	in.must(t, 200, "robot 2", "GET", p.rows(""), nil)

	in.must(t, 200, "owner", "PATCH", at, `{"disabled":true}`)
	in.must(t, 401, "robot 2", "GET", p.rows(""), nil)
	in.must(t, 200, "owner", "PATCH", at, `{"disabled":false,"name":"renamed","expires_at":null}`)
	in.must(t, 200, "robot 2", "GET", p.rows(""), nil)
	in.must(t, 204, "owner", "DELETE", at, nil)
	in.must(t, 401, "robot 2", "GET", p.rows(""), nil)
	in.must(t, 404, "owner", "GET", at, nil)
	require.NotContains(t, in.must(t, 200, "owner", "GET", p.at("/members"), nil).body, account)
}

// TestAttack33ServiceAccounts: nobody makes or steers an account that stands higher than they do.
func TestAttack33ServiceAccounts(t *testing.T) {
	in := newInstance(t, nil, "owner", "admin", "editor")
	p := newPlace(t, in)
	high, _ := p.robot("owner", "high", rbac.Admin)
	low, _ := p.robot("admin", "low", rbac.Editor)
	at := p.at("/service-accounts")
	in.check(t, []request{
		{"an editor makes none", "editor", "POST", at, `{"name":"X","role":"viewer"}`, nil, 403, nil, nil},
		{"an admin makes no admin", "admin", "POST", at, `{"name":"X","role":"admin"}`, nil, 403, nil, nil},
		{"an admin gets no key of one", "admin", "POST", at + "/" + high + "/keys", `{"name":"k","expires_at":"2026-12-01T00:00:00Z"}`, nil, 403, nil, []string{"lta_"}},
		{"an admin does not revive one", "admin", "PATCH", at + "/" + high, `{"disabled":false}`, nil, 403, nil, nil},
		{"an admin does not delete one", "admin", "DELETE", at + "/" + high, nil, nil, 403, nil, nil},
		{"an admin raises none", "admin", "PUT", p.at("/members/" + low), `{"role":"admin"}`, nil, 403, nil, nil},
		{"nor does it raise itself", "low", "PUT", p.at("/members/" + low), `{"role":"admin"}`, nil, 403, nil, nil},
		{"an admin account raises no other", "high", "PUT", p.at("/members/" + low), `{"role":"admin"}`, nil, 403, nil, nil},
	})
	require.Contains(t, in.must(t, 200, "owner", "GET", at, nil).body, `"id":"`+high+`"`)
	// Another workspace's account is as one that does not exist (20).
	other := newPlace(t, in)
	for _, q := range []request{{method: "GET"}, {method: "PATCH", body: `{"name":"X"}`}, {method: "DELETE"}} {
		foreign := in.must(t, 404, "owner", q.method, other.at("/service-accounts/"+high), q.body)
		missing := in.must(t, 404, "owner", q.method, other.at("/service-accounts/svc_00000000000000000000000000"), q.body)
		require.Equal(t, withoutID(foreign), withoutID(missing))
	}
	in.must(t, 404, "owner", "POST", other.at("/service-accounts/"+high+"/keys"), `{"name":"k","expires_at":"2026-12-01T00:00:00Z"}`)
	in.must(t, 404, "high", "GET", other.at(""), nil)
}

func withoutID(a *answer) string {
	id := a.header.Get("X-Request-Id")
	before, after := a.body, ""
	for i := 0; i+len(id) <= len(a.body); i++ {
		if a.body[i:i+len(id)] == id {
			before, after = a.body[:i], a.body[i+len(id):]
			break
		}
	}
	return before + after
}

// TestKeysEndWithTheirMakersRights: the key of a service account does nothing that its maker could not let it do now (R23).
func TestKeysEndWithTheirMakersRights(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(in *instance, p *place, account string)
		back bool // the right comes back, and the key with it
	}{
		"maker is demoted": {func(in *instance, p *place, _ string) {
			in.must(t, 200, "owner", "PUT", p.at("/members/"+in.id("admin")), `{"role":"editor"}`)
		}, true},
		"maker leaves": {func(in *instance, p *place, _ string) {
			in.must(t, 204, "admin", "DELETE", p.at("/members/"+in.id("admin")), nil)
		}, true},
		"maker is disabled": {func(in *instance, _ *place, _ string) {
			in.must(t, 200, "owner", "PATCH", "/api/v1/users/"+in.id("admin"), `{"disabled":true}`)
		}, false},
		"maker is deleted": {func(in *instance, _ *place, _ string) {
			in.must(t, 204, "owner", "DELETE", "/api/v1/users/"+in.id("admin"), nil)
		}, false},
		"account is raised above the maker": {func(in *instance, p *place, account string) {
			in.must(t, 200, "owner", "PUT", p.at("/members/"+account), `{"role":"admin"}`)
		}, false},
		"account is removed": {func(in *instance, p *place, account string) {
			in.must(t, 204, "owner", "DELETE", p.at("/members/"+account), nil)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(t, nil, "owner", "admin")
			p := newPlace(t, in)
			account, _ := p.robot("admin", "robot", rbac.Editor)
			s, _, err := in.dial(t, "robot", p.workspace, nil)
			require.NoError(t, err)
			require.Contains(t, s.subscribe(p.table), `"ok"`)
			in.must(t, 200, "robot", "GET", p.rows(""), nil)

			c.end(in, p, account)
			in.must(t, 401, "robot", "GET", p.rows(""), nil)
			began := time.Now()
			for err = nil; err == nil; {
				_, _, err = s.conn.Read(t.Context())
			}
			require.Less(t, time.Since(began), 5*time.Second, "36, with an open socket")
			_, res, err := in.dial(t, "robot", p.workspace, nil)
			require.Error(t, err)
			require.Equal(t, http.StatusUnauthorized, res.StatusCode)

			if name != "account is removed" { // the account itself stays, and another manager gives it a new key
				p.key("owner", "robot 2", account)
				in.must(t, 200, "robot 2", "GET", p.rows(""), nil)
			}
			if c.back {
				in.join(t, p.workspace, "admin", rbac.Admin)
				in.must(t, 200, "robot", "GET", p.rows(""), nil)
			}
		})
	}
}

// TestWorkspaceGoesWithItsServiceAccounts looks into the accounts' store after a deletion.
func TestWorkspaceGoesWithItsServiceAccounts(t *testing.T) {
	in := newInstance(t, nil, "owner")
	p, other := newPlace(t, in), newPlace(t, in)
	p.robot("owner", "robot", rbac.Editor)
	other.robot("owner", "bystander", rbac.Editor)
	in.must(t, 204, "owner", "DELETE", p.at(""), nil)
	in.must(t, 401, "robot", "GET", p.rows(""), nil)
	gone, err := in.auth.ServiceAccounts(t.Context(), p.workspace)
	require.NoError(t, err)
	require.Empty(t, gone)
	in.must(t, 200, "bystander", "GET", other.rows(""), nil)
}
