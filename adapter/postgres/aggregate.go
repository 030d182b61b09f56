package postgres

import (
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Aggregate implements sqlgen.Dialect.
func (d *dialect) Aggregate(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	a = sqlgen.DerivedAggregate(a)
	if a.Func == "countall" {
		e.WriteString("count(*)")
		return intRep, e.Filter(a)
	}
	if a.Arg == nil {
		return sqlgen.Rep{}, false
	}
	kind := a.Arg.Type().Kind
	switch a.Func {
	case "count":
		if kind.Numeric() {
			return d.simple(e, a, "count(", ")", intRep)
		}
	case "counta":
		switch {
		case kind == lqp.Text:
			e.WriteString("count(nullif(")
			if !d.textValue(e, a.Arg) {
				return intRep, false
			}
			e.WriteString(", ''))")
			return intRep, e.Filter(a)
		case kind.Orderable():
			return d.simple(e, a, "count(", ")", intRep)
		}
	case "count_unique":
		if kind.Orderable() {
			return d.simple(e, a, "count(DISTINCT ", ")", intRep)
		}
	case "sum":
		return d.sum(e, a)
	case "average":
		return d.average(e, a)
	case "min", "max":
		return d.extreme(e, a)
	case "range":
		return numericRep, d.spread(e, a)
	case "percent_empty", "percent_filled":
		return numericRep, d.percent(e, a)
	case "first", "last":
		return d.first(e, a)
	case "join":
		return textRep, d.join(e, a)
	}
	return sqlgen.Rep{}, e.Fail(sqlgen.AggregatedInMemory(a.Func))
}

// simple appends an aggregate of the argument's canonical value.
func (d *dialect) simple(e *sqlgen.Emitter, a *lqp.Aggregate, before, after string, r sqlgen.Rep) (sqlgen.Rep, bool) {
	e.WriteString(before)
	if _, ok := e.Value(a.Arg); !ok {
		return r, false
	}
	e.WriteString(after)
	return r, e.Filter(a)
}

const approximate = "sums of floats depend on the order of the rows and are done in memory"

// total appends the exact sum as numeric, NULL of nothing.
func (d *dialect) total(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if a.Arg.Type().Kind != lqp.Number {
		return e.Fail(approximate)
	}
	e.WriteString("sum(")
	r, ok := e.Value(a.Arg)
	if !ok {
		return false
	}
	e.WriteString(")")
	if !e.Filter(a) {
		return false
	}
	if r.Form == intForm { // the sum of int2 and int4 is a bigint
		e.WriteString("::numeric")
	}
	return true
}

// sum is 0 of nothing and NULL beyond the range of numbers.
func (d *dialect) sum(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	start := e.Len()
	if !d.total(e, a) {
		return numericRep, false
	}
	end := e.Len()
	if !e.Repeatable(start, end) {
		return numericRep, false
	}
	e.WriteString(" IS NULL THEN 0 WHEN abs(")
	e.Repeat(start, end)
	e.WriteString(") < 1e20 THEN ")
	e.Repeat(start, end)
	e.Wrap(start, "CASE WHEN ", " END")
	return numericRep, true
}

// average is the sum divided by the count with one rounding, as div does it.
func (d *dialect) average(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	e.WriteString("(round(div((")
	start := e.Len()
	if !d.total(e, a) || !ranged(e, start) {
		return numericRep, false
	}
	e.WriteString(") * 100000000000, (count(")
	if _, ok := e.Value(a.Arg); !ok {
		return numericRep, false
	}
	e.WriteString(")")
	if !e.Filter(a) {
		return numericRep, false
	}
	e.WriteString(")::numeric) * 0.1) * 0.0000000001)")
	return numericRep, true
}

func (d *dialect) extreme(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	kind := a.Arg.Type().Kind
	switch kind {
	case lqp.Bool: // there is no min(bool)
		if a.Func == "min" {
			return d.simple(e, a, "bool_and(", ")", boolRep)
		}
		return d.simple(e, a, "bool_or(", ")", boolRep)
	case lqp.Text:
		e.WriteString(a.Func + "(")
		if !d.textValue(e, a.Arg) {
			return textRep, false
		}
		e.WriteString(")")
		return textRep, e.Filter(a)
	}
	if !kind.Orderable() {
		return sqlgen.Rep{}, e.Fail("values of this kind are aggregated in memory")
	}
	e.WriteString(a.Func + "(")
	r, ok := e.Value(a.Arg)
	if !ok {
		return r, false
	}
	e.WriteString(")")
	return r, e.Filter(a)
}

// spread is the largest number minus the smallest.
func (d *dialect) spread(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if a.Arg.Type().Kind != lqp.Number {
		return e.Fail(approximate)
	}
	start := e.Len()
	for i, before := range [...]string{"max((", "min(("} {
		if i > 0 {
			e.WriteString(" - ")
		}
		e.WriteString(before)
		if !e.ValueAs(a.Arg, numericRep) {
			return false
		}
		e.WriteString("))")
		if !e.Filter(a) {
			return false
		}
	}
	e.Wrap(start, "(", ")")
	return ranged(e, start)
}

// percent is a hundredfold count divided by that of all rows, with one rounding.
func (d *dialect) percent(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	part := *a
	part.Func = strings.Replace(a.Func, "percent", "count", 1)
	e.WriteString("(round(div((")
	if _, ok := d.Aggregate(e, &part); !ok {
		return false
	}
	e.WriteString(")::numeric * 10000000000000, nullif((count(*)")
	if !e.Filter(a) {
		return false
	}
	e.WriteString(")::numeric, 0)) * 0.1) * 0.0000000001)")
	return true
}
