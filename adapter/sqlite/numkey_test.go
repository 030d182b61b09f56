package sqlite

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// decimals draws numbers of all sizes, the range's edges included.
func decimals() *rapid.Generator[lqp.Decimal] {
	return rapid.Custom(func(t *rapid.T) lqp.Decimal {
		text := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,10})?`),
			rapid.StringMatching(`-?[0-9]{1,3}(\.[0-9]{1,3})?`),
			rapid.SampledFrom([]string{"0", "99999999999999999999.9999999999", "-99999999999999999999.9999999999", "0.0000000001",
				"-0.0000000001", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "922337203685477.5807"}),
		).Draw(t, "text")
		d, err := lqp.ParseDecimal(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return d
	})
}

func TestNumberKeysCompareLikeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		ka, kb := appendNumKey(nil, a), appendNumKey(nil, b)
		require.Len(t, ka, keyLen)
		require.Equal(t, a.Cmp(b), bytes.Compare(ka, kb), "%s, %s", ka, kb)
		back, ok := parseNumKey(ka)
		require.True(t, ok)
		require.Equal(t, a, back)
	})
}

func TestCollationComparesLikeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		require.Equal(t, a.Cmp(b), compareNumbers(a.AppendText(nil), b.AppendText(nil)))
	})
	require.Negative(t, compareNumbers([]byte("5"), []byte("none")))
	require.Positive(t, compareNumbers([]byte("none"), []byte("5")))
}

// TestIntegerBoundsAreExact compares every column value near a literal with what its bounds say.
func TestIntegerBoundsAreExact(t *testing.T) {
	compare := func(op sqlgen.Op, c int) bool {
		switch op {
		case sqlgen.Eq:
			return c == 0
		case sqlgen.Lt:
			return c < 0
		case sqlgen.Le:
			return c <= 0
		case sqlgen.Gt:
			return c > 0
		}
		return c >= 0
	}
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(0, 10).Draw(t, "scale")
		n := decimals().Draw(t, "literal")
		stored := rapid.Int64().Draw(t, "stored")
		if cut, ok := n.RoundDown(scale); ok && rapid.Bool().Draw(t, "near") {
			if near, ok := cut.Scaled(scale); ok {
				stored = near + int64(rapid.IntRange(-1, 1).Draw(t, "off"))
			}
		}
		value := lqp.DecimalFromScaled(stored, scale)
		for _, op := range []sqlgen.Op{sqlgen.Eq, sqlgen.Lt, sqlgen.Le, sqlgen.Gt, sqlgen.Ge} {
			b := intBounds(op, n, intRep(scale))
			got := !b.Never
			for i := range b.N {
				limit := b.Bound[i].Value.Decimal()
				if _, ok := limit.Scaled(scale); !ok {
					t.Fatalf("bound %s does not fit the column", limit)
				}
				got = got && compare(b.Bound[i].Op, value.Cmp(limit))
			}
			require.Equal(t, compare(op, value.Cmp(n)), got, "%s op %d %s at scale %d", value, op, n, scale)
		}
	})
}

func TestScaledIntegersPrintLikeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2000, 2000)).Draw(t, "n")
		scale := rapid.IntRange(0, 10).Draw(t, "scale")
		want := lqp.NumberValue(lqp.DecimalFromScaled(n, scale)).AppendJSON(nil)
		require.Equal(t, string(want), string(appendScaled(nil, n, scale)))
	})
}
