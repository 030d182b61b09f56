package lqp

import (
	"slices"
	"time"
)

var oneList = []Parameter{{Name: "list", Kinds: listKinds}}

var arrayFunctions = []*Function{
	{
		Name: "array_join", Category: "list", result: textResult,
		Params: []Parameter{oneList[0], {Name: "separator", Kinds: textKinds, Optional: true}},
		Doc:    "The texts of the elements with the separator between them (default a comma and a blank); NULL elements count as the empty text.", Example: `ARRAY_JOIN(SPLIT("a,b", ","), " + ")`, Gives: "a + b",
		fn: func(_ *time.Location, args []Value) Value {
			separator := joinSeparator
			if len(args) > 1 {
				separator = args[1].str
			}
			return joined(separator, args[:1])
		},
	},
	{
		Name: "array_unique", Category: "list", Params: oneList, result: sameList,
		Doc: "The list with every element once, where it comes first.", Example: `ARRAY_UNIQUE(SPLIT("b,a,b", ","))`, Gives: `["b","a"]`,
		f1: func(_ *time.Location, a Value) Value {
			seen := map[string]struct{}{}
			var key []byte
			return kept(a, func(e Value) bool {
				key = e.AppendKey(key[:0])
				if _, ok := seen[string(key)]; ok {
					return false
				}
				seen[string(key)] = struct{}{}
				return true
			})
		},
	},
	{
		Name: "array_compact", Category: "list", Params: oneList, result: sameList,
		Doc: "The list without its elements that are NULL or the empty text.", Example: `ARRAY_COMPACT(SPLIT("a,,b", ","))`, Gives: `["a","b"]`,
		f1: func(_ *time.Location, a Value) Value { return kept(a, filled) },
	},
	{
		Name: "array_sort", Category: "list", result: func(args []Type) (Type, *ArgError) { return sameList(args[:1]) },
		Params: []Parameter{oneList[0], {Name: "order", Kinds: textKinds, Choices: []string{"asc", "desc"}, Optional: true}},
		Doc:    `The elements from the smallest to the largest, texts by code points and NULL first, or the other way round with "desc".`, Example: `ARRAY_SORT(SPLIT("b,a,c", ","), "desc")`, Gives: `["c","b","a"]`,
		fn: func(_ *time.Location, args []Value) Value {
			sign := 1
			if len(args) > 1 && fold(args[1].str) == "desc" {
				sign = -1
			}
			items := slices.Clone(args[0].Items())
			slices.SortStableFunc(items, func(x, y Value) int { return sign * Compare(x, y) })
			return ListValue(items)
		},
	},
	{
		Name: "array_first", Category: "list", Params: oneList, result: elementType,
		Doc: "The first element, NULL of an empty list.", Example: `ARRAY_FIRST(SPLIT("a,b", ","))`, Gives: "a",
		f1: func(_ *time.Location, a Value) Value { return element(a, 1) },
	},
	{
		Name: "array_last", Category: "list", Params: oneList, result: elementType,
		Doc: "The last element, NULL of an empty list.", Example: `ARRAY_LAST(SPLIT("a,b", ","))`, Gives: "b",
		f1: func(_ *time.Location, a Value) Value { return element(a, -1) },
	},
	{
		Name: "array_at", Category: "list", Params: []Parameter{oneList[0], {Name: "place", Kinds: numericKinds}}, result: elementType,
		Doc: "The element at the place, the first being 1, the last -1; NULL where there is none.", Example: `ARRAY_AT(SPLIT("a,b,c", ","), 2)`, Gives: "b",
		f2: func(_ *time.Location, a, b Value) Value { return element(a, count(b)) },
	},
	{
		Name: "array_slice", Category: "list", result: sameList,
		Params: []Parameter{oneList[0], {Name: "start", Kinds: numericKinds}, {Name: "end", Kinds: numericKinds, Optional: true}},
		Doc:    "The elements from the start place to the end place (default the last), both included; the first is 1, the last -1.", Example: `ARRAY_SLICE(SPLIT("a,b,c,d", ","), 2, -2)`, Gives: `["b","c"]`,
		fn: func(_ *time.Location, args []Value) Value {
			return sliced(args[0], count(args[1]), optionalCountAt(args, 2, -1))
		},
	},
	{
		Name: "array_flatten", Category: "list", Params: []Parameter{{Name: "list", Kinds: listKinds, Variadic: true}}, result: flatType,
		Doc: "The elements of all lists in one; NULL of more than 10,000 elements.", Example: `ARRAY_FLATTEN(SPLIT("a,b", ","), SPLIT("c", ","))`, Gives: `["a","b","c"]`,
		fn: func(_ *time.Location, args []Value) Value {
			n := 0
			for _, a := range args {
				n += len(a.Items())
			}
			if n > MaxList {
				return Value{}
			}
			items := make([]Value, 0, n)
			for _, a := range args {
				items = append(items, a.Items()...)
			}
			return ListValue(items)
		},
	},
}

// kept is the list with the elements for which f is true.
func kept(list Value, f func(Value) bool) Value {
	var items []Value
	for _, e := range list.Items() {
		if f(e) {
			items = append(items, e)
		}
	}
	return ListValue(items)
}

// element counts from 1, or from the end when n is negative.
func element(list Value, n int64) Value {
	items := list.Items()
	size := int64(len(items))
	if n < 0 && n >= -size {
		n += size + 1
	}
	if n < 1 || n > size {
		return Value{}
	}
	return items[n-1]
}

// sliced is the part of a list between two places, both included. They count from 1, or from the end when negative; what
// lies outside the list is not there.
func sliced(list Value, start, end int64) Value {
	items := list.Items()
	size := int64(len(items))
	place := func(n int64) int64 {
		if n < 0 && n >= -size {
			return n + size + 1
		}
		return min(n, size+1)
	}
	start, end = max(place(start), 1), min(place(end), size)
	if start > end {
		return ListValue(nil)
	}
	return ListValue(items[start-1 : end : end])
}

func sameList(args []Type) (Type, *ArgError) {
	return Type{Kind: List, Elem: args[0].Elem, NotNull: allNotNull(args)}, nil
}

// elementType is the type of a list's elements, of which nothing but the kind is known.
func elementType(args []Type) (Type, *ArgError) { return Type{Kind: args[0].Elem}, nil }

// flatType takes lists of one kind of elements.
func flatType(args []Type) (Type, *ArgError) {
	t := Type{Kind: List}
	for i, a := range args {
		switch {
		case t.Elem == Null:
			t.Elem = a.Elem
		case a.Elem != Null && a.Elem != t.Elem:
			return Type{}, &ArgError{Arg: i, Want: t.String(), Got: a.String()}
		}
	}
	return t, nil
}
