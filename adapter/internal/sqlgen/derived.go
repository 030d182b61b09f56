package sqlgen

import "github.com/livetables/livetables/lqp"

// derived says a call with other functions, exactly and for every argument, nil when there is no such way. The dialect
// need then know the others only, and comparisons among them keep their forms that indexes serve.
func (e *Emitter) derived(c *lqp.Call) lqp.Expr {
	if !e.feat.Derive || len(c.Args) == 0 {
		return nil
	}
	a := c.Args[0]
	switch c.Func {
	case "t":
		if a.Type().Kind == lqp.Text {
			return a
		}
		return lqp.TypedNull(lqp.Type{Kind: lqp.Text})
	case "exact":
		return equalValues(a, c.Args[1])
	case "is_before", "is_after", "is_same":
		return derivedOrder(c)
	case "days":
		return lqp.InZone(lqp.NewCall("datetime_diff", toDate(a), toDate(c.Args[1]), textLit("day")), c.Zone())
	case "datestr":
		return lqp.InZone(lqp.NewCall("to_text", toDate(a)), c.Zone())
	case "to_unix":
		if a.Type().Kind == lqp.Date {
			a = lqp.NewCall("to_datetime", a)
		}
		millis := lqp.NewCall("datetime_diff", a, lqp.Literal(lqp.DateTimeValue(0)), textLit("millisecond"))
		return lqp.InZone(lqp.NewCall("div", millis, intLit(1000)), c.Zone())
	case "count", "counta", "countall":
		return derivedCount(c)
	case "min", "max":
		return e.derivedExtreme(c)
	case "average":
		if c.Type().Kind == lqp.Number && !hasList(c.Args) {
			return lqp.NewCall("div", lqp.NewCall("sum", c.Args...), lqp.NewCall("count", c.Args...))
		}
	case "replace":
		return derivedReplace(c)
	}
	if c.Type().Kind == lqp.Number {
		return e.derivedNumber(c)
	}
	return nil
}

func intLit(n int64) lqp.Expr       { return lqp.Literal(lqp.IntValue(n)) }
func textLit(s string) lqp.Expr     { return lqp.Literal(lqp.TextValue(s)) }
func notNull(x lqp.Expr) lqp.Expr   { return lqp.NewCall("not", lqp.NewCall("is_null", x)) }
func negative(x lqp.Expr) lqp.Expr  { return lqp.NewCall("neg", x) }
func magnitude(x lqp.Expr) lqp.Expr { return lqp.NewCall("abs", x) }

func toDate(x lqp.Expr) lqp.Expr {
	if x.Type().Kind == lqp.Date {
		return x
	}
	return lqp.NewCall("to_date", x)
}

func hasList(args []lqp.Expr) bool {
	for _, a := range args {
		if a.Type().Kind == lqp.List {
			return true
		}
	}
	return false
}

// equalValues is TRUE when a and b are equal and not NULL.
func equalValues(a, b lqp.Expr) lqp.Expr {
	equal := lqp.NewCall("eq", a, b)
	if nonNullLit(a) || nonNullLit(b) {
		return equal
	}
	return lqp.NewCall("and", notNull(a), equal)
}

// derivedOrder compares dates, or the units of time that they lie in by their beginnings. The hour of a date is that of its
// midnight.
func derivedOrder(c *lqp.Call) lqp.Expr {
	a, b := c.Args[0], c.Args[1]
	if len(c.Args) > 2 {
		unit, ok := c.Args[2].(*lqp.Lit)
		if !ok {
			return nil
		}
		a, b = unitStart(a, unit), unitStart(b, unit)
	}
	var x lqp.Expr
	switch c.Func {
	case "is_before":
		x = lqp.NewCall("lt", a, b)
	case "is_after":
		x = lqp.NewCall("gt", a, b)
	default:
		x = equalValues(a, b)
	}
	return lqp.InZone(x, c.Zone())
}

func unitStart(x lqp.Expr, unit *lqp.Lit) lqp.Expr {
	if x.Type().Kind == lqp.Date && shortUnit(unit.Val.Text()) {
		return x
	}
	return lqp.NewCall("date_trunc", x, unit)
}

func shortUnit(name string) bool {
	switch name {
	case "millisecond", "milliseconds", "second", "seconds", "minute", "minutes", "hour", "hours":
		return true
	}
	return false
}

// derivedCount adds a one for every argument that counts.
func derivedCount(c *lqp.Call) lqp.Expr {
	if hasList(c.Args) {
		return nil
	}
	fixed, sum := int64(0), lqp.Expr(nil)
	for _, a := range c.Args {
		test := "is_blank"
		switch {
		case c.Func == "countall":
			fixed++
			continue
		case c.Func == "count" && a.Type().Kind.Numeric():
			test = "is_null"
		case c.Func == "count":
			continue
		}
		one := lqp.NewCall("if", lqp.NewCall(test, a), intLit(0), intLit(1))
		if sum == nil {
			sum = one
		} else {
			sum = lqp.NewCall("add", sum, one)
		}
	}
	if sum == nil {
		return intLit(fixed)
	}
	return sum
}

// derivedExtreme compares one argument after the other with the furthest so far.
func (e *Emitter) derivedExtreme(c *lqp.Call) lqp.Expr {
	op := "lt"
	if c.Func == "max" {
		op = "gt"
	}
	best := c.Args[0]
	kind := best.Type().Kind
	if len(c.Args) > 4 || !kind.Orderable() || !e.short(best) {
		return nil
	}
	for _, a := range c.Args[1:] {
		if a.Type().Kind != kind || !e.short(a) {
			return nil
		}
		best = lqp.NewCall("if", lqp.NewCall("or", lqp.NewCall("is_null", best), lqp.NewCall(op, a, best)), a, best)
	}
	return best
}

// maxShort bounds the text of what is repeated, in bytes: calls that repeat their arguments may stand in each other.
const maxShort = 300

// short reports that an expression can be emitted and is short enough to be repeated a few times.
func (e *Emitter) short(x lqp.Expr) bool {
	switch x.(type) {
	case *lqp.Lit, *lqp.Col:
		return true
	}
	start, args, reason := len(e.buf), len(e.args), e.reason
	keys, texts := len(e.keys), len(e.texts) // aggregates that were met here have arguments that go too
	_, ok := e.Value(x)
	n := len(e.buf) - start
	e.buf, e.args, e.reason = e.buf[:start], e.args[:args], reason
	e.keys, e.texts = e.keys[:keys], e.texts[:texts]
	return ok && n <= maxShort
}

// derivedReplace puts a text together from what is before and behind a constant place.
func derivedReplace(c *lqp.Call) lqp.Expr {
	from, ok1 := LiteralInt(c.Args[1], 1, lqp.MaxText+1)
	n, ok2 := LiteralInt(c.Args[2], 0, lqp.MaxText)
	if !ok1 || !ok2 {
		return nil
	}
	s, to := c.Args[0], c.Args[3]
	whole := lqp.NewCall("concat", lqp.NewCall("left", s, intLit(int64(from-1))), to,
		lqp.NewCall("mid", s, intLit(int64(from+n)), intLit(lqp.MaxText)))
	return lqp.NewCall("if", lqp.NewCall("or", lqp.NewCall("is_null", s), lqp.NewCall("is_null", to)), lqp.TypedNull(c.Type()), whole)
}

// derivedNumber says functions of exact numbers by others that are exact.
func (e *Emitter) derivedNumber(c *lqp.Call) lqp.Expr {
	a := c.Args[0]
	if a.Type().Kind != lqp.Number || !e.short(a) {
		return nil
	}
	var b lqp.Expr
	if len(c.Args) > 1 {
		if b = c.Args[1]; b.Type().Kind != lqp.Number || !e.short(b) {
			return nil
		}
	}
	switch c.Func {
	case "floor":
		if b != nil {
			return lqp.NewCall("sub", a, lqp.NewCall("mod", a, magnitude(b)))
		}
	case "ceiling":
		if b != nil {
			return lqp.NewCall("add", a, lqp.NewCall("mod", negative(a), magnitude(b)))
		}
	case "quotient":
		whole := lqp.NewCall("sub", magnitude(a), lqp.NewCall("mod", magnitude(a), magnitude(b)))
		return lqp.NewCall("mul", lqp.NewCall("div", whole, magnitude(b)), lqp.NewCall("mul", lqp.NewCall("sign", a), lqp.NewCall("sign", b)))
	case "mround":
		rest := lqp.NewCall("mod", magnitude(a), magnitude(b))
		low := lqp.NewCall("sub", magnitude(a), rest)
		near := lqp.NewCall("if", lqp.NewCall("ge", rest, lqp.NewCall("sub", magnitude(b), rest)), lqp.NewCall("add", low, magnitude(b)), low)
		return lqp.NewCall("mul", lqp.NewCall("sign", a), near)
	case "even", "odd":
		rest := int64(0)
		if c.Func == "odd" {
			rest = 1
		}
		whole := lqp.NewCall("ceiling", magnitude(a))
		away := lqp.NewCall("if", lqp.NewCall("eq", lqp.NewCall("mod", whole, intLit(2)), intLit(rest)), whole, lqp.NewCall("add", whole, intLit(1)))
		return lqp.NewCall("if", lqp.NewCall("lt", a, intLit(0)), negative(away), away)
	case "roundup":
		return derivedRoundUp(a, b)
	}
	return nil
}

// derivedRoundUp cuts the number and adds a unit of the last digit where that changed it.
func derivedRoundUp(a, digits lqp.Expr) lqp.Expr {
	n := 0
	if digits != nil {
		var ok bool
		if n, ok = LiteralInt(digits, -25, lqp.DecimalDigits); !ok {
			return nil
		}
	}
	if n >= lqp.DecimalDigits {
		return a
	}
	unit := lqp.DecimalFromScaled(1, n)
	if n < 0 {
		if n < -19 { // one unit is beyond the range of numbers
			return lqp.NewCall("if", lqp.NewCall("eq", a, intLit(0)), a, lqp.TypedNull(lqp.Type{Kind: lqp.Number}))
		}
		unit = lqp.DecimalFromInt(1)
		for range -n {
			unit, _ = unit.Mul(lqp.DecimalFromInt(10))
		}
	}
	cut := lqp.NewCall("rounddown", a, intLit(int64(n)))
	up := lqp.NewCall("add", cut, lqp.NewCall("mul", lqp.NewCall("sign", a), lqp.Literal(lqp.NumberValue(unit))))
	return lqp.NewCall("if", lqp.NewCall("eq", cut, a), a, up)
}

// DerivedAggregate says an aggregate by another one with the same answer, a itself when there is none.
func DerivedAggregate(a *lqp.Aggregate) *lqp.Aggregate {
	out := *a
	switch a.Func {
	case "earliest", "and":
		out.Func = "min"
	case "latest", "or":
		out.Func = "max"
	case "count_filled":
		out.Func = "counta"
	case "count_empty", "checked", "unchecked":
		if a.Arg == nil || a.Arg.Type().Kind == lqp.List {
			return a
		}
		var which lqp.Expr
		switch a.Func {
		case "count_empty":
			which = lqp.NewCall("is_blank", a.Arg)
		case "checked":
			which = a.Arg
		default:
			which = lqp.NewCall("not", a.Arg)
		}
		out.Func, out.Arg, out.Filter = "countall", nil, lqp.And(which)
		if a.Filter != nil {
			out.Filter = lqp.And(a.Filter, which)
		}
	default:
		return a
	}
	return &out
}
