package sqlgen

import "github.com/livetables/livetables/lqp"

// constant reports that x has the same value for every row.
func constant(x lqp.Expr) bool {
	switch x := x.(type) {
	case *lqp.Lit, *lqp.ListLit:
		return true
	case *lqp.Call:
		for _, a := range x.Args {
			if !constant(a) {
				return false
			}
		}
		return true
	}
	return false
}

// Fold computes a call that is constant: the database gets its value, not the question.
func Fold(x lqp.Expr) lqp.Expr {
	c, ok := x.(*lqp.Call)
	if !ok || !constant(c) {
		return x
	}
	v := lqp.Eval(c, nil)
	if v.IsNull() {
		return lqp.TypedNull(c.Type())
	}
	return lqp.Literal(v)
}
