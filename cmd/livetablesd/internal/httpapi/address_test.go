package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressByMail(t *testing.T) {
	p, box := mailInstance(t, "viewer")
	p.check(t, []request{
		{name: "needs the password", who: "viewer", method: "POST", path: "/api/v1/auth/address", body: body("email", "new@example.org", "password", "wrong"), status: 401, want: []string{"wrong_credentials"}},
		{name: "needs an account", method: "POST", path: "/api/v1/auth/address", body: body("email", "new@example.org", "password", "x"), status: 401},
		{name: "no address", who: "viewer", method: "POST", path: "/api/v1/auth/address", body: body("email", "new", "password", password("viewer")), status: 400},
		{name: "not in the profile", who: "viewer", method: "PATCH", path: "/api/v1/auth/me", body: body("email", "new@example.org"), status: 400, want: []string{"unknown_key"}},
		{name: "nor verified by oneself", who: "viewer", method: "PATCH", path: "/api/v1/auth/me", body: `{"email_verified_at":"2026-01-01T00:00:00Z"}`, status: 400},
		{name: "GET confirms nothing (78)", who: "viewer", method: "GET", path: "/api/v1/auth/address/confirm", status: 405},
		{name: "verify", who: "viewer", method: "POST", path: "/api/v1/auth/address/verify", status: 202},
	})
	p.must(t, 204, "viewer", "POST", "/api/v1/auth/address/confirm", body("token", box.token(t, mail("viewer"))))

	free := p.must(t, 202, "viewer", "POST", "/api/v1/auth/address", body("email", "new@example.org", "password", password("viewer")))
	token := box.token(t, "new@example.org")
	taken := p.must(t, 202, "viewer", "POST", "/api/v1/auth/address", body("email", mail("owner"), "password", password("viewer")))
	require.Equal(t, free.body, taken.body)
	require.NotRegexp(t, mailedToken, box.next(t, mail("owner")).Text)
	p.must(t, 200, "", "POST", "/api/v1/auth/login", body("email", mail("viewer"), "password", password("viewer")))
	p.must(t, 401, "", "POST", "/api/v1/auth/address/confirm", body("token", token))
	p.must(t, 400, "owner", "POST", "/api/v1/auth/address/confirm", body("token", token))
	p.must(t, 204, "viewer", "POST", "/api/v1/auth/address/confirm", body("token", token))
	require.Contains(t, box.next(t, mail("viewer")).Subject(), "changed")
	p.must(t, 401, "", "POST", "/api/v1/auth/login", body("email", mail("viewer"), "password", password("viewer")))
	p.must(t, 200, "", "POST", "/api/v1/auth/login", body("email", "new@example.org", "password", password("viewer")))
	require.Equal(t, "new@example.org", p.must(t, 200, "viewer", "GET", "/api/v1/auth/me", nil).text(t, "email"))
	p.must(t, 400, "viewer", "POST", "/api/v1/auth/address/confirm", body("token", token))
}
