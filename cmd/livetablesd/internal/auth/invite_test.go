package auth

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

const place = "wsp_00000000000000000000000001"

// invited makes an invite and returns it with the token of its mail.
func (f *fixture) invited(who Identity, email string) (Invite, livetables.Secret) {
	f.t.Helper()
	in, err := f.CreateInvite(f.t.Context(), who, NewInvite{Workspace: place, Label: "Sales", Email: email, Role: "viewer"}, home)
	require.NoError(f.t, err)
	return in, f.mailed(in.Email)
}

func TestInvite(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.PublicURL = "https://tables.example.com/" })
	boss := f.root()
	in, err := f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Label: "Sales", Email: " Ann@Example.com", Role: "viewer"}, home)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", in.Email)
	require.Equal(t, f.clock.Now().Add(7*24*time.Hour), in.ExpiresAt)
	got := f.deliver(&postbox{})
	require.Len(t, got, 1)
	token := tokenIn(t, got[0])
	require.Contains(t, got[0].Text, "https://tables.example.com/#invite="+token.Reveal()+"\n", "in the fragment (71)")
	require.Contains(t, got[0].Text, `"Root" invites you to "Sales"`)
	f.secretless(token)
	require.NotContains(t, f.log.String(), token.Reveal())

	list, err := f.Invites(t.Context(), place)
	require.NoError(t, err)
	require.Len(t, list, 1)
	u := f.user(boss, "ann@example.com")
	who := f.verify(f.login(u.Email))
	seen, err := f.PeekInvite(t.Context(), token, home)
	require.NoError(t, err)
	require.Equal(t, in.ID, seen.ID)
	claimed, err := f.ClaimInvite(t.Context(), who, token, home)
	require.NoError(t, err)
	require.Equal(t, boss.UserID, claimed.Inviter)
	_, err = f.ClaimInvite(t.Context(), who, token, home)
	require.Equal(t, ErrToken, err, "not twice at a time")
	require.NoError(t, f.FinishInvite(t.Context(), claimed, home))
	_, err = f.ClaimInvite(t.Context(), who, token, home)
	require.Equal(t, ErrToken, err)
	require.Zero(t, f.count("auth_invite", everyRow))
	require.Zero(t, f.count("auth_mail_token", everyRow))
	require.Subset(t, f.actions(), []string{"invite.create", "invite.accept"})
	for _, e := range f.recorded() {
		require.NotContains(t, string(e.After), "@", "no addresses in the record")
	}
}

// TestAttack34InviteForAnotherAddress: the token helps nobody but the holder of the verified address.
func TestAttack34InviteForAnotherAddress(t *testing.T) {
	f := newFixture(t, openToAll)
	boss := f.root()
	_, token := f.invited(boss, "ann@example.com")
	thief := f.verify(f.openAccount("thief@example.com"))
	_, err := f.ClaimInvite(t.Context(), thief, token, home)
	require.Equal(t, ErrWrongAddress, err)
	// An account that says it has the address, which nobody has checked.
	squatter := f.verify(f.openAccount("ann@example.com"))
	_, err = f.ClaimInvite(t.Context(), squatter, token, home)
	require.Equal(t, ErrUnverified, err)
	for _, email := range []string{"eve@example.com", "ann@example.com.evil.test", "ann+x@example.com"} {
		_, _, err = f.RegisterInvited(t.Context(), Registration{Email: email, Password: passwordOf("x")}, token, home)
		require.Equal(t, ErrWrongAddress, err, email)
	}
	require.EqualValues(t, 3, f.count("auth_account", everyRow))
	require.Zero(t, f.count("auth_invite", "claimed_by IS NOT NULL"), "still the invite's owner's to accept")
	// The right one takes the address back from the squatter, whose sessions end.
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	require.NoError(t, f.ConfirmReset(t.Context(), f.mailed("ann@example.com"), newPassword, home))
	_, err = f.Recheck(t.Context(), squatter)
	require.ErrorIs(t, err, ErrUnauthenticated)
	tokens, err := f.Login(t.Context(), Credentials{"ann@example.com", newPassword}, home)
	require.NoError(t, err)
	_, err = f.ClaimInvite(t.Context(), f.verify(tokens), token, home)
	require.NoError(t, err)
}

func TestRegisterInvited(t *testing.T) {
	f := newFixture(t, nil) // closed
	_, token := f.invited(f.root(), "ann@example.com")
	var invalid *ValidationError
	_, _, err := f.RegisterInvited(t.Context(), Registration{Password: livetables.NewSecret("short")}, token, home)
	require.ErrorAs(t, err, &invalid)
	tokens, first, err := f.RegisterInvited(t.Context(), Registration{Name: "Ann", Password: passwordOf("ann@example.com")}, token, home)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", tokens.User.Email)
	require.NotNil(t, tokens.User.VerifiedAt)
	require.Equal(t, place, first.Workspace)
	require.False(t, tokens.User.Admin)
	_, _, err = f.RegisterInvited(t.Context(), Registration{Password: passwordOf("x")}, token, home)
	require.Equal(t, ErrToken, err, "claimed")
	// The process dies here. After a minute the account, and nobody else, may go on.
	f.clock.Step(2 * time.Minute)
	_, _, err = f.RegisterInvited(t.Context(), Registration{Password: passwordOf("x")}, token, home)
	require.Equal(t, ErrToken, err)
	claimed, err := f.ClaimInvite(t.Context(), f.verify(tokens), token, home)
	require.NoError(t, err)
	require.NoError(t, f.ReleaseInvite(t.Context(), claimed))
	claimed, err = f.ClaimInvite(t.Context(), f.verify(tokens), token, home)
	require.NoError(t, err)
	require.NoError(t, f.FinishInvite(t.Context(), claimed, home))

	_, token = f.invited(f.verify(tokens), "taken@example.com")
	root, err := f.UserByEmail(t.Context(), "root@example.com")
	require.NoError(t, err)
	login, err := f.Login(t.Context(), Credentials{root.Email, livetables.NewSecret(rootPassword)}, home)
	require.NoError(t, err)
	f.user(f.verify(login), "taken@example.com")
	_, _, err = f.RegisterInvited(t.Context(), Registration{Password: passwordOf("x")}, token, home)
	require.Equal(t, ErrEmailTaken, err)
	require.Zero(t, f.count("auth_invite", "claimed_by IS NOT NULL"))
}

// TestInviteEnds tries every way in which an invite ends.
func TestInviteEnds(t *testing.T) {
	for name, end := range map[string]func(f *fixture, admin, boss Identity, in Invite) error{
		"revoked": func(f *fixture, _, boss Identity, in Invite) error {
			return f.RevokeInvite(t.Context(), boss, place, in.ID, home)
		},
		"replaced": func(f *fixture, _, boss Identity, _ Invite) error {
			f.invited(boss, "ann@example.com")
			return nil
		},
		"expired":           func(f *fixture, _, _ Identity, _ Invite) error { f.clock.Step(7 * 24 * time.Hour); return nil },
		"workspace deleted": func(f *fixture, _, _ Identity, _ Invite) error { return f.DropInvites(t.Context(), place, "") },
		"inviter removed": func(f *fixture, _, boss Identity, _ Invite) error {
			return f.DropInvites(t.Context(), place, boss.UserID)
		},
		"invited one removed": func(f *fixture, _, _ Identity, _ Invite) error {
			ann, err := f.UserByEmail(t.Context(), "ann@example.com")
			return errors.Join(err, f.DropInvites(t.Context(), place, ann.ID))
		},
		"inviter disabled": func(f *fixture, admin, boss Identity, _ Invite) error {
			_, err := f.DisableUser(t.Context(), admin, boss.UserID)
			return err
		},
		"inviter deleted": func(f *fixture, admin, boss Identity, _ Invite) error {
			return f.DeleteUser(t.Context(), admin, boss.UserID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			admin := f.root()
			f.user(admin, "boss@example.com")
			f.user(admin, "ann@example.com")
			boss := f.verify(f.login("boss@example.com"))
			in, token := f.invited(boss, "ann@example.com")
			require.NoError(t, end(f, admin, boss, in))
			_, err := f.ClaimInvite(t.Context(), f.verify(f.login("ann@example.com")), token, home)
			require.Equal(t, ErrToken, err)
			_, _, err = f.RegisterInvited(t.Context(), Registration{Password: passwordOf("x")}, token, home)
			require.Equal(t, ErrToken, err)
		})
	}
	t.Run("before it was sent", func(t *testing.T) {
		f := newFixture(t, nil)
		boss := f.root()
		in, err := f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Email: "ann@example.com", Role: "viewer"}, home)
		require.NoError(t, err)
		require.ErrorIs(t, f.RevokeInvite(t.Context(), boss, "wsp_other", in.ID, home), ErrNotFound, "an invite of another workspace")
		require.NoError(t, f.RevokeInvite(t.Context(), boss, place, in.ID, home))
		require.ErrorIs(t, f.RevokeInvite(t.Context(), boss, place, in.ID, home), ErrNotFound)
		require.Empty(t, f.deliver(&postbox{}))
	})
}

// TestParallelAcceptance accepts one invite fifty times at once, through two nodes: one call gets it.
func TestParallelAcceptance(t *testing.T) {
	f := newFixture(t, nil)
	boss := f.root()
	f.user(boss, "ann@example.com")
	_, token := f.invited(boss, "ann@example.com")
	who := f.verify(f.login("ann@example.com"))
	nodes := []*fixture{f, f.another()}
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := nodes[i%2].ClaimInvite(t.Context(), who, token, home)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrToken):
				t.Errorf("claim: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
}

// TestParallelRegistration makes one account of one invite.
func TestParallelRegistration(t *testing.T) {
	f := newFixture(t, nil)
	_, token := f.invited(f.root(), "ann@example.com")
	nodes := []*fixture{f, f.another()}
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, _, err := nodes[i%2].RegisterInvited(t.Context(), Registration{Password: passwordOf("x")}, token, home)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrToken) && !errors.Is(err, ErrEmailTaken):
				t.Errorf("register: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 2, f.count("auth_account", everyRow))
}

func TestInviteBounds(t *testing.T) {
	f := newFixture(t, nil)
	boss := f.root()
	var invalid *ValidationError
	for _, email := range []string{"", "ann", strings.Repeat("x", 300) + "@example.com", "a@b\r\nx"} {
		_, err := f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Email: email, Role: "viewer"}, home)
		require.ErrorAs(t, err, &invalid)
	}
	for i := range maxInvites {
		if i%maxMailsCaused == 0 {
			f.clock.Step(25 * time.Hour)
		}
		_, err := f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Email: fmt.Sprintf("p%d@example.com", i), Role: "viewer"}, home)
		require.NoError(t, err)
	}
	f.clock.Step(25 * time.Hour)
	_, err := f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Email: "more@example.com", Role: "viewer"}, home)
	require.ErrorAs(t, err, &invalid)
	_, err = f.CreateInvite(t.Context(), boss, NewInvite{Workspace: place, Email: "p1@example.com", Role: "viewer"}, home)
	require.NoError(t, err, "one is replaced")
	_, err = f.CreateInvite(t.Context(), boss, NewInvite{Workspace: "wsp_other", Email: "more@example.com", Role: "viewer"}, home)
	require.NoError(t, err, "another workspace has its own")
	_, err = f.CreateInvite(t.Context(), Identity{UserID: "svc_1"}, NewInvite{Workspace: place, Email: "p1@example.com", Role: "viewer"}, home)
	require.ErrorIs(t, err, ErrForbidden, "no person, no invite")
}
