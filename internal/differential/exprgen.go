package differential

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// scoped is a column in scope.
type scoped struct {
	expr lqp.Expr
	kind kindOf
	pool []lqp.Value // of its values, nil when they are not known
}

// generator makes random plans over a world.
type generator struct {
	r     *rand.Rand
	w     *World
	cols  []scoped
	plain bool // use no functions but the plain ones
	depth int  // of expressions at most
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[E any](g *generator, items []E) E { return items[g.r.IntN(len(items))] }

// of are the columns of a kind.
func of(cols []scoped, k kindOf) (fit []scoped) {
	for _, c := range cols {
		if c.kind == k {
			fit = append(fit, c)
		}
	}
	return fit
}

// expr is a random expression of a kind over the columns in scope.
func (g *generator) expr(k kindOf, depth int) lqp.Expr {
	if depth <= 0 || g.chance(20) {
		return g.leaf(k)
	}
	if k.kind == lqp.Bool && g.chance(60) {
		return g.condition(depth)
	}
	calls := vocabulary()[k]
	fns := slices.Sorted(maps.Keys(calls))
	if g.plain {
		fns = slices.DeleteFunc(fns, func(f string) bool { return !plain[f] })
	}
	if len(fns) == 0 {
		return g.leaf(k)
	}
	return g.call(pick(g, calls[pick(g, fns)]), depth-1)
}

// leaf is a column of the kind, else a literal.
func (g *generator) leaf(k kindOf) lqp.Expr {
	if fit := of(g.cols, k); len(fit) > 0 && g.chance(75) {
		return pick(g, fit).expr
	}
	return g.literal(k)
}

// literal is a constant of the kind, now and then NULL.
func (g *generator) literal(k kindOf) lqp.Expr {
	switch g.r.IntN(50) {
	case 0:
		return lqp.Literal(lqp.NullValue)
	case 1:
		return lqp.NewCall("blank")
	case 2:
		if name := parameters[k.kind]; name != "" {
			return &lqp.Param{Name: name}
		}
	}
	for _, c := range of(g.cols, k) {
		if len(c.pool) > 0 && g.chance(40) {
			return constant(pick(g, c.pool))
		}
	}
	return constant(anyValue(g.r, k.kind, k.elem))
}

// parameters are the constants of a run.
var parameters = map[lqp.Kind]string{lqp.Date: "today", lqp.DateTime: "now", lqp.Text: "current_user"}

// constant is a literal as the codec reads it back.
func constant(v lqp.Value) lqp.Expr {
	switch v.Kind() {
	case lqp.List:
		items := make([]*lqp.Lit, 0, len(v.Items()))
		for _, e := range v.Items() {
			items = append(items, lqp.Literal(e))
		}
		return lqp.NewList(items...)
	case lqp.JSON, lqp.Bytes: // there are no literals of these
		return lqp.Literal(lqp.NullValue)
	}
	return lqp.Literal(v)
}

func whole(n int) lqp.Expr { return lqp.Literal(lqp.IntValue(int64(n))) }

func word(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }

// call fills the arguments of a call.
func (g *generator) call(c call, depth int) lqp.Expr {
	args := make([]lqp.Expr, len(c.args))
	for i, k := range c.args {
		args[i] = g.argument(c, i, k, depth)
	}
	return lqp.NewCall(c.f.Name, args...)
}

func (g *generator) argument(c call, i int, k kindOf, depth int) lqp.Expr {
	p := c.f.Param(i)
	switch {
	case p.Units:
		if c.args[0].kind == lqp.Date { // no shorter ones fit a date
			return word(pick(g, units[4:]))
		}
		return word(pick(g, units))
	case p.Pattern:
		return word(pick(g, patterns))
	case p.Format:
		if c.f.Name == "datetime_parse" {
			return word(pick(g, parses))
		}
		return word(pick(g, formats))
	case p.Zone:
		return word(pick(g, zones))
	case len(p.Choices) > 0:
		return word(pick(g, p.Choices))
	case tiny[c.f.Name+"."+p.Name]:
		return whole(g.r.IntN(9) - 1)
	case k.kind != lqp.Number:
	case small[p.Name] && g.chance(80):
		if c.f.Name == "dateadd" && g.chance(50) {
			return whole(g.r.IntN(400) - 200)
		}
		return whole(g.r.IntN(9) - 2)
	case p.Name == "year" && g.chance(80):
		return whole([]int{2024, 2023, 1, 9999, 0, 1900}[g.r.IntN(6)])
	case c.f.Name == "char" && g.chance(80):
		return whole([]int{65, 97, 0, 233, 0x1F600, 0xD800, 0x110000, 10}[g.r.IntN(8)])
	}
	return g.expr(k, depth)
}

// orderable are the columns that can be compared.
func orderable(cols []scoped) (fit []scoped) {
	for _, c := range cols {
		if c.kind.kind.Orderable() {
			fit = append(fit, c)
		}
	}
	return fit
}

// condition is a predicate as people ask them: comparisons of columns with constants and each other, put together.
func (g *generator) condition(depth int) lqp.Expr {
	if depth > 1 && g.chance(45) {
		fn := pick(g, []string{"and", "or", "not", "and", "or", "xor"})
		if fn == "not" || fn == "xor" && g.plain {
			return lqp.NewCall("not", g.condition(depth-1))
		}
		return lqp.NewCall(fn, g.condition(depth-1), g.condition(depth-1))
	}
	fit := orderable(g.cols)
	if len(fit) == 0 {
		return g.leaf(kindOf{kind: lqp.Bool})
	}
	c := pick(g, fit)
	left := c.expr
	if depth > 1 && g.chance(35) {
		left = g.expr(c.kind, depth-1)
	}
	return g.comparison(left, c)
}

var comparisons = []string{"eq", "ne", "lt", "le", "gt", "ge"}

// comparison compares an expression of the kind of c.
func (g *generator) comparison(left lqp.Expr, c scoped) lqp.Expr {
	k := c.kind
	lit := func() lqp.Expr {
		if len(c.pool) > 0 && g.chance(60) {
			return constant(pick(g, c.pool))
		}
		return g.literal(k)
	}
	switch g.r.IntN(12) {
	case 0:
		return lqp.NewCall(pick(g, []string{"is_null", "is_blank"}), left)
	case 1:
		return lqp.NewCall("in", left, lit(), lit(), g.leaf(k))
	case 2:
		return lqp.NewCall("in", left, lit(), lit())
	case 3:
		return lqp.NewCall("between", left, lit(), lit())
	case 4, 5:
		return lqp.NewCall(pick(g, comparisons), left, g.leaf(k))
	case 6:
		if k.kind == lqp.Bool {
			return left
		}
	case 7, 8:
		if k.kind == lqp.Text {
			return lqp.NewCall(pick(g, []string{"contains", "starts_with", "ends_with", "icontains"}), left, lit())
		}
	}
	return lqp.NewCall(pick(g, comparisons), left, lit())
}
