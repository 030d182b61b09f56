package lqp

import (
	"strings"
	"time"
	"unicode/utf8"
)

var textAndPattern = []Parameter{{Name: "text", Kinds: textKinds}, {Name: "pattern", Kinds: textKinds, Pattern: true}}

var regexFunctions = []*Function{
	{
		Name: "regex_match", Category: "text", Params: textAndPattern, nulls: true, result: always(boolType),
		Doc: "Whether the regular expression matches somewhere in the text; FALSE when the text is NULL.", Example: `REGEX_MATCH("A-17", "^[A-Z]-[0-9]+$")`, Gives: "true",
		f2: func(_ *time.Location, a, b Value) Value {
			if a.kind != Text || b.kind != Text {
				return falseValue
			}
			p := compiled(b.str)
			return BoolValue(p != nil && p.matches(a.str))
		},
	},
	{
		Name: "regex_extract", Category: "text", Params: textAndPattern,
		Doc: "The first part of the text that the regular expression matches, NULL when there is none.", Example: `REGEX_EXTRACT("order 4711 of 4712", "[0-9]+")`, Gives: "4711",
		result: func(args []Type) (Type, *ArgError) {
			t, err := textOf(args[:1])
			return t.Nullable(), err
		},
		f2: func(_ *time.Location, a, b Value) Value {
			p := compiled(b.str)
			if a.kind != Text || p == nil {
				return Value{}
			}
			return p.extract(a.str)
		},
	},
	{
		Name: "regex_replace", Category: "text", result: replacedType,
		Params: []Parameter{textAndPattern[0], textAndPattern[1], {Name: "new", Kinds: textKinds}},
		Doc:    "The text with every match of the regular expression replaced; $1 to $9 in the new text stand for the groups of the match, $$ for a dollar sign.", Example: `REGEX_REPLACE("2024-02-29", "([0-9]+)-([0-9]+)-([0-9]+)", "$3.$2.$1")`, Gives: "29.02.2024",
		fn: func(_ *time.Location, args []Value) Value {
			p := compiled(args[1].str)
			if args[0].kind != Text || p == nil {
				return Value{}
			}
			return p.replace(args[0].str, parseTemplate(args[2].str))
		},
	},
}

// replacedType is a text built of the first and the last argument.
func replacedType(args []Type) (Type, *ArgError) {
	return textResult([]Type{args[0], args[len(args)-1]})
}

// templatePart is a literal text or, when it is empty, a group.
type templatePart struct {
	text  string
	runes int
	group int
}

// parseTemplate reads the new text of a replacement.
func parseTemplate(s string) (parts []templatePart) {
	literal := func(text string) {
		if text != "" {
			parts = append(parts, templatePart{text: text, runes: utf8.RuneCountInString(text)})
		}
	}
	for {
		at := strings.IndexByte(s, '$')
		switch {
		case at < 0 || at+1 == len(s):
			literal(s)
			return parts
		case s[at+1] == '$':
			literal(s[:at+1])
			s = s[at+2:]
		case s[at+1] >= '1' && s[at+1] <= '9':
			literal(s[:at])
			parts = append(parts, templatePart{group: int(s[at+1] - '0')})
			s = s[at+2:]
		default:
			literal(s[:at+1])
			s = s[at+1:]
		}
	}
}

// builder makes a text that may become too long.
type builder struct {
	buf   []byte
	runes int
	over  bool
}

func (b *builder) add(s string) {
	n := 0
	if !b.over {
		n = utf8.RuneCountInString(s)
	}
	b.addCounted(s, n)
}

func (b *builder) addCounted(s string, runes int) {
	if b.over || b.runes+runes > MaxText {
		b.over = true
		return
	}
	b.buf = append(b.buf, s...)
	b.runes += runes
}

func (b *builder) value() Value {
	if b.over {
		return Value{}
	}
	return textValue(string(b.buf))
}

// replace puts the template in the place of every match, from left to right; an empty match right behind another match
// is none. It is NULL when the result would be too long or the search takes too many steps.
func (p *pattern) replace(s string, template []templatePart) Value {
	r := &searched{text: s, left: patternWork / p.size}
	out := &builder{}
	done := 0 // offset up to which the text is in out
	for from := 0; from <= len(s); {
		m := p.find(r, from)
		if r.over {
			return Value{}
		}
		if m == nil {
			break
		}
		out.add(s[done:m[0]])
		if m[1] > done || m[0] == 0 {
			for _, part := range template {
				switch {
				case part.text != "":
					out.addCounted(part.text, part.runes)
				case 2*part.group+1 < len(m) && m[2*part.group] >= 0:
					out.add(s[m[2*part.group]:m[2*part.group+1]])
				}
			}
			r.left -= len(template)
		}
		if out.over {
			return Value{}
		}
		done = m[1]
		_, width := utf8.DecodeRuneInString(s[from:])
		from = max(from+max(width, 1), m[1])
	}
	if done == 0 && len(out.buf) == 0 {
		return textValue(s)
	}
	out.add(s[done:])
	return out.value()
}
