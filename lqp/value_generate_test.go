package lqp

import (
	"strings"

	"pgregory.net/rapid"
)

// genValue draws a value of the kind, or NULL one time in eight, with a liking for edges.
func genValue(k Kind) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		if rapid.IntRange(0, 7).Draw(t, "null") == 0 || k == Null {
			return NullValue
		}
		return genSet(k).Draw(t, k.String())
	})
}

// genSet draws a value of the kind that is not NULL.
func genSet(k Kind) *rapid.Generator[Value] {
	switch k {
	case Bool:
		return rapid.Map(rapid.Bool(), BoolValue)
	case Number:
		return rapid.OneOf(rapid.Map(genDecimal(), NumberValue), rapid.Map(rapid.Int64Range(-12, 12), IntValue))
	case Float:
		return rapid.OneOf(
			rapid.Map(rapid.Float64Range(-1e300, 1e300), FloatValue),
			rapid.Map(rapid.Float64Range(-10, 10), FloatValue),
			rapid.Map(rapid.Int64Range(-12, 12), func(i int64) Value { return FloatValue(float64(i)) }))
	case Text:
		return rapid.Map(genText(), textValue)
	case Date:
		return rapid.Map(rapid.Int64Range(minDays, maxDays), DateValue)
	case DateTime:
		return rapid.OneOf(
			rapid.Map(rapid.Int64Range(minMillis, maxMillis), DateTimeValue),
			rapid.Map(rapid.Int64Range(minDays, maxDays), func(d int64) Value { return DateTimeValue(d * millisPerDay) }))
	case List:
		return rapid.Custom(func(t *rapid.T) Value {
			elem := rapid.SampledFrom(scalarKinds).Draw(t, "elem")
			return ListValue(rapid.SliceOfN(genValue(elem), 0, 4).Draw(t, "items"))
		})
	case JSON:
		return rapid.Map(rapid.SampledFrom([]string{`{}`, `[1,null]`, `"x"`, `{"a":{"b":[true]}}`, `null`}), JSONValue)
	}
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), BytesValue)
}

func genText() *rapid.Generator[string] {
	words := []string{"", " ", "a", "A", "ab", "é", "e\u0301", "ß", "İ", "K", "日本", "🙂", "👩‍🚀", "\t\n", `"`, `\`, "{}", "0", "-1.50", "2024-02-29", "\x01", "day", "month", "\U0010FFFF"}
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(words), 0, 5), func(parts []string) string { return strings.Join(parts, "") })
}

// genAny draws a value of any kind.
func genAny() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		return genValue(rapid.SampledFrom(append(anyKinds, Null)).Draw(t, "kind")).Draw(t, "value")
	})
}

// genColumn draws a generator of values as they stand in one column: lists have elements of one kind.
func genColumn() *rapid.Generator[*rapid.Generator[Value]] {
	return rapid.Custom(func(t *rapid.T) *rapid.Generator[Value] {
		k := rapid.SampledFrom(append(anyKinds, Null)).Draw(t, "kind")
		if k != List {
			return genValue(k)
		}
		elem := rapid.SampledFrom(scalarKinds).Draw(t, "elem")
		return rapid.Map(rapid.SliceOfN(genValue(elem), 0, 4), ListValue)
	})
}
