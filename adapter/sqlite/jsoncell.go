package sqlite

import (
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/lqp"
)

// appendCell appends a stored value as canonical JSON, as cell(v, st).AppendJSON would: what lies in the file as its
// canonical digits or letters is copied, without becoming a value in between.
func appendCell(dst []byte, v sqlite3.Value, st storage) []byte {
	switch st.form {
	case formText:
		if v.Type() == sqlite3.TEXT {
			return lqp.AppendJSONText(dst, v.RawText())
		}
	case formNumeric:
		switch v.Type() {
		case sqlite3.INTEGER:
			return strconv.AppendInt(dst, v.Int64(), 10)
		case sqlite3.FLOAT:
			if d, ok := lqp.DecimalFromFloat(v.Float()); ok {
				return d.AppendText(dst)
			}
		}
	case formInt:
		if v.Type() == sqlite3.INTEGER {
			return appendScaled(dst, v.Int64(), st.scale)
		}
	case formDate, formDateTime:
		if v.Type() == sqlite3.TEXT {
			if raw := v.RawText(); canonicalInstant(raw, st.form) {
				dst = append(dst, '"')
				dst = append(dst, raw...)
				return append(dst, '"')
			} else if st.form == formDateTime && spacedInstant(raw) {
				dst = append(append(append(dst, '"'), raw[:10]...), 'T')
				return append(append(dst, raw[11:]...), "Z\""...)
			}
		}
	}
	return cell(v, st, true).AppendJSON(dst)
}

// canonicalInstant reports that raw is a date or datetime in its canonical form.
func canonicalInstant(raw []byte, f form) bool {
	if f == formDate {
		_, ok := parseDate(raw)
		return ok
	}
	if len(raw) != 24 || raw[10] != 'T' || raw[19] != '.' || raw[23] != 'Z' {
		return false
	}
	_, ok := parseDateTime(raw)
	return ok
}

// spacedInstant reports that raw is a datetime as other programs write one, "2024-02-29 10:00:00.000", which is the canonical
// form but for two letters.
func spacedInstant(raw []byte) bool {
	if len(raw) != 23 || raw[10] != ' ' || raw[19] != '.' {
		return false
	}
	for _, digit := range raw[20:] {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	_, ok := parseDateTime(raw)
	return ok
}

// appendScaled appends n·10^-scale without trailing zeros.
func appendScaled(dst []byte, n int64, scale int) []byte {
	for scale > 0 && n%10 == 0 {
		n /= 10
		scale--
	}
	if scale == 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	u := uint64(n)
	if n < 0 {
		u = -u
		dst = append(dst, '-')
	}
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], u, 10)
	whole := len(text) - scale
	if whole <= 0 {
		dst = append(dst, "0."...)
		for range -whole {
			dst = append(dst, '0')
		}
		return append(dst, text...)
	}
	dst = append(dst, text[:whole]...)
	dst = append(dst, '.')
	return append(dst, text[whole:]...)
}
