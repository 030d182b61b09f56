package lqp

import (
	"math"
	"strconv"
	"time"
)

var conversionFunctions = []*Function{
	{
		Name: "to_text", Category: "conversion",
		Params: []Parameter{{Name: "value", Kinds: scalarKinds}},
		Doc:    "The value as text: numbers without exponent, true and false, ISO dates.", Example: `TO_TEXT(1.50)`, Gives: "1.5",
		result: func(args []Type) (Type, *ArgError) { return textType(args[0]), nil },
		f1: func(_ *time.Location, a Value) Value {
			if a.kind == Text {
				return a
			}
			return textValue(string(a.AppendText(nil)))
		},
	},
	{
		Name: "to_number", Aliases: []string{"value"}, Category: "conversion",
		Params: []Parameter{{Name: "value", Kinds: []Kind{Number, Float, Text}}},
		Doc:    "The number that a text holds (sign, digits and fraction, blanks around), or a float rounded to 15 digits; NULL for anything else.", Example: `TO_NUMBER(" -12.50 ")`, Gives: "-12.5",
		result: func(args []Type) (Type, *ArgError) {
			if args[0].Kind == Number {
				return args[0], nil
			}
			return Type{Kind: Number}, nil
		},
		f1: func(_ *time.Location, a Value) Value {
			switch a.kind {
			case Number:
				return a
			case Float:
				return exact(DecimalFromFloat(a.Float()))
			case Text:
				d, err := parseDecimal(trimBlanks(a.str), false)
				return exact(d, err == nil)
			}
			return Value{}
		},
	},
	{
		Name: "to_float", Category: "conversion",
		Params: []Parameter{{Name: "value", Kinds: []Kind{Number, Float, Text}}},
		Doc:    "The double nearest to a number, or the one that a text holds.", Example: `TO_FLOAT("1e-12")`, Gives: "1e-12",
		result: func(args []Type) (Type, *ArgError) {
			return Type{Kind: Float, NotNull: args[0].NotNull && args[0].Kind.Numeric()}, nil
		},
		f1: func(_ *time.Location, a Value) Value {
			if a.kind != Text {
				return FloatValue(a.Float())
			}
			f, ok := parseFloat(trimBlanks(a.str))
			if !ok {
				return Value{}
			}
			return FloatValue(f)
		},
	},
	{
		Name: "to_bool", Category: "conversion",
		Params: []Parameter{{Name: "value", Kinds: []Kind{Bool, Number, Float, Text}}},
		Doc:    "Whether a number is not 0; TRUE for the texts true, yes and 1 in any case, FALSE for false, no and 0, NULL for any other text.", Example: `TO_BOOL("Yes")`, Gives: "true",
		result: func(args []Type) (Type, *ArgError) {
			return Type{Kind: Bool, NotNull: args[0].NotNull && args[0].Kind != Text}, nil
		},
		f1: func(_ *time.Location, a Value) Value {
			switch a.kind {
			case Bool:
				return a
			case Number:
				return BoolValue(a.num.Sign() != 0)
			case Float:
				return BoolValue(a.Float() != 0)
			case Text:
				if v, err := parseText(Type{Kind: Bool}, a.str); err == nil {
					return v
				}
			}
			return Value{}
		},
	},
	{
		Name: "to_date", Category: "conversion", Zoned: true,
		Params: []Parameter{{Name: "value", Kinds: []Kind{Date, DateTime, Text}}},
		Doc:    "The day of a datetime in the plan's zone, or of a text YYYY-MM-DD; NULL for any other text.", Example: `TO_DATE("2024-02-29")`, Gives: "2024-02-29",
		result: func(args []Type) (Type, *ArgError) {
			return Type{Kind: Date, NotNull: args[0].NotNull && args[0].Kind == Date}, nil
		},
		f1: func(z *time.Location, a Value) Value {
			switch a.kind {
			case Date:
				return a
			case DateTime:
				return DateValue(floorDiv(toLocal(z, a.Millis()), millisPerDay))
			}
			days, ok := ParseDate(a.str)
			if a.kind != Text || !ok {
				return Value{}
			}
			return DateValue(days)
		},
	},
	{
		Name: "to_datetime", Category: "conversion", Zoned: true,
		Params: []Parameter{{Name: "value", Kinds: []Kind{Date, DateTime, Text}}},
		Doc:    "The instant an ISO 8601 text names, midnight for a date; without an offset in the plan's zone. NULL for any other text.", Example: `TO_DATETIME("2024-02-29T10:00:00+01:00")`, Gives: "2024-02-29T09:00:00.000Z",
		result: func(args []Type) (Type, *ArgError) {
			return Type{Kind: DateTime, NotNull: args[0].NotNull && args[0].Kind == DateTime}, nil
		},
		f1: func(z *time.Location, a Value) Value {
			switch a.kind {
			case DateTime:
				return a
			case Date:
				return DateTimeValue(instant(z, a))
			case Text:
				return parseInstant(z, a.str)
			}
			return Value{}
		},
	},
}

// parseInstant reads an ISO 8601 date or datetime, in z unless the text has an offset; anything else is NULL.
func parseInstant(z *time.Location, s string) Value {
	if days, ok := ParseDate(s); ok {
		return DateTimeValue(toUTC(z, days*millisPerDay))
	}
	millis, zoned, ok := ParseDateTime(s)
	switch {
	case !ok:
		return Value{}
	case zoned:
		return DateTimeValue(millis)
	}
	return DateTimeValue(toUTC(z, millis))
}

// textType is the type of a value's text.
func textType(t Type) Type {
	switch t.Kind {
	case Text:
		return t
	case Bool:
		return Type{Kind: Text, MaxLen: 5, ASCII: true, NotNull: t.NotNull}
	case Number:
		return Type{Kind: Text, MaxLen: 32, ASCII: true, NotNull: t.NotNull}
	case Float:
		return Type{Kind: Text, MaxLen: 25, ASCII: true, NotNull: t.NotNull}
	case Date:
		return Type{Kind: Text, MaxLen: 10, ASCII: true, NotNull: t.NotNull}
	case DateTime:
		return Type{Kind: Text, MaxLen: 24, ASCII: true, NotNull: t.NotNull}
	}
	return Type{Kind: Text}
}

// parseFloat reads a decimal text with an optional exponent; words, hexadecimal digits and infinite results are refused.
func parseFloat(s string) (float64, bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}
