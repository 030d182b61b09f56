package minidb

import (
	"math/big"
	"strings"
)

// The places of rows in manual order are texts that compare byte by byte. A row that was never moved has none and lies at its
// own id; a moved one lies at an anchor (the id of the row it was put behind, or "!" before all ids) followed by a fraction in
// the digits of ids. Between two places there is always another, so that a move writes no row but those that move, and a
// table that was never put in order needs no places at all. (Fractional indexing as described by D. Greenspan, 2020, with
// the row ids in the place of its integers.)

const (
	placeFront  = "!"                        // sorts before every row id
	placeAnchor = len(prefixRow) + 1 + idLen // bytes of a row id
	maxPlace    = 160                        // bytes of a place; rows whose places would be longer are spaced anew
)

// splitPlace is the anchor and the fraction of a place.
func splitPlace(place string) (anchor, fraction string) {
	if strings.HasPrefix(place, placeFront) {
		return placeFront, place[len(placeFront):]
	}
	if len(place) < placeAnchor {
		return place, ""
	}
	return place[:placeAnchor], place[placeAnchor:]
}

// placesBetween are n places in order after low and before high, each of which may be empty for an open end.
func placesBetween(low, high string, n int) []string {
	anchor, from := placeFront, ""
	if low != "" {
		anchor, from = splitPlace(low)
	}
	to := ""
	if high != "" {
		if a, f := splitPlace(high); a == anchor {
			to = f
		}
	}
	list := fractionsBetween(from, to, n)
	for i := range list {
		list[i] = anchor + list[i]
	}
	return list
}

// openParts is into how many parts an open end is divided for one more row: rows that are put at the end one after the other then
// need another digit after about a hundred of them, not after five.
const openParts = 64

// fractionsBetween are n fractions in order above from and below to; an empty to is 1, an empty from 0. None ends with the digit
// zero, so that their order as texts is their order as numbers.
func fractionsBetween(from, to string, n int) []string {
	base := big.NewInt(int64(len(idDigits)))
	digits := max(1, len(from), len(to))
	low, high := fraction(from, digits), fraction(to, digits)
	if to == "" {
		high.Exp(base, big.NewInt(int64(digits)), nil)
	}
	need := big.NewInt(int64(2 * (n + 1)))
	gap := new(big.Int).Sub(high, low)
	for ; gap.Cmp(need) < 0; digits++ {
		low.Mul(low, base)
		high.Mul(high, base)
		gap.Mul(gap, base)
	}
	step := new(big.Int).Div(gap, big.NewInt(int64(n+1)))
	first := new(big.Int).Add(low, step)
	if near := new(big.Int).Div(gap, big.NewInt(openParts)); to == "" && from != "" || from == "" && to != "" {
		if near.Sign() == 0 {
			near.SetInt64(1)
		}
		if near.Cmp(step) < 0 {
			step = near
		}
		if first = new(big.Int).Add(low, step); from == "" { // close to what comes behind
			first.Sub(high, new(big.Int).Mul(step, big.NewInt(int64(n))))
		}
	}
	list := make([]string, n)
	for i := range list {
		list[i] = fractionText(first, digits)
		first.Add(first, step)
	}
	return list
}

// fraction is the number that the first digits of a fraction make.
func fraction(text string, digits int) *big.Int {
	v, base := new(big.Int), big.NewInt(int64(len(idDigits)))
	for i := range digits {
		v.Mul(v, base)
		if i < len(text) {
			v.Add(v, big.NewInt(int64(max(0, strings.IndexByte(idDigits, text[i])))))
		}
	}
	return v
}

func fractionText(v *big.Int, digits int) string {
	text := make([]byte, digits)
	rest, digit, base := new(big.Int).Set(v), new(big.Int), big.NewInt(int64(len(idDigits)))
	for i := digits - 1; i >= 0; i-- {
		rest.DivMod(rest, base, digit)
		text[i] = idDigits[digit.Int64()]
	}
	return strings.TrimRight(string(text), idDigits[:1])
}
