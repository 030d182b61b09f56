package httpapi

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
)

// TestAttack59AccountsNeedTheirAudit lets the entries of the daemon's own store fail: every route that changes an account, a
// session, a key, an invite or a service account is refused, and nothing of it is done. It then lets only the log fail, which
// such changes do not wait for: they are made, and their entries are in the log when it is back.
func TestAttack59AccountsNeedTheirAudit(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger")
	p := newPlace(t, in)
	accounts, err := sqlite.OpenStore(t.Context(), filepath.Join(in.dir, "accounts.db"), sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	defer accounts.Close()
	run := func(store adapter.Store, sql string) {
		t.Helper()
		require.NoError(t, store.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		}))
	}
	const later = `"expires_at":"2027-01-01T00:00:00Z"`
	service := "/service-accounts/" + in.must(t, 201, "owner", "POST", p.at("/service-accounts"), `{"name":"S","role":"viewer"}`).text(t, "id")
	key := in.must(t, 201, "owner", "POST", p.at(service+"/keys"), `{"name":"k",`+later+`}`).text(t, "id")
	invite := in.must(t, 201, "owner", "POST", p.at("/invite"), body("email", "other@example.com", "role", "viewer")).text(t, "id")
	token := in.must(t, 201, "owner", "POST", "/api/v1/auth/tokens", `{"name":"t","scopes":["data.read"],`+later+`}`).text(t, "id")
	viewer := "/api/v1/users/" + in.id("viewer")
	type change struct {
		who, method, path string
		body              any
		status            int // when all is well
		action            string
	}
	changes := []change{
		{"", "POST", "/api/v1/auth/login", body("email", mail("editor"), "password", password("editor")), 200, "auth.login"},
		{"", "POST", "/api/v1/auth/login", body("email", mail("editor"), "password", "wrong"), 401, "auth.login_failed"},
		{"", "POST", "/api/v1/auth/login", body("email", "nobody@example.com", "password", "wrong"), 401, "auth.login_failed"},
		{"owner", "PATCH", "/api/v1/auth/me", `{"name":"n"}`, 200, "auth.profile"},
		{"owner", "POST", "/api/v1/auth/address", body("email", "new@example.com", "password", password("owner")), 202, "auth.address_request"},
		{"owner", "POST", "/api/v1/auth/address", body("email", "new@example.com", "password", "wrong"), 401, "auth.password_failed"},
		{"owner", "POST", "/api/v1/auth/address/verify", nil, 202, "auth.address_request"},
		{"owner", "DELETE", "/api/v1/auth/tokens/" + token, nil, 204, "auth.token_delete"},
		{"owner", "POST", "/api/v1/auth/tokens", `{"name":"t","scopes":["data.read"],` + later + `}`, 201, "auth.token_create"},
		{"owner", "DELETE", "/api/v1/auth/tokens", nil, 0, "auth.token_delete"},
		{"owner", "POST", p.at("/invite"), body("email", "new@example.com", "role", "viewer"), 201, "invite.create"},
		{"owner", "DELETE", p.at("/invites/" + invite), nil, 204, "invite.revoke"},
		{"owner", "POST", p.at("/service-accounts"), `{"name":"T","role":"viewer"}`, 201, "service_account.create"},
		{"owner", "PATCH", p.at(service), `{"name":"T"}`, 200, "service_account.update"},
		{"owner", "POST", p.at(service + "/keys"), `{"name":"k",` + later + `}`, 201, "service_account.key_create"},
		{"owner", "DELETE", p.at(service + "/keys/" + key), nil, 204, "service_account.key_delete"},
		{"root", "POST", "/api/v1/users", body("email", "made@example.com", "password", "a long password"), 201, "user.create"},
		{"root", "PATCH", viewer, `{"disabled":true}`, 200, "user.update"},
		{"root", "PUT", viewer, `{"disabled":false}`, 200, "user.update"},
		{"root", "DELETE", viewer, nil, 204, "user.delete"},
		{"stranger", "POST", "/api/v1/auth/password", body("current_password", "wrong", "new_password", "another password"), 401, "auth.password_failed"},
		{"stranger", "POST", "/api/v1/auth/password", body("current_password", password("stranger"), "new_password", "another password"), 200, "auth.password"},
		{"admin", "POST", "/api/v1/auth/logout", nil, 204, "auth.session_end"},
		{"owner", "POST", "/api/v1/auth/revoke-everything", nil, 204, "auth.revoke_everything"},
	}
	run(accounts, `CREATE TRIGGER disk_full BEFORE INSERT ON auth_outbox BEGIN SELECT RAISE(ABORT, 'no space at /secret/path'); END`)
	state := in.stored(t)
	for _, c := range changes {
		got := in.do(t, c.who, c.method, c.path, c.body)
		what := c.method + " " + c.path + " " + c.action
		require.Equal(t, 500, got.status, "%s: %s", what, got.body)
		require.Equal(t, "internal", got.text(t, "code"), what)
		for _, unwanted := range append(slices.Clone(foreignWords), "no space", "/secret/path", "auth_outbox", "disk_full") {
			require.NotContains(t, got.body, unwanted, what)
		}
		state.unchanged(t, what)
	}
	run(accounts, `DROP TRIGGER disk_full`)

	from, err := in.db.LastPosition(t.Context())
	require.NoError(t, err)
	// Only the entries of the accounts: what a route asks of the engine besides has its own.
	run(in.data, `CREATE TRIGGER disk_full BEFORE INSERT ON lt_change WHEN NEW.id LIKE 'evt%' BEGIN SELECT RAISE(ABORT, 'no space'); END`)
	var want []string
	for _, c := range changes {
		got := in.do(t, c.who, c.method, c.path, c.body)
		if c.status != 0 {
			require.Equal(t, c.status, got.status, "%s %s: %s", c.method, c.path, got.body)
		}
		require.Less(t, got.status, 500)
		want = append(want, c.action)
	}
	require.Error(t, in.auth.HandOver(t.Context()))
	run(in.data, `DROP TRIGGER disk_full`)
	require.NoError(t, in.auth.HandOver(t.Context()))
	entries, err := in.db.Changes(t.Context(), from, 0)
	require.NoError(t, err)
	var noted []string
	for _, e := range entries {
		if e.ID[:4] == "evt_" {
			noted = append(noted, e.Action)
		}
	}
	require.Equal(t, want, noted)
}
