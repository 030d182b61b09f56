package lqp

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends v as canonical JSON: numbers with their exact digits and no exponent, floats with the shortest
// digits that read back the same, dates and datetimes as ISO texts, bytes as base64, JSON documents as they are.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Bool:
		return strconv.AppendBool(dst, v.num.lo == 1)
	case Number:
		return v.num.AppendText(dst)
	case Float:
		return AppendJSONFloat(dst, v.Float())
	case Text:
		return AppendJSONString(dst, v.str)
	case Date:
		dst = AppendDate(append(dst, '"'), int64(v.num.lo))
		return append(dst, '"')
	case DateTime:
		dst = AppendDateTime(append(dst, '"'), int64(v.num.lo))
		return append(dst, '"')
	case List:
		dst = append(dst, '[')
		for i, e := range v.Items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.AppendJSON(dst)
		}
		return append(dst, ']')
	case JSON:
		return append(dst, v.str...)
	case Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.str))
		return append(dst, '"')
	}
	return append(dst, "null"...)
}

// MarshalJSON implements [json.Marshaler] with [Value.AppendJSON].
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// AppendJSONFloat appends a double the way Value.AppendJSON does, null for NaN and the infinities.
func AppendJSONFloat(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case f == 0:
		return append(dst, '0') // -0 as well
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 is e-7 in ECMAScript
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends valid UTF-8 as a JSON string the way Value.AppendJSON does: only the quote, the backslash and
// control characters are escaped.
func AppendJSONString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from, checked := 0, 0
	for i := 0; i < len(s); i++ {
		if i >= checked {
			for checked = i; len(s)-checked >= 8 && unescaped(word(s, checked)); {
				checked += 8
			}
			if i = checked; i == len(s) {
				break
			}
			checked += 8 // these are looked at one by one
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// word is the eight bytes of s from i on.
func word[S ~string | ~[]byte](s S, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// unescaped reports that none of eight bytes is a control character, a quote or a backslash. A byte is below n if taking n
// from it borrows and its own highest bit is not set; it equals c if it is below 1 after its bits were flipped by c.
func unescaped(w uint64) bool {
	const each, highest = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^each*'"', w^each*'\\'
	return ((w-each*' ')&^w|(quote-each)&^quote|(backslash-each)&^backslash)&highest == 0
}

// AppendJSONText appends what TextValue(string(raw)).AppendJSON does, without making the value: a JSON string, or null for
// bytes that are no text.
func AppendJSONText(dst, raw []byte) []byte {
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 || len(raw) > MaxText && utf8.RuneCount(raw) > MaxText {
		return append(dst, "null"...)
	}
	return AppendJSONString(dst, raw)
}

// AppendText appends v as plain text, the way TO_TEXT shows it: a text as it is, NULL as nothing, lists and JSON as
// JSON, bytes as base64.
func (v Value) AppendText(dst []byte) []byte {
	switch v.kind {
	case Null:
		return dst
	case Text:
		return append(dst, v.str...)
	case Date:
		return AppendDate(dst, int64(v.num.lo))
	case DateTime:
		return AppendDateTime(dst, int64(v.num.lo))
	case Bytes:
		return base64.StdEncoding.AppendEncode(dst, []byte(v.str))
	}
	return v.AppendJSON(dst)
}

// String is v for people and messages: "NULL", else as [Value.AppendText].
func (v Value) String() string {
	switch v.kind {
	case Null:
		return "NULL"
	case Text:
		return v.str
	}
	return string(v.AppendText(nil))
}
