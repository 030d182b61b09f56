package postgres

import (
	"encoding/binary"

	"github.com/livetables/livetables/lqp"
)

// The signs of a numeric in binary format; all others are NaN and the infinities.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
)

// numeric decodes the binary format of numeric: groups of four digits, the first of them standing for 10000^weight. It
// is not ok for what is no number or out of range. More than ten fractional digits are rounded half away from zero.
func numeric(b []byte) (lqp.Decimal, bool) {
	if len(b) < 8 {
		return lqp.Decimal{}, false
	}
	groups := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	sign := binary.BigEndian.Uint16(b[4:])
	b = b[8:]
	if sign != numericPositive && sign != numericNegative || len(b) != 2*groups {
		return lqp.Decimal{}, false
	}
	for ; groups > 0 && b[0]|b[1] == 0; groups-- { // PostgreSQL sends no leading zeros, but who knows what answers
		b, weight = b[2:], weight-1
	}
	if groups == 0 {
		return lqp.Decimal{}, true
	}
	if groups > 8 || weight > 3 {
		return numericText(b, weight, sign == numericNegative)
	}
	// Up to four groups are an integer of at most sixteen digits; its scale follows from the weight.
	high, n := take(b)
	scale := 4 * (n - 1 - weight)
	for ; scale < 0; scale += 4 {
		high *= 10_000 // below 10^16 still: weight is at most 3
	}
	if sign == numericNegative {
		high = -high
	}
	d := lqp.DecimalFromScaled(high, scale)
	if groups <= 4 {
		return d, true
	}
	if scale > lqp.DecimalDigits { // the first half is rounded: what follows it cannot be added
		return numericText(b, weight, sign == numericNegative)
	}
	low, m := take(b[8:])
	if sign == numericNegative {
		low = -low
	}
	return d.Add(lqp.DecimalFromScaled(low, scale+4*m))
}

// take reads up to four groups as one integer.
func take(b []byte) (v int64, groups int) {
	for ; groups < 4 && len(b) >= 2; b = b[2:] {
		v = v*10_000 + int64(binary.BigEndian.Uint16(b)%10_000)
		groups++
	}
	return v, groups
}

// numericText decodes a long numeric by way of its text.
func numericText(b []byte, weight int, negative bool) (lqp.Decimal, bool) {
	if weight > 5 { // at least 25 digits before the point
		return lqp.Decimal{}, false
	}
	text := make([]byte, 0, 2*len(b)+64)
	if negative {
		text = append(text, '-')
	}
	text = append(text, '0')
	for i := 0; i <= weight; i++ {
		text = appendGroup(text, b, i)
	}
	text = append(text, '.')
	for i := weight + 1; i <= weight+4; i++ { // eleven fractional digits decide the rounding
		text = appendGroup(text, b, i)
	}
	d, err := lqp.ParseDecimal(string(text))
	return d, err == nil
}

// appendGroup appends the four digits of group i, zeros where the number has none.
func appendGroup(text, b []byte, i int) []byte {
	var g uint16
	if i >= 0 && 2*i+1 < len(b) {
		g = binary.BigEndian.Uint16(b[2*i:]) % 10_000
	}
	return append(text, byte('0'+g/1000), byte('0'+g/100%10), byte('0'+g/10%10), byte('0'+g%10))
}
