package lqp

import (
	"math"
	"time"
)

var roundingFunctions = []*Function{
	{
		Name: "trunc", Category: "math", Params: numberAndDigits, result: roundType(0),
		Doc: "The number cut off after that many fractional digits (default 0), as ROUNDDOWN does.", Example: `TRUNC(-2.9)`, Gives: "-2",
		fn: func(_ *time.Location, args []Value) Value { return roundValue(args, roundToZero) },
	},
	{
		Name: "mround", Category: "math", result: arithmetic(nil),
		Params: []Parameter{{Name: "number", Kinds: numericKinds}, {Name: "multiple", Kinds: numericKinds}},
		Doc:    "The nearest multiple, halves away from zero; NULL for multiples of 0.", Example: `MROUND(7.5, 5)`, Gives: "10",
		f2: func(_ *time.Location, a, b Value) Value {
			if bothNumbers(a, b) {
				return exact(roundToMultiple(a.num, b.num.Abs()))
			}
			step := math.Abs(b.Float())
			return FloatValue(math.Round(a.Float()/step) * step)
		},
	},
	{
		Name: "quotient", Category: "math", Params: numberPair,
		Doc: "The whole part of a / b, cut toward zero; NULL when b is 0.", Example: `QUOTIENT(-7, 2)`, Gives: "-3",
		result: arithmetic(nil),
		f2: func(_ *time.Location, a, b Value) Value {
			if bothNumbers(a, b) {
				return exact(quotient(a.num, b.num))
			}
			return FloatValue(math.Trunc(a.Float() / b.Float()))
		},
	},
	{
		Name: "even", Category: "math", Params: oneNumber, result: parityType,
		Doc: "The nearest even whole number that is no nearer to zero.", Example: `EVEN(1.5)`, Gives: "2",
		f1: func(_ *time.Location, a Value) Value { return awayTo(a, 0) },
	},
	{
		Name: "odd", Category: "math", Params: oneNumber, result: parityType,
		Doc: "The nearest odd whole number that is no nearer to zero; 1 for 0.", Example: `ODD(-1.5)`, Gives: "-3",
		f1: func(_ *time.Location, a Value) Value { return awayTo(a, 1) },
	},
}

// parityType types even and odd, which may add a digit.
func parityType(args []Type) (Type, *ArgError) {
	w, _, ok := digits(args[0])
	if !ok {
		return arithmeticFirst(args)
	}
	return numberType(max(w, 1)+1, 0, allNotNull(args)), nil
}

// roundToMultiple is the multiple of step nearest to d, halves away from zero.
func roundToMultiple(d, step Decimal) (Decimal, bool) {
	rest, ok := d.Abs().Mod(step)
	if !ok {
		return Decimal{}, false
	}
	low, _ := d.Abs().Sub(rest)
	if gap, _ := step.Sub(rest); rest.Cmp(gap) >= 0 {
		if low, ok = low.Add(step); !ok {
			return Decimal{}, false
		}
	}
	if d.Sign() < 0 {
		low = low.Neg()
	}
	return low, true
}

// quotient divides without a remainder: the division that is left is exact.
func quotient(a, b Decimal) (Decimal, bool) {
	rest, ok := a.Abs().Mod(b.Abs())
	if !ok {
		return Decimal{}, false
	}
	whole, _ := a.Abs().Sub(rest)
	q, ok := whole.Div(b.Abs())
	if (a.Sign() < 0) != (b.Sign() < 0) {
		q = q.Neg()
	}
	return q, ok
}

// awayTo rounds away from zero to a whole number that leaves the rest when divided by two.
func awayTo(v Value, rest int64) Value {
	if v.kind != Number {
		f := math.Ceil(math.Abs(v.Float()))
		if math.Mod(f, 2) != float64(rest) {
			f++
		}
		return FloatValue(math.Copysign(f, v.Float()))
	}
	d, ok := v.num.Abs().RoundUp(0)
	if !ok {
		return Value{}
	}
	if m, _ := d.Mod(DecimalFromInt(2)); m != DecimalFromInt(rest) {
		if d, ok = d.Add(DecimalFromInt(1)); !ok {
			return Value{}
		}
	}
	if v.num.Sign() < 0 {
		d = d.Neg()
	}
	return NumberValue(d)
}
