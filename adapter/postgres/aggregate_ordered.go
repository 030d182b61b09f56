package postgres

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// first takes the first or last value that is not NULL of an array in the order of the rows.
func (d *dialect) first(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	if !a.Arg.Type().Kind.Orderable() {
		return sqlgen.Rep{}, e.Fail("values of this kind are aggregated in memory")
	}
	e.WriteString("(array_agg(")
	r, ok := e.Value(a.Arg)
	if !ok || !e.AggregateOrder(a.OrderBy, a.Func == "last") {
		return r, false
	}
	e.WriteString(")")
	present := *a
	present.Filter = lqp.NewCall("not", lqp.NewCall("is_null", a.Arg))
	if a.Filter != nil {
		present.Filter = lqp.And(a.Filter, present.Filter)
	}
	if !e.Filter(&present) {
		return r, false
	}
	e.WriteString(")[1]")
	return r, true
}

// join puts texts together in the order of the rows.
func (d *dialect) join(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	start := e.Len()
	e.WriteString("string_agg(")
	if !d.toText(e, a.Arg, "") {
		return false
	}
	e.WriteString(", ', '")
	if !e.AggregateOrder(a.OrderBy, false) {
		return false
	}
	e.WriteString(")")
	if !e.Filter(a) {
		return false
	}
	return e.Guarded(start, "char_length(", ") <= "+strconv.Itoa(lqp.MaxText))
}
