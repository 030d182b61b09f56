package lqp

import "time"

var listAndValues = []Parameter{{Name: "list", Kinds: listKinds}, {Name: "value", Kinds: equalKinds, Variadic: true}}

var listFunctions = []*Function{
	{
		Name: "has", Category: "list", nulls: true, Zoned: true, result: contained,
		Params: []Parameter{{Name: "list", Kinds: listKinds}, {Name: "value", Kinds: scalarKinds}},
		Doc:    "Whether an element of the list equals the value; FALSE when the list is NULL.", Example: `HAS(SPLIT("new,hot", ","), "new")`, Gives: "true",
		f2: func(z *time.Location, a, b Value) Value { return BoolValue(hasItem(z, a, b)) },
	},
	{
		Name: "has_any", Category: "list", nulls: true, Zoned: true, Params: listAndValues, result: contained,
		Doc: "Whether the list has at least one of the values; FALSE when the list is NULL.", Example: `HAS_ANY(SPLIT("old,hot", ","), "new", "hot")`, Gives: "true",
		fn: func(z *time.Location, args []Value) Value {
			found, has := false, membershipIn(z, args[0], args[1:])
			eachItem(args[1:], func(v Value) bool {
				found = has(v)
				return !found
			})
			return BoolValue(found)
		},
	},
	{
		Name: "has_all", Category: "list", nulls: true, Zoned: true, Params: listAndValues, result: contained,
		Doc: "Whether the list has all of the values; FALSE when the list is NULL.", Example: `HAS_ALL(SPLIT("old,hot", ","), "new", "hot")`, Gives: "false",
		fn: func(z *time.Location, args []Value) Value {
			all, has := args[0].kind == List, membershipIn(z, args[0], args[1:])
			eachItem(args[1:], func(v Value) bool {
				all = all && has(v)
				return all
			})
			return BoolValue(all)
		},
	},
	{
		Name: "list_count", Category: "list", result: strictly(wholeType(5)),
		Params: []Parameter{{Name: "list", Kinds: listKinds}},
		Doc:    "The count of the list's elements, NULL ones included.", Example: `LIST_COUNT(SPLIT("a,b", ","))`, Gives: "2",
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

// manyPairs is how many comparisons are too many to be made one by one.
const manyPairs = 10_000

// membershipIn is hasItem for many values: of long lists it makes a set, so that the work does not grow with the product
// of the lengths.
func membershipIn(z *time.Location, list Value, values []Value) func(Value) bool {
	one := func(v Value) bool { return hasItem(z, list, v) }
	sought := 0
	kinds := uint32(0)
	note := func(v Value) bool { kinds |= 1 << v.kind; return true }
	eachItem(values, func(v Value) bool { sought++; return note(v) })
	if sought*len(list.Items()) <= manyPairs {
		return one
	}
	eachItem([]Value{list}, note)
	const numbers, dates = 1<<Number | 1<<Float, 1<<Date | 1<<DateTime
	if kinds&numbers == numbers || kinds&dates == dates {
		return one // equal values may have different keys
	}
	var key []byte
	set := make(map[string]struct{}, len(list.Items()))
	for _, e := range list.Items() {
		key = e.AppendKey(key[:0])
		set[string(key)] = struct{}{}
	}
	return func(v Value) bool {
		key = v.AppendKey(key[:0])
		_, ok := set[string(key)]
		return ok
	}
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
