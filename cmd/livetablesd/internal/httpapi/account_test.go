package httpapi

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

func TestAccounts(t *testing.T) {
	in := newInstance(t, nil)
	setup, open, err := in.auth.SetupToken(t.Context())
	require.NoError(t, err)
	require.True(t, open)
	body := func(token string) string {
		return `{"setup_token":"` + token + `","email":"root@example.com","name":"Root","password":"the password of root"}`
	}
	in.check(t, []request{
		{name: "register before setup", method: "POST", path: "/api/v1/auth/register", body: `{"email":"x@example.com","password":"long enough"}`, status: 403, want: []string{"setup_token_required"}},
		{name: "wrong setup token", method: "POST", path: "/api/v1/auth/setup", body: body("lts_guess"), status: 403},
		{name: "bad email and password at once", method: "POST", path: "/api/v1/auth/setup", body: `{"setup_token":"` + setup + `","email":"nobody","password":"x"}`, status: 400,
			want: []string{`"path":"$.email"`, `"path":"$.password"`}},
	})
	made := in.must(t, 201, "", "POST", "/api/v1/auth/setup", body(setup))
	require.Equal(t, true, made.get(t, "user.admin"))
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
	require.NoError(t, in.login("root"))
	in.check(t, []request{
		{name: "setup once", method: "POST", path: "/api/v1/auth/setup", body: body(setup), status: 409, want: []string{"setup_done"}},
		{name: "registration is closed", method: "POST", path: "/api/v1/auth/register", body: `{"email":"x@example.com","password":"long enough"}`, status: 403, want: []string{"registration_closed"}},
		{name: "admin makes a user", who: "root", method: "POST", path: "/api/v1/users", body: `{"email":"ann@example.com","name":"Ann","password":"the password of ann"}`, status: 201, unwanted: []string{"the password"}},
		{name: "address is taken", who: "root", method: "POST", path: "/api/v1/users", body: `{"email":"ANN@example.com","password":"the password of ann"}`, status: 409, want: []string{`"exists"`}},
		{name: "list", who: "root", method: "GET", path: "/api/v1/users?limit=1", status: 200, want: []string{`"has_more":true`, "root@example.com"}},
	})
	require.NoError(t, in.login("ann"))
	ann := in.must(t, 200, "ann", "GET", "/api/v1/auth/me", nil).text(t, "id")
	in.check(t, []request{
		{name: "users are for admins", who: "ann", method: "GET", path: "/api/v1/users", status: 403},
		{name: "a user sees itself", who: "ann", method: "GET", path: "/api/v1/users/" + ann, status: 200},
		{name: "and nobody else", who: "ann", method: "GET", path: "/api/v1/users/usr_00000000000000000000000000", status: 403},
		{name: "rename oneself", who: "ann", method: "PATCH", path: "/api/v1/auth/me", body: `{"name":"Anna"}`, status: 200, want: []string{"Anna"}},
		{name: "no rights for oneself (32)", who: "ann", method: "PATCH", path: "/api/v1/auth/me", body: `{"admin":true}`, status: 400, want: []string{"unknown_key", `"$.admin"`}},
		{name: "nor by another spelling", who: "ann", method: "PATCH", path: "/api/v1/auth/me", body: `{"NAME":"x"}`, status: 400, want: []string{"unknown_key"}},
		{name: "nor twice", who: "ann", method: "PATCH", path: "/api/v1/auth/me", body: `{"name":"x","name":"y"}`, status: 400, want: []string{"duplicate_key"}},
		{name: "register with a role (32)", method: "POST", path: "/api/v1/auth/register", body: `{"email":"e@example.com","password":"p","role":"owner","workspace_id":"w"}`, status: 400, want: []string{"$.role", "$.workspace_id"}},
		{name: "object for a text (5)", method: "POST", path: "/api/v1/auth/login", body: `{"email":{"raw":"1=1"},"password":"x"}`, status: 400, want: []string{"type_mismatch", "$.email"}},
		{name: "object for a secret", method: "POST", path: "/api/v1/auth/login", body: `{"email":"a","password":{"$ne":null}}`, status: 400, want: []string{"$.password"}},
		{name: "wrong password", method: "POST", path: "/api/v1/auth/login", body: `{"email":"ann@example.com","password":"wrong"}`, status: 401, want: []string{"wrong_credentials"}},
		{name: "unknown account, same answer", method: "POST", path: "/api/v1/auth/login", body: `{"email":"nobody@example.com","password":"wrong"}`, status: 401, want: []string{"wrong_credentials"}},
		{name: "disable", who: "root", method: "PUT", path: "/api/v1/users/" + ann, body: `{"disabled":true}`, status: 200},
		{name: "dead at once", who: "ann", method: "GET", path: "/api/v1/auth/me", status: 401},
		{name: "the last admin stays", who: "root", method: "DELETE", path: "/api/v1/users/" + in.tokens["root"].User.ID, status: 403},
		{name: "delete", who: "root", method: "DELETE", path: "/api/v1/users/" + ann, status: 204},
		{name: "gone", who: "root", method: "GET", path: "/api/v1/users/" + ann, status: 404},
	})
	require.NotContains(t, in.log.String(), "the password of")
	require.NotContains(t, in.log.String(), in.tokens["root"].Access.Reveal())
}

// login logs an account in anew.
func (in *instance) login(name string) error {
	tokens, err := in.auth.Login(bg, auth.Credentials{Email: mail(name), Password: secret(password(name))}, auth.Client{})
	in.tokens[name] = tokens
	return err
}

func TestRefreshAndLogout(t *testing.T) {
	in := newInstance(t, nil, "root")
	first := in.must(t, 200, "", "POST", "/api/v1/auth/login", `{"email":"root@example.com","password":"the password of root"}`)
	one := first.text(t, "refresh_token")
	second := in.must(t, 200, "", "POST", "/api/v1/auth/refresh", `{"refresh_token":"`+one+`"}`)
	bearer := "Bearer " + second.text(t, "access_token")
	in.must(t, 200, "", "GET", "/api/v1/auth/me", nil, "Authorization", bearer)

	t.Run("a refresh token is no access token (37)", func(t *testing.T) {
		in.must(t, 401, "", "GET", "/api/v1/auth/me", nil, "Authorization", "Bearer "+second.text(t, "refresh_token"))
	})
	t.Run("reuse ends the session (38)", func(t *testing.T) {
		in.must(t, 401, "", "POST", "/api/v1/auth/refresh", `{"refresh_token":"`+one+`"}`)
		in.must(t, 401, "", "POST", "/api/v1/auth/refresh", `{"refresh_token":"`+second.text(t, "refresh_token")+`"}`)
		in.must(t, 401, "", "GET", "/api/v1/auth/me", nil, "Authorization", bearer)
	})
	t.Run("logout is at once (70)", func(t *testing.T) {
		in.must(t, 204, "root", "POST", "/api/v1/auth/logout", nil)
		in.must(t, 401, "root", "GET", "/api/v1/auth/me", nil)
	})
	t.Run("logout by refresh token", func(t *testing.T) {
		require.NoError(t, in.login("root"))
		in.must(t, 204, "", "POST", "/api/v1/auth/logout", `{"refresh_token":"`+in.tokens["root"].Refresh.Reveal()+`"}`)
		in.must(t, 401, "root", "GET", "/api/v1/auth/me", nil)
	})
	t.Run("sessions", func(t *testing.T) {
		require.NoError(t, in.login("root"))
		old := in.tokens["root"]
		require.NoError(t, in.login("root"))
		list := in.must(t, 200, "root", "GET", "/api/v1/auth/sessions", nil)
		require.Contains(t, list.body, old.SessionID)
		in.must(t, 204, "root", "DELETE", "/api/v1/auth/sessions/"+old.SessionID, nil)
		in.must(t, 404, "root", "DELETE", "/api/v1/auth/sessions/"+old.SessionID, nil)
		in.must(t, 401, "", "GET", "/api/v1/auth/me", nil, "Authorization", "Bearer "+old.Access.Reveal())
	})
	t.Run("password", func(t *testing.T) {
		in.must(t, 401, "root", "POST", "/api/v1/auth/password", `{"current_password":"wrong","new_password":"another password"}`)
		next := in.must(t, 200, "root", "POST", "/api/v1/auth/password", `{"current_password":"the password of root","new_password":"another password"}`)
		in.must(t, 401, "root", "GET", "/api/v1/auth/me", nil)
		in.must(t, 200, "", "GET", "/api/v1/auth/me", nil, "Authorization", "Bearer "+next.text(t, "access_token"))
	})
	t.Run("safe methods change nothing (78)", func(t *testing.T) {
		require.Error(t, in.login("root"), "the password was changed")
		for _, method := range []string{"GET", "HEAD"} {
			for _, path := range []string{"/api/v1/auth/logout", "/api/v1/auth/login", "/api/v1/auth/password", "/api/v1/auth/refresh"} {
				require.Equal(t, 405, in.do(t, "", method, path, nil).status, "%s %s", method, path)
			}
		}
	})
}

// TestForgedTokens presents access tokens that are not ours (37).
func TestForgedTokens(t *testing.T) {
	good := shared.tokens["owner"].Access.Reveal()
	var claims jwt.MapClaims
	_, _, err := jwt.NewParser().ParseUnverified(good, &claims)
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	sign := func(method jwt.SigningMethod, change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{}
		for k, v := range claims {
			c[k] = v
		}
		change(c)
		text, err := jwt.NewWithClaims(method, c).SignedString([]byte("guess"))
		require.NoError(t, err)
		return text
	}
	for name, token := range map[string]string{
		"alg none":          none + "." + parts[1] + ".",
		"none, signed":      none + "." + parts[1] + "." + parts[2],
		"other key":         sign(jwt.SigningMethodHS256, func(jwt.MapClaims) {}),
		"other algorithm":   sign(jwt.SigningMethodHS512, func(jwt.MapClaims) {}),
		"no expiry":         sign(jwt.SigningMethodHS256, func(c jwt.MapClaims) { delete(c, "exp") }),
		"other audience":    sign(jwt.SigningMethodHS256, func(c jwt.MapClaims) { c["aud"] = "else" }),
		"expiry far away":   sign(jwt.SigningMethodHS256, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(time.Hour * 9999).Unix() }),
		"changed signature": parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-4] + "AAAA",
		"not a token":       "x",
		"huge":              strings.Repeat("a", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			a := shared.must(t, 401, "", "GET", "/api/v1/workspaces", nil, "Authorization", "Bearer "+token)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
			require.Contains(t, a.body, "unauthenticated")
		})
	}
	shared.must(t, 401, "", "GET", "/api/v1/workspaces", nil, "Authorization", "Basic "+good)
	shared.must(t, 400, "owner", "GET", "/api/v1/workspaces?access_token="+good, nil)
}
