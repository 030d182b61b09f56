package lqp

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Random words hardly ever need the corrections of the long division: these do.
func TestDivisionOfWordsAgainstBig(t *testing.T) {
	word := rapid.OneOf(
		rapid.SampledFrom([]uint64{0, 1, 2, 1 << 63, 1<<63 - 1, 1<<63 + 1, 1<<64 - 1, 1<<64 - 2, 1 << 32, 1<<32 - 1}),
		rapid.Uint64())
	join := func(words ...uint64) *big.Int {
		n := new(big.Int)
		for _, w := range words {
			n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w))
		}
		return n
	}
	corrected := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			n1, n0 := word.Draw(t, "n1"), word.Draw(t, "n0")
			dh, dl := max(word.Draw(t, "dh"), 1), word.Draw(t, "dl")
			n2 := word.Draw(t, "n2") % dh // so that the quotient fits two words, as it always does in Div and Mod
			if n1 < dl && n0&1 == 0 {
				n2 = dh
			}
			q1, q0, rh, rl := div192by128(n2, n1, n0, dh, dl)
			q, r := new(big.Int).QuoRem(join(n2, n1, n0), join(dh, dl), new(big.Int))
			if join(q1, q0).Cmp(q) != 0 || join(rh, rl).Cmp(r) != 0 {
				t.Fatalf("(%d,%d,%d) / (%d,%d) is (%d,%d) rest (%d,%d)", n2, n1, n0, dh, dl, q1, q0, rh, rl)
			}
			if dh >= 1<<63 && n2 == 0 && n1 >= dh {
				corrected++
			}
		}
	})
	if corrected == 0 {
		t.Error("no hard division was drawn")
	}
}
