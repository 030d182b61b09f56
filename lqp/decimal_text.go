package lqp

import (
	"fmt"
	"math/bits"
)

// ParseDecimal reads an optional sign, digits, an optional fraction and an optional exponent ("-12.50", "1e3"), nothing
// else. Digits beyond the tenth fractional one are rounded half away from zero. The error wraps [ErrNumberSyntax] or
// [ErrNumberRange].
func ParseDecimal(s string) (Decimal, error) {
	d, err := parseDecimal(s, true)
	if err != nil {
		return d, fmt.Errorf("%w: %q", err, clip(s))
	}
	return d, nil
}

// clip keeps messages about hostile input short.
func clip(s string) string {
	n := 0
	for i := range s {
		if n == 40 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

func parseDecimal(s string, exponent bool) (Decimal, error) {
	if d, ok := parseShort(s); ok {
		return d, nil
	}
	i, neg := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	digits, ok := scanDigits(s, i)
	if !ok {
		return Decimal{}, ErrNumberSyntax
	}
	whole, frac := s[i:digits], ""
	i = digits
	if i < len(s) && s[i] == '.' {
		digits, ok = scanDigits(s, i+1)
		if !ok {
			return Decimal{}, ErrNumberSyntax
		}
		frac = s[i+1 : digits]
		i = digits
	}
	exp := 0
	if exponent && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		var n int
		if exp, n = scanExponent(s[i+1:]); n == 0 {
			return Decimal{}, ErrNumberSyntax
		}
		i += 1 + n
	}
	if i != len(s) {
		return Decimal{}, ErrNumberSyntax
	}
	return scaleDigits(neg, whole, frac, exp)
}

// parseShort reads numbers as most are: without a plus or an exponent, of few enough digits for an int64 and not more decimals than are kept.
func parseShort(s string) (Decimal, bool) {
	const most = 18 // digits, and a point
	digits := s
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" || len(digits) > most {
		return Decimal{}, false
	}
	n, point := int64(0), -1
	for i := range len(digits) {
		c := digits[i] - '0'
		switch {
		case c <= 9:
			n = n*10 + int64(c)
		case digits[i] == '.' && point < 0 && i > 0:
			point = i
		default:
			return Decimal{}, false
		}
	}
	scale := 0
	if point >= 0 {
		scale = len(digits) - point - 1
		if scale == 0 || scale > DecimalDigits {
			return Decimal{}, false
		}
	}
	if len(digits) < len(s) {
		n = -n
	}
	return DecimalFromScaled(n, scale), true
}

func scanDigits(s string, from int) (end int, ok bool) {
	for end = from; end < len(s) && s[end]-'0' <= 9; end++ {
	}
	return end, end > from
}

// maxExponent saturates exponents: with texts of bounded length nothing beyond it can be in range or above zero.
const maxExponent = 1 << 40

func scanExponent(s string) (exp, n int) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		n++
	}
	end, ok := scanDigits(s, n)
	if !ok {
		return 0, 0
	}
	for _, c := range []byte(s[n:end]) {
		exp = min(exp*10+int(c-'0'), maxExponent)
	}
	if neg {
		exp = -exp
	}
	return exp, end
}

// scaleDigits makes ±whole.frac·10^exp.
func scaleDigits(neg bool, whole, frac string, exp int) (Decimal, error) {
	digit := func(i int) uint64 {
		if i < len(whole) {
			return uint64(whole[i] - '0')
		}
		return uint64(frac[i-len(whole)] - '0')
	}
	count := len(whole) + len(frac)
	first := 0
	for first < count && digit(first) == 0 {
		first++
	}
	if first == count {
		return Decimal{}, nil
	}
	// keep is the count of digits up to the tenth fractional one.
	keep := len(whole) + exp + DecimalDigits
	if keep < first {
		return Decimal{}, nil
	}
	if keep-first > 30 {
		return Decimal{}, ErrNumberRange
	}
	var hi, lo uint64
	for i := first; i < keep; i++ {
		var d uint64
		if i < count {
			d = digit(i)
		}
		h, l := bits.Mul64(lo, 10)
		var c uint64
		lo, c = bits.Add64(l, d, 0)
		hi = hi*10 + h + c // at most 30 digits: below 10^30
	}
	if keep < count && digit(keep) >= 5 {
		var c uint64
		lo, c = bits.Add64(lo, 1, 0)
		hi += c
	}
	d, ok := fromMagnitude(neg, hi, lo)
	if !ok {
		return Decimal{}, ErrNumberRange
	}
	return d, nil
}

// AppendText appends the number's shortest exact text: no exponent, no trailing zeros, no -0.
func (d Decimal) AppendText(dst []byte) []byte {
	hi, lo := d.magnitude()
	if d.hi < 0 {
		dst = append(dst, '-')
	}
	// k < 10^30 = whole·10^10 + frac with whole < 10^20.
	wh, wl, frac := div128by64(hi, lo, unit)
	dst = appendUint128(dst, wh, wl)
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	n := DecimalDigits
	for frac%10 == 0 {
		frac /= 10
		n--
	}
	at := len(dst)
	dst = append(dst, "0000000000"[:n]...)
	for i := at + n - 1; frac > 0; i-- {
		dst[i] = byte('0' + frac%10)
		frac /= 10
	}
	return dst
}

func appendUint128(dst []byte, hi, lo uint64) []byte {
	var buf [40]byte
	i := len(buf)
	for {
		var r uint64
		hi, lo, r = div128by64(hi, lo, 10)
		i--
		buf[i] = byte('0' + r)
		if hi|lo == 0 {
			return append(dst, buf[i:]...)
		}
	}
}

// String is the text of [Decimal.AppendText].
func (d Decimal) String() string {
	var buf [40]byte
	return string(d.AppendText(buf[:0]))
}
