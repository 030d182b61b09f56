package formula

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// CheckOptions say what a formula is checked against. The zero CheckOptions know no columns.
type CheckOptions struct {
	// Syntax is "formula", the default, or "expr", see [Syntaxes].
	Syntax string
	Limits Limits
	Scope  lqp.Scope
	Env    lqp.Env
	// Want is the kind that the answer must have: Bool for a condition. Null, the zero Kind, allows every kind, and a formula
	// that is always NULL fits every kind.
	Want lqp.Kind
}

// Checked is a formula without mistakes.
type Checked struct {
	Tree   lqp.Expr // to be stored: columns by their ids, parameters as they are, see [Identify]
	Bound  lqp.Expr // to be run: see [lqp.BindExpr]
	Facets Facets
}

// Check reads a formula and says everything that is wrong with it at once: unknown functions and columns with what was
// probably meant, wrong counts and types of arguments with what was expected. Only a text that cannot be read at all
// hides what comes behind the place. The error is an [lqp.Problems], sorted by place, whose From and To are code points.
func Check(text string, opt CheckOptions) (*Checked, error) {
	mistakes := &mistakes{}
	e, err := mistakes.read(text, opt)
	if err != nil {
		return nil, err
	}
	var problems lqp.Problems
	for _, m := range mistakes.list {
		problems = append(problems, m.problem())
	}
	// What stood inside a call that cannot be built is checked on its own.
	for _, x := range mistakes.orphans {
		if _, err := lqp.BindExpr(x.expr, opt.Scope, opt.Env); err != nil {
			if problems, err = collect(problems, err); err != nil {
				return nil, err
			}
		}
	}
	var bound lqp.Expr
	if e != nil {
		if bound, err = lqp.BindExpr(e, opt.Scope, opt.Env); err != nil {
			if problems, err = collect(problems, err); err != nil {
				return nil, err
			}
		}
	}
	if bound != nil && len(problems) == 0 && opt.Want != lqp.Null {
		if k := bound.Type().Kind; k != opt.Want && k != lqp.Null {
			problems = append(problems, lqp.Problem{Path: "$", Code: lqp.CodeTypeMismatch, To: len([]rune(text)),
				Message: fmt.Sprintf("the formula must answer %s; this one answers %s", opt.Want, bound.Type())})
		}
	}
	if len(problems) > 0 {
		return nil, sorted(problems)
	}
	tree := Identify(e, opt.Scope)
	return &Checked{Tree: tree, Bound: bound, Facets: FacetsOf(tree, bound)}, nil
}

// collect adds the problems of an error; any other error is answered.
func collect(problems lqp.Problems, err error) (lqp.Problems, error) {
	var more lqp.Problems
	if !errors.As(err, &more) {
		return nil, fmt.Errorf("check formula: %w", err)
	}
	return append(problems, more...), nil
}

// sorted orders problems by their place and says each of them once.
func sorted(problems lqp.Problems) lqp.Problems {
	slices.SortStableFunc(problems, func(a, b lqp.Problem) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	return slices.Compact(problems)
}

// problem is the mistake as a problem of the whole text.
func (e *SyntaxError) problem() lqp.Problem {
	var p lqp.Problem
	errors.As(e.Unwrap(), &p)
	p.Path = "$"
	return p
}

// mistakes collects what the parser can go on after.
type mistakes struct {
	list    []*SyntaxError
	orphans []operand // arguments of calls that cannot be built
}

// most is how many mistakes are collected: a longer report helps nobody.
const mostMistakes = 50

// read parses the text in its syntax. A text that cannot be read is a mistake like the others; then e is nil.
func (m *mistakes) read(text string, opt CheckOptions) (e lqp.Expr, err error) {
	switch opt.Syntax {
	case "", "formula":
		e, err = parseText(text, opt.Limits, m)
	case "expr":
		e, err = parseExprText(text, opt.Limits, m)
	default:
		return nil, fmt.Errorf("check formula: no syntax is called %q; there are %q", opt.Syntax, slices.Sorted(maps.Keys(Syntaxes())))
	}
	var unreadable *SyntaxError
	if errors.As(err, &unreadable) {
		m.list = append(m.list, unreadable)
		return nil, nil
	}
	return e, err
}

// excuse notes a mistake and puts NULL, which fits everywhere, in the place of the call; false when nothing collects.
func (p *parser) excuse(mistake *SyntaxError, call token, args []operand) (operand, bool) {
	if p.mistakes == nil || len(p.mistakes.list) >= mostMistakes {
		return operand{}, false
	}
	p.mistakes.list = append(p.mistakes.list, mistake)
	p.mistakes.orphans = append(p.mistakes.orphans, args...)
	return operand{expr: lqp.Literal(lqp.NullValue), from: call.from, to: call.to, height: 1}, true
}

// excused makes a builder's mistakes go on.
func (p *parser) excused(build builder) builder {
	if p.mistakes == nil {
		return build
	}
	return func(call token, args []operand) (operand, *SyntaxError) {
		x, err := build(call, args)
		if err == nil || err.Code != CodeArity {
			return x, err
		}
		if placeholder, ok := p.excuse(err, call, args); ok {
			return placeholder, nil
		}
		return x, err
	}
}
