package lqp

import (
	"slices"
	"strconv"
	"strings"
)

// constantName is what a parameter that takes text literals only expects, for people.
func (p Parameter) constantName() string {
	switch {
	case p.Units:
		return "a unit of time"
	case p.Pattern:
		return "a regular expression"
	case p.Format:
		return "a format of dates"
	case p.Zone:
		return "a time zone"
	}
	return "one of " + strings.Join(p.Choices, ", ")
}

// checkConstant looks at the literal of a parameter that takes text literals only. types are those of all arguments.
func (f *Function) checkConstant(p Parameter, i int, a Expr, types []Type) *ArgError {
	wrong := func(want string, text string) *ArgError {
		return &ArgError{Arg: i, Want: want, Got: strconv.Quote(clip(text))}
	}
	lit, ok := a.(*Lit)
	if !ok || lit.Val.kind != Text {
		verb := "that is"
		if p.Units || p.Zone {
			verb = "naming"
		}
		return &ArgError{Arg: i, Want: "a text literal " + verb + " " + p.constantName(), Got: "an expression"}
	}
	text := lit.Val.str
	switch {
	case p.Units:
		u, ok := parseUnit(text)
		if !ok {
			return wrong("one of "+unitList, text)
		}
		if f.Name == "dateadd" && types[0].Kind == Date && u < unitDay {
			return wrong("day or longer for a date (to_datetime gives it a time)", text)
		}
	case p.Pattern:
		if err := CheckPattern(text); err != nil {
			return wrong("a regular expression ("+err.Error()+")", text)
		}
	case p.Format:
		format, reason := parseFormat(text)
		if reason == "" && f.Name == "datetime_parse" && !format.has(tokenYear) {
			reason = "a year is needed, YYYY or YY"
		}
		if reason != "" {
			return wrong("a format of dates ("+reason+")", text)
		}
	case p.Zone:
		if _, ok := namedZone(text); !ok {
			return wrong("the name of a time zone such as Europe/Berlin", text)
		}
	default:
		if !slices.Contains(p.Choices, strings.ToLower(text)) {
			return wrong(p.constantName(), text)
		}
	}
	return nil
}
