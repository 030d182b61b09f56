package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
)

var newPassword = livetables.NewSecret("a new password")

func TestReset(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), " ANN@example.com ", home))
	token := f.mailed("ann@example.com")
	require.NoError(t, f.ConfirmReset(t.Context(), token, newPassword, home))
	require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), token, newPassword, home), "single use")
	_, err := f.Login(t.Context(), Credentials{"ann@example.com", passwordOf("ann@example.com")}, home)
	require.ErrorIs(t, err, ErrCredentials)
	_, err = f.Login(t.Context(), Credentials{"ann@example.com", newPassword}, home)
	require.NoError(t, err)
	require.Contains(t, f.actions(), "auth.reset")
	require.NotContains(t, f.log.String(), token.Reveal())
	f.secretless(token)
}

// secretless looks for a token in what is stored.
func (f *fixture) secretless(tokens ...livetables.Secret) {
	f.t.Helper()
	stored := f.stored()
	for _, token := range tokens {
		require.NotContains(f.t, stored, token.Reveal())
	}
}

// TestAttack39ResetEndsEverything: sessions, tokens of both kinds, sockets and other mails end with a reset.
func TestAttack39ResetEndsEverything(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	one, two := f.login("ann@example.com"), f.login("ann@example.com")
	who := f.verify(one)
	// Grants that a thief may have left behind: a personal access token, a change of address under way, another reset.
	key, _, err := f.CreateToken(t.Context(), who, NewToken{Name: "thief", Scope: someScope(), ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
	require.NoError(t, err)
	_, err = f.Verify(t.Context(), key.Reveal())
	require.NoError(t, err)
	require.NoError(t, f.RequestAddress(t.Context(), who, "thief@example.net", passwordOf("ann@example.com"), home))
	address := f.mailed("thief@example.net")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	other := f.mailed("ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	token := f.mailed("ann@example.com")
	require.NotEqual(t, other.Reveal(), token.Reveal())

	g := f.another()
	g.verify(two) // in another node's cache
	require.NoError(t, f.ConfirmReset(t.Context(), token, newPassword, home))
	f.dead(one)
	f.dead(two)
	_, err = f.Recheck(t.Context(), who) // what an open socket asks
	require.ErrorIs(t, err, ErrUnauthenticated)
	_, err = f.Verify(t.Context(), key.Reveal())
	require.ErrorIs(t, err, ErrUnauthenticated)
	require.ErrorIs(t, f.ConfirmAddress(t.Context(), who, address, home), ErrUnauthenticated)
	tokens, err := f.Login(t.Context(), Credentials{"ann@example.com", newPassword}, home)
	require.NoError(t, err)
	require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), f.verify(tokens), address, home))
	require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), other, newPassword, home))
	f.clock.Step(5 * time.Second)
	g.dead(two)
	still, err := f.User(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", still.Email)
}

// TestChangesEndResets: whoever changes the password or the address, or closes the account, ends the mails under way.
func TestChangesEndResets(t *testing.T) {
	for name, change := range map[string]func(f *fixture, admin Identity, u User) error{
		"password": func(f *fixture, _ Identity, u User) error {
			_, err := f.ChangePassword(t.Context(), f.verify(f.login(u.Email)), passwordOf(u.Email), newPassword, home)
			return err
		},
		"password by an admin": func(f *fixture, admin Identity, u User) error {
			_, err := f.UpdateUser(t.Context(), admin, u.ID, UserUpdate{Password: &newPassword})
			return err
		},
		"address by an admin": func(f *fixture, admin Identity, u User) error {
			email := "other@example.com"
			_, err := f.UpdateUser(t.Context(), admin, u.ID, UserUpdate{Email: &email})
			return err
		},
		"disabled": func(f *fixture, admin Identity, u User) error {
			_, err := f.DisableUser(t.Context(), admin, u.ID)
			return err
		},
		"deleted": func(f *fixture, admin Identity, u User) error { return f.DeleteUser(t.Context(), admin, u.ID) },
		"expired": func(f *fixture, _ Identity, _ User) error { f.clock.Step(resetLife); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			admin := f.root()
			u := f.user(admin, "ann@example.com")
			require.NoError(t, f.RequestReset(t.Context(), u.Email, home))
			token := f.mailed(u.Email)
			require.NoError(t, change(f, admin, u))
			require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), token, livetables.NewSecret("the attacker's"), home))
		})
	}
}

// TestParallelReset uses one token fifty times at once, through two nodes: it works once.
func TestParallelReset(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	token := f.mailed("ann@example.com")
	nodes := []*fixture{f, f.another()}
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			err := nodes[i%2].ConfirmReset(t.Context(), token, livetables.NewSecret(fmt.Sprint("password ", i)), home)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrToken):
				t.Errorf("reset: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
}

func TestMadeUpMailTokens(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	good := f.mailed("ann@example.com").Reveal()
	require.Len(t, good, 4+43, "256 bits")
	bad := []string{"", "ltw_", good[4:], "lti_" + good[4:], "ltv_" + good[4:], good + "A", good[:len(good)-1], strings.ToUpper(good), good + "\n", strings.Repeat("x", 1<<20)}
	for i := range good {
		flipped := []byte(good)
		flipped[i] ^= 1
		bad = append(bad, string(flipped))
	}
	who := f.verify(f.login("ann@example.com"))
	for _, text := range bad {
		token := livetables.NewSecret(text)
		require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), token, newPassword, home))
		require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), who, token, home))
		_, err := f.PeekInvite(t.Context(), token, home)
		require.Equal(t, ErrToken, err)
	}
	require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), who, livetables.NewSecret(good), home), "a token is of one purpose")
	require.NoError(t, f.ConfirmReset(t.Context(), livetables.NewSecret(good), newPassword, home))
}

// TestResetForNobody: nothing is sent for unknown, disabled and password-less accounts, nothing stays of the request, and
// the errors are those of everybody.
func TestResetForNobody(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	off := f.user(admin, "off@example.com")
	_, err := f.DisableUser(t.Context(), admin, off.ID)
	require.NoError(t, err)
	elsewhere := account{User: User{ID: "usr_elsewhere", Email: "elsewhere@example.com"}, epoch: 1} // logs in at an issuer only
	require.NoError(t, f.store.Write(t.Context(), func(tx adapter.Tx) error { return insertAccount(t.Context(), tx, elsewhere) }))
	for _, email := range []string{"off@example.com", "nobody@example.com", "elsewhere@example.com"} {
		require.NoError(t, f.RequestReset(t.Context(), email, home))
		require.Empty(t, f.deliver(&postbox{}))
	}
	require.Zero(t, f.count("auth_mail", everyRow))
	require.Zero(t, f.count("auth_mail_token", everyRow))
	var invalid *ValidationError
	for _, email := range []string{"", "ann", "a@b@c", "a b@example.com", "a@example.com\r\nBcc: x@y.z"} {
		require.ErrorAs(t, f.RequestReset(t.Context(), email, home), &invalid)
	}
	require.ErrorAs(t, f.ConfirmReset(t.Context(), livetables.NewSecret("ltw_x"), livetables.NewSecret("short"), home), &invalid)
}

// TestAttack79ResetMails asks a thousand times for one address, from as many clients: the documented number is sent, and
// every answer is the same, for an unknown address too.
func TestAttack79ResetMails(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	box := &postbox{}
	sent := 0
	for i := range 1000 {
		from := Client{Address: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})}
		require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", from))
		require.NoError(t, f.RequestReset(t.Context(), "nobody@example.com", from))
		if i%50 == 0 {
			sent += len(f.deliver(box))
		}
	}
	sent += len(f.deliver(box))
	require.Equal(t, maxMailsHour, sent)
	require.EqualValues(t, maxMailsHour, f.count("auth_mail", everyRow), "nothing stays of the others")
	for range 23 {
		f.clock.Step(time.Hour - time.Minute)
		for range 10 {
			require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
		}
		sent += len(f.deliver(box))
	}
	require.Equal(t, maxMailsDay, sent)
	f.clock.Step(24 * time.Hour)
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	require.Len(t, f.deliver(box), 1)

	// One client is told to wait, whatever it asks for.
	g := newFixture(t, func(o *Options) { o.Limits.PerAddress = 3 })
	for i := range 6 {
		err := g.RequestReset(t.Context(), fmt.Sprintf("n%d@example.com", i), home)
		require.Equal(t, i >= 3, errors.Is(err, ErrRateLimited), "%v", err)
	}
}

// TestResetsWhileTheServerIsDown: requests that lead nowhere, and those beyond the limit, do not fill the queue.
func TestResetsWhileTheServerIsDown(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	down := &postbox{fail: func(mail.Message) error { return mail.ErrUnavailable }}
	for i := range 300 {
		require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
		require.NoError(t, f.RequestReset(t.Context(), fmt.Sprintf("n%d@example.com", i), home))
		if i%100 == 99 {
			require.ErrorIs(t, f.deliverDue(t.Context(), down), mail.ErrUnavailable)
			require.EqualValues(t, maxMailsHour, f.count("auth_mail", everyRow))
		}
	}
	require.Len(t, f.deliver(&postbox{}), maxMailsHour)
}

// TestAttack40ResetTiming compares what a request costs for a known and for an unknown address: the same statements run,
// so the medians of interleaved requests are close.
func TestAttack40ResetTiming(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	emails := []string{"ann@example.com", "eve@example.com"}
	const rounds = 301
	times := [2][]time.Duration{}
	for round := range rounds {
		for j := range emails {
			i := (j + round) % 2 // each goes first in turn
			began := time.Now()
			require.NoError(t, f.RequestReset(t.Context(), emails[i], home))
			times[i] = append(times[i], time.Since(began))
		}
	}
	known, unknown := median(times[0]), median(times[1])
	t.Logf("medians of %d: known %v, unknown %v", rounds, known, unknown)
	// A busy machine blurs microseconds; a look at the account, a hash or a mail would show far beyond this.
	require.InDelta(t, 1, float64(known)/float64(unknown), 0.5)
}

// TestAttack81PasswordsByMail: a password that is set by mail counts with every byte, as one set otherwise does.
func TestAttack81PasswordsByMail(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	long := strings.Repeat("0123456789abcdef", 8)
	for _, test := range []struct{ password, near string }{
		{long[:73], long[:72]}, {long, long[:127]}, {long, long[:72] + strings.Repeat("x", 56)}, {"trailing spaces  ", "trailing spaces"},
		{"caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301"}, {"nul\x00inside1", "nul\x00inside2"},
	} {
		f.clock.Step(25 * time.Hour)
		require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
		require.NoError(t, f.ConfirmReset(t.Context(), f.mailed("ann@example.com"), livetables.NewSecret(test.password), home))
		_, err := f.Login(t.Context(), Credentials{"ann@example.com", livetables.NewSecret(test.near)}, home)
		require.ErrorIs(t, err, ErrCredentials, "%q", test.near)
		_, err = f.Login(t.Context(), Credentials{"ann@example.com", livetables.NewSecret(test.password)}, home)
		require.NoError(t, err, "%q", test.password)
	}
}
