package lqp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The arguments of function tests, short.
var (
	null = NullValue
	yes  = BoolValue(true)
	no   = BoolValue(false)
)

func num(s string) Value {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return NumberValue(d)
}

func flt(f float64) Value { return FloatValue(f) }

func txt(s string) Value { return TextValue(s) }

func day(s string) Value {
	days, ok := ParseDate(s)
	if !ok {
		panic(s)
	}
	return DateValue(days)
}

func at(s string) Value {
	millis, _, ok := ParseDateTime(s)
	if !ok {
		panic(s)
	}
	return DateTimeValue(millis)
}

func list(items ...Value) Value { return ListValue(items) }

type functionTest struct {
	fn   string
	args []Value
	want Value
}

func runFunctionTests(t *testing.T, z *time.Location, tests []functionTest) {
	t.Helper()
	for _, test := range tests {
		f, ok := LookupFunction(test.fn)
		require.True(t, ok, test.fn)
		args := make([]Expr, len(test.args))
		for i, a := range test.args {
			args[i] = Literal(a)
		}
		call := InZone(NewCall(test.fn, args...), z)
		name := FormatExpr(call)
		got := f.Eval(z, test.args)
		require.Equal(t, test.want.Kind(), got.Kind(), "%s is %s", name, got)
		require.Equal(t, test.want.String(), got.String(), name)
		require.Equal(t, test.want.String(), Eval(call, nil).String(), "Eval %s", name)
		if typ, argErr := f.Check(args); argErr == nil && got.Kind() != Null {
			require.Equal(t, got.Kind(), typ.Kind, name)
		}
	}
}

func args(v ...Value) []Value { return v }

func TestOperators(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"add", args(num("0.1"), num("0.2")), num("0.3")},
		{"add", args(num("99999999999999999999"), num("1")), null},
		{"add", args(num("1"), null), null},
		{"add", args(num("1"), flt(0.5)), flt(1.5)},
		{"add", args(flt(1.7e308), flt(1.7e308)), null},
		{"sub", args(num("1"), num("0.9")), num("0.1")},
		{"mul", args(num("0.00001"), num("0.000005")), num("0.0000000001")},
		{"mul", args(num("-0.00001"), num("0.000005")), num("-0.0000000001")},
		{"mul", args(num("10000000000"), num("10000000000")), null},
		{"div", args(num("1"), num("3")), num("0.3333333333")},
		{"div", args(num("2"), num("3")), num("0.6666666667")},
		{"div", args(num("1"), num("0")), null},
		{"div", args(flt(1), num("0")), null},
		{"mod", args(num("7"), num("3")), num("1")},
		{"mod", args(num("-7"), num("3")), num("2")},
		{"mod", args(num("7"), num("-3")), num("-2")},
		{"mod", args(num("7"), num("0")), null},
		{"mod", args(flt(-7.5), flt(2)), flt(0.5)},
		{"mod", args(flt(1), flt(0)), null},
		{"neg", args(num("0")), num("0")},
		{"neg", args(flt(0)), flt(0)},
		{"neg", args(null), null},
		{"power", args(num("2"), num("10")), num("1024")},
		{"power", args(num("-8"), num("0.5")), null},
		{"power", args(flt(2), num("0.5")), flt(1.4142135623730951)},
		{"power", args(flt(-1), flt(0.5)), null},
		{"eq", args(null, null), yes},
		{"eq", args(num("1"), null), no},
		{"eq", args(txt("a"), txt("a ")), no},
		{"eq", args(num("1"), flt(1)), yes},
		{"eq", args(list(num("1"), null), list(num("1"), null)), yes},
		{"eq", args(list(), null), no},
		{"ne", args(num("1"), null), yes},
		{"ne", args(null, null), no},
		{"lt", args(null, num("1")), no},
		{"lt", args(num("1"), num("2")), yes},
		{"le", args(num("2"), num("2")), yes},
		{"gt", args(txt("b"), txt("B")), yes},
		{"ge", args(null, null), no},
		{"lt", args(no, yes), yes},
		{"lt", args(day("2024-02-28"), at("2024-02-28T00:00:01")), yes},
	})
}

func TestLogic(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"and", args(yes, null), no},
		{"and", args(yes, yes), yes},
		{"or", args(null, no), no},
		{"or", args(null, yes), yes},
		{"not", args(null), yes},
		{"not", args(yes), no},
		{"xor", args(yes, null, yes, yes), yes},
		{"xor", args(yes, yes), no},
		{"if", args(null, num("1"), num("2")), num("2")},
		{"if", args(yes, num("1")), num("1")},
		{"if", args(no, num("1")), null},
		{"ifs", args(no, num("1"), yes, num("2")), num("2")},
		{"ifs", args(no, num("1")), null},
		{"switch", args(txt("b"), txt("a"), num("1"), txt("b"), num("2")), num("2")},
		{"switch", args(txt("c"), txt("a"), num("1"), num("9")), num("9")},
		{"switch", args(txt("c"), txt("a"), num("1")), null},
		{"switch", args(null, null, num("1")), num("1")},
		{"coalesce", args(null, txt(""), txt("x")), txt("")},
		{"coalesce", args(null, null), null},
		{"is_blank", args(txt("")), yes},
		{"is_empty", args(list()), yes},
		{"is_empty", args(txt(" ")), no},
		{"is_blank", args(null), yes},
		{"is_null", args(txt("")), no},
		{"is_null", args(null), yes},
		{"zn", args(null), num("0")},
		{"zn", args(flt(2)), flt(2)},
		{"in", args(num("2"), num("1"), num("2")), yes},
		{"in", args(null, num("1"), null), yes},
		{"in", args(null, num("1")), no},
		{"in", args(num("2"), list(num("1"), num("2"))), yes},
		{"in", args(num("2"), list()), no},
		{"between", args(num("1"), num("1"), num("1")), yes},
		{"between", args(num("1"), num("2"), num("0")), no},
		{"between", args(num("1"), null, num("2")), no},
		{"true", nil, yes},
		{"false", nil, no},
		{"blank", nil, null},
	})
}

func TestMath(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"abs", args(num("-2.5")), num("2.5")},
		{"abs", args(flt(-2.5)), flt(2.5)},
		{"abs", args(null), null},
		{"sign", args(num("-0.01")), num("-1")},
		{"sign", args(num("0")), num("0")},
		{"sign", args(flt(3)), flt(1)},
		{"round", args(num("2.5")), num("3")},
		{"round", args(num("-2.5")), num("-3")},
		{"round", args(num("2.345"), num("2")), num("2.35")},
		{"round", args(num("2.345"), num("2.9")), num("2.35")},
		{"round", args(num("1250"), num("-2")), num("1300")},
		{"round", args(num("1"), num("-40")), num("0")},
		{"round", args(num("1"), num("40")), num("1")},
		{"round", args(num("99999999999999999999.5"), num("0")), null},
		{"round", args(num("1"), null), null},
		{"round", args(flt(2.675), num("2")), flt(2.68)},
		{"round", args(flt(-0.5)), flt(-1)},
		{"round", args(flt(0.4)), flt(0)},
		{"round", args(flt(9.995e-7), num("9")), flt(1e-6)},
		{"round", args(flt(15), num("-1")), flt(20)},
		{"round", args(flt(1e300), num("2")), flt(1e300)},
		{"round", args(flt(6), num("-1")), flt(10)},
		{"round", args(flt(6), num("-2")), flt(0)},
		{"roundup", args(num("2.001"), num("2")), num("2.01")},
		{"roundup", args(num("-2.001"), num("2")), num("-2.01")},
		{"roundup", args(num("2"), num("2")), num("2")},
		{"roundup", args(num("5"), num("-3")), num("1000")},
		{"roundup", args(flt(0.001), num("1")), flt(0.1)},
		{"roundup", args(flt(-5), num("-3")), flt(-1000)},
		{"rounddown", args(num("-2.999"), num("2")), num("-2.99")},
		{"rounddown", args(flt(2.999)), flt(2)},
		{"int", args(num("-2.5")), num("-3")},
		{"int", args(num("-99999999999999999999.5")), null},
		{"int", args(flt(2.5)), flt(2)},
		{"ceiling", args(num("2.1")), num("3")},
		{"ceiling", args(num("-7"), num("-5")), num("-5")},
		{"ceiling", args(num("7"), num("0")), null},
		{"ceiling", args(flt(2.5), num("2")), flt(4)},
		{"floor", args(num("2.9")), num("2")},
		{"floor", args(num("7"), num("-5")), num("5")},
		{"floor", args(num("7"), num("0")), null},
		{"floor", args(flt(7), flt(0)), null},
		{"sqrt", args(num("2")), num("1.4142135624")},
		{"sqrt", args(num("-1")), null},
		{"sqrt", args(flt(2)), flt(1.4142135623730951)},
		{"sqrt", args(flt(-1)), null},
	})
}
