package auth

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func TestRefreshRotates(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	first := f.login("ann@example.com")
	tokens := first
	for i := range 5 {
		f.clock.Step(time.Minute)
		next, err := f.Refresh(t.Context(), tokens.Refresh, home)
		require.NoError(t, err)
		require.Equal(t, first.SessionID, next.SessionID)
		require.NotEqual(t, tokens.Refresh.Reveal(), next.Refresh.Reveal())
		require.NotEqual(t, tokens.Access.Reveal(), next.Access.Reveal())
		require.Equal(t, f.clock.Now().Add(30*24*time.Hour), next.RefreshExpiresAt, i)
		tokens = next
	}
	f.verify(tokens)
	f.verify(first) // an access token is good for its minutes
}

// TestRefreshReuseEndsTheSession presents each earlier token of a chain again.
func TestRefreshReuseEndsTheSession(t *testing.T) {
	for _, back := range []int{1, 2, 5} {
		f := newFixture(t, nil)
		f.user(f.root(), "ann@example.com")
		bystander := f.login("ann@example.com")
		chain := []Tokens{f.login("ann@example.com")}
		for range 5 {
			next, err := f.Refresh(t.Context(), chain[len(chain)-1].Refresh, home)
			require.NoError(t, err)
			chain = append(chain, next)
		}
		last := chain[len(chain)-1]
		f.verify(last)
		_, err := f.Refresh(t.Context(), chain[len(chain)-1-back].Refresh, home)
		require.ErrorIs(t, err, ErrUnauthenticated)
		f.dead(last)
		f.verify(bystander) // another session of the same account
		require.Contains(t, f.actions(), "auth.session_end")
		require.Contains(t, f.log.String(), "refresh token reused")
	}
}

// TestParallelRefresh uses one token fifty times at once, through two nodes: exactly one use succeeds, and the others end
// the session.
func TestParallelRefresh(t *testing.T) {
	for range 5 {
		f := newFixture(t, nil)
		f.user(f.root(), "ann@example.com")
		tokens := f.login("ann@example.com")
		nodes := []*fixture{f, f.another()}
		var won atomic.Int64
		var winner atomic.Pointer[Tokens]
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				next, err := nodes[i%2].Refresh(t.Context(), tokens.Refresh, home)
				if err == nil {
					won.Add(1)
					winner.Store(&next)
				} else if !errors.Is(err, ErrUnauthenticated) {
					t.Errorf("refresh: %v", err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		f.dead(*winner.Load())
	}
}

func TestMadeUpRefreshTokensEndNothing(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	good := tokens.Refresh.Reveal()
	bad := []string{
		"", "ltr_", good[:len(good)-1], good + "A", strings.ToUpper(good), good[4:], "xtr_" + good[4:], good + "\n",
		"ltr_" + tokens.SessionID + ".", strings.Repeat("x", 1<<20), tokens.Access.Reveal(), "ltr_ses_0.AAAA",
		// Signed by somebody else, of a past and of a future generation.
		newRefreshToken(tokens.SessionID, 0).text([]byte("other key")).Reveal(),
		newRefreshToken(tokens.SessionID, 2).text([]byte("other key")).Reveal(),
	}
	for i := len(refreshPrefix); i < len(good); i++ {
		flipped := []byte(good)
		flipped[i] ^= 1
		bad = append(bad, string(flipped))
	}
	// Signed by us, but never issued: only a holder of the key can make them, and still they open nothing.
	bad = append(bad, newRefreshToken(tokens.SessionID, 1).text(f.refresh).Reveal(), newRefreshToken(tokens.SessionID, 9).text(f.refresh).Reveal())
	for _, b := range bad {
		_, err := f.Refresh(t.Context(), livetables.NewSecret(b), home)
		require.ErrorIs(t, err, ErrUnauthenticated)
	}
	_, err := f.Refresh(t.Context(), tokens.Refresh, home)
	require.NoError(t, err)
}

func TestSessionsExpire(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.RefreshTTL, o.SessionTTL = 24*time.Hour, 36*time.Hour })
	f.user(f.root(), "ann@example.com")
	idle, used := f.login("ann@example.com"), f.login("ann@example.com")
	f.clock.Step(23 * time.Hour)
	used, err := f.Refresh(t.Context(), used.Refresh, home)
	require.NoError(t, err)
	require.Equal(t, f.clock.Now().Add(13*time.Hour), used.RefreshExpiresAt, "not beyond the session's deadline")
	f.clock.Step(time.Hour)
	f.dead(idle)
	f.clock.Step(12 * time.Hour)
	f.dead(used)
	// The next login forgets what has expired.
	f.login("ann@example.com")
	state, err := f.readState(t.Context(), idle.SessionID)
	require.NoError(t, err)
	require.Zero(t, state)
}

func TestRefreshIsLimited(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.Refresh = 5 })
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	for range 5 {
		_, err := f.Refresh(t.Context(), livetables.NewSecret("ltr_x"), home)
		require.ErrorIs(t, err, ErrUnauthenticated)
	}
	_, err := f.Refresh(t.Context(), tokens.Refresh, home)
	require.ErrorIs(t, err, ErrRateLimited)
	f.clock.Step(time.Minute)
	_, err = f.Refresh(t.Context(), tokens.Refresh, home)
	require.NoError(t, err, "a limited refresh did not use the token up")
}

func TestLogoutRefresh(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	require.NoError(t, f.LogoutRefresh(t.Context(), livetables.NewSecret("nonsense")))
	f.verify(tokens)
	f.clock.Step(time.Hour) // the access token is long gone
	require.NoError(t, f.LogoutRefresh(t.Context(), tokens.Refresh))
	f.dead(tokens)
	require.NoError(t, f.LogoutRefresh(t.Context(), tokens.Refresh))
}
