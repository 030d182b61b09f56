package lqp

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesOutsideTheirDomainAreNull(t *testing.T) {
	for name, v := range map[string]Value{
		"NaN":              FloatValue(math.NaN()),
		"infinity":         FloatValue(math.Inf(-1)),
		"broken UTF-8":     TextValue("a\xff"),
		"U+0000":           TextValue("a\x00b"),
		"long text":        TextValue(strings.Repeat("é", MaxText+1)),
		"year 0":           DateValue(minDays - 1),
		"year 10000":       DateValue(maxDays + 1),
		"instant before":   DateTimeValue(minMillis - 1),
		"instant after":    DateTimeValue(maxMillis + 1),
		"JSON, two values": JSONValue("1 2"),
		"JSON, empty":      JSONValue(""),
		"JSON, bad UTF-8":  JSONValue("\"\xff\""),
		"zero Value":       {},
	} {
		require.True(t, v.IsNull(), name)
		require.Equal(t, "null", string(v.AppendJSON(nil)), name)
	}
	require.False(t, TextValue(strings.Repeat("é", MaxText)).IsNull())
	require.Equal(t, math.Signbit(FloatValue(math.Copysign(0, -1)).Float()), false)
}

func TestAccessorsOfOtherKinds(t *testing.T) {
	text := TextValue("x")
	require.Zero(t, text.Float())
	require.Zero(t, text.Decimal())
	require.Zero(t, text.Days())
	require.Zero(t, text.Millis())
	require.False(t, text.Bool())
	require.Nil(t, text.Items())
	require.Equal(t, 2.5, NumberValue(mustDecimal(t, "2.5")).Float())
	require.Equal(t, "", IntValue(1).Text())
	require.Zero(t, DateValue(5).Millis())
}

func TestCanonicalJSON(t *testing.T) {
	tests := []struct {
		v    Value
		want string
		text string // String
	}{
		{NullValue, `null`, "NULL"},
		{BoolValue(true), `true`, "true"},
		{NumberValue(mustDecimal(t, "-0012.3400")), `-12.34`, "-12.34"},
		{NumberValue(mustDecimal(t, "99999999999999999999.9999999999")), `99999999999999999999.9999999999`, "99999999999999999999.9999999999"},
		{FloatValue(1e21), `1e+21`, "1e+21"},
		{FloatValue(1e-7), `1e-7`, "1e-7"},
		{FloatValue(1e-10), `1e-10`, "1e-10"},
		{FloatValue(0.000001), `0.000001`, "0.000001"},
		{FloatValue(100), `100`, "100"},
		{TextValue("a\"\\\b\f\n\r\t\x01\u2028é<&>"), `"a\"\\\b\f\n\r\t\u0001` + "\u2028é<&>\"", "a\"\\\b\f\n\r\t\x01\u2028é<&>"},
		{DateValue(0), `"1970-01-01"`, "1970-01-01"},
		{DateValue(minDays), `"0001-01-01"`, "0001-01-01"},
		{DateTimeValue(-1), `"1969-12-31T23:59:59.999Z"`, "1969-12-31T23:59:59.999Z"},
		{DateTimeValue(maxMillis), `"9999-12-31T23:59:59.999Z"`, "9999-12-31T23:59:59.999Z"},
		{ListValue(nil), `[]`, "[]"},
		{ListValue([]Value{TextValue("a"), NullValue}), `["a",null]`, `["a",null]`},
		{JSONValue(`{"b":1, "a":2}`), `{"b":1, "a":2}`, `{"b":1, "a":2}`},
		{BytesValue([]byte{0, 255}), `"AP8="`, "AP8="},
	}
	for _, test := range tests {
		require.Equal(t, test.want, string(test.v.AppendJSON(nil)))
		require.Equal(t, test.text, test.v.String())
		doc, err := json.Marshal(test.v)
		require.NoError(t, err)
		require.JSONEq(t, test.want, string(doc))
	}
}

func TestEqualAndCompare(t *testing.T) {
	long := strings.Repeat("é", OrderPrefix)
	tests := []struct {
		name          string
		a, b          Value
		equal         bool
		compare, sort int
	}{
		{"NULL is NULL", NullValue, NullValue, true, 0, 0},
		{"NULL is smallest", NullValue, BoolValue(false), false, -1, -1},
		{"false before true", BoolValue(false), BoolValue(true), false, -1, -1},
		{"numbers", IntValue(10), IntValue(9), false, 1, 1},
		{"number and float", IntValue(1), FloatValue(1), true, 0, 0},
		{"number and float differ", IntValue(1), FloatValue(1.5), false, -1, -1},
		{"case", TextValue("a"), TextValue("A"), false, 1, 1},
		{"trailing blank", TextValue("a"), TextValue("a "), false, -1, -1},
		{"no normalisation", TextValue("é"), TextValue("e\u0301"), false, 1, 1},
		{"beyond the basic plane", TextValue("\U0001F600"), TextValue("\uFFFD"), false, 1, 1},
		{"beyond the sorted prefix", TextValue(long + "a"), TextValue(long + "b"), false, -1, 0},
		{"prefix of itself", TextValue(long), TextValue(long + "b"), false, -1, 0},
		{"empty text is not NULL", TextValue(""), NullValue, false, 1, 1},
		{"date at midnight", DateValue(1), DateTimeValue(millisPerDay), true, 0, 0},
		{"date before noon", DateValue(1), DateTimeValue(millisPerDay * 3 / 2), false, -1, -1},
		{"lists", ListValue([]Value{IntValue(1), NullValue}), ListValue([]Value{IntValue(1), NullValue}), true, 0, 0},
		{"longer list", ListValue([]Value{IntValue(1)}), ListValue([]Value{IntValue(1), NullValue}), false, -1, -1},
		{"empty list is not NULL", ListValue(nil), NullValue, false, 1, 1},
		{"other kinds", TextValue("1"), IntValue(1), false, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.equal, Equal(test.a, test.b))
			require.Equal(t, test.equal, Equal(test.b, test.a))
			require.Equal(t, test.compare, Compare(test.a, test.b))
			require.Equal(t, -test.compare, Compare(test.b, test.a))
			require.Equal(t, test.sort, CompareSort(test.a, test.b))
			require.Equal(t, -test.sort, CompareSort(test.b, test.a))
		})
	}
}

func TestEmptyAndSize(t *testing.T) {
	for _, v := range []Value{NullValue, TextValue(""), ListValue(nil)} {
		require.True(t, v.Empty())
	}
	for _, v := range []Value{IntValue(0), BoolValue(false), TextValue(" "), ListValue([]Value{NullValue})} {
		require.False(t, v.Empty())
	}
	require.Greater(t, ListValue([]Value{TextValue("abc")}).Size(), TextValue("abc").Size())
	require.Equal(t, FloatValue(2), IntValue(2).As(Float))
	require.Equal(t, TextValue("2"), TextValue("2").As(Float))
}

func ExampleValue() {
	price, _ := ParseDecimal("9.90")
	for _, v := range []Value{NumberValue(price), DateValue(19782), TextValue("née"), NullValue} {
		fmt.Println(v.Kind(), v, string(v.AppendJSON(nil)))
	}
	// Output:
	// number 9.9 9.9
	// date 2024-02-29 "2024-02-29"
	// text née "née"
	// null NULL null
}
