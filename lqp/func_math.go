package lqp

import (
	"math"
	"strconv"
	"time"
)

var oneNumber = []Parameter{{Name: "number", Kinds: numericKinds}}

var numberAndDigits = []Parameter{{Name: "number", Kinds: numericKinds}, {Name: "digits", Kinds: numericKinds, Optional: true}}

var numberAndStep = []Parameter{{Name: "number", Kinds: numericKinds}, {Name: "multiple", Kinds: numericKinds, Optional: true}}

var mathFunctions = []*Function{
	{
		Name: "abs", Category: "math", Params: oneNumber, result: sameNumber,
		Doc: "The number without its sign.", Example: `ABS(-2.5)`, Gives: "2.5",
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Number {
				return NumberValue(a.num.Abs())
			}
			return FloatValue(math.Abs(a.Float()))
		},
	},
	{
		Name: "sign", Category: "math", Params: oneNumber,
		Doc: "-1, 0 or 1 for a negative number, zero and a positive one.", Example: `SIGN(-2.5)`, Gives: "-1",
		result: func(args []Type) (Type, *ArgError) {
			if args[0].Kind == Float {
				return sameNumber(args)
			}
			return strictly(wholeType(1))(args)
		},
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Number {
				return IntValue(int64(a.num.Sign()))
			}
			f := a.Float()
			switch {
			case f > 0:
				f = 1
			case f < 0:
				f = -1
			}
			return FloatValue(f)
		},
	},
	{
		Name: "round", Category: "math", Params: numberAndDigits, result: roundType(1),
		Doc: "The number rounded to that many fractional digits (default 0), halves away from zero.", Example: `ROUND(-2.345, 2)`, Gives: "-2.35",
		fn: func(_ *time.Location, args []Value) Value { return roundValue(args, roundHalfAway) },
	},
	{
		Name: "roundup", Category: "math", Params: numberAndDigits, result: arithmeticFirst,
		Doc: "The number rounded away from zero to that many fractional digits (default 0).", Example: `ROUNDUP(2.341, 2)`, Gives: "2.35",
		fn: func(_ *time.Location, args []Value) Value { return roundValue(args, roundAway) },
	},
	{
		Name: "rounddown", Category: "math", Params: numberAndDigits, result: roundType(0),
		Doc: "The number rounded toward zero to that many fractional digits (default 0).", Example: `ROUNDDOWN(-2.349, 2)`, Gives: "-2.34",
		fn: func(_ *time.Location, args []Value) Value { return roundValue(args, roundToZero) },
	},
	{
		Name: "int", Category: "math", Params: oneNumber, result: wholeResult,
		Doc: "The largest whole number not above the number.", Example: `INT(-2.5)`, Gives: "-3",
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Number {
				return exact(a.num.Floor())
			}
			return FloatValue(math.Floor(a.Float()))
		},
	},
	{
		Name: "ceiling", Category: "math", Params: numberAndStep, result: wholeResult,
		Doc: "The smallest multiple (default of 1) not below the number; NULL for multiples of 0.", Example: `CEILING(7, 5)`, Gives: "10",
		fn: func(_ *time.Location, args []Value) Value { return multiple(args, true) },
	},
	{
		Name: "floor", Category: "math", Params: numberAndStep, result: wholeResult,
		Doc: "The largest multiple (default of 1) not above the number; NULL for multiples of 0.", Example: `FLOOR(-7, 5)`, Gives: "-10",
		fn: func(_ *time.Location, args []Value) Value { return multiple(args, false) },
	},
	{
		Name: "sqrt", Category: "math", Params: oneNumber,
		Doc: "The square root; NULL for a negative number.", Example: `SQRT(2)`, Gives: "1.4142135624",
		result: func(args []Type) (Type, *ArgError) { return Type{Kind: numericKind(args)}, nil },
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Number {
				return exact(a.num.Sqrt())
			}
			return FloatValue(math.Sqrt(a.Float()))
		},
	},
}

// arithmeticFirst is a number or float as the first argument is, nothing else known.
func arithmeticFirst(args []Type) (Type, *ArgError) { return Type{Kind: numericKind(args[:1])}, nil }

// roundType types rounding that can add so many whole digits.
func roundType(carry int) func([]Type) (Type, *ArgError) {
	return func(args []Type) (Type, *ArgError) {
		w, f, ok := digits(args[0])
		if !ok {
			return arithmeticFirst(args)
		}
		if len(args) == 1 {
			f = 0
		}
		return numberType(w+carry, f, allNotNull(args)), nil
	}
}

// wholeResult types int, and floor and ceiling to multiples of 1.
func wholeResult(args []Type) (Type, *ArgError) {
	w, _, ok := digits(args[0])
	if !ok || len(args) > 1 {
		return Type{Kind: numericKind(args)}, nil
	}
	return numberType(w+1, 0, allNotNull(args)), nil
}

// count is a numeric argument as a whole number: its fraction is cut off, what does not fit is saturated.
func count(v Value) int64 {
	if v.kind == Number {
		return v.num.truncInt()
	}
	f := v.Float()
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func roundValue(args []Value, mode rounding) Value {
	n := int64(0)
	if len(args) > 1 {
		n = min(max(count(args[1]), -400), 400)
	}
	if args[0].kind == Number {
		return exact(args[0].num.round(int(n), mode))
	}
	return FloatValue(roundFloat(args[0].Float(), int(n), mode))
}

// roundFloat rounds the shortest decimal text of f, so that 2.675 rounds to 2.68 as people expect although the double
// lies a little below.
func roundFloat(f float64, n int, mode rounding) float64 {
	var buf [40]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, 64) // d.ddde±xx
	mark := len(text) - 1
	for text[mark] != 'e' {
		mark--
	}
	exp, _ := strconv.Atoi(string(text[mark+1:]))
	digits := append([]byte{'0'}, text[0]) // a leading zero takes the carry
	if mark > 2 {
		digits = append(digits, text[2:mark]...)
	}
	keep := exp + 1 + n // significant digits that stay
	if keep >= len(digits)-1 {
		return f
	}
	up := mode == roundAway && f != 0
	if mode == roundHalfAway {
		up = keep >= 0 && digits[keep+1] >= '5'
	}
	if keep < 0 {
		if !up {
			return 0
		}
		return math.Copysign(math.Pow(10, float64(-n)), f)
	}
	digits = digits[:keep+1]
	if up {
		i := keep
		for ; digits[i] == '9'; i-- {
			digits[i] = '0'
		}
		digits[i]++
	}
	r, _ := strconv.ParseFloat(string(digits)+"e"+strconv.Itoa(exp+1-keep), 64)
	return math.Copysign(r, f)
}

// multiple answers ceiling (up) and floor.
func multiple(args []Value, up bool) Value {
	step := IntValue(1)
	if len(args) > 1 {
		step = args[1]
	}
	if bothNumbers(args[0], step) {
		if up {
			return exact(args[0].num.CeilingTo(step.num))
		}
		return exact(args[0].num.FloorTo(step.num))
	}
	f, s := args[0].Float(), math.Abs(step.Float())
	if up {
		return FloatValue(f + floatMod(-f, s))
	}
	return FloatValue(f - floatMod(f, s))
}
