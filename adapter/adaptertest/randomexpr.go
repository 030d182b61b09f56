package adaptertest

import "github.com/livetables/livetables/lqp"

// anyExpr is a random expression of a random kind.
func (g *generator) anyExpr(depth int) lqp.Expr {
	if g.chance(50) {
		return pick(g, g.cols).expr
	}
	return g.expr(pick(g, []lqp.Kind{lqp.Bool, lqp.Number, lqp.Text}), depth)
}

// expr is a random expression of a kind; depth bounds its nesting.
func (g *generator) expr(k lqp.Kind, depth int) lqp.Expr {
	if k == lqp.Bool {
		return g.condition(depth)
	}
	if depth <= 0 || g.chance(40) {
		return g.leaf(k)
	}
	switch k {
	case lqp.Number:
		return g.number(depth - 1)
	case lqp.Text:
		return g.text(depth - 1)
	}
	return g.choice(k, depth-1)
}

// leaf is a column of the kind where there is one, else a literal.
func (g *generator) leaf(k lqp.Kind) lqp.Expr {
	var fitting []scoped
	for _, c := range g.cols {
		if c.typ.Kind == k {
			fitting = append(fitting, c)
		}
	}
	if len(fitting) > 0 && g.chance(75) {
		return pick(g, fitting).expr
	}
	return g.literal(lqp.Type{Kind: k})
}

func (g *generator) literal(t lqp.Type) lqp.Expr {
	switch t.Kind {
	case lqp.Number:
		if t.Precision == 0 {
			t = pick(g, []lqp.Type{intType, decimalType})
		}
	case lqp.Text:
		t = textType
	}
	return lit(pick(g, literalsOf(t)), t)
}

// choice is a conditional.
func (g *generator) choice(k lqp.Kind, depth int) lqp.Expr {
	if g.chance(50) {
		return call("if", g.condition(depth), g.leaf(k), g.leaf(k))
	}
	return call("coalesce", g.leaf(k), g.leaf(k))
}

func (g *generator) number(depth int) lqp.Expr {
	switch g.r.IntN(7) {
	case 0, 1, 2:
		return call(pick(g, []string{"add", "sub", "mul", "div", "mod"}), g.expr(lqp.Number, depth), g.expr(lqp.Number, depth))
	case 3:
		return call("round", g.expr(lqp.Number, depth), whole(int64(g.r.IntN(5)-1)))
	case 4:
		return call("len", g.expr(lqp.Text, depth))
	case 5:
		return call(pick(g, []string{"neg", "abs", "sign", "int"}), g.expr(lqp.Number, depth))
	}
	return g.choice(lqp.Number, depth)
}

func (g *generator) text(depth int) lqp.Expr {
	switch g.r.IntN(5) {
	case 0:
		return call("concat", g.expr(lqp.Text, depth), g.expr(lqp.Text, depth))
	case 1:
		return call(pick(g, []string{"upper", "lower", "trim"}), g.expr(lqp.Text, depth))
	case 2:
		return call(pick(g, []string{"left", "right"}), g.expr(lqp.Text, depth), whole(int64(g.r.IntN(5)-1)))
	case 3:
		return call("mid", g.expr(lqp.Text, depth), whole(int64(g.r.IntN(4)-1)), whole(int64(g.r.IntN(4))))
	}
	return g.choice(lqp.Text, depth)
}

// condition is a random boolean expression.
func (g *generator) condition(depth int) lqp.Expr {
	if depth > 0 && g.chance(55) {
		switch g.r.IntN(6) {
		case 0, 1:
			return call("and", g.condition(depth-1), g.condition(depth-1))
		case 2, 3:
			return call("or", g.condition(depth-1), g.condition(depth-1))
		case 4:
			return call("xor", g.condition(depth-1), g.condition(depth-1))
		}
		return call("not", g.condition(depth-1))
	}
	c := pick(g, g.cols)
	k := c.typ.Kind
	if k == lqp.Bool {
		return pick(g, []lqp.Expr{c.expr, call("eq", c.expr, g.literal(boolType)), call("is_null", c.expr)})
	}
	left := c.expr
	if depth > 1 && (k == lqp.Number || k == lqp.Text) && g.chance(40) {
		left = g.expr(k, depth-1)
	}
	switch g.r.IntN(9) {
	case 0:
		return call("is_null", left)
	case 1:
		return call("in", left, g.literal(c.typ), g.literal(c.typ), g.leaf(k))
	case 2:
		return call("between", left, g.literal(c.typ), g.literal(c.typ))
	case 3:
		return call(pick(g, comparisons), left, g.leaf(k))
	case 4:
		if k == lqp.Text {
			return call(pick(g, []string{"contains", "starts_with", "ends_with", "icontains"}), left, text(pick(g, []string{"a", "", "é", "A", "%", "b"})))
		}
	}
	return call(pick(g, comparisons), left, g.literal(c.typ))
}
