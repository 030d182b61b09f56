package idempotency

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
)

// TestDigestsConfirmNoGuess: a request may hold a password. Whoever reads the file must not be able to try guesses of it, in
// any of the forms in which a hash could lie there.
func TestDigestsConfirmNoGuess(t *testing.T) {
	place := storetest.Emptied(t, `DELETE FROM http_idempotency`)
	s := openStore(t, place, nil)
	sum := sha256.Sum256([]byte(`{"password":"summer2026"}`))
	require.NoError(t, begin(t, s, "usr_1", "k", string(sum[:])).Done(t.Context(), Answer{Status: 201}))
	stored := everything(t, place, s)
	for _, form := range []string{string(sum[:]), hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])} {
		require.NotContains(t, stored, form)
	}
	_, answer, err := s.Begin(t.Context(), "usr_1", "k", sum[:])
	require.NoError(t, err)
	require.Equal(t, 201, answer.Status)

	// What does not open, after its key has gone or when somebody changed it, is no other request and no repeat.
	require.NoError(t, s.db.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE http_idempotency SET digest = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'`)
		return err
	}))
	_, _, err = s.Begin(t.Context(), "usr_1", "k", sum[:])
	require.ErrorIs(t, err, ErrUnknown)
}

// TestBoundsAreOfTheAccount: a new token is no new allowance, and all accounts together have one.
func TestBoundsAreOfTheAccount(t *testing.T) {
	s := openStore(t, storetest.Emptied(t, `DELETE FROM http_idempotency`), func(o *Options) { o.MaxBytes, o.MaxKeys, o.MaxTotal = 250, 4, 400 })
	kept := func(principal, key string) bool {
		require.NoError(t, begin(t, s, principal, key, "d").Done(t.Context(), Answer{Status: 200, Body: []byte(strings.Repeat("x", 100))}))
		_, answer, err := s.Begin(t.Context(), principal, key, []byte("d"))
		require.NoError(t, err)
		return !answer.Cut
	}
	require.True(t, kept("usr_1 ", "a"))
	require.True(t, kept("usr_1 tok_1", "a"), "the key of another token is another key")
	require.False(t, kept("usr_1 tok_2", "a"), "250 bytes are enough for two")
	require.False(t, kept("usr_1 tok_3", "a"))
	_, _, err := s.Begin(t.Context(), "usr_1 tok_4", "a", []byte("d"))
	require.ErrorIs(t, err, ErrFull)
	require.True(t, kept("usr_2 ", "a"))
	require.True(t, kept("usr_3 ", "a"))
	require.False(t, kept("usr_4 ", "a"), "400 bytes of all are used up")
}
