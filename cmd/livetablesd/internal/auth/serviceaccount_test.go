package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func (f *fixture) service(actor Identity, workspace string) (ServiceAccount, livetables.Secret, ServiceKey) {
	f.t.Helper()
	made, err := f.CreateServiceAccount(f.t.Context(), actor, workspace, NewServiceAccount{Name: "importer"}, home)
	require.NoError(f.t, err)
	text, key, err := f.AddServiceKey(f.t.Context(), actor, workspace, made.ID, NewServiceKey{Name: "first", ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
	require.NoError(f.t, err)
	return made, text, key
}

func TestServiceKeyStandsForItsAccount(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	made, text, key := f.service(root, "wsp_1")
	require.True(t, IsServiceAccount(made.ID))
	who := f.good(text)
	require.Equal(t, made.ID, who.UserID)
	require.Equal(t, key.ID, who.Key)
	require.Equal(t, &ServiceStanding{Workspace: "wsp_1", Maker: root.UserID, MakerAddress: "192.0.2.7"}, who.Service)
	require.Nil(t, who.Scope)
	require.Empty(t, who.SessionID+who.Email)
	require.False(t, who.Admin)

	keys, err := f.ServiceKeys(t.Context(), "wsp_1", made.ID)
	require.NoError(t, err)
	require.Equal(t, f.clock.Now(), *keys[0].UsedAt)

	t.Run("no person", func(t *testing.T) {
		_, err := f.Login(t.Context(), Credentials{Email: made.ID, Password: text}, home)
		require.ErrorIs(t, err, ErrCredentials)
		_, err = f.Me(t.Context(), who)
		require.ErrorIs(t, err, ErrNotFound)
		_, _, err = f.CreateToken(t.Context(), who, NewToken{Name: "n", Scope: reading, ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
		require.ErrorIs(t, err, ErrForbidden)
		sessions, err := f.Sessions(t.Context(), who)
		require.NoError(t, err)
		require.Empty(t, sessions)
	})
	t.Run("rotation", func(t *testing.T) {
		next, _, err := f.AddServiceKey(t.Context(), root, "wsp_1", made.ID, NewServiceKey{Name: "second", ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
		require.NoError(t, err)
		f.good(text)
		f.good(next)
		require.NoError(t, f.DeleteServiceKey(t.Context(), root, "wsp_1", made.ID, key.ID, home))
		f.refused(text)
		f.good(next)
	})
	t.Run("of another workspace", func(t *testing.T) {
		_, err := f.ServiceAccount(t.Context(), "wsp_2", made.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = f.ServiceKeys(t.Context(), "wsp_2", made.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, _, err = f.AddServiceKey(t.Context(), root, "wsp_2", made.ID, NewServiceKey{Name: "n", ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = f.UpdateServiceAccount(t.Context(), root, "wsp_2", made.ID, ServiceUpdate{}, home)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, f.DeleteServiceAccount(t.Context(), root, "wsp_2", made.ID, home), ErrNotFound)
		require.ErrorIs(t, f.DeleteServiceKey(t.Context(), root, "wsp_2", made.ID, keys[0].ID, home), ErrNotFound)
		_, foreign, other := f.service(root, "wsp_2")
		require.ErrorIs(t, f.DeleteServiceKey(t.Context(), root, "wsp_1", made.ID, other.ID, home), ErrNotFound)
		f.good(foreign)
	})
}

// TestAttack36ServiceKeysDie ends a key in every way that this package knows, on the same node at once and on another one
// within three seconds.
func TestAttack36ServiceKeysDie(t *testing.T) {
	yes := true
	for name, end := range map[string]func(t *testing.T, f *fixture, root, maker Identity, made ServiceAccount, key ServiceKey){
		"key deleted": func(t *testing.T, f *fixture, root, _ Identity, made ServiceAccount, key ServiceKey) {
			require.NoError(t, f.DeleteServiceKey(t.Context(), root, "wsp_1", made.ID, key.ID, home))
		},
		"account disabled": func(t *testing.T, f *fixture, root, _ Identity, made ServiceAccount, _ ServiceKey) {
			_, err := f.UpdateServiceAccount(t.Context(), root, "wsp_1", made.ID, ServiceUpdate{Disabled: &yes}, home)
			require.NoError(t, err)
		},
		"account deleted": func(t *testing.T, f *fixture, root, _ Identity, made ServiceAccount, _ ServiceKey) {
			require.NoError(t, f.DeleteServiceAccount(t.Context(), root, "wsp_1", made.ID, home))
		},
		"workspace deleted": func(t *testing.T, f *fixture, _, _ Identity, _ ServiceAccount, _ ServiceKey) {
			require.NoError(t, f.ForgetWorkspace(t.Context(), "wsp_1"))
		},
		"maker disabled": func(t *testing.T, f *fixture, root, maker Identity, _ ServiceAccount, _ ServiceKey) {
			_, err := f.UpdateUser(t.Context(), root, maker.UserID, UserUpdate{Disabled: &yes})
			require.NoError(t, err)
		},
		"maker deleted": func(t *testing.T, f *fixture, root, maker Identity, _ ServiceAccount, _ ServiceKey) {
			require.NoError(t, f.DeleteUser(t.Context(), root, maker.UserID))
		},
		"maker revokes everything": func(t *testing.T, f *fixture, _, maker Identity, _ ServiceAccount, _ ServiceKey) {
			require.NoError(t, f.RevokeEverything(t.Context(), maker, home))
		},
		"key expired": func(_ *testing.T, f *fixture, _, _ Identity, _ ServiceAccount, _ ServiceKey) { f.clock.Step(time.Hour) },
		"account expired": func(t *testing.T, f *fixture, root, _ Identity, made ServiceAccount, _ ServiceKey) {
			end := new(f.clock.Now().Add(time.Minute))
			_, err := f.UpdateServiceAccount(t.Context(), root, "wsp_1", made.ID, ServiceUpdate{ExpiresAt: &end}, home)
			require.NoError(t, err)
			f.clock.Step(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			root := f.root()
			maker := f.verify(f.loginNew(root, "ann@example.com"))
			made, text, key := f.service(maker, "wsp_1")
			_, bystander, _ := f.service(root, "wsp_2")
			g := f.another()
			here, there := f.good(text), g.good(text)
			end(t, f, root, maker, made, key)
			f.refused(text)
			_, err := f.Recheck(t.Context(), here)
			require.ErrorIs(t, err, ErrUnauthenticated)
			f.clock.Step(3 * time.Second)
			g.refused(text)
			_, err = g.Recheck(t.Context(), there)
			require.ErrorIs(t, err, ErrUnauthenticated)
			if name != "key expired" {
				f.good(bystander)
			}
		})
	}
}

// TestServiceKeysOutliveAPassword: they are the workspace's, not their maker's.
func TestServiceKeysOutliveAPassword(t *testing.T) {
	f := newFixture(t, nil)
	ann := f.verify(f.loginNew(f.root(), "ann@example.com"))
	_, text, _ := f.service(ann, "wsp_1")
	_, err := f.ChangePassword(t.Context(), ann, passwordOf("ann@example.com"), livetables.NewSecret("another password"), home)
	require.NoError(t, err)
	f.good(text)
}

func TestServiceAccountInput(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	past := f.clock.Now()
	_, err := f.CreateServiceAccount(t.Context(), root, "wsp_1", NewServiceAccount{ExpiresAt: &past}, home)
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Fields, 2)
	made, _, _ := f.service(root, "wsp_1")
	_, _, err = f.AddServiceKey(t.Context(), root, "wsp_1", made.ID, NewServiceKey{Name: "n"}, home)
	require.ErrorAs(t, err, &invalid, "keys expire")
	for range maxServiceKeys - 1 {
		_, _, err = f.AddServiceKey(t.Context(), root, "wsp_1", made.ID, NewServiceKey{Name: "n", ExpiresAt: past.Add(time.Hour)}, home)
		require.NoError(t, err)
	}
	_, _, err = f.AddServiceKey(t.Context(), root, "wsp_1", made.ID, NewServiceKey{Name: "n", ExpiresAt: past.Add(time.Hour)}, home)
	require.ErrorAs(t, err, &invalid)
	for range maxServices - 1 {
		_, err = f.CreateServiceAccount(t.Context(), root, "wsp_1", NewServiceAccount{Name: "n"}, home)
		require.NoError(t, err)
	}
	_, err = f.CreateServiceAccount(t.Context(), root, "wsp_1", NewServiceAccount{Name: "n"}, home)
	require.ErrorAs(t, err, &invalid)
	listed, err := f.ServiceAccounts(t.Context(), "wsp_1")
	require.NoError(t, err)
	require.Len(t, listed, maxServices)
}
