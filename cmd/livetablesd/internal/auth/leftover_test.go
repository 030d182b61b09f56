package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEndedSessionsAreBounded: logging in and out without end does not fill the store.
func TestEndedSessionsAreBounded(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	for range 2*maxSessions + 20 {
		f.clock.Step(time.Second)
		require.NoError(t, f.Logout(t.Context(), f.verify(f.login("ann@example.com"))))
	}
	require.LessOrEqual(t, f.count("auth_session", "revoked_at IS NOT NULL"), int64(maxSessions))
	// The latest are still known, so that their tokens are told apart from made-up ones.
	last := f.login("ann@example.com")
	require.NoError(t, f.Logout(t.Context(), f.verify(last)))
	f.dead(last)
}

// TestDeadTokensTakeNoRoom: a change of password ends all tokens, and as many new ones can be made after it.
func TestDeadTokensTakeNoRoom(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	ann := f.verify(f.loginNew(root, "ann@example.com"))
	for range maxTokens {
		f.token(ann)
	}
	_, err := f.ChangePassword(t.Context(), ann, passwordOf("ann@example.com"), passwordOf("new"), home)
	require.NoError(t, err)
	tokens, err := f.Login(t.Context(), Credentials{Email: "ann@example.com", Password: passwordOf("new")}, home)
	require.NoError(t, err)
	text, _ := f.token(f.verify(tokens))
	f.good(text)
	require.Equal(t, int64(1), f.count("auth_key", everyRow))
}

// TestRevokeEverythingEndsInvites: whoever was in an account may have asked an address of theirs into its workspaces.
func TestRevokeEverythingEndsInvites(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	ann := f.verify(f.loginNew(root, "ann@example.com"))
	_, stolen := f.invited(ann, "mallory@example.com")
	_, kept := f.invited(root, "bob@example.com")
	require.NoError(t, f.RequestAddress(t.Context(), ann, "mallory2@example.com", passwordOf("ann@example.com"), home))
	f.mailed("mallory2@example.com")
	require.NoError(t, f.RevokeEverything(t.Context(), ann, home))
	_, err := f.PeekInvite(t.Context(), stolen, home)
	require.Equal(t, ErrToken, err)
	_, err = f.PeekInvite(t.Context(), kept, home)
	require.NoError(t, err, "the invites of others stay")
	require.Equal(t, int64(1), f.count("auth_mail_token", everyRow))
}

// TestDeletedAccountsLeaveNoTokens: nothing that was issued to an account, or in its name, stays behind it.
func TestDeletedAccountsLeaveNoTokens(t *testing.T) {
	f := newFixture(t, nil)
	root := f.root()
	tokens := f.loginNew(root, "ann@example.com")
	ann := f.verify(tokens)
	pat, _ := f.token(ann)
	_, key, _ := f.service(ann, "wsp_1")
	_, invite := f.invited(ann, "bob@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	reset := f.mailed("ann@example.com")
	require.NoError(t, f.DeleteUser(t.Context(), root, ann.UserID))
	f.dead(tokens)
	f.refused(pat)
	f.refused(key)
	_, err := f.PeekInvite(t.Context(), invite, home)
	require.Equal(t, ErrToken, err)
	require.Equal(t, ErrToken, f.ConfirmReset(t.Context(), reset, passwordOf("x"), home))
	for _, table := range []string{"auth_key", "auth_mail_token", "auth_invite", "auth_oidc_link"} {
		require.Zero(t, f.count(table, everyRow), table)
	}
	require.Zero(t, f.count("auth_session", "account_id = '"+ann.UserID+"'"))
}
