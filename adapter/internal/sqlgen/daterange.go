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
	if !isCall || len(call.Args) != 1 {
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
		var ok1, ok2 bool
		start, ok1 = instantOfDay(call.Zone(), first)
		next, ok2 = instantOfDay(call.Zone(), last)
		if !ok1 || !ok2 {
			return nil, start, next, false
		}
	}
	return c, start, next, !start.IsNull() && !next.IsNull()
}

func firstOfYear(y int64) int64 {
	return time.Date(int(y), time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 86_400 // exact, also before 1970
}

// clockLimits are the instants between which the clocks of a zone show years of ours, where they do not do so always: NULL
// stands for no limit.
func clockLimits(zone *time.Location) (low, high lqp.Value) {
	first, last := firstOfYear(1), firstOfYear(10_000)
	if zone == nil || zone == time.UTC || zone.String() == "UTC" {
		return low, high
	}
	return lqp.DateTimeValue(lqp.InstantOf(zone, first*dayMillis)), lqp.DateTimeValue(lqp.InstantOf(zone, last*dayMillis))
}

// compareLimited is compareRange for an order other than equality in a zone whose clocks leave our years before UTC does: the
// day is NULL there.
func (e *Emitter) compareLimited(op Op, c *lqp.Col, start, next, low, high lqp.Value, ctx Context) bool {
	fn, at := "lt", start
	switch op {
	case Ge:
		fn = "ge"
	case Le:
		at = next
	case Gt:
		fn, at = "ge", next
	}
	arms := []lqp.Expr{lqp.NewCall(fn, c, lqp.Literal(at))}
	if !low.IsNull() {
		arms = append(arms, lqp.NewCall("ge", c, lqp.Literal(low)))
	}
	if !high.IsNull() {
		arms = append(arms, lqp.NewCall("lt", c, lqp.Literal(high)))
	}
	return e.Predicate(lqp.And(arms...), ctx)
}

// instantOfDay is the instant from which on the clocks of a zone show that day or a later one. It is false where there is no
// such instant, since they were put back over midnight.
func instantOfDay(zone *time.Location, day int64) (lqp.Value, bool) {
	local := day * dayMillis
	if zone == nil || zone == time.UTC || zone.String() == "UTC" {
		return lqp.DateTimeValue(local), true
	}
	from := lqp.InstantOf(zone, local)
	// No zone is farther than a day from UTC: what happens beyond two days before and after cannot show that midnight.
	for at := time.UnixMilli(from - 2*dayMillis).In(zone); ; {
		_, offset := at.Zone()
		begin, end := at.ZoneBounds()
		shows := func(t int64) bool { return t+int64(offset)*1000 >= local }
		first, last := from-2*dayMillis, from+2*dayMillis // of this offset, around midnight
		if !begin.IsZero() {
			first = max(first, begin.UnixMilli())
		}
		if !end.IsZero() {
			last = min(last, end.UnixMilli()-1)
		}
		switch {
		case first < from && shows(min(last, from-1)), last >= from && !shows(max(first, from)):
			return lqp.Value{}, false
		case end.IsZero() || end.UnixMilli() > from+2*dayMillis:
			return lqp.DateTimeValue(from), true
		case !end.After(at): // see [lqp.InstantOf]: some bounds do not lie behind
			return lqp.Value{}, false
		}
		at = end
	}
}

// compareRange appends the comparison that dateRange recognised.
func (e *Emitter) compareRange(op Op, c *lqp.Col, zone *time.Location, start, next lqp.Value, ctx Context) bool {
	if low, high := clockLimits(zone); op != Eq && c.Type().Kind == lqp.DateTime && !(low.IsNull() && high.IsNull()) {
		return e.compareLimited(op, c, start, next, low, high, ctx)
	}
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
