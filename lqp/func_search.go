package lqp

import (
	"strings"
	"time"
	"unicode/utf8"
)

var searchFunctions = []*Function{
	{
		Name: "search", Category: "text",
		Params: []Parameter{{Name: "part", Kinds: textKinds}, {Name: "text", Kinds: textKinds}, {Name: "start", Kinds: numericKinds, Optional: true}},
		Doc:    "The place of the part in the text, upper and lower case alike, from the start place on (default 1); NULL when it is not there.", Example: `SEARCH("TH", "north")`, Gives: "4",
		result: always(wholeType(7)),
		fn: func(_ *time.Location, args []Value) Value {
			at := findFrom(fold(args[0].str), fold(args[1].str), optionalCountAt(args, 2, 1))
			if at == 0 {
				return Value{}
			}
			return IntValue(at)
		},
	},
	{
		Name: "exact", Category: "text", Params: []Parameter{{Name: "a", Kinds: textKinds}, {Name: "b", Kinds: textKinds}}, nulls: true, result: always(boolType),
		Doc: "Whether two texts are the same; FALSE when either is NULL.", Example: `EXACT("a", "A")`, Gives: "false",
		f2: func(_ *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && a.str == b.str) },
	},
	{
		Name: "replace", Category: "text", result: textResult,
		Params: []Parameter{{Name: "text", Kinds: textKinds}, {Name: "start", Kinds: numericKinds}, {Name: "count", Kinds: numericKinds}, {Name: "new", Kinds: textKinds}},
		Doc:    "The text with so many characters from the given place on replaced by new, the first being 1.", Example: `REPLACE("north", 1, 2, "fa")`, Gives: "farth",
		fn: func(_ *time.Location, args []Value) Value {
			s := args[0].str
			from := offset(s, max(count(args[1]), 1)-1)
			to := from + offset(s[from:], count(args[2]))
			b := &builder{}
			b.add(s[:from])
			b.add(args[3].str)
			b.add(s[to:])
			return b.value()
		},
	},
	{
		Name: "reverse", Category: "text", Params: oneText, result: textOf,
		Doc: "The characters from the last to the first.", Example: `REVERSE("née")`, Gives: "eén",
		f1: func(_ *time.Location, a Value) Value {
			s := a.str
			dst := make([]byte, 0, len(s))
			for s != "" {
				_, n := utf8.DecodeLastRuneInString(s)
				dst = append(dst, s[len(s)-n:]...)
				s = s[:len(s)-n]
			}
			return textValue(string(dst))
		},
	},
	{
		Name: "encode_url_component", Category: "text", Params: oneText,
		Doc: "The text as a part of an address: all but letters, digits and - _ . ! ~ * ' ( ) as %XX.", Example: `ENCODE_URL_COMPONENT("a b/é")`, Gives: "a%20b%2F%C3%A9",
		result: func([]Type) (Type, *ArgError) { return Type{Kind: Text, ASCII: true}, nil },
		f1: func(_ *time.Location, a Value) Value {
			n := len(a.str)
			for i := range len(a.str) {
				if !plainInURL(a.str[i]) {
					n += 2
				}
			}
			if n > MaxText {
				return Value{}
			}
			dst := make([]byte, 0, n)
			for i := range len(a.str) {
				c := a.str[i]
				if plainInURL(c) {
					dst = append(dst, c)
				} else {
					dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
				}
			}
			return textValue(string(dst))
		},
	},
	{
		Name: "t", Category: "text", Params: []Parameter{{Name: "value", Kinds: anyKinds}},
		Doc: "The value when it is a text, else NULL.", Example: `T("a")`, Gives: "a",
		result: func(args []Type) (Type, *ArgError) {
			if args[0].Kind == Text {
				return args[0], nil
			}
			return Type{Kind: Text}, nil
		},
		f1: func(_ *time.Location, a Value) Value {
			if a.kind != Text {
				return Value{}
			}
			return a
		},
	},
}

const upperHex = "0123456789ABCDEF"

func plainInURL(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0
}

// findFrom is the place of a part in a text from the start place on, counted in code points from 1; 0 when it is not there.
func findFrom(part, s string, start int64) int64 {
	start = max(start, 1)
	from := offset(s, start-1)
	if start-1 > int64(len(s)) || int64(utf8.RuneCountInString(s[:from])) < start-1 {
		return 0
	}
	at := strings.Index(s[from:], part)
	if at < 0 {
		return 0
	}
	return int64(utf8.RuneCountInString(s[:from+at])) + 1
}
