package lqp

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var textAndSeparator = []Parameter{{Name: "text", Kinds: textKinds}, {Name: "separator", Kinds: textKinds}}

var padParameters = []Parameter{{Name: "text", Kinds: textKinds}, {Name: "length", Kinds: numericKinds}, {Name: "fill", Kinds: textKinds}}

var textPartFunctions = []*Function{
	{
		Name: "join", Category: "text", nulls: true, result: textResult,
		Params: []Parameter{{Name: "separator", Kinds: textKinds}, {Name: "value", Kinds: equalKinds, Variadic: true}},
		Doc:    "The texts of the values and of the elements of lists with the separator between them; NULL counts as the empty text.", Example: `JOIN("-", "a", 1, "b")`, Gives: "a-1-b",
		fn: func(_ *time.Location, args []Value) Value { return joined(args[0].str, args[1:]) },
	},
	{
		Name: "split", Category: "text", Params: textAndSeparator,
		Doc: "The list of the parts of the text between the separators; NULL of more than 10,000 parts.", Example: `SPLIT("a,b,c", ",")`, Gives: `["a","b","c"]`,
		result: func([]Type) (Type, *ArgError) { return Type{Kind: List, Elem: Text}, nil },
		f2: func(_ *time.Location, a, b Value) Value {
			if b.str == "" {
				return ListValue([]Value{a})
			}
			n := strings.Count(a.str, b.str) + 1
			if n > MaxList {
				return Value{}
			}
			items := make([]Value, 0, n)
			for part := range strings.SplitSeq(a.str, b.str) {
				items = append(items, textValue(part))
			}
			return ListValue(items)
		},
	},
	{
		Name: "split_part", Category: "text", result: textOf,
		Params: []Parameter{textAndSeparator[0], textAndSeparator[1], {Name: "place", Kinds: numericKinds}},
		Doc:    "One part of the text between the separators, the first being 1, the last -1; the empty text where there is none.", Example: `SPLIT_PART("a,b,c", ",", 2)`, Gives: "b",
		fn: func(_ *time.Location, args []Value) Value {
			return textValue(splitPart(args[0].str, args[1].str, count(args[2])))
		},
	},
	{
		Name: "pad_left", Category: "text", Params: padParameters, result: textResult,
		Doc: "The text with the fill in front of it, as often as it takes to have that length.", Example: `PAD_LEFT("7", 3, "0")`, Gives: "007",
		fn: func(_ *time.Location, args []Value) Value { return padded(args, true) },
	},
	{
		Name: "pad_right", Category: "text", Params: padParameters, result: textResult,
		Doc: "The text with the fill behind it, as often as it takes to have that length.", Example: `PAD_RIGHT("ab", 5, "-+")`, Gives: "ab-+-",
		fn: func(_ *time.Location, args []Value) Value { return padded(args, false) },
	},
	{
		Name: "proper", Category: "text", Params: oneText, result: textOf,
		Doc: "The text with the first letter of every word in upper case and the others in lower case.", Example: `PROPER("jean-luc o'NEILL")`, Gives: "Jean-Luc O'Neill",
		f1: func(_ *time.Location, a Value) Value {
			inside := false
			return textValue(strings.Map(func(r rune) rune {
				first := !inside
				if inside = unicode.IsLetter(r) || inside && unicode.Is(unicode.M, r); !inside {
					return r
				}
				if first {
					return unicode.ToTitle(r)
				}
				return unicode.ToLower(r)
			}, a.str))
		},
	},
	{
		Name: "char", Category: "text", Params: oneNumber, result: always(Type{Kind: Text, MaxLen: 1}),
		Doc: "The character with that code point; NULL when there is none.", Example: `CHAR(8364)`, Gives: "€",
		f1: func(_ *time.Location, a Value) Value {
			n := count(a)
			if n <= 0 || n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
				return Value{}
			}
			return textValue(string(rune(n)))
		},
	},
	{
		Name: "code", Category: "text", Params: oneText, result: always(wholeType(7)),
		Doc: "The code point of the first character; NULL of the empty text.", Example: `CODE("€")`, Gives: "8364",
		f1: func(_ *time.Location, a Value) Value {
			if a.str == "" {
				return Value{}
			}
			r, _ := utf8.DecodeRuneInString(a.str)
			return IntValue(int64(r))
		},
	},
}

// joined is NULL when the text would be too long, which is found out before it is made.
func joined(separator string, values []Value) Value {
	total, n := 0, 0
	points := utf8.RuneCountInString(separator)
	var buf [64]byte
	eachItem(values, func(v Value) bool {
		if n > 0 {
			total += points
		}
		n++
		if v.kind == Text {
			total += utf8.RuneCountInString(v.str)
		} else {
			total += len(v.AppendText(buf[:0]))
		}
		return total <= MaxText
	})
	if total > MaxText {
		return Value{}
	}
	dst := make([]byte, 0, total)
	first := true
	eachItem(values, func(v Value) bool {
		if !first {
			dst = append(dst, separator...)
		}
		first = false
		dst = v.AppendText(dst)
		return true
	})
	return textValue(string(dst))
}

func splitPart(s, separator string, n int64) string {
	if separator == "" {
		if n == 1 || n == -1 {
			return s
		}
		return ""
	}
	for ; n > 1; n-- {
		var ok bool
		if _, s, ok = strings.Cut(s, separator); !ok {
			return ""
		}
	}
	if n == 1 {
		s, _, _ = strings.Cut(s, separator)
		return s
	}
	// From the end, over the same parts: separators are found from the front.
	if n += int64(strings.Count(s, separator)) + 1; n < 0 {
		return ""
	}
	return splitPart(s, separator, n+1)
}

func padded(args []Value, left bool) Value {
	s, fill := args[0].str, args[2].str
	length, have := count(args[1]), int64(utf8.RuneCountInString(s))
	if length <= have || fill == "" {
		return args[0]
	}
	if length > MaxText {
		return Value{}
	}
	missing, points := length-have, int64(utf8.RuneCountInString(fill))
	var b strings.Builder
	b.Grow(len(s) + int(missing/points)*len(fill))
	if !left {
		b.WriteString(s)
	}
	for ; missing >= points; missing -= points {
		b.WriteString(fill)
	}
	b.WriteString(fill[:offset(fill, missing)])
	if left {
		b.WriteString(s)
	}
	return textValue(b.String())
}
