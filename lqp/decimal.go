package lqp

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
)

// Decimal is an exact decimal number k·10⁻¹⁰ with |number| < 10²⁰, held in 128 bits. The zero Decimal is 0. Decimals are
// comparable with ==: one number has one representation. An operation whose exact result is out of range reports so
// by ok = false and never wraps around. None of the methods allocates, Sqrt and Power aside.
type Decimal struct {
	hi int64 // upper half of k in two's complement
	lo uint64
}

// DecimalDigits is the count of fractional digits a Decimal keeps.
const DecimalDigits = 10

const (
	unit     = 10_000_000_000 // 10^10, the k of the number 1
	halfUnit = unit / 2
	// 10^30, the first k out of range, as two 64-bit halves.
	limitHi = 54210108624
	limitLo = 5076944270305263616
)

// The reasons why a text is not a Decimal.
var (
	ErrNumberSyntax = errors.New("not a number")
	ErrNumberRange  = errors.New("number out of range (at most 20 digits before the point)")
)

// magnitude is |d| as an unsigned 128-bit integer.
func (d Decimal) magnitude() (hi, lo uint64) {
	if d.hi >= 0 {
		return uint64(d.hi), d.lo
	}
	lo, borrow := bits.Sub64(0, d.lo, 0)
	hi, _ = bits.Sub64(0, uint64(d.hi), borrow)
	return hi, lo
}

// fromMagnitude makes ±(hi,lo), not ok when it is out of range.
func fromMagnitude(neg bool, hi, lo uint64) (Decimal, bool) {
	if hi > limitHi || hi == limitHi && lo >= limitLo {
		return Decimal{}, false
	}
	if neg {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return Decimal{int64(hi), lo}, true
}

func (d Decimal) inRange() bool {
	hi, lo := d.magnitude()
	return hi < limitHi || hi == limitHi && lo < limitLo
}

// DecimalFromInt is the number i.
func DecimalFromInt(i int64) Decimal {
	hi, lo := bits.Mul64(absInt(i), unit)
	d, _ := fromMagnitude(i < 0, hi, lo)
	return d
}

func absInt(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// DecimalFromScaled is v·10^-scale, rounded half away from zero where scale exceeds 10. A negative scale counts as 0.
func DecimalFromScaled(v int64, scale int) Decimal {
	scale = max(scale, 0)
	if scale > DecimalDigits {
		if scale-DecimalDigits > 19 { // |v| < 10^19: less than a half
			return Decimal{}
		}
		p := pow10[scale-DecimalDigits]
		m := absInt(v)
		q, r := m/p, m%p
		if r >= p-r {
			q++
		}
		d, _ := fromMagnitude(v < 0, 0, q)
		return d
	}
	hi, lo := bits.Mul64(absInt(v), pow10[DecimalDigits-scale])
	d, _ := fromMagnitude(v < 0, hi, lo)
	return d
}

// DecimalFromFloat converts a double the way TO_NUMBER does: rounded to 15 significant digits, then to 10 fractional
// ones. It is not ok for NaN, infinities and numbers out of range.
func DecimalFromFloat(f float64) (Decimal, bool) {
	if math.IsNaN(f) || math.Abs(f) >= 1e20 {
		return Decimal{}, false
	}
	// Most doubles that were meant as decimals are some ten-thousandths. A double is nearer to the decimal of up to 15 digits
	// that it is nearest to than to any other of 15 digits, so that one which leads back to it is the answer.
	for scale, unit := range [...]float64{1, 10, 100, 1000, 10_000} {
		if n := math.Round(f * unit); math.Abs(n) < 1e15 && n/unit == f {
			return DecimalFromScaled(int64(n), scale), true
		}
	}
	return decimalFromDigits(f)
}

// decimalFromDigits is DecimalFromFloat by the double's digits.
func decimalFromDigits(f float64) (Decimal, bool) {
	var buf [32]byte
	d, err := parseDecimal(string(strconv.AppendFloat(buf[:0], f, 'e', 14, 64)), true)
	return d, err == nil
}

// Float is the double nearest to d.
func (d Decimal) Float() float64 {
	hi, lo := d.magnitude()
	if hi == 0 && lo < 1<<53 {
		f := float64(lo) / unit // both exact, so the quotient is correctly rounded
		if d.hi < 0 {
			return -f
		}
		return f
	}
	var buf [40]byte
	f, _ := strconv.ParseFloat(string(d.AppendText(buf[:0])), 64)
	return f
}

// Int64 is d as an integer, not ok when d has a fraction or does not fit.
func (d Decimal) Int64() (int64, bool) { return d.Scaled(0) }

// Scaled is the integer d·10^scale for a scale of 0 to 10, not ok when it is no integer or does not fit 64 bits.
func (d Decimal) Scaled(scale int) (int64, bool) {
	if scale < 0 || scale > DecimalDigits {
		return 0, false
	}
	hi, lo := d.magnitude()
	qh, q, r := div128by64(hi, lo, pow10[DecimalDigits-scale])
	if r != 0 || qh != 0 {
		return 0, false
	}
	if d.hi < 0 {
		return -int64(q), q <= 1<<63
	}
	return int64(q), q < 1<<63
}

// truncInt is d without its fraction, saturated to what fits an int64: for counts and positions.
func (d Decimal) truncInt() int64 {
	hi, lo := d.magnitude()
	qh, q, _ := div128by64(hi, lo, unit)
	if qh != 0 || q >= 1<<63 {
		if d.hi < 0 {
			return math.MinInt64
		}
		return math.MaxInt64
	}
	if d.hi < 0 {
		return -int64(q)
	}
	return int64(q)
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.hi < 0:
		return -1
	case d.hi == 0 && d.lo == 0:
		return 0
	}
	return 1
}

// IsInt reports whether d is a whole number.
func (d Decimal) IsInt() bool {
	hi, lo := d.magnitude()
	_, _, r := div128by64(hi, lo, unit)
	return r == 0
}

// Cmp compares d with e: -1, 0 or 1.
func (d Decimal) Cmp(e Decimal) int {
	switch {
	case d == e:
		return 0
	case d.hi < e.hi || d.hi == e.hi && d.lo < e.lo:
		return -1
	}
	return 1
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// div128by64 divides an unsigned 128-bit integer by a word.
func div128by64(hi, lo, d uint64) (qhi, qlo, rem uint64) {
	qhi, rem = hi/d, hi%d
	qlo, rem = bits.Div64(rem, lo, d)
	return qhi, qlo, rem
}
