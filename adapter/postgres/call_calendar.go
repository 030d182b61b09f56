package postgres

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

const dayMillis = 86_400_000

// weekNumber counts weeks from the one with the 1st of January: the days before it in that week are added to the day of the
// year. 371 is a multiple of seven that keeps the sum positive.
func weekNumber(e *sqlgen.Emitter, c *lqp.Call, start int) bool {
	begin, ok := sqlgen.WeekBegin(c)
	end := e.Len()
	if !ok || !e.Repeatable(start, end) {
		return e.Fail("this week is computed in memory")
	}
	e.WriteString(")::int8 - 1 + (extract(dow from ")
	e.Repeat(start, end)
	e.WriteString(")::int8 - extract(doy from ")
	e.Repeat(start, end)
	e.WriteString(")::int8 + " + strconv.Itoa(1-begin+371) + ") % 7) / 7 + 1)")
	e.Wrap(start, "((extract(doy from ", "")
	return true
}

// dateAdd adds a constant count of units. What leaves our years is NULL.
func dateAdd(e *sqlgen.Emitter, c *lqp.Call, start int, r sqlgen.Rep) bool {
	u, n, ok := sqlgen.Span(c)
	switch {
	case !ok:
		return e.Fail("the count of units is not a constant")
	case r.Kind == lqp.Date && u.Millis > 0 && u.Millis < dayMillis:
		return e.Fail("a date has no time of day")
	case r.Kind == lqp.Date && u.Months == 0:
		e.Wrap(start, "(", " + ("+strconv.FormatInt(n*(u.Millis/dayMillis), 10)+"))")
	case r.Kind == lqp.Date:
		e.Wrap(start, "((", ")::timestamp + interval '"+strconv.FormatInt(n*u.Months, 10)+" months')::date")
	case u.Months > 0:
		e.Wrap(start, "(", " + interval '"+strconv.FormatInt(n*u.Months, 10)+" months')")
	default:
		e.Wrap(start, "(", " + interval '"+strconv.FormatInt(n*u.Millis, 10)+" milliseconds')")
	}
	return inYears(e, start, r)
}

// inYears makes what is not within our years NULL.
func inYears(e *sqlgen.Emitter, start int, r sqlgen.Rep) bool {
	end := e.Len()
	if !e.Repeatable(start, end) {
		return false
	}
	e.WriteString(" >= '0001-01-01' AND ")
	e.Repeat(start, end)
	if r.Kind == lqp.Date {
		e.WriteString(" <= '9999-12-31' THEN ")
	} else {
		e.WriteString(" < '10000-01-01' THEN ")
	}
	e.Repeat(start, end)
	e.Wrap(start, "CASE WHEN ", " END")
	return true
}

// endOfMonth is the day before the first of the month that follows.
func endOfMonth(e *sqlgen.Emitter, c *lqp.Call, start int) bool {
	n, ok := sqlgen.LiteralInt(c.Args[1], -sqlgen.MaxMonths, sqlgen.MaxMonths)
	if !ok {
		return e.Fail("the count of months is not a constant")
	}
	e.Wrap(start, "(date_trunc('month', (", ")::timestamp) + interval '"+strconv.Itoa(n+1)+" months' - interval '1 day')::date")
	return inYears(e, start, dateRep)
}

// dateDiff is a - b in complete units. Elapsed time is counted in milliseconds, whose division cuts toward zero; complete
// months are those of age().
func (d *dialect) dateDiff(e *sqlgen.Emitter, c *lqp.Call) bool {
	unit, ok := c.Args[2].(*lqp.Lit)
	if !ok {
		return false
	}
	u, ok := sqlgen.UnitOf(unit.Val.Text())
	if !ok {
		return e.Fail("this unit is computed in memory")
	}
	a, b := c.Args[0], c.Args[1]
	if u.Months > 0 {
		return d.monthsBetween(e, a, b, u.Months)
	}
	if a.Type().Kind == lqp.Date && b.Type().Kind == lqp.Date {
		if !e.Infix(a, b, dateRep, " - ", "") {
			return false
		}
		e.WriteString("::int8")
		if u.Millis < dayMillis {
			e.WriteString(" * " + strconv.FormatInt(dayMillis/u.Millis, 10))
		} else {
			e.WriteString(" / " + strconv.FormatInt(u.Millis/dayMillis, 10))
		}
		return true
	}
	start := e.Len()
	for i, x := range [...]lqp.Expr{a, b} {
		if i > 0 {
			e.WriteString(" - ")
		}
		e.WriteString("(extract(epoch from ")
		if !e.ValueAs(x, instantRep) {
			return false
		}
		e.WriteString(") * 1000)::int8")
	}
	e.Wrap(start, "((", ") / "+strconv.FormatInt(u.Millis, 10)+")")
	return true
}

func (d *dialect) monthsBetween(e *sqlgen.Emitter, a, b lqp.Expr, months int64) bool {
	start := e.Len()
	for i, x := range [...]lqp.Expr{a, b} {
		if i > 0 {
			e.WriteString(", ")
		}
		if !e.ValueAs(x, instantRep) {
			return false
		}
	}
	end := e.Len()
	if !e.Repeatable(start, end) {
		return false
	}
	e.WriteString("))::int8 * 12 + extract(month from age(")
	e.Repeat(start, end)
	e.Wrap(start, "((extract(year from age(", "))::int8) / "+strconv.FormatInt(months, 10)+")")
	return true
}
