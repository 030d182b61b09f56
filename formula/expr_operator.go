package formula

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/livetables/livetables/lqp"
)

// exprOperators are the binary operators of expr whose two sides are the arguments of a function. The others have rules
// of their own in binary.
var exprOperators = map[string]string{
	"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
	"-": "sub", "*": "mul", "/": "div", "%": "mod", "**": "power", "^": "power",
	"contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with", "matches": "regex_match", "??": "coalesce",
}

// exprLogic are the operators that join conditions.
var exprLogic = map[string]string{"and": "and", "&&": "and", "or": "or", "||": "or"}

func (r *exprReader) unary(at token, n *ast.UnaryNode) (operand, *SyntaxError) {
	x, err := r.node(n.Node)
	if err != nil {
		return operand{}, err
	}
	from, to := min(at.from, x.from), max(at.to, x.to)
	switch n.Operator {
	case "-":
		return r.call("neg", from, to, x)
	case "!", "not":
		return r.call("not", from, to, x)
	}
	x.from, x.to = from, to
	return x, nil
}

func (r *exprReader) binary(at token, n *ast.BinaryNode) (operand, *SyntaxError) {
	if fn := exprLogic[n.Operator]; fn != "" {
		sides, err := r.chain(n, func(op string) bool { return exprLogic[op] == fn })
		if err != nil {
			return operand{}, err
		}
		from, to := around(sides)
		return r.call(fn, from, to, sides...)
	}
	switch n.Operator {
	case "+":
		return r.plus(n)
	case "in":
		return r.inNode(n)
	case "..":
		return operand{}, r.refuse(at, "a range cannot stand here", "ranges stand after in: x in 1..5")
	}
	fn := exprOperators[n.Operator]
	if fn == "" {
		return operand{}, r.refuse(at, "the operator "+clip(n.Operator)+" is no part of formulas", "")
	}
	left, err := r.node(n.Left)
	if err != nil {
		return operand{}, err
	}
	right, err := r.node(n.Right)
	if err != nil {
		return operand{}, err
	}
	from, to := around([]operand{left, right})
	return r.call(fn, from, to, left, right)
}

// chain converts the sides of a chain of operators that read from left to right. It is a loop because a chain may be
// much longer than a tree is deep.
func (r *exprReader) chain(n *ast.BinaryNode, same func(operator string) bool) ([]operand, *SyntaxError) {
	var nodes []ast.Node
	for {
		nodes = append(nodes, n.Right)
		left, ok := n.Left.(*ast.BinaryNode)
		if !ok || !same(left.Operator) {
			nodes = append(nodes, n.Left)
			break
		}
		n = left
	}
	slices.Reverse(nodes)
	return r.all(nodes)
}

func (r *exprReader) all(nodes []ast.Node) ([]operand, *SyntaxError) {
	list := make([]operand, 0, min(len(nodes), r.limits.Nodes))
	for _, n := range nodes {
		x, err := r.node(n)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// around is the span of operands in the text.
func around(list []operand) (from, to int) {
	from, to = list[0].from, list[0].to
	for _, x := range list[1:] {
		from, to = min(from, x.from), max(to, x.to)
	}
	return from, to
}

// plus adds numbers or joins texts: expr has one sign for both. Texts are joined where one of the sides is plainly a
// text, which then all of them are in expr; columns alone are added.
func (r *exprReader) plus(n *ast.BinaryNode) (operand, *SyntaxError) {
	sides, err := r.chain(n, func(op string) bool { return op == "+" })
	if err != nil {
		return operand{}, err
	}
	if slices.ContainsFunc(sides, func(x operand) bool { return plainKind(x.expr) == lqp.Text }) {
		from, to := around(sides)
		return r.call("concat", from, to, sides...)
	}
	sum := sides[0]
	for _, x := range sides[1:] {
		from, to := around([]operand{sum, x})
		if sum, err = r.call("add", from, to, sum, x); err != nil {
			return operand{}, err
		}
	}
	return sum, nil
}

// plainKind is the kind of an expression whatever its columns are, Null where that decides.
func plainKind(e lqp.Expr) lqp.Kind {
	c, ok := e.(*lqp.Call)
	if !ok {
		return e.Type().Kind
	}
	if t := c.Type(); t.Kind != lqp.Null {
		return t.Kind
	}
	if f := c.Function(); f != nil {
		if t, err := f.Result(make([]lqp.Type, len(c.Args))); err == nil { // NULL fits every parameter
			return t.Kind
		}
	}
	return lqp.Null
}

// inNode converts x in [1, 2], x in 1..5 and x in list.
func (r *exprReader) inNode(n *ast.BinaryNode) (operand, *SyntaxError) {
	x, err := r.node(n.Left)
	if err != nil {
		return operand{}, err
	}
	whole := place(n)
	items, listed, err := r.items(n.Right)
	if err != nil {
		return operand{}, err
	}
	if !listed {
		list, err := r.node(n.Right)
		if err != nil {
			return operand{}, err
		}
		from, to := around([]operand{x, list})
		return r.call("in", from, to, x, list)
	}
	end := place(n.Right)
	whole = token{from: min(x.from, whole.from), to: max(whole.to, end.to)}
	if len(items) > 0 {
		_, to := around(items)
		whole.to = max(whole.to, to)
	}
	return r.parser.member(whole, x, items)
}

// items converts the elements of a list that is written out, or those of a range; listed is false for anything else.
func (r *exprReader) items(n ast.Node) (items []operand, listed bool, err *SyntaxError) {
	switch n := n.(type) {
	case *ast.ArrayNode:
		items, err = r.all(n.Nodes)
		return items, true, err
	case *ast.BinaryNode:
		if n.Operator == ".." {
			items, err = r.span(n)
			return items, true, err
		}
	}
	return nil, false, nil
}

// span lists the numbers of a range between two constants. Each of them counts as a part of the formula.
func (r *exprReader) span(n *ast.BinaryNode) ([]operand, *SyntaxError) {
	ends, err := r.all([]ast.Node{n.Left, n.Right})
	if err != nil {
		return nil, err
	}
	from, to := around(ends)
	at := token{from: from, to: to}
	first, ok1 := wholeNumber(ends[0].expr)
	last, ok2 := wholeNumber(ends[1].expr)
	if !ok1 || !ok2 {
		return nil, r.refuse(at, "the ends of a range are whole numbers here", "write between(x, a, b) for other ends")
	}
	if last-first >= int64(r.limits.Nodes) {
		return nil, &SyntaxError{Code: CodeLimit, From: from, To: to, Message: "the range has more than " + strconv.Itoa(r.limits.Nodes) + " elements",
			Hint: "write between(x, " + strconv.FormatInt(first, 10) + ", " + strconv.FormatInt(last, 10) + ")"}
	}
	var items []operand
	for i := first; i <= last; i++ {
		x, err := r.literal(at, lqp.IntValue(i))
		if err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return items, nil
}

// conditional converts a ? b : c, a ?: b and if a { b } else { c }.
func (r *exprReader) conditional(n *ast.ConditionalNode) (operand, *SyntaxError) {
	parts, err := r.all([]ast.Node{n.Cond, n.Exp1, n.Exp2})
	if err != nil {
		return operand{}, err
	}
	from, to := around(parts)
	return r.call("if", from, to, parts...)
}
