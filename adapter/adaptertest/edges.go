package adaptertest

import (
	"math"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// edgesOf lists values at the edges of a type, NULL among them. They fit the facets of the suite's types.
func edgesOf(t lqp.Type) []lqp.Value {
	values := []lqp.Value{lqp.NullValue}
	switch t.Kind {
	case lqp.Bool:
		return append(values, lqp.BoolValue(false), lqp.BoolValue(true))
	case lqp.Number:
		return append(values, numberEdges(t)...)
	case lqp.Float:
		for _, f := range []float64{0, 1, 1.5, -1.5, 0.1, 1e-7, 123456789.125, 1e15, 1e21, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1.0 / 3} {
			values = append(values, lqp.FloatValue(f))
		}
	case lqp.Text:
		if t.MaxLen == 0 {
			return append(values, longTexts()...)
		}
		for _, s := range []string{"", " ", "a", "A", "a ", " a", "ab", "abc", "b", "B", "Z", "z", "é", "e\u0301", "ß", "SS", "İ", "ı",
			"%", "_", "a%b", "\\", "'", "\"", "\t", "line\nbreak", "\u007f", "\u00a0", "\u2028", "\uffff", "😀", "👩‍👩‍👧", "0", "10", "9", "null"} {
			values = append(values, lqp.TextValue(s))
		}
	case lqp.Date:
		for _, d := range []string{"0001-01-01", "1582-10-10", "1900-02-28", "1969-12-31", "1970-01-01", "2000-02-29", "2023-12-31", "2024-02-29", "2024-03-01", "9999-12-31"} {
			values = append(values, must(t, d))
		}
	case lqp.DateTime:
		for _, d := range []string{"0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2024-02-28T23:59:59.999Z",
			"2024-02-29T00:00:00.000Z", "2024-02-29T10:00:00.000Z", "2024-02-29T10:00:00.001Z", "2024-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"} {
			values = append(values, must(t, d))
		}
	case lqp.List:
		return append(values, listEdges(t)...)
	case lqp.JSON:
		values = append(values, lqp.JSONValue(`{"a":1}`), lqp.JSONValue(`[1,"two",null]`), lqp.JSONValue(`"text"`), lqp.JSONValue("true"))
	case lqp.Bytes:
		values = append(values, lqp.BytesValue([]byte{0}), lqp.BytesValue([]byte("abc")), lqp.BytesValue([]byte{0xff, 0xfe, 0}))
	}
	return values
}

func numberEdges(t lqp.Type) (values []lqp.Value) {
	texts := []string{"0", "1", "-1", "2", "7", "10", "-10", "42", "1000000", "-999999"}
	switch {
	case t.Precision == 30:
		texts = append(texts, "0.0000000001", "-0.0000000001", "99999999999999999999.9999999999", "-99999999999999999999.9999999999",
			"12345678901234567890.123456789", "0.3333333333", "922337203685477.5808", "2.5", "-2.5")
	case t.Scale == 2:
		texts = append(texts, "0.01", "-0.01", "0.5", "-0.5", "1.5", "2.5", "-2.5", "12.34", "9999999999.99", "-9999999999.99")
	default:
		texts = append(texts, "9223372036854775807", "-9223372036854775808", "9007199254740993", "-9007199254740993", "999999999999")
	}
	for _, s := range texts {
		values = append(values, must(t, s))
	}
	return values
}

func listEdges(t lqp.Type) []lqp.Value {
	if t.Elem == lqp.Number {
		return []lqp.Value{must(t, `[]`), must(t, `[1]`), must(t, `[1,2.5,-3]`), must(t, `[2.5]`), must(t, `[0]`)}
	}
	return []lqp.Value{must(t, `[]`), must(t, `["a"]`), must(t, `["a","b"]`), must(t, `["b","a"]`), must(t, `["A"]`), must(t, `["é","it's \"q\""]`)}
}

// longTexts differ before, at and after the 255th code point, up to which order looks.
func longTexts() []lqp.Value {
	a, e := strings.Repeat("a", 254), strings.Repeat("é", 254)
	var values []lqp.Value
	for _, s := range []string{"", "a", "b", a, a + "a", a + "b", a + "ab", a + "aa", a + "abb", e + "é", e + "éa", e + "éb", strings.Repeat("a", 3000)} {
		values = append(values, lqp.TextValue(s))
	}
	return values
}

// must reads a value written in the suite's own source.
func must(t lqp.Type, text string) lqp.Value {
	switch t.Kind {
	case lqp.Number:
		d, err := lqp.ParseDecimal(text)
		if err != nil {
			panic(err)
		}
		return lqp.NumberValue(d)
	case lqp.Date, lqp.DateTime:
		text = `"` + text + `"`
	}
	v, err := lqp.ParseValue(t, []byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

// literalsOf adds to the edges values that a column of the type cannot hold and that may be compared with it.
func literalsOf(t lqp.Type) []lqp.Value {
	values := edgesOf(t)
	if t.Kind == lqp.Number {
		for _, s := range []string{"0.005", "-0.005", "1.555", "2.4999999999", "-2.5000000001", "9223372036854775808", "-9223372036854775809", "99999999999999999999"} {
			values = append(values, must(wideType, s))
		}
		values = append(values, lqp.FloatValue(2.5), lqp.FloatValue(0.1), lqp.FloatValue(math.MaxFloat64))
	}
	if t.Kind == lqp.Float {
		values = append(values, must(wideType, "0.1"), must(wideType, "0.3333333333"), must(wideType, "1000000000000000"))
	}
	return values
}
