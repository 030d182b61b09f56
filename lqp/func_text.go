package lqp

import (
	"strings"
	"time"
	"unicode/utf8"
)

var oneText = []Parameter{{Name: "text", Kinds: textKinds}}

var textAndPart = []Parameter{{Name: "text", Kinds: textKinds}, {Name: "part", Kinds: textKinds}}

var textAndCount = []Parameter{{Name: "text", Kinds: textKinds}, {Name: "count", Kinds: numericKinds, Optional: true}}

var textFunctions = []*Function{
	{
		Name: "concat", Aliases: []string{"concatenate"}, Category: "text", nulls: true, fn: concat,
		Params: []Parameter{{Name: "value", Kinds: scalarKinds, Variadic: true}},
		Doc:    "The arguments as texts, one after the other; NULL counts as the empty text.", Example: `"n = " & 1.50`, Gives: "n = 1.5",
		result: func(args []Type) (Type, *ArgError) {
			t := Type{Kind: Text, ASCII: true}
			n, known := 0, true
			for _, a := range args {
				s := textType(a)
				t.ASCII = t.ASCII && (s.ASCII || a.Kind == Null)
				n += s.MaxLen
				known = known && (s.MaxLen > 0 || a.Kind == Null)
			}
			if known && n > 0 && n <= MaxText {
				t.MaxLen, t.NotNull = n, true
			}
			return t, nil
		},
	},
	{
		Name: "len", Category: "text", Params: oneText, result: strictly(wholeType(7)),
		Doc: "The count of code points.", Example: `LEN("née")`, Gives: "3",
		f1: func(_ *time.Location, a Value) Value { return IntValue(int64(utf8.RuneCountInString(a.str))) },
	},
	{
		Name: "left", Category: "text", Params: textAndCount, result: textOf,
		Doc: "The first characters (default 1).", Example: `LEFT("north", 2)`, Gives: "no",
		fn: func(_ *time.Location, args []Value) Value {
			s := args[0].str
			return textValue(s[:offset(s, optionalCount(args, 1))])
		},
	},
	{
		Name: "right", Category: "text", Params: textAndCount, result: textOf,
		Doc: "The last characters (default 1).", Example: `RIGHT("north", 2)`, Gives: "th",
		fn: func(_ *time.Location, args []Value) Value {
			s, n := args[0].str, optionalCount(args, 1)
			if n <= 0 {
				return emptyText
			}
			at := len(s)
			for ; n > 0 && at > 0; n-- {
				_, size := utf8.DecodeLastRuneInString(s[:at])
				at -= size
			}
			return textValue(s[at:])
		},
	},
	{
		Name: "mid", Category: "text", result: textOf,
		Params: []Parameter{{Name: "text", Kinds: textKinds}, {Name: "start", Kinds: numericKinds}, {Name: "count", Kinds: numericKinds}},
		Doc:    "So many characters from the given place on, the first being 1.", Example: `MID("north", 2, 3)`, Gives: "ort",
		fn: func(_ *time.Location, args []Value) Value {
			s := args[0].str
			s = s[offset(s, max(count(args[1]), 1)-1):]
			return textValue(s[:offset(s, count(args[2]))])
		},
	},
	{
		Name: "find", Category: "text", result: strictly(wholeType(7)),
		Params: []Parameter{{Name: "part", Kinds: textKinds}, {Name: "text", Kinds: textKinds}, {Name: "start", Kinds: numericKinds, Optional: true}},
		Doc:    "The place of the part in the text, from the start place on (default 1); 0 when it is not there.", Example: `FIND("o", "good", 3)`, Gives: "3",
		fn: func(_ *time.Location, args []Value) Value {
			return IntValue(findFrom(args[0].str, args[1].str, optionalCountAt(args, 2, 1)))
		},
	},
	textPredicate("contains", "Whether the part occurs in the text; FALSE when either is NULL.", `CONTAINS("north", "ort")`, "true", strings.Contains),
	textPredicate("starts_with", "Whether the text begins with the part; FALSE when either is NULL.", `STARTS_WITH("north", "no")`, "true", strings.HasPrefix),
	textPredicate("ends_with", "Whether the text ends with the part; FALSE when either is NULL.", `ENDS_WITH("north", "no")`, "false", strings.HasSuffix),
	textPredicate("icontains", "Whether the part occurs in the text, upper and lower case alike; FALSE when either is NULL.", `ICONTAINS("North", "NOR")`, "true",
		func(s, part string) bool { return strings.Contains(fold(s), fold(part)) }),
	{
		Name: "substitute", Category: "text", result: textResult, fn: substitute,
		Params: []Parameter{{Name: "text", Kinds: textKinds}, {Name: "old", Kinds: textKinds}, {Name: "new", Kinds: textKinds}, {Name: "nth", Kinds: numericKinds, Optional: true}},
		Doc:    "The text with every occurrence of old, or the nth only, replaced by new.", Example: `SUBSTITUTE("a-b-c", "-", "+", 2)`, Gives: "a-b+c",
	},
	{
		Name: "trim", Category: "text", Params: oneText, result: textOf,
		Doc: "The text without spaces, tabs and line ends around it.", Example: `TRIM("  a b ")`, Gives: "a b",
		f1: func(_ *time.Location, a Value) Value { return textValue(trimBlanks(a.str)) },
	},
	{
		Name: "upper", Category: "text", Params: oneText, result: textOf,
		Doc: "The text in upper case, character by character.", Example: `UPPER("straße")`, Gives: "STRAßE",
		f1: func(_ *time.Location, a Value) Value { return textValue(strings.ToUpper(a.str)) },
	},
	{
		Name: "lower", Category: "text", Params: oneText, result: textOf,
		Doc: "The text in lower case, character by character.", Example: `LOWER("ÅSA")`, Gives: "åsa",
		f1: func(_ *time.Location, a Value) Value { return textValue(strings.ToLower(a.str)) },
	},
	{
		Name: "fold", Category: "text", Params: oneText, result: textOf,
		Doc: "The text as case-insensitive comparisons see it.", Example: `FOLD("ÅSA") = FOLD("åsa")`, Gives: "true",
		f1: func(_ *time.Location, a Value) Value { return textValue(fold(a.str)) },
	},
	{
		Name: "rept", Category: "text", result: textResult,
		Params: []Parameter{{Name: "text", Kinds: textKinds}, {Name: "times", Kinds: numericKinds}},
		Doc:    "The text repeated; NULL when the result would be longer than a text may be.", Example: `REPT("ab", 3)`, Gives: "ababab",
		f2: func(_ *time.Location, a, b Value) Value {
			n, length := count(b), int64(utf8.RuneCountInString(a.str))
			if n <= 0 || length == 0 {
				return emptyText
			}
			if n > MaxText/length {
				return Value{}
			}
			return textValue(strings.Repeat(a.str, int(n)))
		},
	},
}

// textResult is a text of which nothing more is known than that it may be too long, hence NULL.
func textResult(args []Type) (Type, *ArgError) {
	t := Type{Kind: Text, ASCII: true}
	for _, a := range args {
		t.ASCII = t.ASCII && (a.ASCII || a.Kind != Text && a.Kind != List)
	}
	return t, nil
}

func textPredicate(name, doc, example, gives string, holds func(s, part string) bool) *Function {
	return &Function{
		Name: name, Category: "text", Params: textAndPart, nulls: true, result: always(boolType), Doc: doc, Example: example, Gives: gives,
		f2: func(_ *time.Location, a, b Value) Value { return BoolValue(bothSet(a, b) && holds(a.str, b.str)) },
	}
}

// fold maps every code point to its simple lower case.
func fold(s string) string { return strings.ToLower(s) }

func trimBlanks(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.Trim(s, " \t\n\r")
}

func optionalCount(args []Value, otherwise int64) int64 { return optionalCountAt(args, 1, otherwise) }

func optionalCountAt(args []Value, i int, otherwise int64) int64 {
	if i < len(args) {
		return count(args[i])
	}
	return otherwise
}

// offset is the byte offset of code point n, counting from 0: 0 for a negative n, the length beyond the end.
func offset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	if n >= int64(len(s)) {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func concat(_ *time.Location, args []Value) Value {
	total := 0
	for _, a := range args {
		total += len(a.str) // other kinds have short texts, at most 33 bytes
	}
	if total > MaxText {
		points := 0
		for _, a := range args {
			points += utf8.RuneCountInString(a.str)
		}
		if points > MaxText {
			return Value{}
		}
	}
	dst := make([]byte, 0, total+16)
	for _, a := range args {
		dst = a.AppendText(dst)
	}
	if len(dst) > MaxText && utf8.RuneCount(dst) > MaxText {
		return Value{}
	}
	return textValue(string(dst))
}

func substitute(_ *time.Location, args []Value) Value {
	s, old, to := args[0].str, args[1].str, args[2].str
	if old == "" {
		return args[0]
	}
	if len(args) > 3 {
		n := count(args[3])
		from := 0
		for ; n >= 1; n-- {
			at := strings.Index(s[from:], old)
			switch {
			case at < 0:
				return args[0]
			case n == 1:
				at += from
				return replaced(s, old, to, 1, func() string { return s[:at] + to + s[at+len(old):] })
			}
			from += at + len(old)
		}
		return args[0]
	}
	n := strings.Count(s, old)
	if n == 0 {
		return args[0]
	}
	return replaced(s, old, to, n, func() string { return strings.ReplaceAll(s, old, to) })
}

// replaced makes a text in which old is replaced n times unless it would be too long.
func replaced(s, old, to string, n int, build func() string) Value {
	if len(s)+n*(len(to)-len(old)) > MaxText {
		if utf8.RuneCountInString(s)+n*(utf8.RuneCountInString(to)-utf8.RuneCountInString(old)) > MaxText {
			return Value{}
		}
	}
	return textValue(build())
}
