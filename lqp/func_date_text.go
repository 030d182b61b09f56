package lqp

import "time"

var dateAndFormat = []Parameter{oneDate[0], {Name: "format", Kinds: textKinds, Format: true}}

var dateTextFunctions = []*Function{
	{
		Name: "datetime_format", Category: "date", Params: dateAndFormat, Zoned: true,
		Doc: "The date as text: YYYY YY, MMMM MMM MM M, DD D, dddd ddd, HH H hh h, mm, ss, SSS and A stand for its parts, names are English; text stands in [brackets].", Example: `DATETIME_FORMAT(TO_DATE("2024-02-09"), "dddd, D MMM YYYY")`, Gives: "Friday, 9 Feb 2024",
		result: func([]Type) (Type, *ArgError) { return Type{Kind: Text}, nil },
		f2: func(z *time.Location, a, b Value) Value {
			format, reason := parseFormat(b.str)
			days, ms := wallClock(z, a)
			if reason != "" || days < minDays || days > maxDays {
				return Value{}
			}
			return textValue(string(format.appendTo(nil, days, ms)))
		},
	},
	{
		Name: "datetime_parse", Category: "date", Zoned: true, result: always(Type{Kind: DateTime}),
		Params: []Parameter{{Name: "text", Kinds: textKinds}, {Name: "format", Kinds: textKinds, Format: true}},
		Doc:    "The instant at which the clocks of the plan's zone show the time that the text names in a format of DATETIME_FORMAT; NULL for any other text. What the format leaves out is January, the first day, midnight.", Example: `DATETIME_PARSE("9 Feb 2024", "D MMM YYYY")`, Gives: "2024-02-09T00:00:00.000Z",
		f2: func(z *time.Location, a, b Value) Value {
			format, reason := parseFormat(b.str)
			if reason != "" || a.kind != Text {
				return Value{}
			}
			local, ok := format.read(trimBlanks(a.str))
			if !ok {
				return Value{}
			}
			return DateTimeValue(toUTC(z, local))
		},
	},
	{
		Name: "datestr", Category: "date", Params: oneDate, Zoned: true,
		Doc: "The day as YYYY-MM-DD.", Example: `DATESTR(TO_DATETIME("2024-02-29T10:20:30Z"))`, Gives: "2024-02-29",
		result: func(args []Type) (Type, *ArgError) {
			return Type{Kind: Text, MaxLen: 10, ASCII: true, NotNull: args[0].NotNull && args[0].Kind == Date}, nil
		},
		f1: func(z *time.Location, a Value) Value {
			days, _ := wallClock(z, a)
			if days < minDays || days > maxDays {
				return Value{}
			}
			return textValue(string(AppendDate(nil, days)))
		},
	},
	{
		Name: "timestr", Category: "date", Params: oneDate, Zoned: true, result: strictly(Type{Kind: Text, MaxLen: 8, ASCII: true}),
		Doc: "The time of day as HH:MM:SS.", Example: `TIMESTR(TO_DATETIME("2024-02-29T10:20:30Z"))`, Gives: "10:20:30",
		f1: func(z *time.Location, a Value) Value {
			_, ms := wallClock(z, a)
			return textValue(string(timeFormat.appendTo(nil, 0, ms)))
		},
	},
	{
		Name: "to_unix", Category: "date", Params: oneDate, Zoned: true, result: strictly(Type{Kind: Number, Precision: 15, Scale: 3}),
		Doc: "The seconds since 1970-01-01T00:00:00Z, with their fraction; of a date its midnight.", Example: `TO_UNIX(TO_DATETIME("2024-02-29T10:20:30.5Z"))`, Gives: "1709202030.5",
		f1: func(z *time.Location, a Value) Value { return NumberValue(DecimalFromScaled(instant(z, a), 3)) },
	},
	{
		Name: "from_unix", Category: "date", Params: []Parameter{{Name: "seconds", Kinds: numericKinds}}, result: always(Type{Kind: DateTime}),
		Doc: "The instant so many seconds after 1970-01-01T00:00:00Z, cut to milliseconds.", Example: `FROM_UNIX(1709202030.5)`, Gives: "2024-02-29T10:20:30.500Z",
		f1: func(_ *time.Location, a Value) Value {
			d := a.num
			if a.kind == Float {
				var ok bool
				if d, ok = DecimalFromFloat(a.Float()); !ok {
					return Value{}
				}
			}
			d, _ = d.round(3, roundFloor)
			millis, ok := d.Scaled(3)
			if !ok {
				return Value{}
			}
			return DateTimeValue(millis)
		},
	},
}

var timeFormat, _ = parseFormat("HH:mm:ss")
