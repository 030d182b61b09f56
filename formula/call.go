package formula

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// function reads a call: the current token is the name, the next one the opening parenthesis.
func (p *parser) function(name token) (operand, *SyntaxError) {
	build, err := p.lookup(name)
	if err != nil {
		return operand{}, err
	}
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	args, to, err := p.arguments()
	if err != nil {
		return operand{}, err
	}
	return build(token{text: name.text, from: name.from, to: to}, args)
}

// arguments reads a parenthesised list of formulas, which may be empty. The current token is the opening parenthesis.
func (p *parser) arguments() (args []operand, to int, err *SyntaxError) {
	open := p.tok
	if err := p.enter(open); err != nil {
		return nil, 0, err
	}
	defer p.leave()
	if err := p.shift(); err != nil {
		return nil, 0, err
	}
	if p.tok.is(")") {
		to = p.tok.to
		return nil, to, p.shift()
	}
	for {
		x, err := p.expr(bindOr)
		if err != nil {
			return nil, 0, err
		}
		args = append(args, x)
		if p.tok.is(",") {
			if err := p.shift(); err != nil {
				return nil, 0, err
			}
			continue
		}
		if p.tok.kind != tokEnd && !p.tok.is(")") {
			return nil, 0, p.unexpected("an operator, a comma or ) was expected")
		}
		to, err := p.close(open)
		return args, to, err
	}
}

// builder makes the node of a call from its arguments. call is the whole call with the name as written.
type builder func(call token, args []operand) (operand, *SyntaxError)

// lookup finds what a name in front of a parenthesis means: a constant, a parameter of the plan or a function.
func (p *parser) lookup(name token) (builder, *SyntaxError) {
	build, err := p.find(name)
	if err == nil {
		return p.excused(build), nil
	}
	if p.mistakes == nil {
		return nil, err
	}
	return func(call token, args []operand) (operand, *SyntaxError) {
		if x, ok := p.excuse(err, call, args); ok {
			return x, nil
		}
		return operand{}, err
	}, nil
}

// find is lookup without going on after mistakes.
func (p *parser) find(name token) (builder, *SyntaxError) {
	upper := asciiUpper(name.text)
	switch upper {
	case "TRUE", "FALSE":
		return p.constant(lqp.Literal(lqp.BoolValue(upper == "TRUE"))), nil
	case "BLANK":
		return p.constant(lqp.Literal(lqp.NullValue)), nil
	case "USER":
		return p.attribute, nil
	case "IN":
		return p.inCall, nil
	}
	if param, ok := params[upper]; ok {
		return func(call token, args []operand) (operand, *SyntaxError) {
			return p.constant(&lqp.Param{Name: param, From: call.from, To: call.to})(call, args)
		}, nil
	}
	if f, ok := lqp.LookupRecordFunction(asciiLower(name.text)); ok {
		return p.record(f), nil
	}
	f, ok := lqp.LookupFunction(asciiLower(name.text))
	if !ok {
		return nil, unknownFunction(name)
	}
	return func(call token, args []operand) (operand, *SyntaxError) {
		if err := checkArity(call, f, len(args)); err != nil {
			return operand{}, err
		}
		if lit, ok := typedLiteral(f, args); ok {
			return operand{expr: lit, from: call.from, to: call.to, height: 1}, nil
		}
		args, err := p.gathered(f.Name, call, args)
		if err != nil {
			return operand{}, err
		}
		return p.call(f.Name, call.from, call.to, args...)
	}, nil
}

// record builds a call of a function of the record. It stays a call until the formula meets its table.
func (p *parser) record(f *lqp.RecordFunction) builder {
	return func(call token, args []operand) (operand, *SyntaxError) {
		if len(args) > 0 {
			return operand{}, arity(call, "no arguments", len(args))
		}
		return p.call(f.Name, call.from, call.to)
	}
}

// gathered makes one list of the literals that has_any and has_all look for, as in has.
func (p *parser) gathered(fn string, call token, args []operand) ([]operand, *SyntaxError) {
	if fn != "has_any" && fn != "has_all" {
		return args, nil
	}
	list, ok, err := p.literals(call, args[1:])
	if err != nil || !ok {
		return args, err
	}
	return []operand{args[0], list}, nil
}

// params are the names of the plan's parameters by the function that stands for them.
var params = map[string]string{"NOW": "now", "TODAY": "today", "CURRENT_USER": "current_user"}

// userAttribute is the prefix of the parameter that USER("name") stands for.
const userAttribute = "user."

func (p *parser) constant(e lqp.Expr) builder {
	return func(call token, args []operand) (operand, *SyntaxError) {
		if len(args) > 0 {
			return operand{}, arity(call, "no arguments", len(args))
		}
		if err := p.count(call, 1); err != nil {
			return operand{}, err
		}
		return operand{expr: e, from: call.from, to: call.to, height: 1}, nil
	}
}

// attribute builds USER("name"). The name must be known when the formula is read, because rules are checked before
// there is a user.
func (p *parser) attribute(call token, args []operand) (operand, *SyntaxError) {
	if len(args) != 1 {
		return operand{}, arity(call, "1 argument", len(args))
	}
	l, ok := args[0].expr.(*lqp.Lit)
	if !ok || l.Val.Kind() != lqp.Text || l.Val.Text() == "" {
		return operand{}, &SyntaxError{Code: CodeParse, From: args[0].from, To: args[0].to,
			Message: "USER takes the name of an attribute as a text", Hint: `for example USER("department")`}
	}
	return operand{expr: &lqp.Param{Name: userAttribute + l.Val.Text(), From: call.from, To: call.to},
		from: call.from, to: call.to, height: 1}, nil
}

// in reads the right side of x IN (…) and x NOT IN (…); op is IN or NOT, already consumed.
func (p *parser) in(x operand, op token) (operand, *SyntaxError) {
	negated := op.text == "NOT"
	if negated {
		if !p.tok.is("IN") {
			return operand{}, &SyntaxError{Code: CodeParse, From: op.from, To: op.to, Message: "unexpected NOT",
				Hint: "an operator was expected"}
		}
		if err := p.shift(); err != nil {
			return operand{}, err
		}
	}
	if !p.tok.is("(") {
		return operand{}, p.unexpected("IN is followed by a list: IN (1, 2, 3)")
	}
	items, to, err := p.arguments()
	if err != nil {
		return operand{}, err
	}
	member, err := p.member(token{from: x.from, to: to}, x, items)
	if err != nil || !negated {
		return member, err
	}
	return p.call("not", x.from, to, member)
}

// inCall builds IN(x, 1, 2).
func (p *parser) inCall(call token, args []operand) (operand, *SyntaxError) {
	if len(args) < 2 {
		return operand{}, arity(call, "at least 2 arguments", len(args))
	}
	return p.member(call, args[0], args[1:])
}

// member builds the test whether x is one of items. Literals become a list, which sources understand best.
func (p *parser) member(whole token, x operand, items []operand) (operand, *SyntaxError) {
	list, ok, err := p.literals(whole, items)
	if err != nil {
		return operand{}, err
	}
	if ok {
		items = []operand{list}
	}
	return p.call("in", whole.from, whole.to, append([]operand{x}, items...)...)
}

// literals makes one list of operands that are all literals.
func (p *parser) literals(whole token, items []operand) (list operand, ok bool, err *SyntaxError) {
	lits := make([]*lqp.Lit, len(items))
	for i, item := range items {
		if lits[i], ok = item.expr.(*lqp.Lit); !ok {
			return operand{}, false, nil
		}
	}
	if err := p.count(whole, 1); err != nil {
		return operand{}, false, err
	}
	return operand{expr: lqp.NewList(lits...), from: whole.from, to: whole.to, height: 1}, true, nil
}

// checkArity refuses counts of arguments that the function cannot have, whatever their types.
func checkArity(call token, f *lqp.Function, n int) *SyntaxError {
	// A NULL fits every parameter, so what remains wrong with NULLs is their count.
	if _, err := f.Result(make([]lqp.Type, n)); err != nil && err.Arg < 0 {
		return arity(call, err.Want, n)
	}
	return nil
}

func arity(call token, wanted string, got int) *SyntaxError {
	given := strconv.Itoa(got)
	if got == 0 {
		given = "none"
	}
	return &SyntaxError{Code: CodeArity, From: call.from, To: call.to,
		Message: asciiUpper(call.text) + " takes " + wanted + ", " + given + " given"}
}
