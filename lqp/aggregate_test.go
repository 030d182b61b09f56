package lqp

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAggregates(t *testing.T) {
	number, float, text := Type{Kind: Number}, Type{Kind: Float}, Type{Kind: Text}
	huge := num("99999999999999999999")
	tests := []struct {
		name   string
		fn     string
		arg    Type
		values []Value
		want   Value
	}{
		{"sum of nothing", "sum", number, nil, num("0")},
		{"sum of NULLs", "sum", number, args(null, null), num("0")},
		{"sum of no floats", "sum", float, nil, flt(0)},
		{"exact sum", "sum", number, args(num("0.1"), null, num("0.2")), num("0.3")},
		{"sum leaves the range", "sum", number, args(huge, huge), null},
		{"sum comes back into the range", "sum", number, args(huge, huge, huge, num("-99999999999999999999"), num("-99999999999999999999")), huge},
		{"sum of floats", "sum", float, args(flt(0.5), null, flt(0.25)), flt(0.75)},
		{"float sum overflows", "sum", float, args(flt(1.7e308), flt(1.7e308)), null},
		{"average of nothing", "average", number, args(null), null},
		{"average", "average", number, args(num("1"), null, num("1"), num("0")), num("0.6666666667")},
		{"average of a sum out of range", "average", number, args(huge, huge), null},
		{"average of floats", "average", float, args(flt(1), flt(2)), flt(1.5)},
		{"min of nothing", "min", text, args(null), null},
		{"min of text", "min", text, args(txt("b"), null, txt("B"), txt("a")), txt("B")},
		{"max of text", "max", text, args(txt("b"), txt("é"), txt("z")), txt("é")},
		{"max of dates", "max", Type{Kind: Date}, args(day("2024-02-28"), day("2024-02-29"), null), day("2024-02-29")},
		{"min of booleans", "min", Type{Kind: Bool}, args(yes, no), no},
		{"count", "count", number, args(num("1"), null, num("1")), num("2")},
		{"counta", "counta", text, args(txt("a"), txt(""), null, txt(" ")), num("2")},
		{"counta of lists", "counta", Type{Kind: List, Elem: Text}, args(list(), list(null), null), num("1")},
		{"countall", "countall", Type{}, args(yes, null, yes), num("3")},
		{"countall of nothing", "countall", Type{}, nil, num("0")},
		{"count_unique", "count_unique", text, args(txt("a"), txt("a"), txt(""), null, txt("A")), num("3")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, ok := LookupAggregate(test.fn)
			require.True(t, ok)
			typ, argErr := f.Result(test.arg)
			require.Nil(t, argErr)
			acc := f.NewAccumulator(test.arg)
			for _, v := range test.values {
				acc.Add(v)
			}
			got := acc.Result()
			require.Equal(t, test.want.Kind(), got.Kind(), got.String())
			require.Equal(t, test.want.String(), got.String())
			require.True(t, conforms(typ, got))
			require.Positive(t, acc.Size())
		})
	}
}

func TestSumAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var acc sumAccumulator
		total := new(big.Int)
		for _, d := range rapid.SliceOfN(genDecimal(), 0, 50).Draw(t, "values") {
			acc.Add(NumberValue(d))
			total.Add(total, d.big())
		}
		got := acc.Result()
		if inRange := total.CmpAbs(bigLimit) < 0; inRange == got.IsNull() {
			t.Fatalf("%s gives %s", total, got)
		}
		if !got.IsNull() && got.Decimal().big().Cmp(total) != 0 {
			t.Fatalf("%s gives %s", total, got)
		}
	})
}

func TestAggregateArguments(t *testing.T) {
	for fn, want := range map[string]string{
		"sum":          "argument 1: want number or float, got text",
		"count":        "argument 1: want number or float (counta counts values of every kind), got text",
		"min":          "",
		"countall":     "",
		"count_unique": "",
	} {
		f, ok := LookupAggregate(fn)
		require.True(t, ok, fn)
		_, argErr := f.Result(Type{Kind: Text})
		if want == "" {
			require.Nil(t, argErr, fn)
			continue
		}
		require.EqualError(t, argErr, want)
	}
}

func TestCountUniqueReportsItsMemory(t *testing.T) {
	f, _ := LookupAggregate("count_unique")
	acc := f.NewAccumulator(Type{Kind: Number})
	before := acc.Size()
	for i := range int64(1000) {
		acc.Add(IntValue(i % 100))
	}
	require.Greater(t, acc.Size(), before+100*17)
	require.Less(t, acc.Size(), before+100*200)
}
