package lqp

import (
	"slices"
	"strconv"
	"time"
)

// The functions of this file look at many values of one row: their arguments, and in the place of a list its elements.

var (
	numbersAndLists = []Parameter{{Name: "number", Kinds: []Kind{Number, Float, List}, Variadic: true}}
	valuesAndLists  = []Parameter{{Name: "value", Kinds: equalKinds, Variadic: true}}
)

var manyFunctions = []*Function{
	{
		Name: "sum", Category: "math", Params: numbersAndLists, nulls: true, result: manySumType,
		Doc: "The sum of the numbers among the arguments and the elements of lists, 0 when there are none; NULL is left out.", Example: `SUM(0.1, BLANK(), 0.2)`, Gives: "0.3",
		fn: func(_ *time.Location, args []Value) Value { s := sumOf(args); return s.sum() },
	},
	{
		Name: "average", Category: "math", Params: numbersAndLists, nulls: true, result: manyNumberType,
		Doc: "The sum of the numbers divided by their count, NULL when there are none; NULL is left out.", Example: `AVERAGE(1, 2, BLANK())`, Gives: "1.5",
		fn: func(_ *time.Location, args []Value) Value {
			s := sumOf(args)
			sum := s.sum()
			if s.count == 0 || sum.kind == Null {
				return Value{}
			}
			return div(nil, sum, IntValue(s.count))
		},
	},
	{
		Name: "product", Category: "math", Params: numbersAndLists, nulls: true, result: manyNumberType,
		Doc: "The product of the numbers, each step rounded to ten fractional digits, NULL when there are none; NULL is left out.", Example: `PRODUCT(2, 3, 0.5)`, Gives: "3",
		fn: func(_ *time.Location, args []Value) Value {
			var p Value
			first, lost := true, false
			eachItem(args, func(v Value) bool {
				switch {
				case !v.kind.Numeric():
				case first:
					p, first = v, false
				default:
					p = mul(nil, p, v)
					lost = p.kind == Null
				}
				return !lost
			})
			return p
		},
	},
	{
		Name: "median", Category: "math", Params: numbersAndLists, nulls: true, result: manyNumberType,
		Doc: "The number in the middle, of an even count the average of the two, NULL when there are none; NULL is left out.", Example: `MEDIAN(1, 9, 2)`, Gives: "2",
		fn: func(_ *time.Location, args []Value) Value {
			acc := medianAccumulator{}
			eachItem(args, func(v Value) bool { acc.Add(v); return true })
			return acc.Result()
		},
	},
	{
		Name: "min", Category: "math", Params: valuesAndLists, nulls: true, result: extremeType,
		Doc: "The smallest of the values, texts by code points, NULL when there are none; NULL is left out.", Example: `MIN(3, BLANK(), 2)`, Gives: "2",
		fn: func(_ *time.Location, args []Value) Value { return extremeOf(args, -1) },
	},
	{
		Name: "max", Category: "math", Params: valuesAndLists, nulls: true, result: extremeType,
		Doc: "The largest of the values, texts by code points, NULL when there are none; NULL is left out.", Example: `MAX("a", "b")`, Gives: "b",
		fn: func(_ *time.Location, args []Value) Value { return extremeOf(args, 1) },
	},
	{
		Name: "count", Category: "math", Params: valuesAndLists, nulls: true, result: always(manyCountType),
		Doc: "How many of the values are numbers.", Example: `COUNT(1, "a", BLANK())`, Gives: "1",
		fn: func(_ *time.Location, args []Value) Value {
			return countItems(args, func(v Value) bool { return v.kind.Numeric() })
		},
	},
	{
		Name: "counta", Category: "math", Params: valuesAndLists, nulls: true, result: always(manyCountType),
		Doc: "How many of the values are not empty: not NULL and not the empty text.", Example: `COUNTA(1, "a", "", BLANK())`, Gives: "2",
		fn: func(_ *time.Location, args []Value) Value {
			return countItems(args, func(v Value) bool { return !v.Empty() })
		},
	},
	{
		Name: "countall", Category: "math", Params: valuesAndLists, nulls: true, result: always(manyCountType),
		Doc: "How many values there are, NULL ones included.", Example: `COUNTALL(1, "a", BLANK())`, Gives: "3",
		fn: func(_ *time.Location, args []Value) Value {
			return countItems(args, func(Value) bool { return true })
		},
	},
}

var manyCountType = Type{Kind: Number, Precision: 9, NotNull: true}

func countItems(args []Value, counts func(Value) bool) Value {
	n := int64(0)
	eachItem(args, func(v Value) bool {
		if counts(v) {
			n++
		}
		return true
	})
	return IntValue(n)
}

// rowSum adds the values of a row: numbers exactly, and doubles from left to right as soon as there is one.
type rowSum struct {
	exact sumAccumulator
	float bool
	total float64
	count int64
}

func sumOf(args []Value) (s rowSum) {
	eachItem(args, func(v Value) bool {
		switch v.kind {
		case Number:
			s.exact.Add(v)
		case Float:
			s.float = true
		default:
			return true
		}
		s.count++
		s.total += v.Float()
		return true
	})
	return s
}

func (s *rowSum) sum() Value {
	if s.float {
		return FloatValue(s.total)
	}
	return s.exact.sum()
}

// extremeOf is the value that compares furthest to one side, as a double when one of them is a double.
func extremeOf(args []Value, sign int) Value {
	acc := extremeAccumulator{sign: sign}
	float := false
	eachItem(args, func(v Value) bool {
		float = float || v.kind == Float
		acc.Add(v)
		return true
	})
	if float {
		return acc.best.As(Float)
	}
	return acc.best
}

// itemTypes are the types of the arguments, those of the elements in the place of lists.
func itemTypes(args []Type) []Type {
	items := slices.Clone(args)
	for i, a := range args {
		if a.Kind == List {
			items[i] = Type{Kind: a.Elem}
		}
	}
	return items
}

// numericItems refuses lists of other values than numbers.
func numericItems(args []Type) *ArgError {
	for i, a := range args {
		if a.Kind == List && a.Elem != Null && !a.Elem.Numeric() {
			return &ArgError{Arg: i, Want: "number or float or a list of them", Got: a.String()}
		}
	}
	return nil
}

func manyNumberType(args []Type) (Type, *ArgError) {
	if err := numericItems(args); err != nil {
		return Type{}, err
	}
	return Type{Kind: numericKind(itemTypes(args))}, nil
}

// manySumType knows the digits of a sum of arguments whose digits are known.
func manySumType(args []Type) (Type, *ArgError) {
	t, err := manyNumberType(args)
	if err != nil || t.Kind == Float {
		return t, err
	}
	whole, frac := 0, 0
	for _, a := range args {
		if a.Kind == Null {
			continue
		}
		w, f, ok := digits(a)
		if !ok {
			return t, nil
		}
		whole, frac = max(whole, w), max(frac, f)
	}
	return numberType(whole+len(strconv.Itoa(len(args))), frac, true), nil
}

// extremeType types min and max: one kind of values, numbers and floats apart.
func extremeType(args []Type) (Type, *ArgError) {
	items := itemTypes(args)
	at := make([]int, len(args))
	notNull := false
	for i := range items {
		at[i] = i
		notNull = notNull || args[i].NotNull && args[i].Kind != List
	}
	t, err := unify(items, at)
	if err != nil {
		return t, &ArgError{Arg: err.Arg, Want: err.Want, Got: args[err.Arg].String()}
	}
	t.NotNull = notNull
	return t, nil
}
