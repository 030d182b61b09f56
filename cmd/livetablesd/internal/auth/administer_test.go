package auth

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func TestSetup(t *testing.T) {
	f := newFixture(t, nil)
	register := func(email, setup string) error {
		_, err := f.Register(t.Context(), Registration{
			Email: email, Password: passwordOf(email), SetupToken: livetables.NewSecret(setup),
		}, home)
		return err
	}
	require.ErrorIs(t, register("a@example.com", ""), ErrSetup, "nothing matches before the token was asked for")
	token, ok, err := f.SetupToken(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.GreaterOrEqual(t, len(token), 43)
	again, _, err := f.SetupToken(t.Context())
	require.NoError(t, err)
	require.Equal(t, token, again)
	for _, bad := range []string{"", "lts_", token[:len(token)-1], token + "x", strings.ToLower(token) + "!"} {
		require.ErrorIs(t, register("a@example.com", bad), ErrSetup)
	}
	var invalid *ValidationError
	require.ErrorAs(t, register("", token), &invalid)

	// Many at once with the right token: one makes the first account.
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() { results[i] = register(fmt.Sprintf("u%d@example.com", i), token) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, ErrRegistrationClosed)
		}
	}
	require.Equal(t, 1, won)
	_, ok, err = f.SetupToken(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	require.ErrorIs(t, register("late@example.com", token), ErrRegistrationClosed)
}

func TestOpenRegistration(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Registration = RegistrationOpen })
	_, err := f.Register(t.Context(), Registration{Email: "a@example.com", Password: passwordOf("a")}, home)
	require.ErrorIs(t, err, ErrSetup, "open or not, the first account is the admin's")
	require.True(t, f.root().Admin)
	tokens, err := f.Register(t.Context(), Registration{Email: "A@Example.com", Name: " Ann ", Password: passwordOf("a")}, home)
	require.NoError(t, err)
	require.False(t, f.verify(tokens).Admin)
	require.Equal(t, "Ann", tokens.User.Name)
	_, err = f.Register(t.Context(), Registration{Email: "a@example.com", Password: passwordOf("a")}, home)
	require.ErrorIs(t, err, ErrEmailTaken)
}

func TestUserAdministration(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	ann := f.user(admin, "ann@example.com")
	annTokens := f.login("ann@example.com")
	who := f.verify(annTokens)
	yes, no := true, false
	text := func(s string) *string { return &s }

	t.Run("not by others", func(t *testing.T) {
		forged := who
		forged.Admin = true // even with a wrong claim the store decides
		for _, actor := range []Identity{who, forged, {}} {
			_, err := f.CreateUser(t.Context(), actor, NewUser{Email: "x@example.com", Password: passwordOf("x@x")})
			require.ErrorIs(t, err, ErrForbidden)
			_, err = f.UpdateUser(t.Context(), actor, admin.UserID, UserUpdate{Name: text("x")})
			require.ErrorIs(t, err, ErrForbidden)
			_, err = f.UpdateUser(t.Context(), actor, ann.ID, UserUpdate{Admin: &yes})
			require.ErrorIs(t, err, ErrForbidden)
			require.ErrorIs(t, f.DeleteUser(t.Context(), actor, admin.UserID), ErrForbidden)
			_, _, err = f.ListUsers(t.Context(), actor, "", 0)
			require.ErrorIs(t, err, ErrForbidden)
		}
	})
	t.Run("not oneself", func(t *testing.T) {
		_, err := f.UpdateUser(t.Context(), admin, admin.UserID, UserUpdate{Admin: &no})
		require.ErrorIs(t, err, ErrForbidden)
		_, err = f.DisableUser(t.Context(), admin, admin.UserID)
		require.ErrorIs(t, err, ErrForbidden)
		require.ErrorIs(t, f.DeleteUser(t.Context(), admin, admin.UserID), ErrForbidden)
	})
	t.Run("fields", func(t *testing.T) {
		u, err := f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Name: text("Ann"), Email: text("Ann2@example.com")})
		require.NoError(t, err)
		require.Equal(t, "ann2@example.com", u.Email)
		now, err := f.Verify(t.Context(), annTokens.Access.Reveal())
		require.NoError(t, err)
		require.Equal(t, "Ann", now.Name, "seen at once")
		_, err = f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Email: text("root@example.com")})
		require.ErrorIs(t, err, ErrEmailTaken)
		_, err = f.UpdateUser(t.Context(), admin, "usr_none", UserUpdate{Name: text("x")})
		require.ErrorIs(t, err, ErrNotFound)
		short := livetables.NewSecret("short")
		_, err = f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Email: text("x"), Name: text("a\nb"), Password: &short})
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, invalid.Fields, 3)
		_, err = f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Email: text("ann@example.com")})
		require.NoError(t, err)
	})
	t.Run("password", func(t *testing.T) {
		next := passwordOf("ann@example.com")
		_, err := f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Password: &next})
		require.NoError(t, err)
		f.dead(annTokens)
	})
	t.Run("disable and enable", func(t *testing.T) {
		tokens := f.login("ann@example.com")
		_, err := f.DisableUser(t.Context(), admin, ann.ID)
		require.NoError(t, err)
		f.dead(tokens)
		_, err = f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Disabled: &no})
		require.NoError(t, err)
		f.dead(tokens) // what died stays dead
		f.verify(f.login("ann@example.com"))
	})
	t.Run("promote and demote", func(t *testing.T) {
		_, err := f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Admin: &yes})
		require.NoError(t, err)
		second := f.verify(f.login("ann@example.com"))
		require.True(t, second.Admin)
		_, err = f.UpdateUser(t.Context(), second, admin.UserID, UserUpdate{Admin: &no})
		require.NoError(t, err)
		_, err = f.UpdateUser(t.Context(), admin, ann.ID, UserUpdate{Admin: &no})
		require.ErrorIs(t, err, ErrForbidden, "the old identity carries no right any more")
		_, err = f.UpdateUser(t.Context(), second, admin.UserID, UserUpdate{Admin: &yes})
		require.NoError(t, err)
	})
	t.Run("list", func(t *testing.T) {
		for i := range 5 {
			f.user(admin, fmt.Sprintf("u%d@example.com", i))
		}
		var seen []string
		after := ""
		for {
			users, more, err := f.ListUsers(t.Context(), admin, after, 3)
			require.NoError(t, err)
			for _, u := range users {
				seen = append(seen, u.Email)
				after = u.ID
			}
			if !more {
				break
			}
		}
		require.Len(t, seen, 7)
	})
	t.Run("delete", func(t *testing.T) {
		tokens := f.login("u0@example.com")
		require.NoError(t, f.DeleteUser(t.Context(), admin, tokens.User.ID))
		f.dead(tokens)
		require.ErrorIs(t, f.DeleteUser(t.Context(), admin, tokens.User.ID), ErrNotFound)
		f.user(admin, "u0@example.com") // the address is free again
		f.dead(tokens)
	})
}

// TestAdminsDemoteEachOther at once: one of them remains.
func TestAdminsDemoteEachOther(t *testing.T) {
	f := newFixture(t, nil)
	one := f.root()
	u, err := f.CreateUser(t.Context(), one, NewUser{Email: "two@example.com", Password: passwordOf("two@example.com"), Admin: true})
	require.NoError(t, err)
	two := f.verify(f.login(u.Email))
	no := false
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _, errs[0] = f.UpdateUser(t.Context(), one, two.UserID, UserUpdate{Admin: &no}) })
	wg.Go(func() { _, errs[1] = f.UpdateUser(t.Context(), two, one.UserID, UserUpdate{Disabled: new(true)}) })
	wg.Wait()
	require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v, %v", errs[0], errs[1])
}

func TestUpdateProfile(t *testing.T) {
	f := newFixture(t, nil)
	who := f.root()
	name := "  René  "
	u, err := f.UpdateProfile(t.Context(), who, Profile{Name: &name})
	require.NoError(t, err)
	require.Equal(t, "René", u.Name)
	require.True(t, u.Admin)
	long := strings.Repeat("x", MaxName+1)
	_, err = f.UpdateProfile(t.Context(), who, Profile{Name: &long})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	same, err := f.UpdateProfile(t.Context(), who, Profile{})
	require.NoError(t, err)
	require.Equal(t, "René", same.Name)
}
