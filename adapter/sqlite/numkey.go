package sqlite

import (
	"bytes"

	"github.com/livetables/livetables/lqp"
)

// A computed number has no SQLite type that is exact: integers end at 64 bits and reals round. It travels as a text of
// fixed length whose bytes compare like the numbers: 'p' and thirty digits (twenty before the point, ten after it), or
// 'n' and the complement to nine of each digit of a negative number. Equality, order, groups, MIN and MAX of computed
// numbers are then those of BINARY text.
const (
	keyWhole = 20
	keyLen   = 1 + keyWhole + lqp.DecimalDigits
)

// appendNumKey appends the key of d.
func appendNumKey(dst []byte, d lqp.Decimal) []byte {
	var buf [keyLen + 2]byte
	text := d.AppendText(buf[:0])
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	whole, frac, _ := bytes.Cut(text, []byte{'.'})
	sign := byte('p')
	if negative {
		sign = 'n'
	}
	dst = append(dst, sign)
	start := len(dst)
	for range keyWhole - len(whole) {
		dst = append(dst, '0')
	}
	dst = append(dst, whole...)
	dst = append(dst, frac...)
	for range lqp.DecimalDigits - len(frac) {
		dst = append(dst, '0')
	}
	if negative {
		complement(dst[start:])
	}
	return dst
}

func complement(digits []byte) {
	for i, c := range digits {
		digits[i] = '0' + '9' - c
	}
}

// parseNumKey reads a key back.
func parseNumKey(key []byte) (lqp.Decimal, bool) {
	if len(key) != keyLen || (key[0] != 'p' && key[0] != 'n') {
		return lqp.Decimal{}, false
	}
	var buf [keyLen + 2]byte
	text := buf[:0]
	if key[0] == 'n' {
		text = append(text, '-')
	}
	start := len(text)
	text = append(text, key[1:]...)
	if key[0] == 'n' {
		complement(text[start:])
	}
	// "-" + 20 digits + 10 digits becomes "-" + 20 digits + "." + 10 digits.
	text = append(text, 0)
	copy(text[start+keyWhole+1:], text[start+keyWhole:])
	text[start+keyWhole] = '.'
	d, err := lqp.ParseDecimal(borrowed(text))
	return d, err == nil
}

// keyValue reads a key as the number it stands for.
func keyValue(key []byte) lqp.Value {
	d, ok := parseNumKey(key)
	if !ok {
		return lqp.NullValue
	}
	return lqp.NumberValue(d)
}
