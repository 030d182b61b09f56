package lqp

import "slices"

// AggregateFunction is one entry of the catalogue of functions over the rows of a group. It is immutable.
type AggregateFunction struct {
	Name string
	// Kinds lists the kinds of arguments; nil means that the function takes none.
	Kinds []Kind
	Doc   string
	// Approximate says that for a Float argument the answer depends on the order of the rows in its last digits.
	Approximate bool
	result      func(arg Type) Type
	start       func(arg Type) Accumulator
}

// Accumulator takes the argument's value of every row of one group and answers with the aggregate. It is used by one
// goroutine. Its memory does not grow with the rows but for count_unique, which keeps every distinct value.
type Accumulator interface {
	// Add takes one row's value; of an aggregate without argument, any value.
	Add(v Value)
	// Result is the aggregate of the rows so far.
	Result() Value
	// Size is about how many bytes the accumulator holds, for budgets.
	Size() int
}

// Result is the type of the aggregate over an argument of type arg, or what is wrong with it. An aggregate without
// argument ignores arg.
func (f *AggregateFunction) Result(arg Type) (Type, *ArgError) {
	if f.Kinds == nil {
		return f.result(Type{}), nil
	}
	if arg.Kind != Null && !slices.Contains(f.Kinds, arg.Kind) {
		want := Parameter{Kinds: f.Kinds}.want()
		if f.Name == "count" {
			want += " (counta counts values of every kind)"
		}
		return Type{}, &ArgError{Arg: 0, Want: want, Got: arg.String()}
	}
	return f.result(arg), nil
}

// NewAccumulator starts a group whose argument has type arg.
func (f *AggregateFunction) NewAccumulator(arg Type) Accumulator { return f.start(arg) }

var countType = Type{Kind: Number, Precision: 18, NotNull: true}

var aggregates = []*AggregateFunction{
	{
		Name: "sum", Kinds: numericKinds, Approximate: true,
		Doc:    "The exact sum of the numbers, 0 when there are none, NULL beyond the range of numbers.",
		result: func(arg Type) Type { return sumType(arg) },
		start:  func(arg Type) Accumulator { return &sumAccumulator{float: arg.Kind == Float} },
	},
	{
		Name: "average", Kinds: numericKinds, Approximate: true,
		Doc:    "The sum divided by the count of the numbers, NULL when there are none.",
		result: func(arg Type) Type { return sumType(arg) },
		start: func(arg Type) Accumulator {
			return &averageAccumulator{sumAccumulator{float: arg.Kind == Float}}
		},
	},
	{
		Name: "min", Kinds: scalarKinds,
		Doc:    "The smallest value, texts by code points, NULL when there is none.",
		result: Type.Nullable,
		start:  func(Type) Accumulator { return &extremeAccumulator{sign: -1} },
	},
	{
		Name: "max", Kinds: scalarKinds,
		Doc:    "The largest value, texts by code points, NULL when there is none.",
		result: Type.Nullable,
		start:  func(Type) Accumulator { return &extremeAccumulator{sign: 1} },
	},
	{
		Name: "count", Kinds: numericKinds,
		Doc:    "The count of numbers that are not NULL.",
		result: func(Type) Type { return countType },
		start: func(Type) Accumulator {
			return &countAccumulator{counts: func(v Value) bool { return v.kind.Numeric() }}
		},
	},
	{
		Name: "counta", Kinds: anyKinds,
		Doc:    "The count of values that are not empty: not NULL, not the empty text, not an empty list.",
		result: func(Type) Type { return countType },
		start: func(Type) Accumulator {
			return &countAccumulator{counts: func(v Value) bool { return !v.Empty() }}
		},
	},
	{
		Name:   "countall",
		Doc:    "The count of rows.",
		result: func(Type) Type { return countType },
		start: func(Type) Accumulator {
			return &countAccumulator{counts: func(Value) bool { return true }}
		},
	},
	{
		Name: "count_unique", Kinds: equalKinds,
		Doc:    "The count of distinct values that are not NULL.",
		result: func(Type) Type { return countType },
		start:  func(Type) Accumulator { return &uniqueAccumulator{seen: map[string]struct{}{}} },
	},
}

// LookupAggregate finds an aggregate function by its lower-case name.
func LookupAggregate(name string) (*AggregateFunction, bool) {
	for _, f := range aggregates {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// Aggregates lists the catalogue of aggregate functions.
func Aggregates() []*AggregateFunction { return slices.Clone(aggregates) }

func sumType(arg Type) Type {
	if arg.Kind == Float {
		return Type{Kind: Float}
	}
	return Type{Kind: Number}
}
