package lqp

var countType = Type{Kind: Number, Precision: 18, NotNull: true}

var valueAggregates = []*AggregateFunction{
	extreme("min", "The smallest value, texts by code points, NULL when there is none.", scalarKinds, `"b", "B", "a"`, "B", -1),
	extreme("max", "The largest value, texts by code points, NULL when there is none.", scalarKinds, `3, BLANK(), 10`, "10", 1),
	extreme("earliest", "The earliest date, NULL when there is none.", dateKinds, `TO_DATE("2024-02-29"), TO_DATE("2024-02-28")`, "2024-02-28", -1),
	extreme("latest", "The latest date, NULL when there is none.", dateKinds, `TO_DATE("2024-02-29"), TO_DATE("2024-02-28")`, "2024-02-29", 1),
	counting("count", "The count of numbers that are not NULL.", numericKinds, `1, 1, BLANK()`, "2", func(v Value) bool { return v.kind.Numeric() }),
	counting("counta", "The count of values that are not empty: not NULL, not the empty text, not an empty list.", anyKinds, `"a", "", BLANK()`, "1", filled),
	counting("countall", "The count of rows.", nil, `1, 1, BLANK()`, "3", func(Value) bool { return true }),
	{
		Name: "count_unique", Kinds: equalKinds, Example: `"a", "a", "A", BLANK()`, Gives: "2",
		Doc:    "The count of distinct values that are not NULL.",
		result: func(Type) Type { return countType },
		start:  func(Type) Accumulator { return &uniqueAccumulator{seen: map[string]struct{}{}} },
	},
	counting("count_empty", "The count of values that are empty: NULL, the empty text or an empty list.", anyKinds, `"a", "", BLANK()`, "2", Value.Empty),
	counting("count_filled", "The count of values that are not empty, as counta.", anyKinds, `"a", "", BLANK()`, "1", filled),
	percent("percent_empty", "How many of a hundred values are empty, NULL when there are no rows.", `"a", "", BLANK()`, "66.6666666667", Value.Empty),
	percent("percent_filled", "How many of a hundred values are not empty, NULL when there are no rows.", `"a", "b", "", BLANK()`, "50", filled),
}

var truthAggregates = []*AggregateFunction{
	truths("and", "Whether all values are TRUE; NULL is left out, and the answer when there is nothing else.", `TRUE, FALSE`, "false", func(a, b bool) bool { return a && b }),
	truths("or", "Whether at least one value is TRUE; NULL is left out, and the answer when there is nothing else.", `TRUE, FALSE`, "true", func(a, b bool) bool { return a || b }),
	truths("xor", "Whether an odd count of values is TRUE; NULL is left out, and the answer when there is nothing else.", `TRUE, TRUE, TRUE`, "true", func(a, b bool) bool { return a != b }),
	counting("checked", "The count of values that are TRUE.", boolKinds, `TRUE, FALSE, BLANK()`, "1", Truth),
	counting("unchecked", "The count of values that are not TRUE: FALSE or NULL.", boolKinds, `TRUE, FALSE, BLANK()`, "2", func(v Value) bool { return !Truth(v) }),
}

func filled(v Value) bool { return !v.Empty() }

func extreme(name, doc string, kinds []Kind, example, gives string, sign int) *AggregateFunction {
	return &AggregateFunction{
		Name: name, Kinds: kinds, Doc: doc, Example: example, Gives: gives, result: Type.Nullable,
		start: func(Type) Accumulator { return &extremeAccumulator{sign: sign} },
	}
}

func counting(name, doc string, kinds []Kind, example, gives string, counts func(Value) bool) *AggregateFunction {
	return &AggregateFunction{
		Name: name, Kinds: kinds, Doc: doc, Example: example, Gives: gives,
		result: func(Type) Type { return countType },
		start:  func(Type) Accumulator { return &countAccumulator{counts: counts} },
	}
}

func percent(name, doc, example, gives string, counts func(Value) bool) *AggregateFunction {
	return &AggregateFunction{
		Name: name, Kinds: anyKinds, Doc: doc, Example: example, Gives: gives,
		result: func(Type) Type { return Type{Kind: Number, Precision: 13, Scale: 10} },
		start: func(Type) Accumulator {
			return &percentAccumulator{countAccumulator: countAccumulator{counts: counts}}
		},
	}
}

func truths(name, doc, example, gives string, fold func(a, b bool) bool) *AggregateFunction {
	return &AggregateFunction{
		Name: name, Kinds: boolKinds, Doc: doc, Example: example, Gives: gives,
		result: func(Type) Type { return Type{Kind: Bool} },
		start:  func(Type) Accumulator { return &truthAccumulator{fold: fold} },
	}
}
