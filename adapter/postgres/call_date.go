package postgres

import (
	"time"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// inUTC refuses date functions in other zones: the server's zone rules need not be ours.
func inUTC(e *sqlgen.Emitter, c *lqp.Call) bool {
	if z := c.Zone(); z == time.UTC || z.String() == "UTC" {
		return true
	}
	return e.Fail("dates in another time zone than UTC are computed in memory")
}

// fields are the names of date parts here, where they are others.
var fields = map[string]string{"weekday": "dow", "day_of_year": "doy", "isoweeknum": "week"}

func (d *dialect) date(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	if !inUTC(e, c) {
		return sqlgen.Rep{}, false
	}
	if c.Func == "datetime_diff" {
		return intRep, d.dateDiff(e, c)
	}
	start := e.Len()
	kind := c.Args[0].Type().Kind
	switch kind {
	case lqp.Text:
		return sqlgen.Rep{}, e.Fail(c.Func + "() of a text is computed in memory")
	case lqp.Null: // which PostgreSQL gives the type of a text
		return sqlgen.Rep{}, e.Fail(c.Func + "() of nothing is computed in memory")
	}
	r, ok := e.Value(c.Args[0])
	if !ok {
		return r, false
	}
	switch c.Func {
	case "year", "month", "day", "weekday", "quarter", "day_of_year", "isoweeknum":
		field := c.Func
		if other := fields[field]; other != "" {
			field = other
		}
		e.Wrap(start, "extract("+field+" from ", ")::int8")
		return intRep, true
	case "weeknum":
		return intRep, weekNumber(e, c, start)
	case "dateadd":
		return r, dateAdd(e, c, start, r)
	case "eomonth":
		return dateRep, endOfMonth(e, c, start)
	case "timestr":
		if kind == lqp.Date {
			return r, e.Fail("a date has no time of day")
		}
		e.Wrap(start, "(to_char(", ", 'HH24:MI:SS')"+binaryCollation+")")
		return textRep, true
	case "hour", "minute":
		if kind == lqp.Date {
			return r, e.Fail("a date has no time of day")
		}
		e.Wrap(start, "extract("+c.Func+" from ", ")::int8")
		return intRep, true
	case "second":
		if kind == lqp.Date {
			return r, e.Fail("a date has no time of day")
		}
		e.Wrap(start, "floor(extract(second from ", "))::int8")
		return intRep, true
	case "to_datetime":
		if kind == lqp.Date {
			return instantRep, d.Convert(e, start, r, instantRep)
		}
		return r, true
	case "to_date":
		switch {
		case kind == lqp.Date:
			return r, true
		case r.Form == instantForm:
			e.Wrap(start, "((", ") AT TIME ZONE 'UTC')::date")
		default:
			e.Wrap(start, "(", ")::date")
		}
		return dateRep, true
	}
	return d.dateTrunc(e, c, start, r)
}

// dateTrunc cuts to the beginning of a unit. The first day of a unit of a date of our years can lie before them for weeks
// only.
func (d *dialect) dateTrunc(e *sqlgen.Emitter, c *lqp.Call, start int, r sqlgen.Rep) (sqlgen.Rep, bool) {
	unit, ok := c.Args[1].(*lqp.Lit)
	if !ok {
		return r, false
	}
	var field string
	switch u, ok := sqlgen.UnitOf(unit.Val.Text()); {
	case !ok:
		return r, e.Fail("this unit is computed in memory")
	case u.Name == "millisecond", u.Millis > 0 && u.Millis < dayMillis && r.Kind == lqp.Date:
		return r, true // it begins there
	default:
		field = u.Name
	}
	if r.Kind == lqp.Date {
		e.Wrap(start, "date_trunc('"+field+"', (", ")::timestamp)::date")
		return r, true
	}
	e.Wrap(start, "date_trunc('"+field+"', ", ")")
	return r, true
}
