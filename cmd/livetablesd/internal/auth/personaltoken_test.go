package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/rbac"
)

// reading is a scope for tests that are not about scopes.
var reading = rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}

// token makes a personal access token that is good for an hour.
func (f *fixture) token(who Identity) (livetables.Secret, PersonalToken) {
	f.t.Helper()
	text, made, err := f.CreateToken(f.t.Context(), who, NewToken{Name: "ci", Scope: reading, ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
	require.NoError(f.t, err)
	return text, made
}

func (f *fixture) good(text livetables.Secret) Identity {
	f.t.Helper()
	who, err := f.Verify(f.t.Context(), text.Reveal())
	require.NoError(f.t, err)
	return who
}

func (f *fixture) refused(text livetables.Secret) {
	f.t.Helper()
	who, err := f.Verify(f.t.Context(), text.Reveal())
	require.ErrorIs(f.t, err, ErrUnauthenticated)
	require.Zero(f.t, who)
}

func TestPersonalTokenStandsForItsPerson(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	scope := rbac.Scope{Actions: []rbac.Action{rbac.WriteRows, rbac.ReadData, rbac.ReadData}, Resources: []string{"tbl_1", "bas_2", "tbl_1"}}
	text, made, err := f.CreateToken(t.Context(), root, NewToken{Name: " ci ", Scope: scope, ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
	require.NoError(t, err)
	require.Equal(t, "ci", made.Name)
	require.Equal(t, rbac.Scope{Actions: []rbac.Action{rbac.ReadData, rbac.WriteRows}, Resources: []string{"bas_2", "tbl_1"}}, made.Scope)

	who := f.good(text)
	require.Equal(t, root.UserID, who.UserID)
	require.Equal(t, made.ID, who.Key)
	require.Equal(t, made.Scope, *who.Scope)
	require.Equal(t, made.ExpiresAt, who.ExpiresAt)
	require.Empty(t, who.SessionID)
	require.False(t, who.Admin, "a token of an instance admin is no instance admin")
	who.Scope.Actions[0] = rbac.DeleteWorkspace
	require.Equal(t, rbac.ReadData, f.good(text).Scope.Actions[0], "the scope is a copy")

	listed, err := f.Tokens(t.Context(), root)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, f.clock.Now(), *listed[0].UsedAt)
	require.Contains(t, text.Reveal(), listed[0].Prefix)

	other := f.verify(f.loginNew(root, "ann@example.com"))
	listed, err = f.Tokens(t.Context(), other)
	require.NoError(t, err)
	require.Empty(t, listed, "tokens are their person's only")
	require.ErrorIs(t, f.DeleteToken(t.Context(), other, made.ID), ErrNotFound)
	f.good(text)
}

// loginNew makes an account and logs it in.
func (f *fixture) loginNew(admin Identity, email string) Tokens {
	f.t.Helper()
	f.user(admin, email)
	return f.login(email)
}

// TestTokenIsNowhere looks for a token's text, or its secret half, in everything that is kept.
func TestTokenIsNowhere(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	text, _ := f.token(root)
	f.good(text)
	_, err := f.Verify(t.Context(), text.Reveal()+"x")
	require.ErrorIs(t, err, ErrUnauthenticated)
	entries := f.recorded()
	_, half, _ := strings.Cut(text.Reveal(), ".")
	require.NotContains(t, f.stored(), half)
	require.NotContains(t, f.log.String(), half)
	for _, e := range entries {
		require.NotContains(t, e.Reason+e.Resource+string(e.After)+string(e.Before), half)
	}
	require.NotContains(t, err.Error(), half)
}

// TestAttack36And39TokensDie ends a token in every way there is, and asks for it on the same node at once and on another one
// within three seconds.
func TestAttack36And39TokensDie(t *testing.T) {
	const mail = "ann@example.com"
	disabled, secret := true, livetables.NewSecret("another password")
	for name, end := range map[string]func(t *testing.T, f *fixture, admin, ann Identity, made PersonalToken){
		"deleted": func(t *testing.T, f *fixture, _, ann Identity, made PersonalToken) {
			require.NoError(t, f.DeleteToken(t.Context(), ann, made.ID))
		},
		"all deleted": func(t *testing.T, f *fixture, _, ann Identity, _ PersonalToken) {
			n, err := f.DeleteTokens(t.Context(), ann)
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
		},
		"everything revoked": func(t *testing.T, f *fixture, _, ann Identity, _ PersonalToken) {
			require.NoError(t, f.RevokeEverything(t.Context(), ann, home))
		},
		"user disabled": func(t *testing.T, f *fixture, admin, ann Identity, _ PersonalToken) {
			_, err := f.UpdateUser(t.Context(), admin, ann.UserID, UserUpdate{Disabled: &disabled})
			require.NoError(t, err)
		},
		"user deleted": func(t *testing.T, f *fixture, admin, ann Identity, _ PersonalToken) {
			require.NoError(t, f.DeleteUser(t.Context(), admin, ann.UserID))
		},
		"password changed": func(t *testing.T, f *fixture, _, ann Identity, _ PersonalToken) {
			_, err := f.ChangePassword(t.Context(), ann, passwordOf(mail), secret, home)
			require.NoError(t, err)
		},
		"password set by an admin": func(t *testing.T, f *fixture, admin, ann Identity, _ PersonalToken) {
			_, err := f.UpdateUser(t.Context(), admin, ann.UserID, UserUpdate{Password: &secret})
			require.NoError(t, err)
		},
		"expired": func(_ *testing.T, f *fixture, _, _ Identity, _ PersonalToken) { f.clock.Step(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			admin := f.root()
			ann := f.verify(f.loginNew(admin, mail))
			text, made := f.token(ann)
			g := f.another()
			here, there := f.good(text), g.good(text)

			end(t, f, admin, ann, made)
			f.refused(text)
			_, err := f.Recheck(t.Context(), here)
			require.ErrorIs(t, err, ErrUnauthenticated, "an open socket")
			f.clock.Step(3 * time.Second)
			g.refused(text)
			_, err = g.Recheck(t.Context(), there)
			require.ErrorIs(t, err, ErrUnauthenticated, "an open socket on another node")
			require.NoError(t, f.store.Close())
			f.open(nil)
			f.refused(text)
		})
	}
}

func TestLogoutLeavesTokens(t *testing.T) {
	f := newFixture(t, nil)
	ann := f.verify(f.loginNew(f.root(), "ann@example.com"))
	text, _ := f.token(ann)
	require.NoError(t, f.Logout(t.Context(), ann))
	f.good(text)
}

func TestTokenInput(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	now := f.clock.Now()
	good := NewToken{Name: "ci", Scope: reading, ExpiresAt: now.Add(time.Hour)}
	many := make([]string, maxTokenResources+1)
	for i := range many {
		many[i] = "tbl_1"
	}
	for name, c := range map[string]struct {
		change func(*NewToken)
		field  string
	}{
		"no name":            {func(n *NewToken) { n.Name = " " }, "name"},
		"name with a bell":   {func(n *NewToken) { n.Name = "a\a" }, "name"},
		"no scope":           {func(n *NewToken) { n.Scope.Actions = nil }, "scopes"},
		"unknown action":     {func(n *NewToken) { n.Scope.Actions = []rbac.Action{"data.read tables.alter"} }, "scopes"},
		"everything":         {func(n *NewToken) { n.Scope.Actions = []rbac.Action{"*"} }, "scopes"},
		"resource of no use": {func(n *NewToken) { n.Scope.Resources = []string{"usr_1"} }, "resources"},
		"two in one":         {func(n *NewToken) { n.Scope.Resources = []string{"tbl_1 tbl_2"} }, "resources"},
		"empty resource":     {func(n *NewToken) { n.Scope.Resources = []string{""} }, "resources"},
		"mark alone":         {func(n *NewToken) { n.Scope.Resources = []string{"tbl_"} }, "resources"},
		"many resources":     {func(n *NewToken) { n.Scope.Resources = many }, "resources"},
		"no end":             {func(n *NewToken) { n.ExpiresAt = time.Time{} }, "expires_at"},
		"past":               {func(n *NewToken) { n.ExpiresAt = now }, "expires_at"},
		"too far":            {func(n *NewToken) { n.ExpiresAt = now.Add(maxKeyLife + time.Second) }, "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			in := good
			c.change(&in)
			text, _, err := f.CreateToken(t.Context(), root, in, home)
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			require.Len(t, invalid.Fields, 1)
			require.Equal(t, c.field, invalid.Fields[0].Field)
			require.True(t, text.IsZero())
		})
	}
	listed, err := f.Tokens(t.Context(), root)
	require.NoError(t, err)
	require.Empty(t, listed)
	for range maxTokens {
		f.token(root)
	}
	_, _, err = f.CreateToken(t.Context(), root, good, home)
	require.ErrorContains(t, err, "at most 100")
}

// TestKeysMakeNothing: whoever holds a token cannot turn it into more than it is.
func TestKeysMakeNothing(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	text, made := f.token(root)
	who := f.good(text)
	in := NewToken{Name: "more", Scope: reading, ExpiresAt: f.clock.Now().Add(time.Hour)}
	_, _, err := f.CreateToken(t.Context(), who, in, home)
	require.ErrorIs(t, err, ErrForbidden)
	require.ErrorIs(t, f.DeleteToken(t.Context(), who, made.ID), ErrForbidden)
	require.ErrorIs(t, f.RevokeEverything(t.Context(), who, home), ErrForbidden)
	_, err = f.CreateServiceAccount(t.Context(), who, "wsp_1", NewServiceAccount{Name: "x"}, home)
	require.ErrorIs(t, err, ErrForbidden)
	_, err = f.ChangePassword(t.Context(), who, livetables.NewSecret(rootPassword), passwordOf("x"), home)
	require.ErrorIs(t, err, ErrUnauthenticated)
	_, err = f.CreateUser(t.Context(), who, NewUser{Email: "b@example.com", Password: passwordOf("b")})
	require.ErrorIs(t, err, ErrForbidden)
	_, _, err = f.ListUsers(t.Context(), who, "", 0)
	require.NoError(t, f.DeleteToken(t.Context(), root, made.ID))
	// A session that has ended makes none either.
	require.NoError(t, f.Logout(t.Context(), root))
	_, _, err2 := f.CreateToken(t.Context(), root, in, home)
	require.ErrorIs(t, err2, ErrUnauthenticated)
	require.ErrorIs(t, err, ErrForbidden)
}

// TestUseIsWrittenOnceAMinute also asks another node.
func TestUseIsWrittenOnceAMinute(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	text, _ := f.token(root)
	g := f.another()
	used := func() time.Duration {
		listed, err := f.Tokens(t.Context(), root)
		require.NoError(t, err)
		return listed[0].UsedAt.Sub(listed[0].CreatedAt)
	}
	for second := range 150 {
		f.good(text)
		if second >= 30 { // what one node has written, another does not write again
			g.good(text)
		}
		require.Equal(t, time.Duration(second/60)*time.Minute, used(), second)
		f.clock.Step(time.Second)
	}
}
