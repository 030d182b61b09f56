package sqlgen

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Unit is a unit of time: a fixed length, or a count of months.
type Unit struct {
	Name   string // singular, as in the function catalogue
	Millis int64  // its length when it is a week or shorter
	Months int64  // its length when it is a month or longer
}

var units = []Unit{
	{"millisecond", 1, 0}, {"second", 1000, 0}, {"minute", 60_000, 0}, {"hour", 3_600_000, 0}, {"day", dayMillis, 0}, {"week", 7 * dayMillis, 0},
	{"month", 0, 1}, {"quarter", 0, 3}, {"year", 0, 12},
}

// UnitOf finds a unit by its name, singular or plural, in any case.
func UnitOf(name string) (Unit, bool) {
	name = strings.TrimSuffix(strings.ToLower(name), "s")
	for _, u := range units {
		if u.Name == name {
			return u, true
		}
	}
	return Unit{}, false
}

// MaxMonths is more months than lie between any two dates.
const MaxMonths = 12 * 10_000

// maxMillis is more milliseconds than lie between any two instants.
const maxMillis = 10_000 * 366 * dayMillis

// Span reads the count and the unit of dateadd(date, count, unit); the count must be constant. One that leads out of the
// years of dates from every date is cut to one that still does.
func Span(c *lqp.Call) (u Unit, n int64, ok bool) {
	l, isLit := c.Args[2].(*lqp.Lit)
	if !isLit {
		return u, 0, false
	}
	if u, ok = UnitOf(l.Val.Text()); !ok {
		return u, 0, false
	}
	most := int64(MaxMonths)
	if u.Months == 0 {
		most = maxMillis / u.Millis
	}
	count, ok := LiteralInt(c.Args[1], -most, most)
	return u, int64(count), ok
}

// WeekBegin is the day on which the weeks of a call of weeknum begin, 0 for Sunday and 1 for Monday.
func WeekBegin(c *lqp.Call) (day int, ok bool) {
	if len(c.Args) < 2 {
		return 0, true
	}
	l, isLit := c.Args[1].(*lqp.Lit)
	if !isLit {
		return 0, false
	}
	switch strings.ToLower(l.Val.Text()) {
	case "sunday":
		return 0, true
	case "monday":
		return 1, true
	}
	return 0, false
}
