package lqp

// orderedAggregates are those whose answer depends on the order of the rows.
var orderedAggregates = []*AggregateFunction{
	{
		Name: "array_agg", Kinds: equalKinds, Ordered: true, result: collectedType, Example: `"b", BLANK(), "a", "b"`, Gives: `["b","a","b"]`,
		Doc:   "The list of the values in the order of the rows, the elements of lists in their place, without NULL; NULL when there are none or more than 10,000.",
		start: func(Type) Accumulator { return &listAccumulator{} },
	},
	{
		Name: "array_unique", Kinds: equalKinds, Ordered: true, result: collectedType, Example: `"b", BLANK(), "a", "b"`, Gives: `["b","a"]`,
		Doc:   "As array_agg, every value once, where it comes first.",
		start: func(Type) Accumulator { return &listAccumulator{distinct: true} },
	},
	{
		Name: "join", Kinds: equalKinds, Ordered: true, Example: `"b", BLANK(), 1.50, "b"`, Gives: "b, 1.5, b",
		Doc:    "The texts of the values in the order of the rows with a comma and a blank between them, the elements of lists in their place, without NULL; NULL when there are none or the text would be too long.",
		result: func(Type) Type { return Type{Kind: Text} },
		start:  func(Type) Accumulator { return &joinAccumulator{} },
	},
	{
		Name: "first", Kinds: anyKinds, Ordered: true, one: 1, result: Type.Nullable, Example: `BLANK(), "b", "a"`, Gives: "b",
		Doc:   "The first value in the order of the rows that is not NULL, NULL when there is none.",
		start: func(Type) Accumulator { return &firstAccumulator{} },
	},
	{
		Name: "last", Kinds: anyKinds, Ordered: true, one: -1, result: Type.Nullable, Example: `"b", "a", BLANK()`, Gives: "a",
		Doc:   "The last value in the order of the rows that is not NULL, NULL when there is none.",
		start: func(Type) Accumulator { return &firstAccumulator{last: true} },
	},
}

// collectedType is a list of the argument's kind of values.
func collectedType(arg Type) Type {
	if arg.Kind == List {
		return Type{Kind: List, Elem: arg.Elem}
	}
	return Type{Kind: List, Elem: arg.Kind}
}
