package lqp

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRoundingFunctions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"trunc", args(num("-2.9")), num("-2")},
		{"trunc", args(num("2.349"), num("2")), num("2.34")},
		{"trunc", args(flt(-2.9)), flt(-2)},
		{"trunc", args(null), null},
		{"mround", args(num("7.5"), num("5")), num("10")},
		{"mround", args(num("-7.5"), num("5")), num("-10")},
		{"mround", args(num("7.4"), num("-5")), num("5")},
		{"mround", args(num("0.25"), num("0.1")), num("0.3")},
		{"mround", args(num("7"), num("0")), null},
		{"mround", args(num("99999999999999999999"), num("90000000000000000000")), num("90000000000000000000")},
		{"mround", args(num("99999999999999999999"), num("60000000000000000000")), null},
		{"mround", args(flt(7), num("0")), null},
		{"mround", args(flt(7), flt(4)), flt(8)},
		{"quotient", args(num("-7"), num("2")), num("-3")},
		{"quotient", args(num("7"), num("-0.3")), num("-23")},
		{"quotient", args(num("7"), num("0")), null},
		{"quotient", args(num("99999999999999999999"), num("0.1")), null},
		{"quotient", args(flt(-7), flt(2)), flt(-3)},
		{"quotient", args(flt(7), flt(0)), null},
		{"even", args(num("1.5")), num("2")},
		{"even", args(num("-1")), num("-2")},
		{"even", args(num("0")), num("0")},
		{"even", args(num("2")), num("2")},
		{"even", args(num("2.0000000001")), num("4")},
		{"even", args(num("99999999999999999999")), null},
		{"even", args(flt(-3)), flt(-4)},
		{"odd", args(num("0")), num("1")},
		{"odd", args(num("-1.5")), num("-3")},
		{"odd", args(num("2")), num("3")},
		{"odd", args(num("-0.5")), num("-1")},
		{"odd", args(num("99999999999999999999.5")), null},
		{"odd", args(flt(2)), flt(3)},
		{"odd", args(null), null},
	})
}

func TestExponentialFunctions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"exp", args(num("0")), num("1")},
		{"exp", args(num("1")), num("2.7182818285")},
		{"exp", args(num("47")), null},
		{"exp", args(num("-100")), num("0")},
		{"exp", args(flt(1)), flt(2.718281828459045)},
		{"exp", args(flt(1000)), null},
		{"ln", args(num("10")), num("2.302585093")},
		{"ln", args(num("0")), null},
		{"ln", args(flt(-1)), null},
		{"log10", args(num("1000")), num("3")},
		{"log10", args(num("0.001")), num("-3")},
		{"log10", args(flt(0)), null},
		{"log", args(num("100")), num("2")},
		{"log", args(num("8"), num("2")), num("3")},
		{"log", args(num("125"), num("5")), num("3")},
		{"log", args(num("8"), num("1")), null},
		{"log", args(num("8"), num("-2")), null},
		{"log", args(num("-8"), num("2")), null},
		{"log", args(num("8"), flt(2)), flt(3)},
		{"log", args(num("8"), null), null},
		{"pi", nil, num("3.1415926536")},
	})
}

func TestFunctionsOfManyValues(t *testing.T) {
	huge := num("99999999999999999999")
	numbers := list(num("1"), null, num("2"))
	runFunctionTests(t, nil, []functionTest{
		{"sum", args(num("0.1"), null, num("0.2")), num("0.3")},
		{"sum", args(null), num("0")},
		{"sum", args(numbers, num("4")), num("7")},
		{"sum", args(list(), null), num("0")},
		{"sum", args(huge, huge), null},
		{"sum", args(huge, huge, num("-99999999999999999999")), huge},
		{"sum", args(num("1"), flt(0.5)), flt(1.5)},
		{"sum", args(flt(0.1), flt(0.2), flt(0.3)), flt(0.6000000000000001)},
		{"average", args(num("1"), num("1"), num("0"), null), num("0.6666666667")},
		{"average", args(null), null},
		{"average", args(numbers), num("1.5")},
		{"average", args(flt(1), num("2")), flt(1.5)},
		{"product", args(num("2"), null, num("0.5")), num("1")},
		{"product", args(null), null},
		{"product", args(huge, huge), null},
		{"product", args(huge, huge, num("0")), null},
		{"product", args(numbers), num("2")},
		{"median", args(num("3"), num("1"), null), num("2")},
		{"median", args(num("3"), num("1"), num("2")), num("2")},
		{"median", args(huge, huge), huge},
		{"median", args(num("-0.0000000001"), num("0")), num("-0.0000000001")},
		{"median", args(num("0.0000000001"), num("0")), num("0.0000000001")},
		{"median", args(flt(1), num("2")), flt(1.5)},
		{"median", args(null), null},
		{"min", args(num("3"), null, num("2")), num("2")},
		{"min", args(null, null), null},
		{"min", args(txt("b"), txt("B"), list(txt("A"))), txt("A")},
		{"min", args(day("2024-02-29"), day("2024-02-28")), day("2024-02-28")},
		{"max", args(num("3"), flt(2)), flt(3)},
		{"max", args(num("3"), numbers), num("3")},
		{"max", args(no, yes), yes},
		{"count", args(num("1"), txt("a"), flt(2), null, numbers), num("4")},
		{"count", args(null), num("0")},
		{"counta", args(num("1"), txt(""), null, list(txt(""), txt("a"), null)), num("2")},
		{"countall", args(num("1"), txt(""), null, list(txt(""), null), list()), num("5")},
	})
}

func TestTypesOfManyValues(t *testing.T) {
	money := Type{Kind: Number, Precision: 12, Scale: 2, NotNull: true}
	tests := []struct {
		fn   string
		args []Type
		want Type
		bad  string
	}{
		{"sum", []Type{money, {}, money.Nullable()}, Type{Kind: Number, Precision: 13, Scale: 2, NotNull: true}, ""},
		{"sum", []Type{{Kind: List, Elem: Float}, money}, Type{Kind: Float}, ""},
		{"sum", []Type{{Kind: List, Elem: Text}}, Type{}, "argument 1: want number or float or a list of them, got list<text>"},
		{"average", []Type{money, {Kind: Text}}, Type{}, "argument 2: want number or float or list, got text"},
		{"min", []Type{money, {Kind: List, Elem: Number}}, Type{Kind: Number, NotNull: true}, ""},
		{"max", []Type{{}, money}, Type{Kind: Number, Precision: 12, Scale: 2, NotNull: true}, ""},
		{"max", []Type{{Kind: Text}, {Kind: List, Elem: Number}}, Type{}, "argument 2: want text, got list<number>"},
		{"count", []Type{{Kind: Text}, money}, manyCountType, ""},
	}
	for _, test := range tests {
		f, _ := LookupFunction(test.fn)
		got, argErr := f.Result(test.args)
		if test.bad != "" {
			require.NotNil(t, argErr, test.bad)
			require.EqualError(t, argErr, test.bad)
			continue
		}
		require.Nil(t, argErr, test.fn)
		require.Equal(t, test.want, got, test.fn)
	}
}

// A quotient and the remainder that was cut off give the dividend again; a multiple is no farther than half a step.
func TestDivisionFunctionsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal().Draw(t, "a"), genDecimal().Draw(t, "b")
		if q, ok := quotient(a, b); ok {
			if !q.IsInt() {
				t.Fatalf("%s / %s is %s", a, b, q)
			}
			if whole, ok := q.Mul(b); ok {
				rest, _ := a.Sub(whole)
				if rest.Abs().Cmp(b.Abs()) >= 0 || rest.Sign()*a.Sign() < 0 {
					t.Fatalf("%s = %s * %s + %s", a, q, b, rest)
				}
			}
		}
		step := b.Abs()
		if m, ok := roundToMultiple(a, step); ok {
			gap, _ := a.Sub(m)
			double, fits := gap.Abs().Add(gap.Abs())
			if rest, _ := m.Mod(step); rest.Sign() != 0 || fits && double.Cmp(step) > 0 {
				t.Fatalf("%s to multiples of %s is %s", a, step, m)
			}
		}
	})
}
