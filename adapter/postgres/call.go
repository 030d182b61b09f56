package postgres

import (
	"time"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The representations that functions answer in.
var (
	intRep     = sqlgen.Rep{Kind: lqp.Number, Form: intForm}
	numericRep = sqlgen.Rep{Kind: lqp.Number, Form: numericForm}
	floatRep   = sqlgen.Rep{Kind: lqp.Float, Form: float8Form}
	boolRep    = sqlgen.Rep{Kind: lqp.Bool, Form: boolForm}
	textRep    = sqlgen.Rep{Kind: lqp.Text, Form: binaryForm}
	dateRep    = sqlgen.Rep{Kind: lqp.Date, Form: dateForm}
	instantRep = sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm}
)

// Call implements sqlgen.Dialect. Functions that are missing here have no proven equal in PostgreSQL.
func (d *dialect) Call(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	switch c.Func {
	case "add", "sub", "mul", "div", "mod", "neg", "abs", "sign", "round", "rounddown", "trunc", "int", "floor", "ceiling":
		return d.math(e, c)
	case "concat", "left", "right", "mid", "len", "trim", "upper", "lower", "fold", "substitute", "to_text":
		return d.text(e, c)
	case "contains", "starts_with", "ends_with", "icontains":
		return d.search(e, c, ctx)
	case "year", "month", "day", "hour", "minute", "second", "weekday", "date_trunc", "to_date", "to_datetime":
		return d.date(e, c)
	}
	return sqlgen.Rep{}, false
}

// inUTC refuses date functions in other zones: the server's zone rules need not be ours.
func inUTC(e *sqlgen.Emitter, c *lqp.Call) bool {
	if z := c.Zone(); z == time.UTC || z.String() == "UTC" {
		return true
	}
	return e.Fail("dates in another time zone than UTC are computed in memory")
}

func (d *dialect) date(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	if !inUTC(e, c) {
		return sqlgen.Rep{}, false
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
	case "year", "month", "day", "weekday":
		field := c.Func
		if field == "weekday" {
			field = "dow"
		}
		e.Wrap(start, "extract("+field+" from ", ")::int8")
		return intRep, true
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
	switch unit.Val.Text() {
	case "year", "years":
		field = "year"
	case "quarter", "quarters":
		field = "quarter"
	case "month", "months":
		field = "month"
	case "day", "days":
		field = "day"
	case "hour", "hours":
		field = "hour"
	case "minute", "minutes":
		field = "minute"
	case "second", "seconds":
		field = "second"
	default:
		return r, e.Fail("this unit is computed in memory")
	}
	if r.Kind == lqp.Date {
		if field == "hour" || field == "minute" || field == "second" {
			return r, e.Fail("a date has no time of day")
		}
		e.Wrap(start, "date_trunc('"+field+"', (", ")::timestamp)::date")
		return r, true
	}
	e.Wrap(start, "date_trunc('"+field+"', ", ")")
	return r, true
}
