package lqp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comparing are the functions that compare their arguments with each other: here a literal takes the type of what it is
// compared with.
var comparing = map[string]bool{
	"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true, "in": true, "between": true,
	"is_before": true, "is_after": true, "is_same": true, "has": true, "has_any": true, "has_all": true,
}

// coerce gives the literals among the bound arguments of a comparison the kind of the other arguments, so that a date may
// be written as text and every source gets values of the column's own kind. It changes args; false after a problem.
func (x *exprBinder) coerce(f *Function, c *Call, args []Expr, at *place) bool {
	if !comparing[f.Name] {
		return true
	}
	want, agreed := comparedKind(f, args)
	if !agreed {
		return true // the function says what is wrong
	}
	ok := true
	for i, a := range args {
		if f.Param(i).Constant() {
			continue
		}
		switch a := a.(type) {
		case *Lit:
			l, good := x.coerceLiteral(a, want, c, &place{at, i})
			args[i], ok = l, ok && good
		case *ListLit:
			l, good := x.coerceList(a, want, c, &place{at, i})
			args[i], ok = l, ok && good
		}
	}
	return ok
}

// comparedKind is the kind in which the arguments are compared: that of the columns and calls among them, of constants
// alone that of those which are no text. agreed is false when they cannot be compared.
func comparedKind(f *Function, args []Expr) (want Kind, agreed bool) {
	constant := Null
	for i, a := range args {
		t := a.Type()
		if f.Param(i).Constant() {
			continue
		}
		switch a.(type) {
		case *Lit, *ListLit:
			if constant == Null && t.Kind != Text && t.Kind != List {
				constant = t.Kind
			}
			continue
		}
		if t.Kind == List && (i > 0 || strings.HasPrefix(f.Name, "has")) {
			t = Type{Kind: t.Elem}
		}
		switch {
		case t.Kind == want:
		case want == Null:
			want = t.Kind
		case want.Numeric() && t.Kind.Numeric():
			want = Number // number and float are compared anyway: a number literal fits both
		case isDate(want) && isDate(t.Kind):
			want = DateTime
		default:
			return Null, false
		}
	}
	if want == Null {
		want = constant
	}
	return want, true
}

// gather makes in(x, 1, 2) the same as in(x, [1, 2]), the form that sources know.
func gather(f *Function, args []Expr) []Expr {
	if f.Name != "in" || len(args) < 2 {
		return args
	}
	items := make([]*Lit, 0, len(args)-1)
	kind := Null
	for _, a := range args[1:] {
		l, ok := a.(*Lit)
		if !ok || l.typ.Kind == List {
			return args
		}
		if k := l.typ.Kind; k != Null && kind != Null && k != kind {
			return args
		} else if k != Null {
			kind = k
		}
		items = append(items, l)
	}
	return []Expr{args[0], NewList(items...)}
}

func (x *exprBinder) coerceList(l *ListLit, want Kind, c *Call, at *place) (Expr, bool) {
	if want == Null || (want == l.typ.Elem && want != DateTime) {
		return l, true
	}
	items := slices.Clone(l.Items)
	for i := range items {
		it, ok := x.coerceLiteral(items[i], want, c, &place{at, i})
		if !ok {
			return l, false
		}
		items[i] = it
	}
	list := NewList(items...)
	for _, it := range items {
		if k := it.typ.Kind; want == Date && k == DateTime { // one instant among the days: all become instants
			return x.coerceList(list, DateTime, c, at)
		}
	}
	return list, true
}

// coerceLiteral reads a text as the wanted kind; a number becomes a float and a date the midnight that begins it where
// that is wanted. Any other literal stays: the function says whether it fits.
func (x *exprBinder) coerceLiteral(l *Lit, want Kind, c *Call, at *place) (*Lit, bool) {
	have := l.Val.Kind()
	switch {
	case have == want:
	case have == Number && want == Float:
		if v := FloatValue(l.Val.Float()); !v.IsNull() {
			return Literal(v), true
		}
	case have == Date && want == DateTime:
		return Literal(midnight(l.Val, x.zone)), true
	case have == Text && (want.Numeric() || isDate(want)):
		if v := readText(l.Val.Text(), want, x.zone); !v.IsNull() {
			return Literal(v), true
		}
		p := Problem{Path: x.path.String(), Code: CodeTypeMismatch, Message: fmt.Sprintf("%s was expected, not the text %s", expectations[want], quoted(l.Val.Text()))}
		if p.From, p.To = span(c); p.To == 0 {
			p.Path = string(at.appendTo([]byte(p.Path)))
		}
		x.problems.add(p)
		return l, false
	}
	return l, true
}

var expectations = map[Kind]string{
	Number:   "a number such as 12.5",
	Float:    "a number such as 12.5",
	Date:     "a date such as 2024-02-29",
	DateTime: "a date with time such as 2024-02-29T10:00:00Z",
}

// readText reads a literal's text as a value of the wanted kind, NULL when it is none. Date and date-time may be
// compared with each other, so either is accepted for both.
func readText(s string, want Kind, zone *time.Location) Value {
	s = strings.TrimSpace(s)
	switch want {
	case Number:
		if d, err := ParseDecimal(s); err == nil {
			return NumberValue(d)
		}
	case Float:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return FloatValue(f)
		}
	case Date, DateTime:
		quotedText := textValue(s).AppendJSON(nil)
		if day, err := ParseValue(Type{Kind: Date}, quotedText); err == nil {
			if want == DateTime {
				return midnight(day, zone)
			}
			return day
		}
		if at, err := ParseValue(Type{Kind: DateTime}, quotedText); err == nil {
			return at
		}
	}
	return NullValue
}

// midnight is the instant at which a day begins in the zone, as to_datetime says it.
func midnight(day Value, zone *time.Location) Value {
	f, _ := LookupFunction("to_datetime")
	return f.Eval(zone, []Value{day})
}
