package formula

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/livetables/livetables/lqp"
)

// environment is expr's name for everything that can be named.
const environment = "$env"

// memberNode converts a.b, a["b"] and a[0]: a column, or an element of a list.
func (r *exprReader) memberNode(at token, n *ast.MemberNode) (operand, *SyntaxError) {
	if _, named := n.Property.(*ast.StringNode); !named {
		return r.element(at, n)
	}
	path, from, err := r.path(n)
	if err != nil {
		return operand{}, err
	}
	whole := token{from: min(from, at.from), to: at.to}
	if to := n.Property.Location().To; to > whole.to {
		whole.to = to
	}
	for _, part := range path {
		if err := r.checkText(whole, part); err != nil {
			return operand{}, err
		}
		if part == "" {
			return operand{}, r.refuse(whole, "the column name is empty", "")
		}
	}
	c := &lqp.Col{Column: path[0], From: whole.from, To: whole.to}
	if len(path) > 1 {
		c.Source, c.Column = path[0], strings.Join(path[1:], ".")
	}
	return r.leafOf(whole, c)
}

// path lists the names of a.b.c, those behind $env without it, and where the first one stands.
func (r *exprReader) path(n ast.Node) (names []string, from int, err *SyntaxError) {
	for {
		at := place(n)
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
			continue
		case *ast.MemberNode:
			name, ok := m.Property.(*ast.StringNode)
			if !ok {
				return nil, 0, r.refuse(at, "only columns and their sources have names after a point", "")
			}
			if m.Method {
				return nil, 0, r.method(at)
			}
			names = append([]string{name.Value}, names...)
			n = m.Node
			if len(names) > maxPath {
				return nil, 0, r.refuse(at, "the name has too many parts", "")
			}
			continue
		case *ast.IdentifierNode:
			if _, ok := r.variable(m.Value); ok {
				return nil, 0, r.refuse(at, "the variable "+clip(m.Value)+" has no columns", "")
			}
			if m.Value != environment {
				names = append([]string{m.Value}, names...)
			}
			return names, at.from, nil
		}
		return nil, 0, r.refuse(at, "only columns and their sources have names after a point", "")
	}
}

// maxPath is how many points a name may have.
const maxPath = 32

func (r *exprReader) method(at token) *SyntaxError {
	return r.refuse(at, "methods are no part of formulas", "functions stand alone: upper(name)")
}

// element converts list[0]: expr counts from 0, and both count from the end with negative numbers.
func (r *exprReader) element(at token, n *ast.MemberNode) (operand, *SyntaxError) {
	list, err := r.node(n.Node)
	if err != nil {
		return operand{}, err
	}
	index, err := r.node(n.Property)
	if err != nil {
		return operand{}, err
	}
	whole := token{from: min(list.from, at.from), to: max(index.to, at.to)}
	i, ok := wholeNumber(index.expr)
	if !ok {
		return operand{}, r.refuse(token{from: index.from, to: index.to}, "the place of an element is a number here",
			"array_at(list, place) takes any, counted from 1")
	}
	if i >= 0 {
		i++
	}
	index.expr = lqp.Literal(lqp.IntValue(i))
	return r.call("array_at", whole.from, whole.to, list, index)
}

// wholeNumber is the value of a literal that is a small whole number.
func wholeNumber(e lqp.Expr) (int64, bool) {
	d, ok := numberLiteral(e)
	if !ok {
		return 0, false
	}
	const most = 1_000_000_000
	n, ok := d.Int64()
	return n, ok && n <= most && n >= -most
}
