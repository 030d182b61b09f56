package lqp

import "slices"

// AggregateFunction is one entry of the catalogue of functions over the rows of a group. It is immutable.
type AggregateFunction struct {
	Name string
	// Kinds lists the kinds of arguments; nil means that the function takes none.
	Kinds []Kind
	Doc   string
	// Example is a list of formulas, the values of one group in their order, and Gives the answer to them.
	Example, Gives string
	// Approximate says that for a Float argument a database's own answer may differ in its last digits, as it depends on
	// the order of the rows there. The accumulator's does not: it adds exactly and rounds once.
	Approximate bool
	// Ordered says that the answer depends on the order of the rows, see [Aggregate.OrderBy].
	Ordered bool
	// one is 1 for the function that needs the first row only, -1 for the last row, 0 for all.
	one    int
	result func(arg Type) Type
	start  func(arg Type) Accumulator
}

// Accumulator takes the argument's value of every row of one group and answers with the aggregate. It is used by one
// goroutine. What it holds grows with the rows only for the functions that must keep values: count_unique, median and
// those that are Ordered.
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

// aggregates is the one table of aggregate functions, in the order in which documentation shows them.
var aggregates = slices.Concat(numberAggregates, valueAggregates, truthAggregates, orderedAggregates)

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
