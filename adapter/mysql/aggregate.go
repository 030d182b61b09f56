package mysql

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

const approximate = "sums of floats depend on the order of the rows and are done in memory"

// Aggregate implements sqlgen.Dialect. There is no FILTER clause: what is filtered out becomes NULL, which aggregates
// skip.
func (d *dialect) Aggregate(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	if a.Func == "countall" {
		if a.Filter == nil {
			e.WriteString("COUNT(*)")
			return intRep, true
		}
		return intRep, filtered(e, a, "COUNT(", func() bool { e.WriteString("1"); return true })
	}
	if a.Arg == nil {
		return sqlgen.Rep{}, false
	}
	kind := a.Arg.Type().Kind
	switch a.Func {
	case "count":
		if kind.Numeric() {
			return simple(e, a, "COUNT(", &intRep)
		}
	case "counta":
		switch {
		case kind == lqp.Text:
			return intRep, filtered(e, a, "COUNT(", func() bool {
				e.WriteString("NULLIF(")
				ok := e.ValueAs(a.Arg, textRep)
				e.WriteString(", '')")
				return ok
			})
		case kind.Orderable():
			return simple(e, a, "COUNT(", &intRep)
		}
	case "count_unique":
		if kind.Orderable() {
			return simple(e, a, "COUNT(DISTINCT ", &intRep)
		}
	case "sum":
		return d.sum(e, a)
	case "average":
		return d.average(e, a)
	case "min", "max":
		before := "MIN("
		if a.Func == "max" {
			before = "MAX("
		}
		if kind.Orderable() {
			return simple(e, a, before, nil)
		}
	}
	return sqlgen.Rep{}, e.Fail("values of this kind are aggregated in memory")
}

// filtered appends an aggregate of what arg appends.
func filtered(e *sqlgen.Emitter, a *lqp.Aggregate, before string, arg func() bool) bool {
	e.WriteString(before)
	if a.Filter != nil {
		e.WriteString("CASE WHEN ")
		if !e.Predicate(a.Filter, sqlgen.WhenTrue) {
			return false
		}
		e.WriteString(" THEN ")
	}
	if !arg() {
		return false
	}
	if a.Filter != nil {
		e.WriteString(" END")
	}
	e.WriteString(")")
	return true
}

// simple appends an aggregate of the argument's canonical value. The result has the argument's representation unless
// another one is given.
func simple(e *sqlgen.Emitter, a *lqp.Aggregate, before string, as *sqlgen.Rep) (sqlgen.Rep, bool) {
	var r sqlgen.Rep
	ok := filtered(e, a, before, func() (ok bool) {
		r, ok = e.Value(a.Arg)
		return ok
	})
	if as != nil {
		r = *as
	}
	return r, ok
}

// total appends the exact sum, NULL of nothing. The server adds integers and decimals as decimals.
func (d *dialect) total(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if a.Arg.Type().Kind != lqp.Number {
		return e.Fail(approximate)
	}
	_, ok := simple(e, a, "SUM(", nil)
	return ok
}

// sum is 0 of nothing and NULL beyond the range of numbers.
func (d *dialect) sum(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	start := e.Len()
	if !d.total(e, a) {
		return numericRep, false
	}
	e.Wrap(start, "COALESCE(", ", 0)")
	return numericRep, fit(e, start, false)
}

// average is the sum divided by the count with one rounding, as div does it.
func (d *dialect) average(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	at := e.Len()
	e.WriteString(divBegin)
	start := e.Len()
	if !d.total(e, a) || !fit(e, start, false) {
		return numericRep, false
	}
	e.WriteString(divMiddle)
	if _, ok := simple(e, a, "COUNT(", nil); !ok {
		return numericRep, false
	}
	e.WriteString(divEnd)
	return numericRep, fit(e, at, true)
}
