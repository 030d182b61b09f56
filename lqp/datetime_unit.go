package lqp

import (
	"strings"
	"time"
)

// timeUnit is a unit of time, from short to long.
type timeUnit uint8

const (
	unitMillisecond timeUnit = iota
	unitSecond
	unitMinute
	unitHour
	unitDay
	unitWeek
	unitMonth
	unitQuarter
	unitYear
)

const unitList = "millisecond, second, minute, hour, day, week, month, quarter, year"

var unitNames = strings.Split(unitList, ", ")

// unitMillis is the length of the units up to a week.
var unitMillis = [...]int64{1, 1000, 60_000, 3_600_000, millisPerDay, 7 * millisPerDay}

// unitMonths is the length of the units from a month on.
var unitMonths = map[timeUnit]int64{unitMonth: 1, unitQuarter: 3, unitYear: 12}

// parseUnit reads a unit's name, singular or plural, in any case.
func parseUnit(s string) (timeUnit, bool) {
	s = strings.TrimSuffix(strings.ToLower(s), "s")
	for i, n := range unitNames {
		if n == s {
			return timeUnit(i), true
		}
	}
	return 0, false
}

// maxSpan bounds counts of units: none longer can stay within the years 1 to 9999, and products cannot overflow.
const maxSpan = maxMillis - minMillis

func dateAdd(z *time.Location, v Value, n int64, u timeUnit) Value {
	if n > maxSpan || n < -maxSpan || u >= unitSecond && (n > maxSpan/1000 || n < -maxSpan/1000) {
		return Value{}
	}
	if u < unitDay {
		if v.kind == Date || n > maxSpan/unitMillis[u] || n < -maxSpan/unitMillis[u] {
			return Value{}
		}
		return DateTimeValue(v.Millis() + n*unitMillis[u])
	}
	days, ms := wallClock(z, v)
	switch u {
	case unitDay:
		days += n
	case unitWeek:
		days += 7 * n
	default:
		y, m, d := civilDate(days)
		months := y*12 + m - 1 + n*unitMonths[u]
		y, m = floorDiv(months, 12), months-floorDiv(months, 12)*12+1
		if y < 1 || y > 9999 {
			return Value{}
		}
		days = civilDays(y, m, min(d, daysInMonth(y, m)))
	}
	if days < minDays || days > maxDays {
		return Value{}
	}
	if v.kind == Date {
		return DateValue(days)
	}
	return DateTimeValue(toUTC(z, days*millisPerDay+ms))
}

// dateDiff is a - b in complete units. Two dates are compared by the calendar alone; with a datetime the other side's
// midnight counts. Hours and below are elapsed time, days and longer what the wall clock shows.
func dateDiff(z *time.Location, a, b Value, u timeUnit) int64 {
	if a.kind != b.kind {
		a, b = DateTimeValue(instant(z, a)), DateTimeValue(instant(z, b))
	}
	if u < unitDay {
		if a.kind == Date {
			return (a.Days() - b.Days()) * (millisPerDay / unitMillis[u])
		}
		return (a.Millis() - b.Millis()) / unitMillis[u]
	}
	aDays, aMs := wallClock(z, a)
	bDays, bMs := wallClock(z, b)
	if u <= unitWeek {
		return ((aDays-bDays)*millisPerDay + aMs - bMs) / unitMillis[u]
	}
	return completeMonths(aDays, aMs, bDays, bMs) / unitMonths[u]
}

// completeMonths counts the months from b to a whose day and time of day were reached, negative when a is before b.
func completeMonths(aDays, aMs, bDays, bMs int64) int64 {
	if aDays < bDays || aDays == bDays && aMs < bMs {
		return -completeMonths(bDays, bMs, aDays, aMs)
	}
	ay, am, ad := civilDate(aDays)
	by, bm, bd := civilDate(bDays)
	n := (ay-by)*12 + am - bm
	if ad < bd || ad == bd && aMs < bMs {
		n--
	}
	return n
}

func dateTrunc(z *time.Location, v Value, u timeUnit) Value {
	days, _ := wallClock(z, v)
	switch {
	case u < unitDay:
		if v.kind == Date {
			return v
		}
		// Elapsed time, not the wall clock: the second of two equal hours must not become the first. Offsets that are no
		// multiple of the unit shift its start.
		shift := toLocal(z, v.Millis()) - v.Millis()
		return DateTimeValue(floorDiv(v.Millis()+shift, unitMillis[u])*unitMillis[u] - shift)
	case u == unitDay:
	case u == unitWeek:
		days -= (weekday(days) + 6) % 7
	default:
		y, m, _ := civilDate(days)
		m -= (m - 1) % unitMonths[u]
		days = civilDays(y, m, 1)
	}
	if v.kind == Date {
		return DateValue(days)
	}
	return DateTimeValue(toUTC(z, days*millisPerDay))
}

// weekday is 0 for Sunday to 6.
func weekday(days int64) int64 {
	w := (days + 4) % 7 // 1970-01-01 was a Thursday
	if w < 0 {
		w += 7
	}
	return w
}
