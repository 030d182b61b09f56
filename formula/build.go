package formula

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// operand is a finished part of the tree with what the parser must still know about it.
type operand struct {
	expr     lqp.Expr
	from, to int // code points, parentheses included
	height   int // levels of the tree, 1 for a leaf
}

// flattens says of which functions the normal form has no direct nesting.
func flattens(fn string) bool { return fn == "and" || fn == "or" || fn == "concat" }

// count charges n nodes to the formula's budget.
func (p *parser) count(at token, n int) *SyntaxError {
	p.nodes += n
	if p.nodes > p.limits.Nodes {
		return &SyntaxError{Code: CodeLimit, From: at.from, To: at.to,
			Message: "the formula has more than " + strconv.Itoa(p.limits.Nodes) + " parts",
			Hint:    "move a part of it to a column of its own"}
	}
	return nil
}

// call builds the node of a function in normal form.
func (p *parser) call(fn string, from, to int, args ...operand) (operand, *SyntaxError) {
	whole := token{from: from, to: to}
	x := operand{from: from, to: to}
	switch {
	case fn == "neg":
		if d, ok := numberLiteral(args[0].expr); ok {
			x.expr, x.height = lqp.Literal(lqp.NumberValue(d.Neg())), 1
			return x, nil
		}
	case fn == "not":
		if c, opposite := equality(args[0].expr); opposite != "" {
			x.expr, x.height = placed(lqp.NewCall(opposite, c.Args...), from, to), args[0].height
			return x, nil
		}
	case flattens(fn):
		return p.flat(fn, whole, args)
	}
	if err := p.count(whole, 1); err != nil {
		return operand{}, err
	}
	list := make([]lqp.Expr, len(args))
	for i, a := range args {
		list[i] = a.expr
		x.height = max(x.height, a.height)
	}
	x.height++
	x.expr = placed(lqp.NewCall(fn, list...), from, to)
	return x, p.checkHeight(x)
}

// placed says where in the text a new call stands.
func placed(c *lqp.Call, from, to int) *lqp.Call {
	c.From, c.To = from, to
	return c
}

// flat builds and, or and concat: arguments that are calls of the same function give their own arguments instead.
func (p *parser) flat(fn string, whole token, args []operand) (operand, *SyntaxError) {
	x := operand{from: whole.from, to: whole.to}
	var list []lqp.Expr
	merged := 0
	for _, a := range args {
		inner, same := a.expr.(*lqp.Call)
		if same = same && inner.Func == fn; !same {
			list = append(list, a.expr)
			x.height = max(x.height, a.height+1)
			continue
		}
		merged++
		x.height = max(x.height, a.height)
		list = append(list, inner.Args...)
	}
	x.height = max(x.height, 1)
	if err := p.count(whole, 1-merged); err != nil {
		return operand{}, err
	}
	x.expr = placed(lqp.NewCall(fn, list...), whole.from, whole.to)
	return x, p.checkHeight(x)
}

// checkHeight refuses trees that others could not store or walk, which a long chain of operators makes without any
// parenthesis.
func (p *parser) checkHeight(x operand) *SyntaxError {
	if x.height > p.limits.Nesting {
		return p.tooDeep(x.from, x.to)
	}
	return nil
}

func numberLiteral(e lqp.Expr) (d lqp.Decimal, ok bool) {
	l, isLit := e.(*lqp.Lit)
	if !isLit || l.Val.Kind() != lqp.Number {
		return d, false
	}
	return l.Val.Decimal(), true
}

// equality answers the call when e is eq or ne, and the function that is its exact negation.
func equality(e lqp.Expr) (c *lqp.Call, opposite string) {
	c, ok := e.(*lqp.Call)
	switch {
	case !ok || len(c.Args) != 2:
		return nil, ""
	case c.Func == "eq":
		return c, "ne"
	case c.Func == "ne":
		return c, "eq"
	}
	return nil, ""
}
