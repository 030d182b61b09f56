package sqlgen

import "github.com/livetables/livetables/lqp"

// Value appends the canonical value of an expression, NULL where it is NULL.
func (e *Emitter) Value(x lqp.Expr) (Rep, bool) {
	switch x := Fold(x).(type) {
	case *lqp.Lit:
		if x.Val.IsNull() {
			r, ok := e.d.Null(e, x.Type())
			if !ok {
				return r, e.Fail("a NULL without a type")
			}
			return r, true
		}
		return e.Literal(x.Val, Rep{})
	case *lqp.Col:
		if x.Source == "" {
			f, ok := e.fragment(x.Column)
			return f.rep, ok
		}
		return e.column(x)
	case *lqp.Call:
		return e.call(x)
	}
	return Rep{}, e.Fail("a list or parameter where a value is needed")
}

// column appends the canonical value of a column.
func (e *Emitter) column(c *lqp.Col) (Rep, bool) {
	start := len(e.buf)
	out, ok := e.bare(c)
	switch {
	case !ok:
		return Rep{}, false
	case out.Storage.Opaque != "":
		return Rep{}, e.Fail(out.Storage.Opaque)
	case out.Storage.Exact:
		return out.Storage.Rep, true
	}
	return e.d.Canonical(e, start, out.Storage), true
}

// ValueAs is [Emitter.Value] converted to a representation.
func (e *Emitter) ValueAs(x lqp.Expr, want Rep) bool {
	start := len(e.buf)
	if l, ok := Fold(x).(*lqp.Lit); ok && !l.Val.IsNull() {
		r, ok := e.Literal(l.Val, want)
		return ok && e.convertTail(start, r, want)
	}
	r, ok := e.Value(x)
	return ok && e.convertTail(start, r, want)
}

func (e *Emitter) convertTail(start int, from, to Rep) bool {
	if sameRep(from, to) {
		return true
	}
	if common, ok := e.d.Unify(from, to); !ok || !sameRep(common, to) || !e.d.Convert(e, start, from, to) {
		return e.Fail("a value has the wrong kind")
	}
	return true
}

func (e *Emitter) call(c *lqp.Call) (Rep, bool) {
	switch c.Func {
	case "if", "ifs", "switch":
		return e.conditional(c)
	case "coalesce":
		return e.coalesce(c.Args)
	case "zn":
		start := len(e.buf)
		r, ok := e.Value(c.Args[0])
		if !ok {
			return r, false
		}
		zero := lqp.IntValue(0)
		if c.Args[0].Type().Kind == lqp.Float {
			zero = lqp.FloatValue(0)
		}
		e.Wrap(start, "COALESCE(", ", ")
		at := len(e.buf)
		rz, ok := e.Literal(zero, r)
		if !ok || !e.convertTail(at, rz, r) {
			return r, false
		}
		e.WriteString(")")
		return r, true
	case "blank":
		return e.Value(lqp.TypedNull(c.Type()))
	}
	if x := e.derived(c); x != nil {
		return e.Value(x)
	}
	if twoValued(c) {
		if !e.predicateValue(c) {
			return Rep{}, false
		}
		r, reason := e.d.Literal(lqp.BoolValue(true), Rep{})
		if reason != "" {
			return r, e.Fail(reason)
		}
		return r, true
	}
	r, ok := e.d.Call(e, c, AsValue)
	if !ok {
		return r, e.Fail(inMemory(c.Func))
	}
	return r, true
}

// branch is a result of a conditional, standing in [from,to) of the text.
type branch struct {
	from, to int
	rep      Rep
	null     bool
}

// conditional appends if, ifs and switch as CASE.
func (e *Emitter) conditional(c *lqp.Call) (Rep, bool) {
	args := c.Args
	var subject lqp.Expr
	if c.Func == "switch" {
		if _, ok := e.midnights(c); !ok {
			return Rep{}, false
		}
		subject, args = args[0], args[1:]
	}
	if len(args) < 2 {
		return Rep{}, e.Fail(c.Func + "() has too few arguments")
	}
	branches := make([]branch, 0, len(args)/2+1)
	e.WriteString("CASE")
	for len(args) >= 2 {
		e.WriteString(" WHEN ")
		var ok bool
		if subject == nil {
			ok = e.Predicate(args[0], WhenTrue)
		} else {
			ok = e.compare(Eq, subject, args[0], WhenTrue)
		}
		if !ok {
			return Rep{}, false
		}
		e.WriteString(" THEN ")
		b, ok := e.branch(args[1])
		if !ok {
			return Rep{}, false
		}
		branches = append(branches, b)
		args = args[2:]
	}
	if len(args) == 1 {
		e.WriteString(" ELSE ")
		b, ok := e.branch(args[0])
		if !ok {
			return Rep{}, false
		}
		branches = append(branches, b)
	}
	r, ok := e.settle(branches)
	if !ok {
		return r, false
	}
	e.WriteString(" END")
	return r, true
}

func (e *Emitter) coalesce(args []lqp.Expr) (Rep, bool) {
	if len(args) == 1 {
		return e.Value(args[0])
	}
	branches := make([]branch, 0, len(args))
	e.WriteString("COALESCE(")
	for i, a := range args {
		if i > 0 {
			e.WriteString(", ")
		}
		b, ok := e.branch(a)
		if !ok {
			return Rep{}, false
		}
		branches = append(branches, b)
	}
	r, ok := e.settle(branches)
	if !ok {
		return r, false
	}
	e.WriteString(")")
	return r, true
}

// branch appends one result. A NULL literal takes the type of the others and is written bare.
func (e *Emitter) branch(x lqp.Expr) (branch, bool) {
	from := len(e.buf)
	null := false
	switch x := x.(type) {
	case *lqp.Lit:
		null = x.Val.IsNull()
	case *lqp.Call:
		null = x.Func == "blank"
	}
	if null {
		e.WriteString("NULL")
		return branch{from: from, to: len(e.buf), null: true}, true
	}
	r, ok := e.Value(x)
	return branch{from: from, to: len(e.buf), rep: r}, ok
}

// settle converts branches to one representation, the last one first so that the others stay where they are.
func (e *Emitter) settle(branches []branch) (Rep, bool) {
	var common Rep
	seen := false
	for _, b := range branches {
		switch {
		case b.null:
		case !seen:
			common, seen = b.rep, true
		default:
			binary := common.Binary && b.rep.Binary
			r, ok := e.common(common, b.rep)
			if !ok {
				return r, false
			}
			common = r
			common.Binary = binary
		}
	}
	if !seen {
		return Rep{}, e.Fail("a conditional of NULLs only")
	}
	for i := len(branches) - 1; i >= 0; i-- {
		b := branches[i]
		if !b.null && !sameRep(b.rep, common) && !e.convertAt(b.from, b.to, b.rep, common) {
			return Rep{}, false
		}
	}
	return common, true
}
