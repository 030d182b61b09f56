package plantest

import "github.com/livetables/livetables/lqp"

// expr is a random expression of a kind over the columns in scope; depth bounds its nesting.
func (g *Generator) expr(k lqp.Kind, depth int) lqp.Expr {
	switch {
	case k == lqp.Bool:
		return g.condition(depth)
	case depth <= 0 || g.chance(40):
		return g.leaf(k)
	case g.chance(25):
		return lqp.NewCall("if", g.condition(depth-1), g.leaf(k), g.leaf(k))
	case g.chance(25):
		return lqp.NewCall("coalesce", g.leaf(k), g.leaf(k))
	}
	switch k {
	case lqp.Number:
		if at, ok := g.of(g.cols, lqp.DateTime); ok && g.chance(30) {
			return lqp.NewCall(pick(g, "day", "hour", "month"), at.expr)
		}
		if g.chance(20) {
			return lqp.NewCall("len", g.expr(lqp.Text, depth-1))
		}
		return lqp.NewCall(pick(g, "add", "sub", "mul", "div", "mod"), g.expr(k, depth-1), g.expr(k, depth-1))
	case lqp.Text:
		if g.chance(50) {
			return lqp.NewCall("concat", g.expr(k, depth-1), g.expr(k, depth-1))
		}
		return lqp.NewCall(pick(g, "upper", "trim", "lower"), g.expr(k, depth-1))
	}
	return g.leaf(k)
}

// leaf is a column of the kind, else a literal.
func (g *Generator) leaf(k lqp.Kind) lqp.Expr {
	if c, ok := g.of(g.cols, k); ok && g.chance(80) {
		return c.expr
	}
	return g.literal(k)
}

func (g *Generator) literal(k lqp.Kind) lqp.Expr {
	spec := Spec{Rows: 10}
	column := map[lqp.Kind]string{lqp.Text: "t", lqp.Bool: "b", lqp.Date: "day", lqp.DateTime: "at"}[k]
	if k == lqp.Number {
		column = pick(g, "n", "d", "id")
	}
	return lqp.Literal(randomValue(g.R, column, spec))
}

// condition is a random predicate over the columns in scope.
func (g *Generator) condition(depth int) lqp.Expr {
	if depth > 0 && g.chance(50) {
		fn := pick(g, "and", "or", "not", "and")
		if fn == "not" {
			return lqp.NewCall(fn, g.condition(depth-1))
		}
		return lqp.NewCall(fn, g.condition(depth-1), g.condition(depth-1))
	}
	c := pick(g, g.cols...)
	e := c.expr
	if depth > 1 && g.chance(30) {
		e = g.expr(c.kind, depth-1)
	}
	switch n := g.R.IntN(10); {
	case n == 0:
		return lqp.NewCall("is_null", e)
	case c.kind == lqp.Bool:
		return lqp.NewCall("eq", e, g.literal(lqp.Bool))
	case n == 1:
		return lqp.NewCall("in", e, g.literal(c.kind), g.literal(c.kind), g.leaf(c.kind))
	case n == 2:
		return lqp.NewCall("between", e, g.literal(c.kind), g.literal(c.kind))
	case n == 3 && c.kind == lqp.Text:
		return lqp.NewCall(pick(g, "contains", "starts_with"), e, g.literal(lqp.Text))
	case n < 6:
		return lqp.NewCall(pick(g, "eq", "ne", "lt", "le", "gt", "ge"), e, g.leaf(c.kind))
	}
	return lqp.NewCall(pick(g, "eq", "ne", "lt", "le", "gt", "ge"), e, g.literal(c.kind))
}
