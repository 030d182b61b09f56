package lqp

import (
	"math"
	"time"
)

// pi rounded to the digits of a number.
var piValue = NumberValue(DecimalFromScaled(31415926536, 10))

var exponentialFunctions = []*Function{
	{
		Name: "exp", Category: "math", Params: oneNumber, result: arithmeticFirst,
		Doc: "e to the power of the number, of a number to 15 digits; NULL beyond the range of numbers.", Example: `EXP(1)`, Gives: "2.7182818285",
		f1: func(_ *time.Location, a Value) Value { return fromDouble(a, math.Exp(a.Float())) },
	},
	{
		Name: "ln", Category: "math", Params: oneNumber, result: arithmeticFirst,
		Doc: "The natural logarithm; NULL unless the number is above 0.", Example: `LN(10)`, Gives: "2.302585093",
		f1: func(_ *time.Location, a Value) Value { return fromDouble(a, math.Log(a.Float())) },
	},
	{
		Name: "log10", Category: "math", Params: oneNumber, result: arithmeticFirst,
		Doc: "The logarithm to the base 10; NULL unless the number is above 0.", Example: `LOG10(1000)`, Gives: "3",
		f1: func(_ *time.Location, a Value) Value { return fromDouble(a, math.Log10(a.Float())) },
	},
	{
		Name: "log", Category: "math", result: func(args []Type) (Type, *ArgError) { return Type{Kind: numericKind(args)}, nil },
		Params: []Parameter{{Name: "number", Kinds: numericKinds}, {Name: "base", Kinds: numericKinds, Optional: true}},
		Doc:    "The logarithm to a base (default 10); NULL unless both are above 0 and the base is not 1.", Example: `LOG(8, 2)`, Gives: "3",
		fn: func(_ *time.Location, args []Value) Value {
			base := 10.0
			if len(args) > 1 {
				base = args[1].Float()
			}
			kind := args[0]
			if len(args) > 1 && args[1].kind == Float {
				kind = args[1]
			}
			return fromDouble(kind, logarithm(args[0].Float(), base))
		},
	},
	{
		Name: "pi", Category: "math", result: always(Type{Kind: Number, Precision: 11, Scale: 10, NotNull: true}),
		Doc: "The ratio of a circle's circumference to its diameter, to ten digits.", Example: `PI()`, Gives: "3.1415926536",
		fn: func(*time.Location, []Value) Value { return piValue },
	},
}

// logarithm is NaN or infinite where it is undefined.
func logarithm(x, base float64) float64 {
	switch {
	case base <= 0 || base == 1:
		return math.NaN()
	case base == 10:
		return math.Log10(x)
	case base == 2:
		return math.Log2(x)
	}
	return math.Log(x) / math.Log(base)
}

// fromDouble is the result of a calculation with doubles in the kind of its argument: numbers are rounded to 15 digits.
func fromDouble(arg Value, f float64) Value {
	if arg.kind == Number {
		return exact(DecimalFromFloat(f))
	}
	return FloatValue(f)
}
