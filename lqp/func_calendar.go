package lqp

import "time"

var datePair = []Parameter{{Name: "a", Kinds: dateKinds}, {Name: "b", Kinds: dateKinds}}

var datePairUnit = []Parameter{datePair[0], datePair[1], {Name: "unit", Kinds: textKinds, Units: true, Optional: true}}

var calendarFunctions = []*Function{
	{
		Name: "datetime", Category: "date", Zoned: true, result: always(Type{Kind: DateTime}),
		Params: []Parameter{{Name: "year", Kinds: numericKinds}, {Name: "month", Kinds: numericKinds}, {Name: "day", Kinds: numericKinds},
			{Name: "hour", Kinds: numericKinds}, {Name: "minute", Kinds: numericKinds}, {Name: "second", Kinds: numericKinds}},
		Doc: "The instant at which the clocks of the plan's zone show that time; NULL when there is no such day or time of day.", Example: `DATETIME(2024, 2, 29, 10, 20, 30)`, Gives: "2024-02-29T10:20:30.000Z",
		fn: func(z *time.Location, args []Value) Value {
			y, m, d := count(args[0]), count(args[1]), count(args[2])
			h, min, s := count(args[3]), count(args[4]), count(args[5])
			if !validDate(y, m, d) || h < 0 || h > 23 || min < 0 || min > 59 || s < 0 || s > 59 {
				return Value{}
			}
			return DateTimeValue(toUTC(z, civilDays(y, m, d)*millisPerDay+h*3_600_000+min*60_000+s*1000))
		},
	},
	datePart("quarter", 1, "The quarter of the year, 1 to 4.", "1", func(days, _ int64) int64 { _, m, _ := civilDate(days); return (m + 2) / 3 }),
	datePart("day_of_year", 3, "The day of the year, 1 to 366.", "60", func(days, _ int64) int64 { return dayOfYear(days) }),
	{
		Name: "weeknum", Category: "date", Zoned: true, result: datePartType(2),
		Params: []Parameter{oneDate[0], {Name: "begin", Kinds: textKinds, Choices: []string{"sunday", "monday"}, Optional: true}},
		Doc:    `The week of the year: week 1 has the 1st of January, weeks begin on Sunday or, with "monday", on Monday.`, Example: `WEEKNUM(TO_DATE("2024-01-07"))`, Gives: "2",
		fn: func(z *time.Location, args []Value) Value {
			days, _ := wallClock(z, args[0])
			if days < minDays || days > maxDays {
				return Value{}
			}
			begin := int64(0)
			if len(args) > 1 {
				switch fold(args[1].str) {
				case "sunday":
				case "monday":
					begin = 1
				default:
					return Value{}
				}
			}
			first := days - dayOfYear(days) + 1
			// The week of the 1st of January begins up to six days before it.
			return IntValue((days-first+(weekday(first)-begin+7)%7)/7 + 1)
		},
	},
	datePart("isoweeknum", 2, "The week of the year by ISO 8601: weeks begin on Monday, week 1 has the first Thursday.", "9", isoWeek),
	{
		Name: "eomonth", Category: "date", Zoned: true, result: always(Type{Kind: Date}),
		Params: []Parameter{oneDate[0], {Name: "months", Kinds: numericKinds}},
		Doc:    "The last day of the month so many months later.", Example: `EOMONTH(TO_DATE("2024-01-15"), 1)`, Gives: "2024-02-29",
		f2: func(z *time.Location, a, b Value) Value {
			days, _ := wallClock(z, a)
			if days < minDays || days > maxDays {
				return Value{}
			}
			first := dateAdd(nil, DateValue(days), count(b), unitMonth)
			if first.kind == Null {
				return Value{}
			}
			y, m, _ := civilDate(first.Days())
			return DateValue(civilDays(y, m, daysInMonth(y, m)))
		},
	},
	{
		Name: "days", Category: "date", Params: datePair, Zoned: true,
		Doc: "The calendar days from b to a, whatever the time of day.", Example: `DAYS(TO_DATE("2024-03-01"), TO_DATE("2024-02-28"))`, Gives: "2",
		result: strictly(wholeType(7)),
		f2: func(z *time.Location, a, b Value) Value {
			x, _ := wallClock(z, a)
			y, _ := wallClock(z, b)
			return IntValue(x - y)
		},
	},
	dateOrder("is_before", "Whether a is before b, with a unit whether it is in an earlier one; FALSE when either is NULL.",
		`IS_BEFORE(TO_DATE("2024-02-28"), TO_DATE("2024-02-29"), "month")`, "false", func(c int) bool { return c < 0 }),
	dateOrder("is_after", "Whether a is after b, with a unit whether it is in a later one; FALSE when either is NULL.",
		`IS_AFTER(TO_DATE("2024-03-01"), TO_DATE("2024-02-29"))`, "true", func(c int) bool { return c > 0 }),
	dateOrder("is_same", "Whether a and b are the same, with a unit whether they are in the same one; FALSE when either is NULL.",
		`IS_SAME(TO_DATE("2024-02-01"), TO_DATE("2024-02-29"), "month")`, "true", func(c int) bool { return c == 0 }),
}

// dateOrder is a predicate of two dates, or of the units of time that they lie in.
func dateOrder(name, doc, example, gives string, holds func(c int) bool) *Function {
	return &Function{
		Name: name, Category: "date", Params: datePairUnit, nulls: true, Zoned: true, result: always(boolType), Doc: doc, Example: example, Gives: gives,
		fn: func(z *time.Location, args []Value) Value {
			if !isDate(args[0].kind) || !isDate(args[1].kind) {
				return falseValue
			}
			if len(args) < 3 {
				return BoolValue(holds(compareIn(z, args[0], args[1])))
			}
			u, ok := parseUnit(args[2].str)
			if !ok {
				return falseValue
			}
			a, b := unitStart(z, args[0], u), unitStart(z, args[1], u)
			switch {
			case a < b:
				return BoolValue(holds(-1))
			case a > b:
				return BoolValue(holds(1))
			}
			return BoolValue(holds(0))
		},
	}
}

// unitStart tells the units of time apart that dates lie in: it is the same for two dates in the same unit, and smaller
// for the earlier one.
func unitStart(z *time.Location, v Value, u timeUnit) int64 {
	if u < unitDay {
		at := instant(z, v)
		shift := toLocal(z, at) - at // as date_trunc does it
		return floorDiv(at+shift, unitMillis[u])*unitMillis[u] - shift
	}
	days, _ := wallClock(z, v)
	switch u {
	case unitDay:
		return days
	case unitWeek:
		return days - (weekday(days)+6)%7
	}
	y, m, _ := civilDate(days)
	return floorDiv(y*12+m-1, unitMonths[u])
}

func dayOfYear(days int64) int64 {
	y, _, _ := civilDate(days)
	return days - civilDays(y, 1, 1) + 1
}

// isoWeek is the week of the year that the Thursday of the day's week lies in.
func isoWeek(days, _ int64) int64 {
	return (dayOfYear(days-(weekday(days)+6)%7+3)-1)/7 + 1
}
