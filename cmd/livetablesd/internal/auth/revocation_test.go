package auth

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func TestLogoutKillsTheAccessToken(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens, other := f.login("ann@example.com"), f.login("ann@example.com")
	who := f.verify(tokens)
	require.NoError(t, f.Logout(t.Context(), who))
	f.dead(tokens)
	_, err := f.Recheck(t.Context(), who) // what an open socket asks
	require.ErrorIs(t, err, ErrUnauthenticated)
	f.verify(other)
	require.NoError(t, f.Logout(t.Context(), who), "twice is harmless")
}

// TestChangesReachOtherNodes: a revocation through one process is seen by another within five seconds.
func TestChangesReachOtherNodes(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	g := f.another()
	tokens := f.login("ann@example.com")
	g.verify(tokens)
	require.NoError(t, f.Logout(t.Context(), f.verify(tokens)))
	f.clock.Step(5 * time.Second)
	_, err := g.Verify(t.Context(), tokens.Access.Reveal())
	require.ErrorIs(t, err, ErrUnauthenticated)
}

func TestSessionsOfOnesOwn(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	f.user(admin, "ann@example.com")
	f.user(admin, "bob@example.com")
	one, two, three := f.login("ann@example.com"), f.login("ann@example.com"), f.login("ann@example.com")
	bob := f.login("bob@example.com")
	who := f.verify(one)

	require.ErrorIs(t, f.RevokeSession(t.Context(), who, bob.SessionID), ErrNotFound)
	require.ErrorIs(t, f.RevokeSession(t.Context(), who, "ses_none"), ErrNotFound)
	f.verify(bob)
	require.NoError(t, f.RevokeSession(t.Context(), who, two.SessionID))
	require.ErrorIs(t, f.RevokeSession(t.Context(), who, two.SessionID), ErrNotFound)
	f.dead(two)
	n, err := f.RevokeOtherSessions(t.Context(), who)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	f.dead(three)
	list, err := f.Sessions(t.Context(), f.verify(one))
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = f.RevokeUserSessions(t.Context(), who, admin.UserID)
	require.ErrorIs(t, err, ErrForbidden)
	n, err = f.RevokeUserSessions(t.Context(), admin, who.UserID)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	f.dead(one)
}

func TestChangePassword(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	mine, other := f.login("ann@example.com"), f.login("ann@example.com")
	who := f.verify(mine)
	next := livetables.NewSecret("another password")

	_, err := f.ChangePassword(t.Context(), who, livetables.NewSecret("wrong"), next, home)
	require.ErrorIs(t, err, ErrCredentials)
	_, err = f.ChangePassword(t.Context(), who, passwordOf("ann@example.com"), livetables.NewSecret("short"), home)
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "new_password", invalid.Fields[0].Field)
	f.verify(other)

	renewed, err := f.ChangePassword(t.Context(), who, passwordOf("ann@example.com"), next, home)
	require.NoError(t, err)
	require.Equal(t, mine.SessionID, renewed.SessionID)
	_, err = f.Verify(t.Context(), mine.Access.Reveal())
	require.ErrorIs(t, err, ErrUnauthenticated)
	_, err = f.Recheck(t.Context(), who)
	require.ErrorIs(t, err, ErrUnauthenticated)
	f.dead(other)
	f.verify(renewed)
	_, err = f.Login(t.Context(), Credentials{"ann@example.com", passwordOf("ann@example.com")}, home)
	require.ErrorIs(t, err, ErrCredentials)
	_, err = f.Login(t.Context(), Credentials{"ann@example.com", next}, home)
	require.NoError(t, err)
	// The refresh token from before the change ends the session: somebody kept it.
	f.dead(mine)
	f.dead(renewed)
}

// TestNoStateOutlivesARevocation lets readers fill the cache while sessions are revoked: after the revocation returned no
// request may pass.
func TestNoStateOutlivesARevocation(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	for range 20 {
		tokens := f.login("ann@example.com")
		who := f.verify(tokens)
		var revoked, stop atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for !stop.Load() {
					before := revoked.Load()
					if _, err := f.Verify(t.Context(), tokens.Access.Reveal()); before && err == nil {
						t.Error("a revoked session passed")
						return
					}
				}
			})
		}
		wg.Go(func() { // other changes empty the cache meanwhile
			for !stop.Load() {
				f.cache.forgetAccount(who.UserID)
			}
		})
		require.NoError(t, f.Logout(t.Context(), who))
		revoked.Store(true)
		time.Sleep(2 * time.Millisecond)
		stop.Store(true)
		wg.Wait()
	}
}

// TestChangesDuringALogin: an account that changes while its password is being checked gives no session.
func TestChangesDuringALogin(t *testing.T) {
	for name, change := range map[string]func(*fixture, Identity, string) error{
		"disabled": func(f *fixture, admin Identity, id string) error {
			_, err := f.DisableUser(t.Context(), admin, id)
			return err
		},
		"deleted": func(f *fixture, admin Identity, id string) error { return f.DeleteUser(t.Context(), admin, id) },
		"password": func(f *fixture, admin Identity, id string) error {
			g := f.another() // with slots of its own
			next := livetables.NewSecret("another password")
			_, err := g.UpdateUser(t.Context(), admin, id, UserUpdate{Password: &next})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(o *Options) { o.HashConcurrency = 1 })
			admin := f.root()
			u := f.user(admin, "ann@example.com")
			f.hasher.slots <- struct{}{} // the login has read the account and waits for its turn to hash
			done := make(chan error)
			go func() {
				_, err := f.Login(t.Context(), Credentials{u.Email, passwordOf(u.Email)}, home)
				done <- err
			}()
			require.Eventually(t, func() bool { return f.hasher.waiting.Load() == 1 }, 5*time.Second, time.Millisecond)
			require.NoError(t, change(f, admin, u.ID))
			<-f.hasher.slots
			require.Equal(t, ErrCredentials, <-done)
		})
	}
}

func TestSessionCache(t *testing.T) {
	c := newSessionCache(time.Second, 2)
	now := time.Now()
	state := func(user, session string) sessionState {
		return sessionState{sessionID: session, user: User{ID: user}}
	}
	_, mark, ok := c.get("a", "1", now)
	require.False(t, ok)
	c.put(state("a", "1"), mark, now)
	_, _, ok = c.get("a", "1", now)
	require.True(t, ok)
	_, _, ok = c.get("b", "1", now)
	require.False(t, ok, "a session of another account")
	_, _, ok = c.get("a", "1", now.Add(time.Second))
	require.False(t, ok, "too old")
	_, _, ok = c.get("a", "1", now.Add(-time.Second))
	require.False(t, ok, "from the future")
	c.forgetAccount("b")
	c.put(state("a", "2"), mark, now)
	_, _, ok = c.get("a", "2", now)
	require.False(t, ok, "read before a change")
	_, mark, _ = c.get("a", "2", now)
	for _, user := range []string{"a", "b", "c", "d"} {
		c.put(state(user, "9"), mark, now)
	}
	require.Len(t, c.states, 2)
}

func TestTooManySessions(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	first := f.login("ann@example.com")
	for range maxSessions {
		f.clock.Step(time.Second)
		f.login("ann@example.com")
	}
	f.dead(first)
	list, err := f.Sessions(t.Context(), f.verify(f.login("ann@example.com")))
	require.NoError(t, err)
	require.Len(t, list, maxSessions)
}
