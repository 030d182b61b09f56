package sqlgen

import (
	"time"

	"github.com/livetables/livetables/lqp"
)

const dayMillis = 86_400_000

// dateRange recognises the comparison of the year or the day of a column with a constant, which holds on one run of
// dates: from start up to but not including next. Emitted on the bare column, an index can serve it.
func dateRange(x lqp.Expr, v lqp.Value) (c *lqp.Col, start, next lqp.Value, ok bool) {
	call, isCall := x.(*lqp.Call)
	if !isCall || len(call.Args) != 1 || call.Zone() != time.UTC && call.Zone().String() != "UTC" {
		return nil, start, next, false
	}
	c, isCol := call.Args[0].(*lqp.Col)
	if !isCol || c.Source == "" {
		return nil, start, next, false
	}
	var first, last int64 // days since 1970
	switch {
	case call.Func == "year" && v.Kind() == lqp.Number:
		y, whole := v.Decimal().Int64()
		if !whole || y < 1 || y > 9998 { // the year after must exist
			return nil, start, next, false
		}
		first, last = firstOfYear(y), firstOfYear(y+1)
	case call.Func == "to_date" && v.Kind() == lqp.Date && c.Type().Kind == lqp.DateTime:
		first, last = v.Days(), v.Days()+1
	default:
		return nil, start, next, false
	}
	switch c.Type().Kind {
	case lqp.Date:
		start, next = lqp.DateValue(first), lqp.DateValue(last)
	case lqp.DateTime:
		start, next = lqp.DateTimeValue(first*dayMillis), lqp.DateTimeValue(last*dayMillis)
	}
	return c, start, next, !start.IsNull() && !next.IsNull()
}

func firstOfYear(y int64) int64 {
	return time.Date(int(y), time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 86_400 // exact, also before 1970
}

// compareRange appends the comparison that dateRange recognised.
func (e *Emitter) compareRange(op Op, c *lqp.Col, start, next lqp.Value, ctx Context) bool {
	switch op {
	case Lt:
		return e.compareLit(Lt, c, start, ctx)
	case Ge:
		return e.compareLit(Ge, c, start, ctx)
	case Le:
		return e.compareLit(Lt, c, next, ctx)
	case Gt:
		return e.compareLit(Ge, c, next, ctx)
	}
	at := len(e.buf)
	arm, glue := ctx, " AND "
	switch ctx {
	case WhenFalse:
		glue = " OR "
	case AsValue:
		arm = WhenTrue
	}
	e.WriteString("(")
	if !e.compareLit(Ge, c, start, arm) {
		return false
	}
	e.WriteString(glue)
	if !e.compareLit(Lt, c, next, arm) {
		return false
	}
	e.WriteString(")")
	if ctx == AsValue {
		e.truth(at, AsValue, e.notNull(c))
	}
	return true
}
