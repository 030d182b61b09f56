package formula

import (
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/livetables/livetables/lqp"
)

// exprReader turns the tree of expr's parser into an expression, node by node. It counts and limits as the parser of
// this package does, whose builders it uses.
type exprReader struct {
	parser
	source []rune
	// variables are those of the let declarations around, the innermost last.
	variables []variable
}

// variable is what a name stands for after let.
type variable struct {
	name  string
	value operand
	nodes int // charged for every use
}

// place is where the tree says that a node stands: often its operator or name only.
func place(n ast.Node) token {
	at := n.Location()
	return token{from: at.From, to: max(at.To, at.From)}
}

func (r *exprReader) refuse(at token, message, hint string) *SyntaxError {
	return &SyntaxError{Code: CodeParse, From: at.from, To: at.to, Message: message, Hint: hint}
}

// node converts one node with everything below it. Its switch names every type that is converted.
func (r *exprReader) node(n ast.Node) (operand, *SyntaxError) {
	if n == nil {
		return operand{}, r.refuse(token{}, "a value is missing", "")
	}
	at := place(n)
	if err := r.enter(at); err != nil {
		return operand{}, err
	}
	defer r.leave()
	switch n := n.(type) {
	case *ast.NilNode:
		return r.literal(at, lqp.NullValue)
	case *ast.BoolNode:
		return r.literal(at, lqp.BoolValue(n.Value))
	case *ast.IntegerNode:
		return r.integer(at, n)
	case *ast.FloatNode:
		return r.decimal(at)
	case *ast.StringNode:
		if err := r.checkText(at, n.Value); err != nil {
			return operand{}, err
		}
		return r.literal(at, lqp.TextValue(n.Value))
	case *ast.IdentifierNode:
		return r.identifier(at, n.Value)
	case *ast.MemberNode:
		return r.memberNode(at, n)
	case *ast.ChainNode: // a?.b is a.b: what is missing is NULL anyway
		return r.node(n.Node)
	case *ast.UnaryNode:
		return r.unary(at, n)
	case *ast.BinaryNode:
		return r.binary(at, n)
	case *ast.ConditionalNode:
		return r.conditional(n)
	case *ast.VariableDeclaratorNode:
		return r.let(at, n)
	case *ast.CallNode:
		return r.callNode(at, n)
	case *ast.BuiltinNode:
		return r.named(token{text: n.Name, from: at.from, to: at.to}, n.Arguments)
	case *ast.ArrayNode:
		return operand{}, r.refuse(at, "a list cannot stand here", "lists of values stand after in and among the arguments of functions such as max and has_any")
	}
	return operand{}, r.construct(at, n)
}

// construct refuses what no formula has, by its name.
func (r *exprReader) construct(at token, n ast.Node) *SyntaxError {
	switch n.(type) {
	case *ast.PredicateNode, *ast.PointerNode:
		return r.refuse(at, "closures are no part of formulas", "functions of lists such as sum, max and has_any take whole lists")
	case *ast.SliceNode:
		return r.refuse(at, "slices are no part of formulas", "write array_slice(list, 1, 2) or mid(text, 1, 2)")
	case *ast.MapNode, *ast.PairNode:
		return r.refuse(at, "maps are no part of formulas", "")
	case *ast.SequenceNode:
		return r.refuse(at, "a formula is one expression", "only let stands before a semicolon")
	case *ast.BytesNode:
		return r.refuse(at, "bytes are no part of formulas", "write a text: \"…\"")
	}
	return r.refuse(at, "this is no part of formulas", "")
}

// literal makes a leaf of a constant.
func (r *exprReader) literal(at token, v lqp.Value) (operand, *SyntaxError) {
	return r.leafOf(at, lqp.Literal(v))
}

func (r *exprReader) leafOf(at token, e lqp.Expr) (operand, *SyntaxError) {
	if err := r.count(at, 1); err != nil {
		return operand{}, err
	}
	return operand{expr: e, from: at.from, to: at.to, height: 1}, nil
}

// integer takes whole numbers in base ten from the text, as written, and others from the node, which is exact for them.
func (r *exprReader) integer(at token, n *ast.IntegerNode) (operand, *SyntaxError) {
	if text := r.written(at); len(text) > 1 && text[0] == '0' && strings.ContainsAny(text[1:2], "xXoObB") {
		return r.literal(at, lqp.IntValue(int64(n.Value)))
	}
	return r.decimal(at)
}

// written is the text of a number without the lines that may group its digits.
func (r *exprReader) written(at token) string {
	from := min(max(at.from, 0), len(r.source))
	return strings.ReplaceAll(string(r.source[from:min(max(at.to, from), len(r.source))]), "_", "")
}

// decimal reads a number from the text: the node holds a double.
func (r *exprReader) decimal(at token) (operand, *SyntaxError) {
	d, ok := exactDecimal(r.written(at))
	if !ok {
		return operand{}, r.refuse(at, "the number is out of range",
			`a number has at most 20 digits before the point and 10 after it; others are written float("1e-12")`)
	}
	return r.literal(at, lqp.NumberValue(d))
}

// checkText refuses texts that no value can be: expr's escapes can write them.
func (r *exprReader) checkText(at token, s string) *SyntaxError {
	switch {
	case !utf8.ValidString(s):
		return r.refuse(at, "the text is not valid UTF-8", "")
	case strings.ContainsRune(s, 0):
		return r.refuse(at, "the text contains the character U+0000", "")
	}
	return nil
}

// let puts the value in the place of the name: every use counts as if it was written out.
func (r *exprReader) let(at token, n *ast.VariableDeclaratorNode) (operand, *SyntaxError) {
	before := r.nodes
	value, err := r.node(n.Value)
	if err != nil {
		return operand{}, err
	}
	nodes := r.nodes - before
	r.nodes = before
	r.variables = append(r.variables, variable{n.Name, value, nodes})
	defer func() { r.variables = r.variables[:len(r.variables)-1] }()
	x, err := r.node(n.Expr)
	x.from = min(x.from, at.from)
	return x, err
}

// variable finds what a name stands for.
func (r *exprReader) variable(name string) (variable, bool) {
	for i := len(r.variables) - 1; i >= 0; i-- {
		if r.variables[i].name == name {
			return r.variables[i], true
		}
	}
	return variable{}, false
}

// identifier is a name alone: a variable or a column.
func (r *exprReader) identifier(at token, name string) (operand, *SyntaxError) {
	if v, ok := r.variable(name); ok {
		if err := r.count(at, v.nodes); err != nil {
			return operand{}, err
		}
		x := v.value
		x.from, x.to = at.from, at.to
		return x, nil
	}
	if name == environment {
		return operand{}, r.refuse(at, "$env stands for all columns", `name one: $env["Column name"]`)
	}
	return r.leafOf(at, &lqp.Col{Column: name, From: at.from, To: at.to})
}
