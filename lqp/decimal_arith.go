package lqp

import (
	"math"
	"math/big"
	"math/bits"
)

// Neg is -d.
func (d Decimal) Neg() Decimal {
	lo, borrow := bits.Sub64(0, d.lo, 0)
	hi, _ := bits.Sub64(0, uint64(d.hi), borrow)
	return Decimal{int64(hi), lo}
}

// Abs is |d|.
func (d Decimal) Abs() Decimal {
	if d.hi < 0 {
		return d.Neg()
	}
	return d
}

// Add is d+e, exact.
func (d Decimal) Add(e Decimal) (Decimal, bool) {
	lo, carry := bits.Add64(d.lo, e.lo, 0)
	hi, _ := bits.Add64(uint64(d.hi), uint64(e.hi), carry)
	r := Decimal{int64(hi), lo} // |k| < 2·10^30 < 2^127
	return r, r.inRange()
}

// Sub is d-e, exact.
func (d Decimal) Sub(e Decimal) (Decimal, bool) {
	lo, borrow := bits.Sub64(d.lo, e.lo, 0)
	hi, _ := bits.Sub64(uint64(d.hi), uint64(e.hi), borrow)
	r := Decimal{int64(hi), lo}
	return r, r.inRange()
}

// Mul is the exact product rounded half away from zero to ten fractional digits.
func (d Decimal) Mul(e Decimal) (Decimal, bool) {
	ah, al := d.magnitude()
	bh, bl := e.magnitude()
	neg := (d.hi < 0) != (e.hi < 0)
	p1, p0 := bits.Mul64(al, bl)
	var p2, p3 uint64
	if ah|bh != 0 {
		var h, l, c uint64
		h, l = bits.Mul64(ah, bl)
		p1, c = bits.Add64(p1, l, 0)
		p2, c = bits.Add64(h, 0, c)
		p3 += c
		h, l = bits.Mul64(al, bh)
		p1, c = bits.Add64(p1, l, 0)
		p2, c = bits.Add64(p2, h, c)
		p3 += c
		h, l = bits.Mul64(ah, bh)
		p2, c = bits.Add64(p2, l, 0)
		p3 += h + c
		// In range means quotient < 10^30 < 2^100, so the product is below 2^134: the words above p2 must be empty and
		// p2 itself small. Refusing early keeps the division below to three words.
		if p3 != 0 || p2 >= unit {
			return Decimal{}, false
		}
	}
	q1, r := bits.Div64(p2, p1, unit)
	q0, r := bits.Div64(r, p0, unit)
	if r >= halfUnit {
		var c uint64
		q0, c = bits.Add64(q0, 1, 0)
		if q1, c = bits.Add64(q1, 0, c); c != 0 {
			return Decimal{}, false
		}
	}
	return fromMagnitude(neg, q1, q0)
}

// Div is the exact quotient rounded half away from zero to ten fractional digits, not ok when e is zero.
func (d Decimal) Div(e Decimal) (Decimal, bool) {
	bh, bl := e.magnitude()
	if bh|bl == 0 {
		return Decimal{}, false
	}
	ah, al := d.magnitude()
	neg := (d.hi < 0) != (e.hi < 0)
	n1, n0 := bits.Mul64(al, unit)
	n2, m := bits.Mul64(ah, unit)
	n1, c := bits.Add64(n1, m, 0)
	n2 += c // the dividend k·10^10 < 10^40 is (n2, n1, n0)
	if bh == 0 {
		if n2 >= bl {
			return Decimal{}, false // quotient of 2^128 or more
		}
		q1, r := bits.Div64(n2, n1, bl)
		q0, r := bits.Div64(r, n0, bl)
		if r >= bl-r {
			q0, c = bits.Add64(q0, 1, 0)
			if q1, c = bits.Add64(q1, 0, c); c != 0 {
				return Decimal{}, false
			}
		}
		return fromMagnitude(neg, q1, q0)
	}
	q1, q0, rh, rl := div192by128(n2, n1, n0, bh, bl)
	sh, sl := sub128(bh, bl, rh, rl)
	if rh > sh || rh == sh && rl >= sl {
		q0, c = bits.Add64(q0, 1, 0)
		q1 += c
	}
	return fromMagnitude(neg, q1, q0)
}

// Mod is the remainder with the sign of the divisor, as spreadsheets have it; not ok when e is zero.
func (d Decimal) Mod(e Decimal) (Decimal, bool) {
	bh, bl := e.magnitude()
	if bh|bl == 0 {
		return Decimal{}, false
	}
	ah, al := d.magnitude()
	var rh, rl uint64
	if bh == 0 {
		_, _, rl = div128by64(ah, al, bl)
	} else {
		_, _, rh, rl = div192by128(0, ah, al, bh, bl)
	}
	if rh|rl != 0 && (d.hi < 0) != (e.hi < 0) {
		rh, rl = sub128(bh, bl, rh, rl)
	}
	return fromMagnitude(e.hi < 0, rh, rl)
}

func sub128(ah, al, bh, bl uint64) (hi, lo uint64) {
	lo, b := bits.Sub64(al, bl, 0)
	hi, _ = bits.Sub64(ah, bh, b)
	return hi, lo
}

// div192by128 divides (n2,n1,n0) by (dh,dl) with dh != 0: Knuth's algorithm D for a two-word divisor.
func div192by128(n2, n1, n0, dh, dl uint64) (q1, q0, rh, rl uint64) {
	s := uint(bits.LeadingZeros64(dh))
	vh, vl := dh<<s|dl>>(64-s), dl<<s // a shift by 64 is 0 in Go, so s = 0 is right as well
	u3 := n2 >> (64 - s)
	u2 := n2<<s | n1>>(64-s)
	u1 := n1<<s | n0>>(64-s)
	u0 := n0 << s
	q1, u2, u1 = divStep(u3, u2, u1, vh, vl)
	q0, u1, u0 = divStep(u2, u1, u0, vh, vl)
	return q1, q0, u1 >> s, u0>>s | u1<<(64-s)
}

// divStep divides (a,b,c) by the normalised (vh,vl), given (a,b) < (vh,vl); the quotient is one word.
func divStep(a, b, c, vh, vl uint64) (q, rh, rl uint64) {
	if a >= vh {
		q = math.MaxUint64
	} else {
		q, _ = bits.Div64(a, b, vh)
	}
	ph, pm := bits.Mul64(q, vh)
	mh, pl := bits.Mul64(q, vl)
	pm, k := bits.Add64(pm, mh, 0)
	ph += k
	l, k := bits.Sub64(c, pl, 0)
	m, k := bits.Sub64(b, pm, k)
	h, _ := bits.Sub64(a, ph, k)
	for h != 0 { // q was too big by at most two: the difference is negative
		q--
		l, k = bits.Add64(l, vl, 0)
		m, k = bits.Add64(m, vh, k)
		h += k
	}
	return q, m, l
}

// Sqrt is the square root rounded to ten fractional digits, not ok for a negative d. It allocates.
func (d Decimal) Sqrt() (Decimal, bool) {
	if d.hi < 0 {
		return Decimal{}, false
	}
	n := d.big()
	n.Mul(n, big.NewInt(unit))
	r := new(big.Int).Sqrt(n)
	if n.Sub(n, new(big.Int).Mul(r, r)).Cmp(r) > 0 { // beyond r + 1/2: a tie cannot occur
		r.Add(r, big.NewInt(1))
	}
	return decimalFromBig(r)
}

// maxExactPower is the largest whole exponent for which Power is exact before its one rounding.
const maxExactPower = 128

// Power is d to the power of e. For whole exponents of at most 128 in magnitude it is the exact power rounded half away
// from zero to ten fractional digits; for others it is the double nearest to the power, converted as
// [DecimalFromFloat] does. It is not ok where the power is undefined or out of range; 0 to the power of 0 is 1.
func (d Decimal) Power(e Decimal) (Decimal, bool) {
	n, whole := e.Int64()
	if !whole || n > maxExactPower || n < -maxExactPower {
		return DecimalFromFloat(math.Pow(d.Float(), e.Float()))
	}
	if n < 0 && d.Sign() == 0 {
		return Decimal{}, false
	}
	// d^|n| = p / 10^(10|n|); k of the result is p·10^10 / 10^(10|n|), or its inverse for a negative n.
	abs := int64(absInt(n))
	p := new(big.Int).Exp(d.big(), big.NewInt(abs), nil)
	q := new(big.Int).Exp(big.NewInt(unit), big.NewInt(abs), nil)
	if n < 0 {
		p, q = q, p
	}
	p.Mul(p, big.NewInt(unit))
	neg := p.Sign()*q.Sign() < 0
	p.Abs(p)
	q.Abs(q)
	r := new(big.Int)
	p.QuoRem(p, q, r)
	if r.Lsh(r, 1).Cmp(q) >= 0 {
		p.Add(p, big.NewInt(1))
	}
	if neg {
		p.Neg(p)
	}
	return decimalFromBig(p)
}

func (d Decimal) big() *big.Int {
	hi, lo := d.magnitude()
	n := new(big.Int).SetUint64(hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(lo))
	if d.hi < 0 {
		n.Neg(n)
	}
	return n
}

func decimalFromBig(n *big.Int) (Decimal, bool) {
	if n.BitLen() > 127 {
		return Decimal{}, false
	}
	m := new(big.Int).Abs(n)
	hi := new(big.Int).Rsh(m, 64).Uint64()
	lo := m.And(m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	return fromMagnitude(n.Sign() < 0, hi, lo)
}
