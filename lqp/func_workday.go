package lqp

import (
	"slices"
	"time"
)

var workdayFunctions = []*Function{
	{
		Name: "workday", Category: "date", Zoned: true, result: workdayType(Type{Kind: Date}),
		Params: []Parameter{oneDate[0], {Name: "days", Kinds: numericKinds}, {Name: "holidays", Kinds: listKinds, Optional: true}},
		Doc:    "The day so many working days later, or earlier for a negative count; Saturdays, Sundays and the days of the list are none.", Example: `WORKDAY(TO_DATE("2024-03-01"), 1)`, Gives: "2024-03-04",
		fn: func(z *time.Location, args []Value) Value {
			start, _ := wallClock(z, args[0])
			return workday(start, count(args[1]), holidays(z, args[2:]))
		},
	},
	{
		Name: "workday_diff", Category: "date", Zoned: true, result: workdayType(Type{Kind: Number, Precision: 7}),
		Params: []Parameter{{Name: "from", Kinds: dateKinds}, {Name: "to", Kinds: dateKinds}, {Name: "holidays", Kinds: listKinds, Optional: true}},
		Doc:    "How many working days there are from one day to another, both counted, negative when the second is earlier; Saturdays, Sundays and the days of the list are none.", Example: `WORKDAY_DIFF(TO_DATE("2024-03-01"), TO_DATE("2024-03-04"))`, Gives: "2",
		fn: func(z *time.Location, args []Value) Value {
			from, _ := wallClock(z, args[0])
			to, _ := wallClock(z, args[1])
			return IntValue(workdays(from, to, holidays(z, args[2:])))
		},
	},
}

// workdayType takes lists of dates, or of texts that are dates.
func workdayType(t Type) func(args []Type) (Type, *ArgError) {
	return func(args []Type) (Type, *ArgError) {
		if len(args) > 2 {
			if e := args[2].Elem; args[2].Kind == List && e != Null && e != Text && !isDate(e) {
				return Type{}, &ArgError{Arg: 2, Want: "a list of dates", Got: args[2].String()}
			}
		}
		return t, nil
	}
}

// holidays are the days of the lists that are no weekend, sorted, each once. A text counts when it is a date.
func holidays(z *time.Location, lists []Value) []int64 {
	var days []int64
	eachItem(lists, func(v Value) bool {
		var day int64
		switch v.kind {
		case Date, DateTime:
			day, _ = wallClock(z, v)
		case Text:
			var ok bool
			if day, ok = ParseDate(trimBlanks(v.str)); !ok {
				return true
			}
		default:
			return true
		}
		if !weekend(day) {
			days = append(days, day)
		}
		return true
	})
	slices.Sort(days)
	return slices.Compact(days)
}

func weekend(day int64) bool { w := weekday(day); return w == 0 || w == 6 }

// weekdaysUpTo counts the days from Monday to Friday among those from a fixed Monday, long ago, up to day.
func weekdaysUpTo(day int64) int64 {
	const monday = minDays - 7 // 0001-01-01 was a Monday
	n := day - monday + 1
	return n/7*5 + min(n%7, 5)
}

// workday is the day n working days after start, NULL outside the years 1 to 9999.
func workday(start, n int64, off []int64) Value {
	if n > maxDays-minDays || n < minDays-maxDays {
		return Value{}
	}
	step := int64(1)
	if n < 0 {
		step = -1
		slices.Reverse(off)
	}
	day := start
	// Whole weeks first, then day by day: at most four working days and a weekend.
	if weeks := n / 5; weeks != 0 {
		for weekend(day) { // back to the last working day that counts as the start
			day -= step
		}
		day += 7 * weeks
		n -= 5 * weeks
	}
	for n != 0 {
		if day += step; !weekend(day) {
			n -= step
		}
	}
	for _, h := range off {
		if (h-start)*step <= 0 {
			continue // not on the way
		}
		if (day-h)*step < 0 {
			break
		}
		for day += step; weekend(day); {
			day += step
		}
	}
	return DateValue(day)
}

// workdays counts the working days from one day to another, both included.
func workdays(from, to int64, off []int64) int64 {
	sign := int64(1)
	if to < from {
		from, to, sign = to, from, -1
	}
	n := weekdaysUpTo(to) - weekdaysUpTo(from-1)
	first, _ := slices.BinarySearch(off, from)
	last, _ := slices.BinarySearch(off, to+1)
	return sign * (n - int64(last-first))
}
