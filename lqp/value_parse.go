package lqp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValueError says why a text or a JSON document is no value of the wanted type.
type ValueError struct {
	Want string // what was expected, with an example: "a date such as 2024-02-29"
	Got  string // what was there, shortened
}

// Error is "want a date such as 2024-02-29, got "31.2.2024"".
func (e *ValueError) Error() string { return "want " + e.Want + ", got " + e.Got }

// expected says for each kind what a value of it looks like in JSON.
var expected = map[Kind]string{
	Null:     "null",
	Bool:     "true or false",
	Number:   "a number such as 12.5",
	Float:    "a number such as 12.5",
	Text:     "a text",
	Date:     `a date such as "2024-02-29"`,
	DateTime: `a date with time and offset such as "2024-02-29T10:00:00Z"`,
	List:     "a list",
	JSON:     "a JSON document",
	Bytes:    "a text in base64",
}

const (
	wantInRange  = "a number with at most 20 digits before the point"
	wantText     = "a text of at most 1,000,000 characters without the character U+0000"
	wantListSize = "a list of at most 10,000 elements"
)

// ParseValue reads a JSON document as a value of type t: the canonical JSON of [Value.AppendJSON] and its harmless
// variants (numbers as texts or with an exponent, datetimes with another offset, white space). null is NULL whatever the
// type. Facets are not checked, and a number's digits beyond the tenth fractional one are rounded. The error is a
// [*ValueError].
func ParseValue(t Type, doc []byte) (Value, error) {
	v, bad := parseValue(t, doc)
	if bad != nil {
		return Value{}, bad
	}
	return v, nil
}

func parseValue(t Type, doc []byte) (Value, *ValueError) {
	raw := bytes.Trim(doc, " \t\r\n")
	if string(raw) == "null" {
		return Value{}, nil
	}
	bad := func() (Value, *ValueError) {
		return Value{}, &ValueError{Want: expected[t.Kind], Got: clip(string(raw))}
	}
	if len(raw) == 0 {
		return Value{}, &ValueError{Want: expected[t.Kind], Got: "nothing"}
	}
	switch t.Kind {
	case Bool:
		switch string(raw) {
		case "true":
			return trueValue, nil
		case "false":
			return falseValue, nil
		}
		return bad()
	case Number, Float:
		text, ok := string(raw), raw[0] != '"' && json.Valid(raw)
		if raw[0] == '"' {
			text, ok = readJSONString(raw)
		}
		if !ok {
			return bad()
		}
		return parseNumeric(t.Kind, text)
	case List:
		return parseList(t, raw)
	case JSON:
		var compact bytes.Buffer
		if !utf8.Valid(raw) || json.Compact(&compact, raw) != nil {
			return bad()
		}
		return Value{kind: JSON, str: compact.String()}, nil
	case Text, Date, DateTime, Bytes:
		text, ok := readJSONString(raw)
		if !ok {
			return bad()
		}
		return parseQuoted(t.Kind, text)
	}
	return bad()
}

// parseQuoted reads the kinds that JSON holds as texts.
func parseQuoted(k Kind, s string) (Value, *ValueError) {
	var v Value
	switch k {
	case Text:
		if v = TextValue(s); v.kind == Null {
			return v, &ValueError{Want: wantText, Got: strconv.Quote(clip(s))}
		}
	case Date:
		if days, ok := ParseDate(s); ok {
			v = DateValue(days)
		}
	case DateTime:
		if millis, zoned, ok := ParseDateTime(s); ok && zoned {
			v = DateTimeValue(millis)
		}
	case Bytes:
		if b, err := base64.StdEncoding.Strict().DecodeString(s); err == nil {
			v = BytesValue(b)
		}
	}
	if v.kind == Null {
		return v, &ValueError{Want: expected[k], Got: strconv.Quote(clip(s))}
	}
	return v, nil
}

func parseNumeric(k Kind, s string) (Value, *ValueError) {
	if k == Float {
		if f, ok := parseFloat(s); ok {
			return FloatValue(f), nil
		}
		return Value{}, &ValueError{Want: expected[k], Got: strconv.Quote(clip(s))}
	}
	d, err := parseDecimal(s, true)
	switch {
	case errors.Is(err, ErrNumberRange):
		return Value{}, &ValueError{Want: wantInRange, Got: clip(s)}
	case err != nil:
		return Value{}, &ValueError{Want: expected[k], Got: strconv.Quote(clip(s))}
	}
	return NumberValue(d), nil
}

func parseList(t Type, raw []byte) (Value, *ValueError) {
	var docs []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &docs) != nil {
		return Value{}, &ValueError{Want: "a list of " + expected[t.Elem], Got: clip(string(raw))}
	}
	if len(docs) > MaxList {
		return Value{}, &ValueError{Want: wantListSize, Got: strconv.Itoa(len(docs)) + " elements"}
	}
	if !scalarKind(t.Elem) {
		return Value{}, &ValueError{Want: "a list type with a scalar element type", Got: t.String()}
	}
	items := make([]Value, len(docs))
	for i, doc := range docs {
		v, err := parseValue(Type{Kind: t.Elem}, doc)
		if err != nil {
			return Value{}, &ValueError{Want: err.Want + " as element " + strconv.Itoa(i+1) + " of the list", Got: err.Got}
		}
		items[i] = v
	}
	return ListValue(items), nil
}

func scalarKind(k Kind) bool { return k >= Bool && k <= DateTime }

// readJSONString reads a JSON string strictly: control characters, invalid UTF-8, half surrogate pairs and unknown escapes
// are refused.
func readJSONString(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	plain := true
	for _, c := range raw {
		if c < ' ' || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return string(raw), utf8.Valid(raw)
	}
	dst := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c < ' ' || c == '"':
			return "", false
		case c != '\\':
			dst = append(dst, c)
			continue
		}
		if i++; i == len(raw) {
			return "", false
		}
		if raw[i] == 'u' {
			r, n := escapedRune(raw[i-1:])
			if n == 0 {
				return "", false
			}
			dst = utf8.AppendRune(dst, r)
			i += n - 2
			continue
		}
		at := strings.IndexByte(`"\/bfnrt`, raw[i])
		if at < 0 {
			return "", false
		}
		dst = append(dst, "\"\\/\b\f\n\r\t"[at])
	}
	return string(dst), utf8.Valid(dst)
}

// escapedRune reads \uXXXX or a surrogate pair of them; n is the length read, 0 when it is malformed.
func escapedRune(s []byte) (r rune, n int) {
	high, ok := hex4(s)
	switch {
	case !ok || high >= 0xDC00 && high < 0xE000:
		return 0, 0
	case high < 0xD800 || high >= 0xE000:
		return high, 6
	}
	low, ok := hex4(s[6:])
	if !ok || low < 0xDC00 || low >= 0xE000 {
		return 0, 0
	}
	return 0x10000 + (high-0xD800)<<10 + low - 0xDC00, 12
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(n), err == nil
}

// ParseText reads a cell of a text file, such as CSV, as a value of type t. The empty cell is NULL. Blanks around
// anything but a text are ignored. Numbers have no thousands separators and may have an exponent; truth values are
// true, yes, 1, false, no and 0 in any case; dates are ISO 8601, datetimes without offset are in UTC and without time at
// midnight; lists are JSON arrays or elements separated by commas. The error is a [*ValueError].
func ParseText(t Type, s string) (Value, error) {
	v, bad := parseText(t, s)
	if bad != nil {
		return Value{}, bad
	}
	return v, nil
}

func parseText(t Type, s string) (Value, *ValueError) {
	if t.Kind != Text {
		s = trimBlanks(s)
	}
	if s == "" {
		return Value{}, nil
	}
	var want string
	switch t.Kind {
	case Bool:
		switch strings.ToLower(s) { // which copies nothing that is in lower case
		case "true", "yes", "1":
			return trueValue, nil
		case "false", "no", "0":
			return falseValue, nil
		}
		want = "true or false (yes or no, 1 or 0)"
	case Number, Float:
		v, err := parseNumeric(t.Kind, s)
		if err != nil && strings.ContainsAny(s, ", '\u00a0\u202f") {
			err.Want += " without thousands separators and with a decimal point"
		}
		return v, err
	case DateTime:
		if v := parseInstant(nil, s); v.kind != Null {
			return v, nil
		}
		want = "a date with time such as 2024-02-29T10:00:00Z"
	case Text, Date, Bytes:
		v, err := parseQuoted(t.Kind, s)
		if err != nil && t.Kind != Text {
			err.Want = wanted(t.Kind)
		}
		return v, err
	case JSON:
		return parseValue(t, []byte(s))
	case List:
		if s[0] == '[' {
			return parseValue(t, []byte(s))
		}
		return splitList(t, s)
	default:
		want = wanted(t.Kind)
	}
	return Value{}, &ValueError{Want: want, Got: strconv.Quote(clip(s))}
}

// wanted says what a text of a kind looks like outside JSON.
func wanted(k Kind) string { return strings.ReplaceAll(expected[k], `"`, "") }

func splitList(t Type, s string) (Value, *ValueError) {
	if n := strings.Count(s, ",") + 1; n > MaxList {
		return Value{}, &ValueError{Want: wantListSize, Got: strconv.Itoa(n) + " elements"}
	}
	if !scalarKind(t.Elem) {
		return Value{}, &ValueError{Want: "a list type with a scalar element type", Got: t.String()}
	}
	var items []Value
	for part := range strings.SplitSeq(s, ",") {
		v, err := parseText(Type{Kind: t.Elem}, trimBlanks(part))
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
	}
	return ListValue(items), nil
}
