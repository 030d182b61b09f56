package lqp

import (
	"math"
	"time"
)

var numberPair = []Parameter{{Name: "a", Kinds: numericKinds}, {Name: "b", Kinds: numericKinds}}

var equalPair = []Parameter{{Name: "a", Kinds: equalKinds}, {Name: "b", Kinds: equalKinds}}

var orderPair = []Parameter{{Name: "a", Kinds: scalarKinds}, {Name: "b", Kinds: scalarKinds}}

var operatorFunctions = []*Function{
	{
		Name: "add", Category: "operator", Params: numberPair, f2: add,
		Doc: "The sum a + b.", Example: `0.1 + 0.2`, Gives: "0.3",
		result: arithmetic(func(w1, f1, w2, f2 int) (int, int) { return max(w1, w2) + 1, max(f1, f2) }),
	},
	{
		Name: "sub", Category: "operator", Params: numberPair, f2: sub,
		Doc: "The difference a - b.", Example: `1 - 0.9`, Gives: "0.1",
		result: arithmetic(func(w1, f1, w2, f2 int) (int, int) { return max(w1, w2) + 1, max(f1, f2) }),
	},
	{
		Name: "mul", Category: "operator", Params: numberPair, f2: mul,
		Doc: "The product a * b, rounded to ten fractional digits.", Example: `1.5 * 4`, Gives: "6",
		result: arithmetic(func(w1, f1, w2, f2 int) (int, int) { return w1 + w2, f1 + f2 }),
	},
	{
		Name: "div", Category: "operator", Params: numberPair, f2: div,
		Doc: "The quotient a / b, rounded to ten fractional digits; NULL when b is 0.", Example: `2 / 3`, Gives: "0.6666666667",
		result: arithmetic(nil),
	},
	{
		Name: "mod", Category: "operator", Params: numberPair, f2: mod,
		Doc: "The remainder of a / b with the sign of b; NULL when b is 0.", Example: `MOD(-7, 3)`, Gives: "2",
		result: func(args []Type) (Type, *ArgError) {
			t, err := arithmetic(func(_, f1, w2, f2 int) (int, int) { return w2, max(f1, f2) })(args)
			return t.Nullable(), err
		},
	},
	{
		Name: "neg", Category: "operator", Params: numberPair[:1], result: sameNumber,
		Doc: "The number with the opposite sign.", Example: `-(2 + 3)`, Gives: "-5",
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Number {
				return NumberValue(a.num.Neg())
			}
			return FloatValue(-a.Float())
		},
	},
	{
		Name: "power", Category: "operator", Params: numberPair, f2: power,
		Doc: "a to the power of b; exact for whole b up to 128, NULL where it is undefined.", Example: `2 ^ 10`, Gives: "1024",
		result: arithmetic(nil),
	},
	{
		Name: "eq", Category: "operator", Params: equalPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a and b are equal; NULL equals NULL.", Example: `"a" = "A"`, Gives: "false",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(equalIn(z, a, b)) },
	},
	{
		Name: "ne", Category: "operator", Params: equalPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a and b differ; NULL differs from every value.", Example: `1 <> BLANK()`, Gives: "true",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(!equalIn(z, a, b)) },
	},
	{
		Name: "lt", Category: "operator", Params: orderPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a is less than b; FALSE when either is NULL.", Example: `2 < 10`, Gives: "true",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && compareIn(z, a, b) < 0) },
	},
	{
		Name: "le", Category: "operator", Params: orderPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a is less than or equal to b; FALSE when either is NULL.", Example: `2 <= 2`, Gives: "true",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && compareIn(z, a, b) <= 0) },
	},
	{
		Name: "gt", Category: "operator", Params: orderPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a is greater than b; FALSE when either is NULL.", Example: `"b" > "a"`, Gives: "true",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && compareIn(z, a, b) > 0) },
	},
	{
		Name: "ge", Category: "operator", Params: orderPair, Zoned: true, nulls: true, result: comparison,
		Doc: "Whether a is greater than or equal to b; FALSE when either is NULL.", Example: `BLANK() >= 0`, Gives: "false",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && compareIn(z, a, b) >= 0) },
	},
}

func bothSet(a, b Value) bool { return a.kind != Null && b.kind != Null }

func exact(d Decimal, ok bool) Value {
	if !ok {
		return Value{}
	}
	return Value{kind: Number, num: d}
}

func bothNumbers(a, b Value) bool { return a.kind == Number && b.kind == Number }

func add(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Add(b.num))
	}
	return FloatValue(a.Float() + b.Float())
}

func sub(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Sub(b.num))
	}
	return FloatValue(a.Float() - b.Float())
}

func mul(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Mul(b.num))
	}
	return FloatValue(a.Float() * b.Float())
}

func div(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Div(b.num))
	}
	return FloatValue(a.Float() / b.Float()) // by zero it is not finite, so NULL
}

func mod(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Mod(b.num))
	}
	return FloatValue(floatMod(a.Float(), b.Float()))
}

// floatMod is the remainder with the sign of the divisor, NaN for a divisor of zero.
func floatMod(a, b float64) float64 {
	r := math.Mod(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

func power(_ *time.Location, a, b Value) Value {
	if bothNumbers(a, b) {
		return exact(a.num.Power(b.num))
	}
	return FloatValue(math.Pow(a.Float(), b.Float()))
}
