package lqp

import "math/bits"

type rounding uint8

const (
	roundHalfAway rounding = iota
	roundAway
	roundToZero
	roundFloor
)

// Round rounds half away from zero to n fractional digits; a negative n rounds to tens, hundreds and so on. It is not ok
// when the result is out of range.
func (d Decimal) Round(n int) (Decimal, bool) { return d.round(n, roundHalfAway) }

// RoundUp rounds away from zero to n fractional digits, like [Decimal.Round] otherwise.
func (d Decimal) RoundUp(n int) (Decimal, bool) { return d.round(n, roundAway) }

// RoundDown rounds toward zero to n fractional digits.
func (d Decimal) RoundDown(n int) (Decimal, bool) { return d.round(n, roundToZero) }

// Floor is the largest whole number not above d, not ok when it is out of range.
func (d Decimal) Floor() (Decimal, bool) { return d.round(0, roundFloor) }

func (d Decimal) round(n int, mode rounding) (Decimal, bool) {
	if n >= DecimalDigits {
		return d, true
	}
	hi, lo := d.magnitude()
	if hi|lo == 0 {
		return d, true
	}
	neg := d.hi < 0
	up := mode == roundAway || mode == roundFloor && neg
	if n < -20 { // every number is below 10^20 ≤ half of the step
		return Decimal{}, !up
	}
	// The step is 10^(10-n) with an exponent of 1 to 30; two words divide it out.
	exp := DecimalDigits - n
	sh, sl := bits.Mul64(pow10[min(exp, 15)], pow10[max(exp-15, 0)])
	var rh, rl uint64
	if sh == 0 {
		_, _, rl = div128by64(hi, lo, sl)
	} else {
		_, _, rh, rl = div192by128(0, hi, lo, sh, sl)
	}
	if mode == roundHalfAway {
		th, tl := sub128(sh, sl, rh, rl)
		up = rh > th || rh == th && rl >= tl
	}
	mh, ml := sub128(hi, lo, rh, rl)
	if up && rh|rl != 0 {
		var c uint64
		ml, c = bits.Add64(ml, sl, 0)
		mh, _ = bits.Add64(mh, sh, c)
	}
	return fromMagnitude(neg, mh, ml)
}

// FloorTo is the largest multiple of |step| not above d; CeilingTo the smallest not below. Neither is ok for a step of
// zero or a result out of range.
func (d Decimal) FloorTo(step Decimal) (Decimal, bool) {
	m, ok := d.Mod(step.Abs())
	if !ok {
		return Decimal{}, false
	}
	return d.Sub(m)
}

// CeilingTo is the smallest multiple of |step| not below d.
func (d Decimal) CeilingTo(step Decimal) (Decimal, bool) {
	m, ok := d.Neg().Mod(step.Abs())
	if !ok {
		return Decimal{}, false
	}
	return d.Add(m)
}
