package sqlgen

import "github.com/livetables/livetables/lqp"

// in appends the membership test: equality with any of the values. Values that the column can hold as they are go into
// one list; the others are compared one by one.
func (e *Emitter) in(c *lqp.Call, ctx Context) bool {
	x := c.Args[0]
	base := len(e.vals)
	defer func() { e.vals = e.vals[:base] }()
	null := false
	for _, a := range c.Args[1:] {
		switch a := Fold(a).(type) {
		case *lqp.ListLit:
			for _, it := range a.Items {
				if it.Val.IsNull() {
					null = true
				} else {
					e.vals = append(e.vals, it.Val)
				}
			}
		case *lqp.Lit:
			switch a.Val.Kind() {
			case lqp.Null:
				null = true
			case lqp.List:
				for _, v := range a.Val.Items() {
					if v.IsNull() {
						null = true
					} else {
						e.vals = append(e.vals, v)
					}
				}
			default:
				e.vals = append(e.vals, a.Val)
			}
		default:
			if a.Type().Kind == lqp.List {
				return e.Fail("the list of in() is not constant")
			}
			return e.inChain(c, ctx)
		}
	}
	items := e.vals[base:]
	if len(items) == 0 {
		if null {
			return e.isNull(x, ctx)
		}
		e.constant(false, ctx)
		return true
	}
	start := len(e.buf)
	args := len(e.args)
	if col, ok := x.(*lqp.Col); ok && col.Source != "" {
		_, out, _, ok := e.lookup(col)
		if !ok {
			return false
		}
		if out.Storage.Opaque != "" {
			return e.Fail(out.Storage.Opaque)
		}
		if rep, never, ok := e.plainItems(out.Storage, base); ok {
			if never && null {
				return e.isNull(x, ctx)
			}
			if never {
				e.constant(false, ctx)
				return true
			}
			return e.inBare(col, out.Storage.Rep, rep, e.vals[base:], null, ctx)
		}
	}
	// No list form: one comparison after the other, which knows ranges and conversions.
	e.buf, e.args = e.buf[:start], e.args[:args]
	return e.inChain(c, ctx)
}

// plainItems replaces the items by what the bare column is compared with, provided that plain equality is the answer for
// each. Items that no row can equal are dropped; never says that none is left.
func (e *Emitter) plainItems(s Storage, base int) (rep Rep, never, ok bool) {
	n := base
	for _, v := range e.vals[base:] {
		b, ok := e.d.Bounds(Eq, s, v)
		switch {
		case !ok || b.Implied:
			return rep, false, false
		case b.Never:
			continue
		case b.N != 1 || b.Bound[0].Op != Eq || b.Bound[0].Const != "":
			return rep, false, false
		case n > base && b.Bound[0].Rep != rep:
			return rep, false, false
		}
		rep = b.Bound[0].Rep
		e.vals[n] = b.Bound[0].Value
		n++
	}
	e.vals = e.vals[:n]
	return rep, n == base, true
}

func (e *Emitter) inBare(c *lqp.Col, colRep, rep Rep, items []lqp.Value, null bool, ctx Context) bool {
	notNull := e.notNull(c)
	null = null && !notNull
	start := len(e.buf)
	if null {
		e.WriteString("(")
	}
	at := len(e.buf)
	e.bare(c)
	e.d.Equals(e, at, colRep)
	e.d.In(e, at, rep, items)
	if null {
		e.WriteString(" OR ")
		if !e.isNull(c, WhenTrue) {
			return false
		}
		e.WriteString(")")
	}
	e.truth(start, ctx, notNull)
	return true
}

// inChain appends x = a OR x = b OR …
func (e *Emitter) inChain(c *lqp.Call, ctx Context) bool {
	start := len(e.buf)
	arm, glue := ctx, " OR "
	switch ctx {
	case WhenFalse:
		glue = " AND "
	case AsValue:
		arm = WhenTrue
	}
	n := 0
	one := func(v lqp.Value) bool {
		if n > 0 {
			e.WriteString(glue)
		}
		n++
		return e.compareLit(Eq, c.Args[0], v, arm)
	}
	e.WriteString("(")
	for _, a := range c.Args[1:] {
		switch a := Fold(a).(type) {
		case *lqp.ListLit:
			for _, it := range a.Items {
				if !one(it.Val) {
					return false
				}
			}
		case *lqp.Lit:
			if a.Val.Kind() == lqp.List {
				for _, v := range a.Val.Items() {
					if !one(v) {
						return false
					}
				}
			} else if !one(a.Val) {
				return false
			}
		default:
			if n > 0 {
				e.WriteString(glue)
			}
			n++
			if !e.compare(Eq, c.Args[0], a, arm) {
				return false
			}
		}
	}
	e.WriteString(")")
	if ctx == AsValue {
		e.truth(start, AsValue, false)
	}
	return true
}
