package lqp

import "time"

var listAndValues = []Parameter{{Name: "list", Kinds: listKinds}, {Name: "value", Kinds: equalKinds, Variadic: true}}

var listFunctions = []*Function{
	{
		Name: "has", Category: "list", nulls: true, Zoned: true, result: contained,
		Params: []Parameter{{Name: "list", Kinds: listKinds}, {Name: "value", Kinds: scalarKinds}},
		Doc:    "Whether an element of the list equals the value; FALSE when the list is NULL.", Example: `HAS({tags}, "new")`,
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(hasItem(z, a, b)) },
	},
	{
		Name: "has_any", Category: "list", nulls: true, Zoned: true, Params: listAndValues, result: contained,
		Doc: "Whether the list has at least one of the values; FALSE when the list is NULL.", Example: `HAS_ANY({tags}, "new", "hot")`,
		fn: func(z *time.Location, args []Value) Value {
			found := false
			eachItem(args[1:], func(v Value) bool {
				found = hasItem(z, args[0], v)
				return !found
			})
			return BoolValue(found)
		},
	},
	{
		Name: "has_all", Category: "list", nulls: true, Zoned: true, Params: listAndValues, result: contained,
		Doc: "Whether the list has all of the values; FALSE when the list is NULL.", Example: `HAS_ALL({tags}, "new", "hot")`,
		fn: func(z *time.Location, args []Value) Value {
			all := args[0].kind == List
			eachItem(args[1:], func(v Value) bool {
				all = all && hasItem(z, args[0], v)
				return all
			})
			return BoolValue(all)
		},
	},
	{
		Name: "list_count", Category: "list", result: strictly(wholeType(5)),
		Params: []Parameter{{Name: "list", Kinds: listKinds}},
		Doc:    "The count of the list's elements, NULL ones included.", Example: `LIST_COUNT({tags})`,
		f1: func(_ *time.Location, a Value) Value { return IntValue(int64(len(a.Items()))) },
	},
}

func hasItem(z *time.Location, list, x Value) bool {
	for _, e := range list.Items() {
		if equalIn(z, e, x) {
			return true
		}
	}
	return false
}

// eachItem visits values, the elements of lists in the place of the lists, until f answers false.
func eachItem(values []Value, f func(Value) bool) {
	for _, v := range values {
		if v.kind != List {
			if !f(v) {
				return
			}
			continue
		}
		for _, e := range v.Items() {
			if !f(e) {
				return
			}
		}
	}
}
