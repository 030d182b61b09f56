package sqlgen

import (
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

func TestSuccessor(t *testing.T) {
	for p, want := range map[string]string{"a": "b", "ab": "ac", "a\U0010FFFF": "b", "\uD7FF": "\uE000", "": "", "\U0010FFFF": ""} {
		next, ok := Successor(p)
		require.Equal(t, want, next, "%q", p)
		require.Equal(t, want != "", ok, "%q", p)
	}
}

func TestIsUUID(t *testing.T) {
	require.True(t, IsUUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))
	for _, s := range []string{"", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b-4ef8-bb6d-6bb9bd380a111-", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"} {
		require.False(t, IsUUID(s), s)
	}
}

func TestDigitsOf(t *testing.T) {
	for _, c := range []struct {
		of   lqp.Type
		want Digits
		ok   bool
	}{
		{lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}, Digits{10, 2}, true},
		{lqp.Type{Kind: lqp.Number, Precision: 30, Scale: 15}, Digits{16, 10}, true},
		{lqp.Type{Kind: lqp.Number, Precision: 2, Scale: 4}, Digits{0, 4}, true},
		{lqp.Type{Kind: lqp.Number}, Digits{}, false},
		{lqp.Type{Kind: lqp.Float, Precision: 12}, Digits{}, false},
	} {
		got, ok := DigitsOf(c.of)
		require.Equal(t, c.want, got)
		require.Equal(t, c.ok, ok)
	}
}

func TestLiteralInt(t *testing.T) {
	n, ok := LiteralInt(lqp.Literal(lqp.IntValue(7)), 0, 5)
	require.Equal(t, []any{5, true}, []any{n, ok})
	n, ok = LiteralInt(lqp.Literal(lqp.NumberValue(lqp.DecimalFromScaled(-19, 1))), -5, 5)
	require.Equal(t, []any{-1, true}, []any{n, ok}, "cut towards zero")
	_, ok = LiteralInt(lqp.Literal(lqp.TextValue("7")), 0, 9)
	require.False(t, ok)
	_, ok = LiteralInt(lqp.Ref("t", "c"), 0, 9)
	require.False(t, ok)
}
