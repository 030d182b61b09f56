package mysql

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// truncDays goes back to the Monday, or to the first day of the quarter. The year 1 begins with a Monday: nothing lies
// before it.
func truncDays(e *sqlgen.Emitter, u sqlgen.Unit, start int, r sqlgen.Rep) bool {
	end := e.Len()
	if !e.Repeatable(start, end) {
		return false
	}
	before, after := "DATE_SUB(CAST(", " AS DATE), INTERVAL WEEKDAY("
	if u.Name == "quarter" {
		before, after = "DATE_SUB(CAST(DATE_FORMAT(", ", '%Y-%m-01') AS DATE), INTERVAL (EXTRACT(MONTH FROM "
	}
	e.WriteString(after)
	e.Repeat(start, end)
	if u.Name == "quarter" {
		e.WriteString(") - 1) % 3 MONTH)")
	} else {
		e.WriteString(") DAY)")
	}
	e.Wrap(start, before, "")
	if r.Kind == lqp.DateTime {
		e.Wrap(start, "CAST(", " AS DATETIME(3))")
	}
	return true
}

// weekNumber counts weeks from the one with the 1st of January: the days before it in that week are added to the day of the
// year. 371 is a multiple of seven that keeps the sum positive.
func weekNumber(e *sqlgen.Emitter, c *lqp.Call, start int) bool {
	begin, ok := sqlgen.WeekBegin(c)
	end := e.Len()
	if !ok || !e.Repeatable(start, end) {
		return e.Fail("this week is computed in memory")
	}
	e.WriteString(") - 1 + (DAYOFWEEK(")
	e.Repeat(start, end)
	e.WriteString(") - DAYOFYEAR(")
	e.Repeat(start, end)
	e.WriteString(") + " + strconv.Itoa(371-begin) + ") % 7) DIV 7 + 1)")
	e.Wrap(start, "((DAYOFYEAR(", "")
	return true
}

// dateAdd adds a constant count of units. What leaves our years is NULL.
func dateAdd(e *sqlgen.Emitter, c *lqp.Call, start int, r sqlgen.Rep) bool {
	u, n, ok := sqlgen.Span(c)
	var span string
	switch {
	case !ok:
		return e.Fail("the count of units is not a constant")
	case r.Kind == lqp.Date && u.Millis > 0 && u.Millis < dayMillis:
		return e.Fail("a date has no time of day")
	case u.Months > 0:
		span = strconv.FormatInt(n*u.Months, 10) + " MONTH"
	case u.Millis >= dayMillis:
		span = strconv.FormatInt(n*(u.Millis/dayMillis), 10) + " DAY"
	case u.Millis >= 1000:
		span = strconv.FormatInt(n*(u.Millis/1000), 10) + " SECOND"
	default:
		span = strconv.FormatInt(n*1000, 10) + " MICROSECOND"
	}
	e.Wrap(start, "DATE_ADD(", ", INTERVAL "+span+")")
	if r.Kind == lqp.DateTime {
		e.Wrap(start, "CAST(", " AS DATETIME(3))")
	}
	return fromYearOne(e, start)
}

// fromYearOne makes what lies before our years NULL; behind them the servers answer NULL by themselves.
func fromYearOne(e *sqlgen.Emitter, start int) bool {
	return e.Guarded(start, "", " >= DATE'0001-01-01'")
}

// endOfMonth is the last day of the month so many months later.
func endOfMonth(e *sqlgen.Emitter, c *lqp.Call, start int) bool {
	n, ok := sqlgen.LiteralInt(c.Args[1], -sqlgen.MaxMonths, sqlgen.MaxMonths)
	if !ok {
		return e.Fail("the count of months is not a constant")
	}
	e.Wrap(start, "LAST_DAY(DATE_ADD(CAST(DATE_FORMAT(", ", '%Y-%m-01') AS DATE), INTERVAL "+strconv.Itoa(n)+" MONTH))")
	return fromYearOne(e, start)
}

// dateDiff is a - b in complete units, cut toward zero.
func dateDiff(e *sqlgen.Emitter, c *lqp.Call) bool {
	unit, ok := c.Args[2].(*lqp.Lit)
	if !ok {
		return false
	}
	u, ok := sqlgen.UnitOf(unit.Val.Text())
	if !ok {
		return e.Fail("this unit is computed in memory")
	}
	name, parts := "MICROSECOND", u.Millis*1000
	if u.Months > 0 {
		name, parts = "MONTH", u.Months
	}
	e.WriteString("(TIMESTAMPDIFF(" + name + ", ")
	if !e.ValueAs(c.Args[1], instantRep) {
		return false
	}
	e.WriteString(", ")
	if !e.ValueAs(c.Args[0], instantRep) {
		return false
	}
	e.WriteString(") DIV " + strconv.FormatInt(parts, 10) + ")")
	return true
}
