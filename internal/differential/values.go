package differential

import (
	"math/rand/v2"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// shape is a type of columns with values that are worth having in them.
type shape struct {
	weight int
	typ    lqp.Type
	values []lqp.Value
}

// shapes are all types of columns.
var shapes = []shape{
	{3, lqp.Type{Kind: lqp.Bool}, []lqp.Value{lqp.BoolValue(false), lqp.BoolValue(true)}},
	{4, lqp.Type{Kind: lqp.Number, Precision: 4}, numbers("0", "1", "2", "3", "-1", "-3", "7", "10", "12", "100", "2024", "9999", "-9999")},
	{2, lqp.Type{Kind: lqp.Number, Precision: 9}, numbers("0", "1", "2", "5", "-1", "41", "1000000", "999999999", "-999999999", "170925119")},
	{3, lqp.Type{Kind: lqp.Number, Precision: 19}, numbers("0", "1", "2", "-7", "9007199254740993", "-9007199254740993", "9223372036854775807",
		"-9223372036854775808", "1709251199", "999999999999999999")},
	{4, lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}, numbers("0", "1", "-1", "0.01", "-0.01", "0.5", "1.5", "2.5", "-2.5", "12.34",
		"99.99", "1000000", "9999999999.99", "-9999999999.99")},
	{2, lqp.Type{Kind: lqp.Number, Precision: 18, Scale: 6}, numbers("0", "0.000001", "-0.000001", "3.141593", "0.333333", "123456789012.999999",
		"-999999999999.999999", "2.5", "10")},
	{2, lqp.Type{Kind: lqp.Number, Precision: 30, Scale: 10}, numbers("0", "1", "0.0000000001", "-0.0000000001", "2.5", "-2.5", "0.3333333333",
		"99999999999999999999.9999999999", "-99999999999999999999.9999999999", "12345678901234567890.123456789", "922337203685477.5808")},
	{3, lqp.Type{Kind: lqp.Float}, floats(0, 1, 1.5, -1.5, 2.5, 0.1, 0.2, 0.30000000000000004, 1e-7, 123456789.125, 1e15, 9007199254740992, 1e21,
		1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1.0/3, -0.5)},
	{5, lqp.Type{Kind: lqp.Text, MaxLen: 40}, texts("", " ", "a", "A", "a ", " a", "ab", "abc", "b", "B", "Z", "z", "é", "e\u0301", "É", "ß", "SS", "ss",
		"İ", "ı", "i", "I", "Σ", "ς", "K", "%", "_", "a%b", "a_b", "\\", "a\\b", "'", "\"", "\t", "line\nbreak", "\u007f", "\u00a0", "\u2028", "\uffff",
		"😀", "👩‍👩‍👧", "0", "10", "9", "null", "true", "12.5", " 7 ", "-1e3", "2024-02-29", "2024-02-29T10:00:00Z", "x,y", "a b c", "[1]", "ab\x01")},
	{2, lqp.Type{Kind: lqp.Text}, longTexts()},
	{2, lqp.Type{Kind: lqp.Date}, read(lqp.Date, "0001-01-01", "1582-10-10", "1900-02-28", "1969-12-31", "1970-01-01", "2000-02-29", "2023-12-31",
		"2024-02-29", "2024-03-01", "2024-03-31", "2024-12-30", "9999-12-31")},
	{3, lqp.Type{Kind: lqp.DateTime}, read(lqp.DateTime, "0001-01-01T00:00:00.000Z", "1883-11-18T17:00:00.000Z", "1969-12-31T23:59:59.999Z",
		"1970-01-01T00:00:00.000Z", "2024-02-28T23:59:59.999Z", "2024-02-29T00:00:00.000Z", "2024-02-29T10:00:00.001Z",
		"2024-03-10T06:59:59.999Z", "2024-03-10T07:00:00.000Z", "2024-03-31T00:59:59.999Z", "2024-03-31T01:00:00.000Z", "2024-10-27T00:30:00.000Z",
		"2024-10-27T01:30:00.000Z", "2024-11-03T05:30:00.000Z", "2024-11-03T06:30:00.000Z", "2024-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z")},
	{1, lqp.Type{Kind: lqp.List, Elem: lqp.Text}, lists(lqp.Text, `[]`, `["a"]`, `["a","b"]`, `["b","a"]`, `["A"]`, `["é","it's \"q\""]`, `["a",null,""]`, `[null]`, `["a","a"]`)},
	{1, lqp.Type{Kind: lqp.List, Elem: lqp.Number}, lists(lqp.Number, `[]`, `[1]`, `[1,2.5,-3]`, `[2.5]`, `[0]`, `[1,null]`, `[3,1,3]`)},
	{1, lqp.Type{Kind: lqp.JSON}, documents(`{"a":1}`, `[1,"two",null]`, `"text"`, `true`, `{"b":{"c":[1,2]},"a":"x"}`, `7`)},
}

func numbers(docs ...string) []lqp.Value { return read(lqp.Number, docs...) }

// read makes values of one kind from their texts.
func read(k lqp.Kind, docs ...string) (all []lqp.Value) {
	for _, d := range docs {
		if k != lqp.Number {
			d = `"` + d + `"`
		}
		v, err := lqp.ParseValue(lqp.Type{Kind: k}, []byte(d))
		if err != nil {
			panic(err) // a value of this package's own source
		}
		all = append(all, v)
	}
	return all
}

func floats(fs ...float64) (all []lqp.Value) {
	for _, f := range fs {
		all = append(all, lqp.FloatValue(f))
	}
	return all
}

func texts(ss ...string) (all []lqp.Value) {
	for _, s := range ss {
		all = append(all, lqp.TextValue(s))
	}
	return all
}

// longTexts differ before, at and after the 255th code point, up to which order looks.
func longTexts() []lqp.Value {
	a, e := strings.Repeat("a", 254), strings.Repeat("é", 254)
	return texts("", "a", "A", "b", "a ", "é", a+"a", a+"b", a+"ab", a+"aa", e+"é", e+"éa", e+"éb")
}

func lists(elem lqp.Kind, docs ...string) (all []lqp.Value) {
	for _, d := range docs {
		v, err := lqp.ParseValue(lqp.Type{Kind: lqp.List, Elem: elem}, []byte(d))
		if err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
}

func documents(docs ...string) (all []lqp.Value) {
	for _, d := range docs {
		all = append(all, lqp.JSONValue(d))
	}
	return all
}

// beyond are values that no column of their kind holds and that may be compared with it all the same.
var beyond = map[lqp.Kind][]lqp.Value{
	lqp.Number: numbers("0.005", "-0.005", "1.555", "2.4999999999", "-2.5000000001", "9223372036854775808", "99999999999999999999", "2147483648", "32768", "-129", "4", "6"),
	lqp.Float:  floats(2, 0.7, 1e-300, 1e300),
	lqp.Text:   texts("ABC", "aa", "Ab", "%%", "zz", "ö", "a\u0301", "a  ", "!"),
	lqp.Date:   read(lqp.Date, "2024-02-28", "2024-01-01", "1999-12-31"),
	lqp.DateTime: read(lqp.DateTime, "2024-02-29T10:00:00.000Z", "2024-03-01T00:00:00.000Z", "2038-01-19T03:14:08.000Z",
		"1752-09-14T00:00:00.000Z"),
}

// anyValue is a value of a kind, mostly one that some column may hold.
func anyValue(r *rand.Rand, k lqp.Kind, elem lqp.Kind) lqp.Value {
	if more := beyond[k]; len(more) > 0 && r.IntN(4) == 0 {
		return more[r.IntN(len(more))]
	}
	var fit []*shape
	for i := range shapes {
		if s := &shapes[i]; s.typ.Kind == k && s.typ.Elem == elem {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return lqp.NullValue
	}
	s := fit[r.IntN(len(fit))]
	return s.values[r.IntN(len(s.values))]
}
