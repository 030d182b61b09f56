package lqp

import "time"

var logicFunctions = []*Function{
	{
		Name: "and", Category: "logic", Lazy: true, nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "condition", Kinds: boolKinds, Variadic: true}},
		Doc:    "TRUE when every condition is; NULL counts as FALSE.", Example: `AND(1 < 2, 2 < 3)`, Gives: "true",
		fn: func(_ *time.Location, args []Value) Value {
			for _, a := range args {
				if !Truth(a) {
					return falseValue
				}
			}
			return trueValue
		},
	},
	{
		Name: "or", Category: "logic", Lazy: true, nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "condition", Kinds: boolKinds, Variadic: true}},
		Doc:    "TRUE when at least one condition is; NULL counts as FALSE.", Example: `OR(1 > 2, 2 < 3)`, Gives: "true",
		fn: func(_ *time.Location, args []Value) Value {
			for _, a := range args {
				if Truth(a) {
					return trueValue
				}
			}
			return falseValue
		},
	},
	{
		Name: "not", Category: "logic", nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "condition", Kinds: boolKinds}},
		Doc:    "The opposite of the condition; TRUE for NULL.", Example: `NOT(BLANK())`, Gives: "true",
		f1: func(_ *time.Location, a Value) Value { return BoolValue(!Truth(a)) },
	},
	{
		Name: "xor", Category: "logic", nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "condition", Kinds: boolKinds, Variadic: true}},
		Doc:    "TRUE when an odd count of the conditions is; NULL counts as FALSE.", Example: `XOR(TRUE, TRUE, TRUE)`, Gives: "true",
		fn: func(_ *time.Location, args []Value) Value {
			odd := false
			for _, a := range args {
				odd = odd != Truth(a)
			}
			return BoolValue(odd)
		},
	},
	{
		Name: "if", Category: "logic", Lazy: true, nulls: true,
		Params: []Parameter{{Name: "condition", Kinds: boolKinds}, {Name: "then", Kinds: anyKinds}, {Name: "else", Kinds: anyKinds, Optional: true}},
		Doc:    "The second argument when the condition is TRUE, else the third, NULL when there is none.", Example: `IF(2 > 1, "yes", "no")`, Gives: "yes",
		result: func(args []Type) (Type, *ArgError) {
			t, err := unify(args[1:], []int{1, 2})
			t.NotNull = t.NotNull && len(args) == 3
			return t, err
		},
		fn: func(_ *time.Location, args []Value) Value {
			if Truth(args[0]) {
				return args[1]
			}
			if len(args) > 2 {
				return args[2]
			}
			return Value{}
		},
	},
	{
		Name: "ifs", Category: "logic", Lazy: true, nulls: true, result: ifsType,
		Params: []Parameter{{Name: "condition", Kinds: boolKinds}, {Name: "value", Kinds: anyKinds}, {Name: "more", Kinds: anyKinds, Optional: true, Variadic: true}},
		Doc:    "The value behind the first condition that is TRUE, NULL when none is.", Example: `IFS(1 > 2, "a", 2 > 1, "b")`, Gives: "b",
		fn: func(_ *time.Location, args []Value) Value {
			for i := 0; i+1 < len(args); i += 2 {
				if Truth(args[i]) {
					return args[i+1]
				}
			}
			return Value{}
		},
	},
	{
		Name: "switch", Category: "logic", Lazy: true, nulls: true, Zoned: true, result: switchType,
		Params: []Parameter{{Name: "subject", Kinds: equalKinds}, {Name: "case", Kinds: equalKinds}, {Name: "value", Kinds: anyKinds}, {Name: "more", Kinds: anyKinds, Optional: true, Variadic: true}},
		Doc:    "The value behind the first case that equals the subject, else the last argument if it stands alone, else NULL.", Example: `SWITCH("b", "a", 1, "b", 2, 0)`, Gives: "2",
		fn: func(z *time.Location, args []Value) Value {
			i := 1
			for ; i+1 < len(args); i += 2 {
				if equalIn(z, args[0], args[i]) {
					return args[i+1]
				}
			}
			if i < len(args) {
				return args[i]
			}
			return Value{}
		},
	},
	{
		Name: "coalesce", Category: "logic", Lazy: true, nulls: true,
		Params: []Parameter{{Name: "value", Kinds: anyKinds, Variadic: true}},
		Doc:    "The first argument that is not NULL.", Example: `COALESCE(BLANK(), 2, 3)`, Gives: "2",
		result: func(args []Type) (Type, *ArgError) {
			at := make([]int, len(args))
			notNull := false
			for i, a := range args {
				at[i] = i
				notNull = notNull || a.NotNull
			}
			t, err := unify(args, at)
			t.NotNull = notNull
			return t, err
		},
		fn: func(_ *time.Location, args []Value) Value {
			for _, a := range args {
				if a.kind != Null {
					return a
				}
			}
			return Value{}
		},
	},
	{
		Name: "in", Category: "logic", Lazy: true, nulls: true, Zoned: true, result: membership,
		Params: []Parameter{{Name: "value", Kinds: scalarKinds}, {Name: "choice", Kinds: equalKinds, Variadic: true}},
		Doc:    "Whether the value equals one of the others; a list stands for its elements.", Example: `IN(2, 1, 2, 3)`, Gives: "true",
		fn: func(z *time.Location, args []Value) Value {
			for _, a := range args[1:] {
				if inValue(z, args[0], a) {
					return trueValue
				}
			}
			return falseValue
		},
	},
	{
		Name: "between", Category: "logic", nulls: true, Zoned: true, result: comparison,
		Params: []Parameter{{Name: "value", Kinds: scalarKinds}, {Name: "low", Kinds: scalarKinds}, {Name: "high", Kinds: scalarKinds}},
		Doc:    "Whether low <= value <= high; FALSE when any of them is NULL.", Example: `BETWEEN(2, 1, 2)`, Gives: "true",
		fn: func(z *time.Location, args []Value) Value {
			v, low, high := args[0], args[1], args[2]
			return BoolValue(bothSet(v, low) && high.kind != Null && compareIn(z, low, v) <= 0 && compareIn(z, v, high) <= 0)
		},
	},
	{
		Name: "is_blank", Aliases: []string{"is_empty"}, Category: "logic", nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "value", Kinds: anyKinds}},
		Doc:    "Whether the value is NULL, the empty text or an empty list.", Example: `IS_BLANK("")`, Gives: "true",
		f1: func(_ *time.Location, a Value) Value { return BoolValue(a.Empty()) },
	},
	{
		Name: "is_null", Category: "logic", nulls: true, result: always(boolType),
		Params: []Parameter{{Name: "value", Kinds: anyKinds}},
		Doc:    "Whether the value is NULL.", Example: `IS_NULL("")`, Gives: "false",
		f1: func(_ *time.Location, a Value) Value { return BoolValue(a.kind == Null) },
	},
	{
		Name: "zn", Category: "logic", nulls: true,
		Params: []Parameter{{Name: "number", Kinds: numericKinds}},
		Doc:    "The number, 0 for NULL.", Example: `ZN(BLANK())`, Gives: "0",
		result: func(args []Type) (Type, *ArgError) {
			t, _ := sameNumber(args)
			t.NotNull = true
			return t, nil
		},
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Null {
				return zeroValue
			}
			return a
		},
	},
	{
		Name: "true", Category: "logic", result: always(boolType), Doc: "The truth value TRUE.", Example: `TRUE()`, Gives: "true",
		fn: func(*time.Location, []Value) Value { return trueValue },
	},
	{
		Name: "false", Category: "logic", result: always(boolType), Doc: "The truth value FALSE.", Example: `FALSE()`, Gives: "false",
		fn: func(*time.Location, []Value) Value { return falseValue },
	},
	{
		Name: "blank", Category: "logic", result: always(Type{}), Doc: "The value NULL.", Example: `BLANK()`, Gives: "NULL",
		fn: func(*time.Location, []Value) Value { return Value{} },
	},
}

// inValue reports whether x equals v or, when v is a list and x is not, one of its elements.
func inValue(z *time.Location, x, v Value) bool {
	if v.kind != List || x.kind == List {
		return equalIn(z, x, v)
	}
	for _, e := range v.Items() {
		if equalIn(z, x, e) {
			return true
		}
	}
	return false
}

func ifsType(args []Type) (Type, *ArgError) {
	if len(args)%2 != 0 {
		return Type{}, &ArgError{Arg: -1, Want: "a value behind every condition", Got: "a condition alone at the end"}
	}
	var values []Type
	var at []int
	for i := 0; i < len(args); i += 2 {
		if k := args[i].Kind; k != Bool && k != Null {
			return Type{}, &ArgError{Arg: i, Want: "bool", Got: args[i].String()}
		}
		values, at = append(values, args[i+1]), append(at, i+1)
	}
	t, err := unify(values, at)
	return t.Nullable(), err
}

func switchType(args []Type) (Type, *ArgError) {
	var values []Type
	var at []int
	i := 1
	for ; i+1 < len(args); i += 2 {
		if !comparableTypes(args[0], args[i]) {
			return Type{}, &ArgError{Arg: i, Want: args[0].String(), Got: args[i].String()}
		}
		values, at = append(values, args[i+1]), append(at, i+1)
	}
	fallback := i < len(args)
	if fallback {
		values, at = append(values, args[i]), append(at, i)
	}
	t, err := unify(values, at)
	t.NotNull = t.NotNull && fallback
	return t, err
}
