package lqp

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func accumulate(fn string, arg Type, values ...Value) Value {
	f, _ := LookupAggregate(fn)
	acc := f.NewAccumulator(arg)
	for _, v := range values {
		acc.Add(v)
	}
	return acc.Result()
}

// The exact sum of doubles, rounded once, is what arithmetic with fractions gives, in any order.
func TestFloatSumIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e308, 1e308), rapid.Float64Range(-1, 1), rapid.SampledFrom([]float64{5e-324, -5e-324, 2.3e-308, math.MaxFloat64, -math.MaxFloat64, 0.1, 1e16, 1})), 0, 30).Draw(t, "values")
		var s binarySum
		total := new(big.Rat)
		for _, f := range values {
			s.addDouble(f)
			total.Add(total, new(big.Rat).SetFloat64(f))
		}
		if want, _ := total.Float64(); s.double() != want {
			t.Fatalf("the sum of %v is %v, want %v", values, s.double(), want)
		}
		if s.limbs != nil {
			s.carry() // a carry in between changes nothing
			if want, _ := total.Float64(); s.double() != want {
				t.Fatalf("after a carry %v", s.double())
			}
		}
	})
}

func TestSpreadAgainstFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(numericKinds).Draw(t, "kind")
		values := rapid.SliceOfN(genValue(kind), 0, 12).Draw(t, "values")
		n, sum, squares := int64(0), new(big.Rat), new(big.Rat)
		for _, v := range values {
			var x *big.Rat
			switch v.kind {
			case Number:
				x = new(big.Rat).SetFrac(v.num.big(), bigUnit)
			case Float:
				x = new(big.Rat).SetFloat64(v.Float())
			default:
				continue
			}
			n++
			sum.Add(sum, x)
			squares.Add(squares, new(big.Rat).Mul(x, x))
		}
		for fn, less := range map[string]int64{"varp": 0, "var": 1} {
			got := accumulate(fn, Type{Kind: kind}, values...)
			if n <= less {
				if !got.IsNull() {
					t.Fatalf("%s of %v is %s", fn, values, got)
				}
				continue
			}
			// (Σx² - (Σx)²/n) / (n - less)
			want := new(big.Rat).Mul(sum, sum)
			want.Quo(want, big.NewRat(n, 1)).Sub(squares, want).Quo(want, big.NewRat(n-less, 1))
			root := accumulate(map[string]string{"varp": "stdevp", "var": "stdev"}[fn], Type{Kind: kind}, values...)
			if kind == Float {
				if f, _ := want.Float64(); !math.IsInf(f, 0) && got.Float() != f {
					t.Fatalf("%s of %v is %s, want %v", fn, values, got, f)
				}
				continue
			}
			k := roundedQuotient(new(big.Int).Mul(want.Num(), bigUnit), want.Denom())
			if d, ok := decimalFromBig(k); ok != !got.IsNull() || ok && d != got.num {
				t.Fatalf("%s of %v is %s, want %s", fn, values, got, d)
			}
			// |root - √want| <= 1/2 in the last digit.
			if root.IsNull() {
				t.Fatalf("the root of %s has no value", want)
			}
			twice := new(big.Int).Lsh(root.num.big(), 1)
			low, high := new(big.Int).Sub(twice, big.NewInt(1)), new(big.Int).Add(twice, big.NewInt(1))
			scaled := new(big.Rat).Mul(want, new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(4), new(big.Int).Mul(bigUnit, bigUnit))))
			if low.Sign() > 0 && new(big.Rat).SetInt(low.Mul(low, low)).Cmp(scaled) > 0 || new(big.Rat).SetInt(high.Mul(high, high)).Cmp(scaled) < 0 {
				t.Fatalf("the root of %s is %s", want, root)
			}
		}
	})
}

func TestAggregatesOfNumbersDoNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(numberAggregates).Draw(t, "function")
		kind := rapid.SampledFrom(numericKinds).Draw(t, "kind")
		values := rapid.SliceOfN(genValue(kind), 0, 10).Draw(t, "values")
		got := accumulate(f.Name, Type{Kind: kind}, values...)
		slices.Reverse(values)
		if again := accumulate(f.Name, Type{Kind: kind}, values...); !Equal(got, again) {
			t.Fatalf("%s is %s and backwards %s", f.Name, got, again)
		}
	})
}

func TestMoreAggregates(t *testing.T) {
	number, float, text, flag, tags := Type{Kind: Number}, Type{Kind: Float}, Type{Kind: Text}, Type{Kind: Bool}, Type{Kind: List, Elem: Text}
	huge, least := num("99999999999999999999"), num("-99999999999999999999")
	tests := []struct {
		fn     string
		arg    Type
		values []Value
		want   Value
	}{
		{"sum", float, args(flt(0.1), flt(0.2), flt(0.3)), flt(0.6)},
		{"sum", float, args(flt(1e308), flt(1e308), flt(-1e308)), flt(1e308)},
		{"range", number, args(num("3"), null, num("-1.5")), num("4.5")},
		{"range", number, args(null), null},
		{"range", number, args(huge, least), null},
		{"range", float, args(flt(1e308), flt(-1e308)), null},
		{"median", number, args(num("3"), null, num("1"), num("2")), num("2")},
		{"median", number, args(num("3"), num("2")), num("2.5")},
		{"median", number, args(huge, huge), huge},
		{"median", number, args(least, least, huge, huge), num("0")},
		{"median", number, args(num("0.0000000001"), num("0.0000000002")), num("0.0000000002")},
		{"median", number, nil, null},
		{"median", float, args(flt(1.7e308), flt(1.7e308)), flt(1.7e308)},
		{"median", float, args(flt(3), flt(1), null), flt(2)},
		{"var", number, args(num("1"), num("2"), num("4"), num("5")), num("3.3333333333")},
		{"var", number, args(num("1")), null},
		{"varp", number, args(num("1")), num("0")},
		{"varp", number, args(null), null},
		{"var", number, args(huge, least), null},
		{"stdev", number, args(huge, least), null},
		{"stdevp", number, args(huge, least), huge},
		{"stdevp", number, args(num("0.0000000001"), num("0")), num("0.0000000001")}, // a half is rounded up
		{"stdev", float, args(flt(0.1), flt(0.1), flt(0.1)), flt(0)},
		{"varp", float, args(flt(1e200), flt(-1e200)), null},
		{"stdevp", float, args(flt(1e200), flt(-1e200)), flt(1e200)},
		{"stdevp", float, args(flt(5e-324), flt(-5e-324)), flt(5e-324)},
		{"count_empty", text, args(txt(""), null, txt(" ")), num("2")},
		{"count_filled", tags, args(list(), null, list(null)), num("1")},
		{"percent_empty", text, args(txt(""), txt("a"), null), num("66.6666666667")},
		{"percent_empty", text, nil, null},
		{"percent_filled", text, args(txt("a")), num("100")},
		{"earliest", Type{Kind: Date}, args(day("2024-02-29"), null, day("2024-02-28")), day("2024-02-28")},
		{"latest", Type{Kind: DateTime}, args(at("2024-02-29T00:00"), at("2024-02-29T00:01")), at("2024-02-29T00:01")},
		{"latest", Type{Kind: Date}, nil, null},
		{"and", flag, args(yes, null), yes},
		{"and", flag, args(yes, no), no},
		{"and", flag, args(null), null},
		{"or", flag, args(no, null), no},
		{"or", flag, nil, null},
		{"xor", flag, args(yes, yes, null, yes), yes},
		{"checked", flag, args(yes, no, null, yes), num("2")},
		{"unchecked", flag, args(yes, no, null), num("2")},
		{"unchecked", flag, nil, num("0")},
		{"array_agg", text, args(txt("b"), null, txt("a"), txt("b")), list(txt("b"), txt("a"), txt("b"))},
		{"array_agg", tags, args(list(txt("b"), null), null, list(), list(txt("a"))), list(txt("b"), txt("a"))},
		{"array_agg", text, args(null), null},
		{"array_unique", text, args(txt("b"), txt("a"), txt("b")), list(txt("b"), txt("a"))},
		{"array_unique", tags, args(list(txt("b"), txt("a")), list(txt("a"))), list(txt("b"), txt("a"))},
		{"join", number, args(num("1.50"), null, num("2")), txt("1.5, 2")},
		{"join", text, args(txt(""), txt("")), txt(", ")},
		{"join", text, args(null), null},
		{"first", text, args(null, txt("b"), txt("a")), txt("b")},
		{"last", text, args(txt("b"), txt("a"), null), txt("a")},
		{"last", tags, args(list(), null), list()},
		{"first", text, args(null), null},
	}
	for _, test := range tests {
		f, ok := LookupAggregate(test.fn)
		require.True(t, ok, test.fn)
		typ, argErr := f.Result(test.arg)
		require.Nil(t, argErr, test.fn)
		got := accumulate(test.fn, test.arg, test.values...)
		require.Equal(t, test.want.Kind(), got.Kind(), "%s of %v is %s", test.fn, test.values, got)
		require.Equal(t, test.want.String(), got.String(), "%s of %v", test.fn, test.values)
		require.True(t, conforms(typ, got), test.fn)
	}
}

func TestCollectingAggregatesAreBounded(t *testing.T) {
	f, _ := LookupAggregate("array_agg")
	acc := f.NewAccumulator(Type{Kind: Number})
	empty := acc.Size()
	for i := range int64(MaxList) {
		acc.Add(IntValue(i))
	}
	require.Len(t, acc.Result().Items(), MaxList)
	require.GreaterOrEqual(t, acc.Size(), MaxList*48)
	acc.Add(IntValue(1))
	require.True(t, acc.Result().IsNull())
	require.Equal(t, empty, acc.Size(), "what is of no use is not kept")

	f, _ = LookupAggregate("join")
	acc = f.NewAccumulator(Type{Kind: Text})
	long := txt("éàü")
	for acc.Size() < 3*MaxText && !acc.(*joinAccumulator).text.over {
		acc.Add(long)
	}
	require.True(t, acc.Result().IsNull())
	require.Less(t, acc.Size(), 100)

	f, _ = LookupAggregate("median")
	acc = f.NewAccumulator(Type{Kind: Number})
	for i := range int64(1000) {
		acc.Add(IntValue(i))
	}
	require.GreaterOrEqual(t, acc.Size(), 16_000)
}
