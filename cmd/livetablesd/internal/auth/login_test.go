package auth

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func TestLogin(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	require.True(t, admin.Admin)
	u := f.user(admin, "Ann.Example@Example.COM ")
	require.Equal(t, "ann.example@example.com", u.Email)
	require.Nil(t, u.LastLoginAt)

	tokens, err := f.Login(t.Context(), Credentials{
		Email: " ANN.example@example.com", Password: passwordOf("Ann.Example@Example.COM "),
	}, Client{Address: netip.MustParseAddr("::ffff:192.0.2.9"), UserAgent: "curl/8\r\nX: y" + strings.Repeat("é", 300)})
	require.NoError(t, err)
	require.Equal(t, u.ID, tokens.User.ID)
	require.Equal(t, f.clock.Now(), *tokens.User.LastLoginAt)
	require.Equal(t, f.clock.Now().Add(10*time.Minute), tokens.AccessExpiresAt)
	who := f.verify(tokens)
	require.Equal(t, Identity{
		UserID: u.ID, Email: u.Email, SessionID: tokens.SessionID, ExpiresAt: who.ExpiresAt, epoch: 1,
	}, who)
	require.True(t, who.ExpiresAt.Equal(tokens.AccessExpiresAt))

	sessions, err := f.Sessions(t.Context(), who)
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	require.True(t, sessions[0].Current)
	require.Equal(t, "192.0.2.9", sessions[0].Address)
	require.LessOrEqual(t, len(sessions[0].UserAgent), 256)
	require.NotContains(t, sessions[0].UserAgent, "\n")
	require.Equal(t, []string{"auth.register", "user.create", "auth.login"}, f.actions())

	me, err := f.Me(t.Context(), who)
	require.NoError(t, err)
	require.Equal(t, u.ID, me.ID)
	byMail, err := f.UserByEmail(t.Context(), "ANN.EXAMPLE@example.com")
	require.NoError(t, err)
	require.Equal(t, me, byMail)
	for _, unknown := range []string{"nobody@example.com", "not an address", ""} {
		_, err = f.UserByEmail(t.Context(), unknown)
		require.ErrorIs(t, err, ErrNotFound)
	}
}

func TestLoginRefusalsLookAlike(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	u := f.user(admin, "ann@example.com")
	f.user(admin, "off@example.com")
	off, err := f.UserByEmail(t.Context(), "off@example.com")
	require.NoError(t, err)
	_, err = f.DisableUser(t.Context(), admin, off.ID)
	require.NoError(t, err)
	require.NotEmpty(t, u.ID)
	for name, in := range map[string]Credentials{
		"wrong password":     {"ann@example.com", livetables.NewSecret("wrong")},
		"empty password":     {"ann@example.com", livetables.Secret{}},
		"endless password":   {"ann@example.com", livetables.NewSecret(strings.Repeat("x", 1<<20))},
		"unknown account":    {"bob@example.com", livetables.NewSecret("wrong")},
		"disabled, wrong":    {"off@example.com", livetables.NewSecret("wrong")},
		"disabled, right":    {"off@example.com", passwordOf("off@example.com")},
		"no address":         {"", livetables.NewSecret("wrong")},
		"not an address":     {"ann", livetables.NewSecret("wrong")},
		"sql":                {"' OR 1=1 --", livetables.NewSecret("' OR 1=1 --")},
		"invalid UTF-8":      {"ann\xff@example.com", livetables.NewSecret("wrong\xff")},
		"blank in password":  {"ann@example.com", livetables.NewSecret("password of ann@example.com ")},
		"case of password":   {"ann@example.com", livetables.NewSecret("Password of ann@example.com")},
		"NUL after password": {"ann@example.com", livetables.NewSecret("password of ann@example.com\x00")},
	} {
		t.Run(name, func(t *testing.T) {
			tokens, err := f.Login(t.Context(), in, home)
			require.Equal(t, ErrCredentials, err) // the very same error, with nothing wrapped around it
			require.Zero(t, tokens)
		})
	}
}

// TestPasswordsMatchExactly is about long passwords, trailing spaces and Unicode forms (81).
func TestPasswordsMatchExactly(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	long := strings.Repeat("0123456789abcdef", 8) // 128 bytes
	for i, test := range []struct{ password, near string }{
		{long[:73], long[:72]},
		{long, long[:127]},
		{long, long[:72] + strings.Repeat("x", 56)},
		{"trailing spaces  ", "trailing spaces"},
		{"  leading spaces", "leading spaces"},
		{"caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301"},
		{"\ufb01nesse 12", "finesse 12"},
		{"nul\x00inside1", "nul\x00inside2"},
		{strings.Repeat("\U0001F600", 2), strings.Repeat("\U0001F601", 2)},
	} {
		email := string(rune('a'+i)) + "@example.com"
		_, err := f.CreateUser(t.Context(), admin, NewUser{Email: email, Password: livetables.NewSecret(test.password)})
		require.NoError(t, err)
		_, err = f.Login(t.Context(), Credentials{email, livetables.NewSecret(test.password)}, home)
		require.NoError(t, err, test.password)
		_, err = f.Login(t.Context(), Credentials{email, livetables.NewSecret(test.near)}, home)
		require.ErrorIs(t, err, ErrCredentials, test.near)
	}
}

// TestUnknownAccountsCostTheSame measures coarsely, since the machine is shared: the best of several alternating tries. A
// missing hash would be off by a factor of hundreds.
func TestUnknownAccountsCostTheSame(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Hash = DefaultHash })
	admin := f.root()
	f.user(admin, "ann@example.com")
	_, err := f.DisableUser(t.Context(), admin, f.user(admin, "off@example.com").ID)
	require.NoError(t, err)
	best := map[string]time.Duration{}
	for range 12 {
		for _, email := range []string{"ann@example.com", "bob@example.com", "off@example.com"} {
			began := time.Now()
			_, err := f.Login(t.Context(), Credentials{email, livetables.NewSecret("wrong")}, home)
			took := time.Since(began)
			require.Equal(t, ErrCredentials, err)
			if before, ok := best[email]; !ok || took < before {
				best[email] = took
			}
		}
	}
	require.Less(t, max(best["ann@example.com"], best["bob@example.com"], best["off@example.com"]),
		2*min(best["ann@example.com"], best["bob@example.com"], best["off@example.com"]), best)
}

func TestLoginRenewsOldHashes(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	stronger := HashParams{Memory: 128, Time: 2, Threads: 1}
	f.open(func(o *Options) { o.Hash = stronger })
	_, err := f.Login(t.Context(), Credentials{u.Email, livetables.NewSecret("wrong")}, home)
	require.ErrorIs(t, err, ErrCredentials)
	params := func() HashParams {
		acc, err := f.readAccount(t.Context(), "id", u.ID)
		require.NoError(t, err)
		p, _, _, err := decodeHash(acc.password)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, weakHash, params())
	tokens := f.login(u.Email)
	require.Equal(t, stronger, params())
	f.login(u.Email)
	f.verify(tokens) // a renewed hash is the same password: sessions live on
}

func TestLoginIsLimited(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits = Limits{PerAddress: 30, PerAccount: 10, Refresh: 5, Entries: 1000} })
	f.user(f.root(), "ann@example.com")
	attempt := func(email, address string) error {
		_, err := f.Login(t.Context(), Credentials{email, livetables.NewSecret("wrong")}, Client{Address: netip.MustParseAddr(address)})
		return err
	}
	limited := func(n int, email, address func(i int) string) (passed int) {
		for i := range n {
			err := attempt(email(i), address(i))
			if !errors.Is(err, ErrRateLimited) {
				require.ErrorIs(t, err, ErrCredentials)
				passed++
				continue
			}
			var rate *RateError
			require.ErrorAs(t, err, &rate)
			require.Positive(t, rate.RetryAfter)
			require.LessOrEqual(t, rate.RetryAfter, 10*time.Second)
		}
		return passed
	}
	always := func(s string) func(int) string { return func(int) string { return s } }
	v4 := func(i int) string { return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}).String() }
	user := func(i int) string { return "user" + v4(i) + "@example.com" }
	inOne64 := func(i int) string {
		return netip.AddrFrom16([16]byte{0x2a, 1, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, byte(i >> 8), byte(i)}).String()
	}

	require.Equal(t, 10, limited(300, always("ann@example.com"), v4), "one account from everywhere")
	require.Equal(t, 0, limited(1, always(" ANN@example.com "), v4), "the same account in another spelling")
	require.Equal(t, 30, limited(300, user, always("203.0.113.9")), "every account from one address")
	require.Equal(t, 30, limited(300, user, inOne64), "every account from one IPv6 network")
	require.Equal(t, 0, limited(1, user, always("::ffff:203.0.113.9")), "the address in its mapped form")

	f.clock.Step(6 * time.Second)
	require.Equal(t, 1, limited(5, always("ann@example.com"), func(i int) string { return v4(1000 + i) }), "one more after six seconds")
	f.clock.Step(-time.Hour)
	require.Equal(t, 0, limited(5, always("ann@example.com"), func(i int) string { return v4(2000 + i) }), "a clock set back gives nothing")
	require.LessOrEqual(t, f.byClient.recent.Len(), 1000)
	require.Equal(t, f.byClient.recent.Len(), len(f.byClient.byKey))
}

func TestGoodLoginsAreNotLimitedByAccount(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.PerAccount = 3 })
	f.user(f.root(), "ann@example.com")
	for range 10 {
		f.login("ann@example.com")
	}
}

func TestTooManyHashesAtOnce(t *testing.T) {
	h := newHasher(weakHash, 1, 1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error)
	go func() {
		_, err := h.hash(ctx, "password")
		waits <- err
	}()
	require.Eventually(t, func() bool { return h.waiting.Load() == 1 }, 5*time.Second, time.Millisecond)
	_, err := h.hash(t.Context(), "password")
	require.ErrorIs(t, err, ErrBusy)
	cancel()
	require.ErrorIs(t, <-waits, context.Canceled)
	<-h.slots
	_, err = h.hash(t.Context(), "password")
	require.NoError(t, err)
}
