package sqlgen

import "github.com/livetables/livetables/lqp"

var opText = [...]string{Eq: " = ", Ne: " <> ", Lt: " < ", Le: " <= ", Gt: " > ", Ge: " >= "}

// mirror is the operator with its operands exchanged.
func (o Op) mirror() Op {
	switch o {
	case Lt:
		return Gt
	case Le:
		return Ge
	case Gt:
		return Lt
	case Ge:
		return Le
	}
	return o
}

// negate is the operator that holds between two values that are not NULL exactly when o does not.
func (o Op) negate() Op {
	switch o {
	case Eq:
		return Ne
	case Ne:
		return Eq
	case Lt:
		return Ge
	case Le:
		return Gt
	case Gt:
		return Le
	}
	return Lt
}

// compare appends a two-valued comparison.
func (e *Emitter) compare(op Op, a, b lqp.Expr, ctx Context) bool {
	a, b = Fold(a), Fold(b)
	if _, ok := a.(*lqp.Lit); ok {
		a, b, op = b, a, op.mirror()
	}
	if l, ok := b.(*lqp.Lit); ok {
		return e.compareLit(op, a, l.Val, ctx)
	}
	aNever, bNever := e.notNull(a), e.notNull(b)
	notNull := aNever && bNever
	switch {
	case notNull && ctx == WhenFalse:
		return e.compareValues(op.negate(), a, b)
	case notNull && op == Eq && ctx == WhenTrue:
		return e.equalColumns(a, b)
	case notNull:
		return e.compareValues(op, a, b)
	case ctx == WhenFalse && op <= Ne: // equality is two-valued already: its negation is its opposite
		return e.compare(op.negate(), a, b, WhenTrue)
	case ctx != WhenTrue:
		start := len(e.buf)
		if !e.compare(op, a, b, WhenTrue) {
			return false
		}
		e.truth(start, ctx, false)
		return true
	}
	switch {
	case op == Eq && !aNever && !bNever && e.feat.NullSafeEqual != "":
		return e.operands(Eq, e.feat.NullSafeEqual, a, b)
	case op == Eq && !aNever && !bNever:
		// Both NULL is equal too. IS NOT DISTINCT FROM would say it shorter and without any index.
		e.WriteString("(")
		if !e.compareValues(Eq, a, b) {
			return false
		}
		e.WriteString(" OR (")
		if !e.isNull(a, WhenTrue) {
			return false
		}
		e.WriteString(" AND ")
		if !e.isNull(b, WhenTrue) {
			return false
		}
		e.WriteString("))")
		return true
	case op == Ne && e.feat.NullSafeEqual != "":
		start := len(e.buf)
		if !e.operands(Eq, e.feat.NullSafeEqual, a, b) {
			return false
		}
		e.Wrap(start, "NOT (", ")")
		return true
	case op == Ne:
		return e.operands(Ne, e.feat.DistinctFrom, a, b)
	case op == Eq:
		return e.equalColumns(a, b)
	}
	return e.compareValues(op, a, b)
}

// equalColumns appends the equality of two values, at least one of which is never NULL, where only TRUE matters. Before it
// stands that of the bare columns, where it is implied and not the same.
func (e *Emitter) equalColumns(a, b lqp.Expr) bool {
	d, ok := e.d.(EqualColumns)
	x, okX := a.(*lqp.Col)
	y, okY := b.(*lqp.Col)
	if !ok || !okX || !okY || x.Source == "" || y.Source == "" {
		return e.compareValues(Eq, a, b)
	}
	_, outX, _, okX := e.lookup(x)
	_, outY, _, okY := e.lookup(y)
	if !okX || !okY {
		return false
	}
	if outX.Storage.Exact && outY.Storage.Exact || outX.Storage.Opaque+outY.Storage.Opaque != "" || !d.ImpliedEqual(outX, outY) {
		return e.compareValues(Eq, a, b)
	}
	e.WriteString("(")
	e.bare(x)
	e.WriteString(opText[Eq])
	e.bare(y)
	e.WriteString(" AND ")
	if !e.compareValues(Eq, a, b) {
		return false
	}
	e.WriteString(")")
	return true
}

// compareValues appends the bare SQL comparison, NULL when an operand is.
func (e *Emitter) compareValues(op Op, a, b lqp.Expr) bool { return e.operands(op, "", a, b) }

// operands appends two operands in a common representation with an operator between; text replaces its spelling.
func (e *Emitter) operands(op Op, text string, a, b lqp.Expr) bool {
	rounded := op == Eq && e.feat.RoundsKeys && digitsDiffer(a, b)
	if rounded && a.Type().Scale < b.Type().Scale {
		a, b = b, a
	}
	start := len(e.buf)
	ra, ok := e.Value(a)
	if !ok {
		return false
	}
	e.prepare(op, start, ra)
	mid := len(e.buf)
	if text == "" {
		e.WriteString(opText[op])
	} else {
		e.WriteString(" ")
		e.WriteString(text)
		e.WriteString(" ")
	}
	right := len(e.buf)
	rb, ok := e.Value(b)
	if !ok {
		return false
	}
	if rounded {
		e.Wrap(right, "(", " + 0)") // no index of the column with fewer digits
	}
	return e.unify(start, mid, right, ra, rb)
}

// digitsDiffer reports that two columns of numbers have not as many digits after the point.
func digitsDiffer(a, b lqp.Expr) bool {
	_, okA := a.(*lqp.Col)
	_, okB := b.(*lqp.Col)
	return okA && okB && a.Type().Kind == lqp.Number && b.Type().Kind == lqp.Number && a.Type().Scale != b.Type().Scale
}

// prepare adds what the left operand of op needs, say a collation.
func (e *Emitter) prepare(op Op, start int, r Rep) {
	if op <= Ne {
		e.d.Equals(e, start, r)
	} else {
		e.d.Ordered(e, start, r)
	}
}

// unify gives the operand in [start,mid) and the one from right on a common representation.
func (e *Emitter) unify(start, mid, right int, a, b Rep) bool {
	common, ok := e.common(a, b)
	if !ok {
		return false
	}
	if !sameRep(b, common) && !e.d.Convert(e, right, b, common) {
		return e.Fail("values of different kinds are compared")
	}
	if sameRep(a, common) {
		return true
	}
	return e.convertAt(start, mid, a, common)
}

// common is the representation in which both can be compared.
func (e *Emitter) common(a, b Rep) (Rep, bool) {
	if sameRep(a, b) {
		return a, true
	}
	r, ok := e.d.Unify(a, b)
	if !ok {
		return Rep{}, e.Fail("values of different kinds are compared")
	}
	return r, true
}

// sameRep ignores what is known about the order of texts: it is no matter of representation.
func sameRep(a, b Rep) bool {
	a.Binary, b.Binary = false, false
	return a == b
}

// convertAt converts what stands in [start,end) and keeps what follows.
func (e *Emitter) convertAt(start, end int, from, to Rep) bool {
	tail := len(e.tmp)
	e.tmp = append(e.tmp, e.buf[end:]...)
	e.buf = e.buf[:end]
	if !e.d.Convert(e, start, from, to) {
		return e.Fail("values of different kinds are compared")
	}
	e.buf = append(e.buf, e.tmp[tail:]...)
	e.tmp = e.tmp[:tail]
	return true
}

// compareLit appends the comparison of an expression with a value.
func (e *Emitter) compareLit(op Op, x lqp.Expr, v lqp.Value, ctx Context) bool {
	if v.IsNull() {
		switch op {
		case Eq:
			return e.isNull(x, ctx)
		case Ne:
			return e.isNotNull(x, ctx)
		}
		e.constant(false, ctx)
		return true
	}
	if l, ok := x.(*lqp.Lit); ok {
		if l.Val.IsNull() {
			e.constant(op == Ne, ctx)
			return true
		}
		return e.Fail("a comparison of constants is done in memory")
	}
	if op == Ne { // the exact negation of Eq, also when x is NULL
		switch ctx {
		case WhenTrue:
			return e.compareLit(Eq, x, v, WhenFalse)
		case WhenFalse:
			return e.compareLit(Eq, x, v, WhenTrue)
		}
		start := len(e.buf)
		if !e.compareLit(Eq, x, v, WhenFalse) {
			return false
		}
		e.truth(start, AsValue, e.notNull(x))
		return true
	}
	if c, start, next, ok := dateRange(x, v); ok {
		return e.compareRange(op, c, x.(*lqp.Call).Zone(), start, next, ctx)
	}
	if c, ok := x.(*lqp.Col); ok && c.Source != "" {
		_, out, _, ok := e.lookup(c)
		if !ok {
			return false
		}
		if out.Storage.Opaque != "" {
			return e.Fail(out.Storage.Opaque)
		}
		b, ok := e.d.Bounds(op, out.Storage, v)
		switch {
		case ok && (!b.Implied || b.Never):
			e.bounds(c, out.Storage.Rep, b, ctx)
			return true
		case ok && ctx == WhenTrue && !e.unbounded:
			e.WriteString("(")
			e.bounds(c, out.Storage.Rep, b, ctx)
			e.WriteString(" AND ")
			if !e.compareCanonical(op, x, v, ctx) {
				return false
			}
			e.WriteString(")")
			return true
		}
	}
	return e.compareCanonical(op, x, v, ctx)
}

// compareCanonical appends the comparison of an expression's canonical value with one that is not NULL.
func (e *Emitter) compareCanonical(op Op, x lqp.Expr, v lqp.Value, ctx Context) bool {
	notNull := e.notNull(x)
	if ctx == WhenFalse && notNull {
		op, ctx = op.negate(), WhenTrue
	}
	start := len(e.buf)
	r, ok := e.Value(x)
	if !ok {
		return false
	}
	e.prepare(op, start, r)
	mid := len(e.buf)
	e.WriteString(opText[op])
	right := len(e.buf)
	rv, ok := e.Literal(v, r)
	if !ok || !e.unify(start, mid, right, r, rv) {
		return false
	}
	e.truth(start, ctx, notNull)
	return true
}

func (e *Emitter) isNotNull(x lqp.Expr, ctx Context) bool {
	switch ctx {
	case WhenTrue:
		return e.isNull(x, WhenFalse)
	case WhenFalse:
		return e.isNull(x, WhenTrue)
	}
	return e.isNull(x, WhenFalse) // IS NOT NULL is never NULL
}

// bounds appends the conditions on the bare column c.
func (e *Emitter) bounds(c *lqp.Col, r Rep, b Bounds, ctx Context) {
	if b.Never {
		e.constant(false, ctx)
		return
	}
	notNull := e.notNull(c)
	start := len(e.buf)
	negated := ctx == WhenFalse
	many := b.N > 1 || negated && !notNull
	if many {
		e.WriteString("(")
	}
	for i := range b.N {
		k := &b.Bound[i]
		op := k.Op
		switch {
		case i == 0:
		case negated:
			e.WriteString(" OR ")
		default:
			e.WriteString(" AND ")
		}
		if negated {
			op = op.negate()
		}
		at := len(e.buf)
		e.bare(c)
		e.prepare(op, at, r)
		e.WriteString(opText[op])
		if k.Const != "" {
			e.WriteString(k.Const)
		} else {
			e.Arg(k.Value, k.Rep)
		}
	}
	if negated && !notNull {
		e.WriteString(" OR ")
		e.bare(c)
		e.WriteString(" IS NULL")
	}
	if many {
		e.WriteString(")")
	}
	if ctx == AsValue {
		e.truth(start, AsValue, notNull)
	}
}
