package mysql

import (
	"time"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// inUTC refuses date functions in other zones: the server's zone tables may be missing and end in 2037.
func inUTC(e *sqlgen.Emitter, c *lqp.Call) bool {
	if z := c.Zone(); z == time.UTC || z.String() == "UTC" {
		return true
	}
	return e.Fail("dates in another time zone than UTC are computed in memory")
}

// fields are the parts that EXTRACT gives as integers. YEAR() would give the type of that name.
var fields = map[string]string{"year": "YEAR", "month": "MONTH", "day": "DAY", "quarter": "QUARTER", "hour": "HOUR", "minute": "MINUTE", "second": "SECOND"}

func (d *dialect) date(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	if !inUTC(e, c) {
		return sqlgen.Rep{}, false
	}
	if c.Func == "datetime_diff" {
		return intRep, dateDiff(e, c)
	}
	start := e.Len()
	kind := c.Args[0].Type().Kind
	if kind == lqp.Text {
		return sqlgen.Rep{}, e.Fail(c.Func + "() of a text is computed in memory")
	}
	r, ok := e.Value(c.Args[0])
	if !ok {
		return r, false
	}
	switch c.Func {
	case "hour", "minute", "second":
		if kind == lqp.Date {
			return r, e.Fail("a date has no time of day")
		}
		fallthrough
	case "year", "month", "day", "quarter":
		e.Wrap(start, "EXTRACT("+fields[c.Func]+" FROM ", ")")
		return intRep, true
	case "weekday":
		e.Wrap(start, "(DAYOFWEEK(", ") - 1)")
		return intRep, true
	case "day_of_year":
		e.Wrap(start, "DAYOFYEAR(", ")")
		return intRep, true
	case "isoweeknum":
		e.Wrap(start, "WEEK(", ", 3)")
		return intRep, true
	case "weeknum":
		return intRep, weekNumber(e, c, start)
	case "dateadd":
		return r, dateAdd(e, c, start, r)
	case "eomonth":
		return dateRep, endOfMonth(e, c, start)
	case "timestr":
		if kind == lqp.Date || !d.facts.order {
			return r, e.Fail("a date has no time of day")
		}
		e.Wrap(start, "(DATE_FORMAT(", ", '%H:%i:%s')"+d.collate+")")
		return textRep, true
	case "to_datetime":
		if kind == lqp.Date {
			return instantRep, d.Convert(e, start, r, instantRep)
		}
		return r, true
	case "to_date":
		if kind != lqp.Date {
			e.Wrap(start, "CAST(", " AS DATE)") // does not round up under the session's SQL mode
		}
		return dateRep, true
	}
	return d.dateTrunc(e, c, start, r)
}

// truncated are the formats that cut a date to a unit. They go by text because MAKEDATE takes the years before 100 for
// others.
var truncated = map[string]string{
	"year": "%Y-01-01", "month": "%Y-%m-01", "day": "%Y-%m-%d",
	"hour": "%Y-%m-%d %H:00:00", "minute": "%Y-%m-%d %H:%i:00", "second": "%Y-%m-%d %H:%i:%s",
}

func (d *dialect) dateTrunc(e *sqlgen.Emitter, c *lqp.Call, start int, r sqlgen.Rep) (sqlgen.Rep, bool) {
	unit, ok := c.Args[1].(*lqp.Lit)
	if !ok {
		return r, false
	}
	u, ok := sqlgen.UnitOf(unit.Val.Text())
	switch {
	case !ok:
		return r, e.Fail("this unit is computed in memory")
	case u.Name == "millisecond", r.Kind == lqp.Date && u.Millis > 0 && u.Millis <= dayMillis:
		return r, true // it begins there
	case u.Name == "week", u.Name == "quarter":
		return r, truncDays(e, u, start, r)
	case r.Kind == lqp.Date:
		e.Wrap(start, "CAST(DATE_FORMAT(", ", '"+truncated[u.Name]+"') AS DATE)")
	default:
		e.Wrap(start, "CAST(DATE_FORMAT(", ", '"+truncated[u.Name]+"') AS DATETIME(3))")
	}
	return r, true
}
