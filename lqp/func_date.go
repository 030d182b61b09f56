package lqp

import "time"

var oneDate = []Parameter{{Name: "date", Kinds: dateKinds}}

var dateFunctions = []*Function{
	{
		Name: "date", Category: "date", result: always(Type{Kind: Date}),
		Params: []Parameter{{Name: "year", Kinds: numericKinds}, {Name: "month", Kinds: numericKinds}, {Name: "day", Kinds: numericKinds}},
		Doc:    "The day of that year, month and day; NULL when there is no such day.", Example: `DATE(2024, 2, 30)`, Gives: "NULL",
		fn: func(_ *time.Location, args []Value) Value {
			y, m, d := count(args[0]), count(args[1]), count(args[2])
			if !validDate(y, m, d) {
				return Value{}
			}
			return DateValue(civilDays(y, m, d))
		},
	},
	datePart("year", 4, "The year.", "2024", func(days, _ int64) int64 { y, _, _ := civilDate(days); return y }),
	datePart("month", 2, "The month, 1 to 12.", "2", func(days, _ int64) int64 { _, m, _ := civilDate(days); return m }),
	datePart("day", 2, "The day of the month, 1 to 31.", "29", func(days, _ int64) int64 { _, _, d := civilDate(days); return d }),
	datePart("hour", 2, "The hour, 0 to 23; 0 for a date.", "10", func(_, ms int64) int64 { return ms / 3_600_000 }),
	datePart("minute", 2, "The minute, 0 to 59.", "20", func(_, ms int64) int64 { return ms / 60_000 % 60 }),
	datePart("second", 2, "The second, 0 to 59, without fraction.", "30", func(_, ms int64) int64 { return ms / 1000 % 60 }),
	datePart("weekday", 1, "The day of the week, 0 for Sunday to 6.", "4", func(days, _ int64) int64 { return weekday(days) }),
	{
		Name: "dateadd", Category: "date", Zoned: true,
		Params: []Parameter{{Name: "date", Kinds: dateKinds}, {Name: "count", Kinds: numericKinds}, {Name: "unit", Kinds: textKinds, Units: true}},
		Doc:    "The date so many units later: months and longer end at the month's last day, days and longer follow the calendar of the plan's zone, shorter units are elapsed time.", Example: `DATEADD(TO_DATE("2024-01-31"), 1, "month")`, Gives: "2024-02-29",
		result: func(args []Type) (Type, *ArgError) { return dateLike(args[0]), nil },
		fn: func(z *time.Location, args []Value) Value {
			u, ok := parseUnit(args[2].str)
			if !ok {
				return Value{}
			}
			return dateAdd(z, args[0], count(args[1]), u)
		},
	},
	{
		Name: "datetime_diff", Category: "date", Zoned: true, result: always(Type{Kind: Number}),
		Params: []Parameter{{Name: "a", Kinds: dateKinds}, {Name: "b", Kinds: dateKinds}, {Name: "unit", Kinds: textKinds, Units: true}},
		Doc:    "a - b in complete units, cut toward zero.", Example: `DATETIME_DIFF(TO_DATE("2024-02-29"), TO_DATE("2024-01-31"), "month")`, Gives: "0",
		fn: func(z *time.Location, args []Value) Value {
			u, ok := parseUnit(args[2].str)
			if !ok {
				return Value{}
			}
			return IntValue(dateDiff(z, args[0], args[1], u))
		},
	},
	{
		Name: "date_trunc", Category: "date", Zoned: true,
		Params: []Parameter{{Name: "date", Kinds: dateKinds}, {Name: "unit", Kinds: textKinds, Units: true}},
		Doc:    "The first day or instant of the unit that the date lies in; weeks begin on Monday.", Example: `DATE_TRUNC(TO_DATE("2024-02-29"), "quarter")`, Gives: "2024-01-01",
		result: func(args []Type) (Type, *ArgError) { return dateLike(args[0]), nil },
		f2: func(z *time.Location, a, b Value) Value {
			u, ok := parseUnit(b.str)
			if !ok {
				return Value{}
			}
			return dateTrunc(z, a, u)
		},
	},
}

func dateLike(t Type) Type {
	if t.Kind == Date {
		return Type{Kind: Date}
	}
	return Type{Kind: DateTime}
}

// datePart is a function of the wall clock in the plan's zone: part gets the day and the milliseconds since midnight.
func datePart(name string, digits int, doc, gives string, part func(days, ms int64) int64) *Function {
	return &Function{
		Name: name, Category: "date", Params: oneDate, Zoned: true,
		Doc: doc, Example: upperASCII(name) + `(TO_DATETIME("2024-02-29T10:20:30Z"))`, Gives: gives,
		result: datePartType(digits),
		f1: func(z *time.Location, a Value) Value {
			days, ms := wallClock(z, a)
			if days < minDays || days > maxDays { // the zone's clock shows the year 0 or 10000
				return Value{}
			}
			return IntValue(part(days, ms))
		},
	}
}

// datePartType is a whole number, NULL only where the zone's clock shows a year that is none.
func datePartType(digits int) func(args []Type) (Type, *ArgError) {
	return func(args []Type) (Type, *ArgError) {
		return Type{Kind: Number, Precision: digits, NotNull: args[0].NotNull && args[0].Kind == Date}, nil
	}
}

func upperASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// wallClock is the day and the milliseconds since its midnight that a date or datetime shows in z.
func wallClock(z *time.Location, v Value) (days, ms int64) {
	if v.kind == Date {
		return v.Days(), 0
	}
	local := toLocal(z, v.Millis())
	days = floorDiv(local, millisPerDay)
	return days, local - days*millisPerDay
}
