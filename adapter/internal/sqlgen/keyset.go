package sqlgen

import (
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// SortCut is the part of a text that its place among sorted texts depends on.
func SortCut(s string) string {
	if len(s) <= lqp.OrderPrefix {
		return s
	}
	n := 0
	for i := 0; i < len(s); n++ {
		if n == lqp.OrderPrefix {
			return s[:i]
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return s
}

// Cuts reports whether texts of type t may be longer than what sorting looks at.
func Cuts(t lqp.Type) bool {
	return t.Kind == lqp.Text && (t.MaxLen == 0 || t.MaxLen > lqp.OrderPrefix)
}

// after appends the keyset predicate: rows that sort after the row with these key values.
//
// Keys that all go one way, are never NULL and are stored as they sort become one row-value comparison where the dialect
// has it. Everything else is written as k1 >= v1 AND (k1 > v1 OR (k2 >= v2 AND (…))): the first condition of each level
// is implied by the rest, and it is what an index can serve.
func (e *Emitter) after(order []lqp.Order, vals []lqp.Value) bool {
	if len(order) != len(vals) {
		return e.Fail("the position to continue from does not fit the sort keys")
	}
	if e.feat.RowValues && len(order) > 1 {
		start, args, keys, texts := len(e.buf), len(e.args), len(e.keys), len(e.texts)
		if e.rowValue(order, vals) {
			return true
		}
		e.buf, e.args, e.reason = e.buf[:start], e.args[:args], ""
		e.keys, e.texts = e.keys[:keys], e.texts[:texts]
	}
	return e.afterKeys(order, vals)
}

func (e *Emitter) afterKeys(order []lqp.Order, vals []lqp.Value) bool {
	if len(order) == 1 {
		return e.strictlyAfter(&order[0], vals[0])
	}
	e.WriteString("(")
	if !e.atOrAfter(&order[0], vals[0]) {
		return false
	}
	e.WriteString(" AND (")
	if !e.strictlyAfter(&order[0], vals[0]) {
		return false
	}
	e.WriteString(" OR ")
	if !e.afterKeys(order[1:], vals[1:]) {
		return false
	}
	e.WriteString("))")
	return true
}

// strictlyAfter appends "key sorts after v".
func (e *Emitter) strictlyAfter(o *lqp.Order, v lqp.Value) bool {
	if v.IsNull() {
		if nullsFirst(o) {
			return e.isNull(o.Expr, WhenFalse)
		}
		e.WriteString(e.feat.False)
		return true
	}
	return e.beyond(o, v, Gt)
}

// atOrAfter appends "key sorts after v or with it".
func (e *Emitter) atOrAfter(o *lqp.Order, v lqp.Value) bool {
	if v.IsNull() {
		if nullsFirst(o) {
			e.WriteString(e.feat.True)
			return true
		}
		return e.isNull(o.Expr, WhenTrue)
	}
	return e.beyond(o, v, Ge)
}

func nullsFirst(o *lqp.Order) bool {
	return o.Nulls == lqp.NullsFirst || o.Nulls == lqp.NullsDefault && !o.Desc
}

// beyond appends the comparison with a value that is not NULL; NULLs that sort last come after it.
func (e *Emitter) beyond(o *lqp.Order, v lqp.Value, op Op) bool {
	if o.Desc {
		op = op.mirror()
	}
	if nullsFirst(o) || e.notNull(o.Expr) {
		return e.compareKey(op, o, v)
	}
	e.WriteString("(")
	if !e.compareKey(op, o, v) {
		return false
	}
	e.WriteString(" OR ")
	if !e.isNull(o.Expr, WhenTrue) {
		return false
	}
	e.WriteString(")")
	return true
}

// compareKey compares a sort key with a value as sorting does.
func (e *Emitter) compareKey(op Op, o *lqp.Order, v lqp.Value) bool {
	switch x := o.Expr.(type) {
	case *lqp.Lit: // every row has this key: none is beyond it, all are at it
		e.constant(op == Ge || op == Le, WhenTrue)
		return true
	case *lqp.Col:
		if x.Source != "" && !Cuts(x.Type()) {
			return e.compareLit(op, x, v, WhenTrue)
		}
	}
	start := len(e.buf)
	r, ok := e.Value(o.Expr)
	if !ok {
		return false
	}
	t := o.Expr.Type()
	e.d.SortKey(e, start, r, t)
	mid := len(e.buf)
	e.WriteString(opText[op])
	right := len(e.buf)
	if Cuts(t) {
		v = lqp.TextValue(SortCut(v.Text()))
	}
	rv, ok := e.Literal(v, r)
	return ok && e.unify(start, mid, right, r, rv)
}

// rowValue appends (k1, k2) > (v1, v2), or fails when that would not be exact.
func (e *Emitter) rowValue(order []lqp.Order, vals []lqp.Value) bool {
	for i := range order {
		o := &order[i]
		c, ok := o.Expr.(*lqp.Col)
		if !ok || c.Source == "" || vals[i].IsNull() || o.Desc != order[0].Desc || Cuts(c.Type()) || !e.notNull(c) {
			return e.Fail("no row value")
		}
		_, out, _, ok := e.lookup(c)
		if !ok || !out.Storage.Exact {
			return e.Fail("no row value")
		}
	}
	e.WriteString("(")
	for i := range order {
		if i > 0 {
			e.WriteString(", ")
		}
		start := len(e.buf)
		r, ok := e.Value(order[i].Expr)
		if !ok {
			return false
		}
		e.d.SortKey(e, start, r, order[i].Expr.Type())
	}
	if order[0].Desc {
		e.WriteString(") < (")
	} else {
		e.WriteString(") > (")
	}
	for i := range order {
		if i > 0 {
			e.WriteString(", ")
		}
		_, out, _, _ := e.lookup(order[i].Expr.(*lqp.Col))
		r, ok := e.Literal(vals[i], out.Storage.Rep)
		if !ok || !sameRep(r, out.Storage.Rep) {
			return e.Fail("no row value")
		}
	}
	e.WriteString(")")
	return true
}
