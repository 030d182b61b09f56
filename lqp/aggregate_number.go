package lqp

var numberAggregates = []*AggregateFunction{
	{
		Name: "sum", Kinds: numericKinds, Approximate: true, result: sumType, Example: "0.1, BLANK(), 0.2", Gives: "0.3",
		Doc:   "The exact sum of the numbers, 0 when there are none, NULL beyond the range of numbers.",
		start: func(arg Type) Accumulator { return &sumAccumulator{float: arg.Kind == Float} },
	},
	{
		Name: "average", Kinds: numericKinds, Approximate: true, result: sumType, Example: "1, 2, BLANK()", Gives: "1.5",
		Doc: "The sum divided by the count of the numbers, NULL when there are none.",
		start: func(arg Type) Accumulator {
			return &averageAccumulator{sumAccumulator{float: arg.Kind == Float}}
		},
	},
	{
		Name: "range", Kinds: numericKinds, result: sumType, Example: "3, 10, 4", Gives: "7",
		Doc: "The largest number minus the smallest, NULL when there are none.",
		start: func(Type) Accumulator {
			return &rangeAccumulator{extremeAccumulator{sign: -1}, extremeAccumulator{sign: 1}}
		},
	},
	{
		Name: "median", Kinds: numericKinds, result: sumType, Example: "1, 9, 2, 4", Gives: "3",
		Doc:   "The number in the middle, of an even count the average of the two, NULL when there are none.",
		start: func(Type) Accumulator { return &medianAccumulator{} },
	},
	spread("stdev", "The standard deviation of a sample, rounded once from the exact sums, NULL of fewer than two numbers.", "1.8257418584", true, true),
	spread("stdevp", "The standard deviation of all there is, NULL when there are no numbers.", "1.5811388301", false, true),
	spread("var", "The variance of a sample, NULL of fewer than two numbers.", "3.3333333333", true, false),
	spread("varp", "The variance of all there is, NULL when there are no numbers.", "2.5", false, false),
}

func spread(name, doc, gives string, sample, root bool) *AggregateFunction {
	return &AggregateFunction{
		Name: name, Kinds: numericKinds, Approximate: true, result: sumType, Doc: doc, Example: "1, 2, 4, 5", Gives: gives,
		start: func(arg Type) Accumulator {
			return &spreadAccumulator{sample: sample, root: root, float: arg.Kind == Float}
		},
	}
}

func sumType(arg Type) Type {
	if arg.Kind == Float {
		return Type{Kind: Float}
	}
	return Type{Kind: Number}
}
