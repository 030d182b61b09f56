package sqlgen

import (
	"time"

	"github.com/livetables/livetables/lqp"
)

// twoValued reports that a call is a comparison or logical function: TRUE or FALSE, never NULL.
func twoValued(c *lqp.Call) bool {
	switch c.Func {
	case "if", "ifs", "switch", "coalesce", "min", "max", "blank", "to_bool", "array_first", "array_last", "array_at":
		return false
	}
	return c.Type().Kind == lqp.Bool
}

// compareOp maps the comparison functions to operators.
func compareOp(fn string) (Op, bool) {
	switch fn {
	case "eq":
		return Eq, true
	case "ne":
		return Ne, true
	case "lt":
		return Lt, true
	case "le":
		return Le, true
	case "gt":
		return Gt, true
	case "ge":
		return Ge, true
	}
	return 0, false
}

// Predicate appends a boolean expression for a context. NULL counts as FALSE, as everywhere a condition is asked.
func (e *Emitter) Predicate(x lqp.Expr, ctx Context) bool {
	if x.Type().Kind == lqp.Null { // a column that is always NULL has some type in the database
		e.constant(false, ctx)
		return true
	}
	switch x := x.(type) {
	case *lqp.Lit:
		e.constant(lqp.Truth(x.Val), ctx)
		return true
	case *lqp.Call:
		return e.predicateCall(x, ctx)
	}
	start := len(e.buf)
	if _, ok := e.Value(x); !ok {
		return false
	}
	e.truth(start, ctx, e.notNull(x))
	return true
}

// predicateValue appends a condition as an operand. One that is constant is bound: databases take a bare constant among
// group and sort keys for a mistake, or for the number of a column.
func (e *Emitter) predicateValue(x lqp.Expr) bool {
	start := len(e.buf)
	if !e.Predicate(x, AsValue) {
		return false
	}
	text := string(e.buf[start:])
	if text == e.feat.True || text == e.feat.False {
		e.buf = e.buf[:start]
		_, ok := e.Literal(lqp.BoolValue(text == e.feat.True), Rep{})
		return ok
	}
	e.Wrap(start, "(", ")")
	return true
}

// constant appends TRUE or FALSE, negated when only the negation matters.
func (e *Emitter) constant(b bool, ctx Context) {
	if b != (ctx == WhenFalse) {
		e.WriteString(e.feat.True)
	} else {
		e.WriteString(e.feat.False)
	}
}

// truth adapts a boolean that may be NULL, emitted from start on in the WhenTrue form, to a context.
func (e *Emitter) truth(start int, ctx Context, notNull bool) {
	switch {
	case ctx == WhenTrue:
	case ctx == WhenFalse && notNull:
		e.Wrap(start, "NOT (", ")")
	case ctx == WhenFalse:
		e.Wrap(start, "(", ") IS NOT TRUE")
	case !notNull:
		e.Wrap(start, "((", ") IS TRUE)")
	}
}

// midnights answers with a call that compares no date with an instant in another zone than UTC: constant dates become the
// instants of their midnights there. Those of columns are found in memory.
func (e *Emitter) midnights(c *lqp.Call) (*lqp.Call, bool) {
	zone := c.Zone()
	if zone == time.UTC || zone.String() == "UTC" {
		return c, true
	}
	var dates, instants bool
	for _, a := range c.Args {
		t := a.Type()
		dates = dates || t.Kind == lqp.Date || t.Kind == lqp.List && t.Elem == lqp.Date
		instants = instants || t.Kind == lqp.DateTime || t.Kind == lqp.List && t.Elem == lqp.DateTime
	}
	if !dates || !instants {
		return c, true
	}
	const reason = "a date is compared with a point in time in another zone than UTC"
	if _, compared := compareOp(c.Func); !compared && c.Func != "in" && c.Func != "between" {
		return c, e.Fail(reason)
	}
	args := make([]lqp.Expr, len(c.Args))
	for i, a := range c.Args {
		args[i] = Fold(a)
		if a.Type().Kind == lqp.DateTime {
			continue
		}
		l, ok := args[i].(*lqp.Lit)
		if !ok || l.Val.Kind() != lqp.Date {
			return c, e.Fail(reason)
		}
		at := lqp.DateTimeValue(lqp.InstantOf(zone, l.Val.Days()*dayMillis))
		if at.IsNull() {
			return c, e.Fail(reason)
		}
		args[i] = lqp.Literal(at)
	}
	return lqp.NewCall(c.Func, args...), true
}

func (e *Emitter) predicateCall(c *lqp.Call, ctx Context) bool {
	if constant(c) {
		e.constant(lqp.Truth(lqp.Eval(c, nil)), ctx)
		return true
	}
	c, ok := e.midnights(c)
	if !ok {
		return false
	}
	if op, ok := compareOp(c.Func); ok && len(c.Args) == 2 {
		return e.compare(op, c.Args[0], c.Args[1], ctx)
	}
	switch c.Func {
	case "and":
		return e.connect(c.Args, false, ctx)
	case "or":
		return e.connect(c.Args, true, ctx)
	case "not":
		return e.not(c, ctx)
	case "xor":
		return e.xor(c.Args, ctx)
	case "in":
		return e.in(c, ctx)
	case "between":
		if len(c.Args) == 3 {
			return e.between(c, ctx)
		}
	case "is_null":
		return e.isNull(c.Args[0], ctx)
	case "is_blank":
		switch c.Args[0].Type().Kind {
		case lqp.Text:
			return e.isBlankText(c.Args[0], ctx)
		case lqp.List:
		default:
			return e.isNull(c.Args[0], ctx)
		}
	case "true", "false":
		e.constant(c.Func == "true", ctx)
		return true
	case "blank":
		e.constant(false, ctx)
		return true
	}
	if x := e.derived(c); x != nil {
		return e.Predicate(x, ctx)
	}
	start := len(e.buf)
	if !twoValued(c) {
		if _, ok := e.Value(c); !ok {
			return false
		}
		e.truth(start, ctx, false)
		return true
	}
	inner := WhenTrue
	if ctx == AsValue {
		inner = AsValue
	}
	if _, ok := e.d.Call(e, c, inner); !ok {
		return e.Fail(inMemory(c.Func))
	}
	e.truth(start, ctx, false)
	return true
}

// connect appends arms joined by OR or AND. Their negations are joined the other way round.
func (e *Emitter) connect(arms []lqp.Expr, or bool, ctx Context) bool {
	if len(arms) == 0 {
		e.constant(!or, ctx)
		return true
	}
	arm := ctx
	if ctx == AsValue {
		arm = WhenTrue
	}
	if ctx == WhenFalse {
		or = !or
	}
	start := len(e.buf)
	e.WriteString("(")
	for i, a := range arms {
		switch {
		case i == 0:
		case or:
			e.WriteString(" OR ")
		default:
			e.WriteString(" AND ")
		}
		if !e.Predicate(a, arm) {
			return false
		}
	}
	e.WriteString(")")
	if ctx == AsValue {
		e.truth(start, AsValue, false)
	}
	return true
}

func (e *Emitter) not(c *lqp.Call, ctx Context) bool {
	switch ctx {
	case WhenTrue:
		return e.Predicate(c.Args[0], WhenFalse)
	case WhenFalse:
		return e.Predicate(c.Args[0], WhenTrue)
	}
	start := len(e.buf)
	if !e.Predicate(c.Args[0], WhenFalse) {
		return false
	}
	e.truth(start, AsValue, false)
	return true
}

func (e *Emitter) xor(arms []lqp.Expr, ctx Context) bool {
	start := len(e.buf)
	for i, a := range arms {
		if i > 0 {
			e.Wrap(start, "(", " <> ")
		}
		if !e.predicateValue(a) {
			return false
		}
		if i > 0 {
			e.WriteString(")")
		}
	}
	e.truth(start, ctx, true)
	return true
}

// isNull appends the test for NULL.
func (e *Emitter) isNull(x lqp.Expr, ctx Context) bool {
	switch x := x.(type) {
	case *lqp.Lit:
		e.constant(x.Val.IsNull(), ctx)
		return true
	case *lqp.Call:
		if twoValued(x) {
			e.constant(false, ctx)
			return true
		}
	case *lqp.Col:
		if x.Source == "" {
			break
		}
		if e.notNull(x) {
			e.constant(false, ctx)
			return true
		}
		_, out, _, ok := e.lookup(x)
		if !ok {
			return false
		}
		if out.Storage.Exact || out.Storage.NullExact {
			e.bare(x)
			e.nullTest(ctx)
			return true
		}
	}
	if _, call := x.(*lqp.Call); call && e.feat.LazyNulls && x.Type().Kind == lqp.Float {
		return e.Fail(UnseenOverflow)
	}
	if _, ok := e.Value(x); !ok {
		return false
	}
	e.nullTest(ctx)
	return true
}

func (e *Emitter) nullTest(ctx Context) {
	if ctx == WhenFalse {
		e.WriteString(" IS NOT NULL")
	} else {
		e.WriteString(" IS NULL")
	}
}

// isBlankText appends the test for NULL or the empty text.
func (e *Emitter) isBlankText(x lqp.Expr, ctx Context) bool {
	if ctx == WhenFalse { // a comparison that is TRUE excludes NULL
		return e.nonEmpty(x)
	}
	start := len(e.buf)
	e.WriteString("(")
	if !e.isNull(x, WhenTrue) {
		return false
	}
	e.WriteString(" OR ")
	if !e.compareLit(Eq, x, emptyText, WhenTrue) {
		return false
	}
	e.WriteString(")")
	e.truth(start, ctx, false)
	return true
}

var emptyText = lqp.TextValue("")

func (e *Emitter) nonEmpty(x lqp.Expr) bool {
	start := len(e.buf)
	r, ok := e.Value(x)
	if !ok {
		return false
	}
	e.prepare(Ne, start, r)
	mid := len(e.buf)
	e.WriteString(opText[Ne])
	right := len(e.buf)
	rv, ok := e.Literal(emptyText, r)
	return ok && e.unify(start, mid, right, r, rv)
}

// between is lo ≤ x and x ≤ hi.
func (e *Emitter) between(c *lqp.Call, ctx Context) bool {
	start := len(e.buf)
	arm, glue := ctx, " AND "
	switch ctx {
	case WhenFalse:
		glue = " OR "
	case AsValue:
		arm = WhenTrue
	}
	e.WriteString("(")
	if !e.compare(Ge, c.Args[0], c.Args[1], arm) {
		return false
	}
	e.WriteString(glue)
	if !e.compare(Le, c.Args[0], c.Args[2], arm) {
		return false
	}
	e.WriteString(")")
	if ctx == AsValue {
		e.truth(start, AsValue, false)
	}
	return true
}
