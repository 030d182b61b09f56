package lqp

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var cursorTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func cursorKey(t testing.TB, fill byte) *CursorKey {
	t.Helper()
	k, err := NewCursorKey(bytes.Repeat([]byte{fill}, 32))
	require.NoError(t, err)
	return k
}

func cursorScope() CursorScope {
	return CursorScope{Query: QueryHash(orders().Sort("total").Query()), Principal: "usr_1", Workspace: "wsp_1", Policy: "7"}
}

func TestCursorRoundTrip(t *testing.T) {
	k := cursorKey(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		c := Cursor{Offset: rapid.IntRange(0, 1<<31-1).Draw(t, "offset"), After: rapid.SliceOfN(genScalar(), 0, 5).Draw(t, "after")}
		token, err := k.Seal(c, cursorScope(), cursorTime.Add(time.Hour))
		require.NoError(t, err)
		back, err := k.Open(token, cursorScope(), cursorTime)
		require.NoError(t, err)
		require.Equal(t, c.Offset, back.Offset)
		require.Len(t, back.After, len(c.After))
		for i, v := range c.After {
			require.Equal(t, v.Kind(), back.After[i].Kind())
			require.True(t, Equal(v, back.After[i]), "%v is not %v", v, back.After[i])
		}
	})
}

func TestCursorOpensOnlyWhereItWasSealed(t *testing.T) {
	k := cursorKey(t, 1)
	token, err := k.Seal(Cursor{After: []Value{TextValue("a secret"), IntValue(5)}}, cursorScope(), cursorTime.Add(time.Hour))
	require.NoError(t, err)
	scope := func(edit func(*CursorScope)) CursorScope { s := cursorScope(); edit(&s); return s }
	tests := []struct {
		name, token string
		key         *CursorKey
		scope       CursorScope
		now         time.Time
		reason      string
	}{
		{"another key", token, cursorKey(t, 2), cursorScope(), cursorTime, "another key"},
		{"another principal", token, k, scope(func(s *CursorScope) { s.Principal = "usr_2" }), cursorTime, "principal"},
		{"another workspace", token, k, scope(func(s *CursorScope) { s.Workspace = "wsp_2" }), cursorTime, "workspace"},
		{"parts moved between fields", token, k, scope(func(s *CursorScope) { s.Workspace, s.Principal = "wsp_1usr", "_1" }), cursorTime, "principal"},
		{"another query", token, k, scope(func(s *CursorScope) { s.Query[0] ^= 1 }), cursorTime, "another query"},
		{"another policy", token, k, scope(func(s *CursorScope) { s.Policy = "8" }), cursorTime, "rules have changed"},
		{"expired", token, k, cursorScope(), cursorTime.Add(time.Hour), "expired"},
		{"no token", "", k, cursorScope(), cursorTime, "base64"},
		{"not base64", "!!", k, cursorScope(), cursorTime, "base64"},
		{"too short", "AQ", k, cursorScope(), cursorTime, "altered"},
		{"unknown version", "Ag" + token[2:], k, cursorScope(), cursorTime, "unknown version"},
		{"endless", strings.Repeat("A", 1<<20), k, cursorScope(), cursorTime, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.key.Open(tt.token, tt.scope, tt.now)
			require.ErrorIs(t, err, ErrCursor)
			require.Contains(t, err.Error(), tt.reason)
		})
	}
}

func TestCursorRefusesEveryFlippedBit(t *testing.T) {
	k := cursorKey(t, 1)
	token, err := k.Seal(Cursor{After: []Value{TextValue("x"), NullValue}, Offset: 3}, cursorScope(), cursorTime.Add(time.Hour))
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			_, err := k.Open(base64.RawURLEncoding.EncodeToString(raw), cursorScope(), cursorTime)
			require.ErrorIs(t, err, ErrCursor, "byte %d bit %d", i, bit)
			raw[i] ^= 1 << bit
		}
	}
	for n := range len(token) {
		_, err := k.Open(token[:n], cursorScope(), cursorTime)
		require.ErrorIs(t, err, ErrCursor, "cut to %d", n)
	}
}

func TestCursorHidesItsContent(t *testing.T) {
	k := cursorKey(t, 1)
	seal := func() string {
		token, err := k.Seal(Cursor{After: []Value{TextValue("confidential")}}, cursorScope(), cursorTime)
		require.NoError(t, err)
		return token
	}
	a, b := seal(), seal()
	require.NotEqual(t, a, b, "each token has its own nonce")
	raw, err := base64.RawURLEncoding.DecodeString(a)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "confidential")
}

func TestCursorSealRefuses(t *testing.T) {
	k := cursorKey(t, 1)
	_, err := k.Seal(Cursor{After: []Value{IntValue(1), ListValue(nil)}}, cursorScope(), cursorTime)
	require.ErrorContains(t, err, "sort key 2: a list has no order")
	_, err = k.Seal(Cursor{After: []Value{TextValue(strings.Repeat("x", 100_000))}}, cursorScope(), cursorTime)
	require.ErrorContains(t, err, "too long")
	_, err = NewCursorKey(make([]byte, 31))
	require.ErrorContains(t, err, "at least 32")
}
