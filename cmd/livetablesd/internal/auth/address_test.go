package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

// openAccount registers an account whose address nobody has verified.
func (f *fixture) openAccount(email string) Tokens {
	f.t.Helper()
	tokens, err := f.Register(f.t.Context(), Registration{Email: email, Password: passwordOf(email)}, home)
	require.NoError(f.t, err)
	return tokens
}

// openToAll lets anybody register.
func openToAll(o *Options) { o.Registration = RegistrationOpen }

func TestVerifyAddress(t *testing.T) {
	f := newFixture(t, openToAll)
	admin := f.root()
	made, err := f.User(t.Context(), f.user(admin, "made@example.com").ID)
	require.NoError(t, err)
	require.NotNil(t, made.VerifiedAt, "an admin vouches")
	tokens := f.openAccount("ann@example.com")
	require.Nil(t, tokens.User.VerifiedAt)
	who := f.verify(tokens)
	require.NoError(t, f.RequestVerification(t.Context(), who))
	token := f.mailed("ann@example.com")
	require.NoError(t, f.ConfirmAddress(t.Context(), who, token, home))
	require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), who, token, home))
	me, err := f.Me(t.Context(), who)
	require.NoError(t, err)
	require.Equal(t, f.clock.Now(), *me.VerifiedAt)
	require.Empty(t, f.deliver(&postbox{}), "no notice: the address is the same")
	f.secretless(token)

	require.NoError(t, f.RequestVerification(t.Context(), who))
	token = f.mailed("ann@example.com")
	f.clock.Step(addressLife)
	require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), who, token, home))
}

func TestChangeAddress(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	u := f.user(admin, "ann@example.com")
	f.user(admin, "bob@example.com")
	who := f.verify(f.login(u.Email))
	require.Equal(t, ErrCredentials, f.RequestAddress(t.Context(), who, "new@example.com", livetables.NewSecret("wrong"), home))
	require.Equal(t, ErrCredentials, f.RequestAddress(t.Context(), who, "new@example.com", livetables.NewSecret(strings.Repeat("x", 1<<20)), home))
	var invalid *ValidationError
	require.ErrorAs(t, f.RequestAddress(t.Context(), who, "new@@example.com", passwordOf(u.Email), home), &invalid)
	require.Zero(t, f.count("auth_mail", everyRow))

	require.NoError(t, f.RequestReset(t.Context(), u.Email, home))
	reset := f.mailed(u.Email)
	require.NoError(t, f.RequestAddress(t.Context(), who, " NEW@example.com", passwordOf(u.Email), home))
	token := f.mailed("new@example.com")
	still, err := f.User(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, u.Email, still.Email, "nothing counts before the mail was read")

	bob := f.verify(f.login("bob@example.com"))
	require.Equal(t, ErrToken, f.ConfirmAddress(t.Context(), bob, token, home), "the token is the asker's alone")
	require.NoError(t, f.ConfirmAddress(t.Context(), who, token, home))
	now, err := f.User(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, "new@example.com", now.Email)
	require.NotNil(t, now.VerifiedAt)
	told := f.deliver(&postbox{})
	require.Len(t, told, 1)
	require.Equal(t, u.Email, told[0].To, "the old address is told")
	require.NotContains(t, told[0].Text, "new@example.com")
	require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), reset, newPassword, home), "mails to the old address are dead")
	require.Contains(t, f.actions(), "auth.address")
	again, err := f.Recheck(t.Context(), who)
	require.NoError(t, err)
	require.Equal(t, "new@example.com", again.Email)

	_, err = f.Login(t.Context(), Credentials{u.Email, passwordOf(u.Email)}, home)
	require.ErrorIs(t, err, ErrCredentials)
}

// TestChangeToSomebodysAddress: the asker is told what everybody is told, and only the mail says more.
func TestChangeToSomebodysAddress(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	u := f.user(admin, "ann@example.com")
	f.user(admin, "bob@example.com")
	who := f.verify(f.login(u.Email))
	require.NoError(t, f.RequestAddress(t.Context(), who, "bob@example.com", passwordOf(u.Email), home))
	got := f.deliver(&postbox{})
	require.Len(t, got, 1)
	require.Equal(t, "bob@example.com", got[0].To)
	require.False(t, tokenLine.MatchString(got[0].Text))
	require.Zero(t, f.count("auth_mail_token", everyRow))

	// The address is taken between the mail and its token.
	require.NoError(t, f.RequestAddress(t.Context(), who, "eve@example.com", passwordOf(u.Email), home))
	token := f.mailed("eve@example.com")
	f.user(admin, "eve@example.com")
	require.Equal(t, ErrEmailTaken, f.ConfirmAddress(t.Context(), who, token, home))
	require.Zero(t, f.count("auth_mail", "purpose = 'notice'"), "and nobody is told of what did not happen")
}

// TestAddressNeedsThePerson: keys and dead sessions ask for nothing.
func TestAddressNeedsThePerson(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	who := f.verify(f.login(u.Email))
	text, _, err := f.CreateToken(t.Context(), who, NewToken{Name: "n", Scope: someScope(), ExpiresAt: f.clock.Now().Add(time.Hour)}, home)
	require.NoError(t, err)
	key, err := f.Verify(t.Context(), text.Reveal())
	require.NoError(t, err)
	require.ErrorIs(t, f.RequestVerification(t.Context(), key), ErrForbidden)
	require.ErrorIs(t, f.ConfirmAddress(t.Context(), key, livetables.NewSecret("ltv_x"), home), ErrForbidden)
	require.ErrorIs(t, f.RequestAddress(t.Context(), key, "x@example.com", passwordOf(u.Email), home), ErrForbidden)
	_, err = f.ClaimInvite(t.Context(), key, livetables.NewSecret("lti_x"), home)
	require.ErrorIs(t, err, ErrForbidden)
	require.NoError(t, f.Logout(t.Context(), who))
	require.ErrorIs(t, f.RequestVerification(t.Context(), who), ErrUnauthenticated)
	require.ErrorIs(t, f.RequestAddress(t.Context(), who, "x@example.com", passwordOf(u.Email), home), ErrUnauthenticated)
	require.Zero(t, f.count("auth_mail", everyRow))
}
