package formula

import (
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/livetables/livetables/lqp"
)

// exprFunctions are the functions of expr that the catalogue has under another name, with arguments in the same order.
// Any other function of the catalogue is called by its own name, in any case.
var exprFunctions = map[string]string{
	"ceil": "ceiling", "int": "trunc", "float": "to_float", "string": "to_text", "repeat": "rept", "mean": "average",
	"hasPrefix": "starts_with", "hasSuffix": "ends_with",
	"first": "array_first", "last": "array_last", "uniq": "array_unique", "flatten": "array_flatten", "sort": "array_sort",
}

// exprForms are the functions of expr that one function of the catalogue does not stand for as it is. An answer of nil
// leaves the call to the catalogue.
var exprForms = map[string]func(r *exprReader, call token, args []operand) (*operand, *SyntaxError){
	"len": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		if len(args) == 1 && plainKind(args[0].expr) == lqp.List {
			return r.form("list_count", call, args...)
		}
		return nil, nil
	},
	"replace": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		if len(args) == 3 { // four arguments are those of the catalogue's replace
			return r.form("substitute", call, args...)
		}
		return nil, nil
	},
	"join": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		switch {
		case len(args) == 1:
			return r.form("array_join", call, args[0], constantOperand(call, lqp.TextValue("")))
		case len(args) == 2 && plainKind(args[0].expr) != lqp.Text:
			return r.form("array_join", call, args...)
		}
		return nil, nil
	},
	"indexOf": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		if len(args) != 2 {
			return nil, arity(call, "2 arguments", len(args))
		}
		place, err := r.form("find", call, args[1], args[0])
		if err != nil {
			return nil, err
		}
		return r.form("sub", call, *place, constantOperand(call, lqp.IntValue(1)))
	},
	"take": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		if len(args) != 2 {
			return nil, arity(call, "2 arguments", len(args))
		}
		return r.form("array_slice", call, args[0], constantOperand(call, lqp.IntValue(1)), args[1])
	},
	"date": func(r *exprReader, call token, args []operand) (*operand, *SyntaxError) {
		if len(args) == 1 { // three arguments are those of the catalogue's date
			return r.form("to_datetime", call, args...)
		}
		return nil, nil
	},
}

// form builds a call of the catalogue's function.
func (r *exprReader) form(fn string, call token, args ...operand) (*operand, *SyntaxError) {
	build, err := r.lookup(token{text: fn, from: call.from, to: call.to})
	if err != nil {
		return nil, err
	}
	x, err := build(token{text: fn, from: call.from, to: call.to}, args)
	return &x, err
}

// constantOperand is an argument that the text does not have.
func constantOperand(at token, v lqp.Value) operand {
	return operand{expr: lqp.Literal(v), from: at.from, to: at.to, height: 1}
}

// callNode converts a call of a function that expr itself does not know.
func (r *exprReader) callNode(at token, n *ast.CallNode) (operand, *SyntaxError) {
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return operand{}, r.method(at)
	}
	return r.named(token{text: name.Value, from: at.from, to: at.to}, n.Arguments)
}

// named converts a call by its name, which token has; the place is that of the name.
func (r *exprReader) named(name token, nodes []ast.Node) (operand, *SyntaxError) {
	for _, n := range nodes {
		if p, ok := n.(*ast.PredicateNode); ok {
			return operand{}, r.refuse(joined(name, place(p)), clip(name.text)+" takes a closure here, which is no part of formulas",
				"functions of lists such as sum, max and has_any take whole lists")
		}
	}
	fn := name.text
	if own := exprFunctions[fn]; own != "" {
		fn = own
	}
	form := exprForms[name.text]
	build, err := r.lookup(token{text: fn, from: name.from, to: name.to})
	if err != nil && form == nil {
		return operand{}, err
	}
	unknown := err
	args, err := r.argumentNodes(fn, nodes)
	if err != nil {
		return operand{}, err
	}
	call := token{text: fn, from: name.from, to: name.to}
	if len(args) > 0 {
		from, to := around(args)
		call.from, call.to = min(call.from, from), max(call.to, to)
	}
	if form != nil {
		x, err := form(r, call, args)
		switch {
		case err != nil:
			if err.Code == CodeArity {
				if placeholder, ok := r.excuse(err, call, args); ok {
					return placeholder, nil
				}
			}
			return operand{}, err
		case x != nil:
			return *x, nil
		case unknown != nil:
			return operand{}, unknown
		}
	}
	return build(call, args)
}

func joined(a, b token) token { return token{from: min(a.from, b.from), to: max(a.to, b.to)} }

// argumentNodes converts arguments. The elements of a list that is written out stand for themselves where the function
// takes any count of values.
func (r *exprReader) argumentNodes(fn string, nodes []ast.Node) ([]operand, *SyntaxError) {
	args := make([]operand, 0, min(len(nodes), r.limits.Nodes))
	for i, n := range nodes {
		items, listed, err := r.items(n)
		if err != nil {
			return nil, err
		}
		if !listed {
			x, err := r.node(n)
			if err != nil {
				return nil, err
			}
			args = append(args, x)
			continue
		}
		if !spreads(fn, i) {
			return nil, r.refuse(place(n), "argument "+strconv.Itoa(i+1)+" of "+clip(fn)+" cannot be a list that is written out",
				"lists of values stand after in and among the arguments of functions such as max and has_any")
		}
		args = append(args, items...)
	}
	return args, nil
}

// spreads reports whether many values may stand in the place of argument i.
func spreads(fn string, i int) bool {
	if asciiLower(fn) == "in" {
		return i > 0
	}
	f, ok := lqp.LookupFunction(asciiLower(fn))
	if !ok || len(f.Params) == 0 {
		return false
	}
	p := f.Param(i)
	return p.Variadic && p.Accepts(lqp.Type{Kind: lqp.List, Elem: lqp.Text})
}
