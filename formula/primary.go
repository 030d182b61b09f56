package formula

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// primary reads a literal, a column, a call or a formula in parentheses.
func (p *parser) primary() (operand, *SyntaxError) {
	at := p.tok
	switch at.kind {
	case tokNumber:
		return p.number(at)
	case tokText:
		return p.leaf(at, lqp.Literal(lqp.TextValue(at.text)))
	case tokName, tokBraced:
		next, err := p.following()
		if err != nil {
			return operand{}, err
		}
		switch {
		case next.is("."):
			return p.qualified(at)
		case next.is("(") && at.kind == tokName:
			return p.function(at)
		}
		return p.leaf(at, &lqp.Col{Column: at.text, From: at.from, To: at.to})
	case tokKeyword:
		next, err := p.following()
		if err != nil {
			return operand{}, err
		}
		if next.is("(") {
			return p.function(at)
		}
		if at.text == "TRUE" || at.text == "FALSE" {
			return p.leaf(at, lqp.Literal(lqp.BoolValue(at.text == "TRUE")))
		}
	case tokSymbol:
		if at.text == "(" {
			return p.parenthesis(at)
		}
	}
	return operand{}, p.unexpected("a value was expected")
}

// leaf consumes the current token as a whole operand.
func (p *parser) leaf(at token, e lqp.Expr) (operand, *SyntaxError) {
	if err := p.count(at, 1); err != nil {
		return operand{}, err
	}
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	return operand{expr: e, from: at.from, to: at.to, height: 1}, nil
}

func (p *parser) number(at token) (operand, *SyntaxError) {
	digits := at.text
	if strings.Contains(digits, ".") {
		digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	}
	if strings.HasPrefix(digits, ".") || digits == "" {
		digits = "0" + digits
	}
	_, fraction, _ := strings.Cut(digits, ".")
	d, err := lqp.ParseDecimal(digits)
	if err != nil || len(fraction) > 10 {
		return operand{}, &SyntaxError{Code: CodeParse, From: at.from, To: at.to, Message: "the number is out of range",
			Hint: "a number has at most 20 digits before the point and 10 after it"}
	}
	return p.leaf(at, lqp.Literal(lqp.NumberValue(d)))
}

// qualified reads alias.column; either part may be in braces.
func (p *parser) qualified(alias token) (operand, *SyntaxError) {
	if err := p.shift(); err != nil { // the dot becomes current
		return operand{}, err
	}
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	column := p.tok
	if column.kind != tokName && column.kind != tokBraced {
		return operand{}, p.unexpected("a column was expected after the alias: " + quoteName(alias.text) + ".{Column name}")
	}
	next, err := p.following()
	if err != nil {
		return operand{}, err
	}
	if next.is(".") || next.is("(") && column.kind == tokName {
		if err := p.shift(); err != nil {
			return operand{}, err
		}
		return operand{}, p.unexpected("a column has one alias before it, and a name with points is written in braces: {a.b}")
	}
	whole := token{kind: column.kind, from: alias.from, to: column.to}
	return p.leaf(whole, &lqp.Col{Source: alias.text, Column: column.text, From: alias.from, To: column.to})
}

func (p *parser) parenthesis(open token) (operand, *SyntaxError) {
	if err := p.enter(open); err != nil {
		return operand{}, err
	}
	defer p.leave()
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	x, err := p.expr(bindOr)
	if err != nil {
		return operand{}, err
	}
	to, err := p.close(open)
	if err != nil {
		return operand{}, err
	}
	x.from, x.to = open.from, to
	return x, nil
}

// close consumes the parenthesis that ends what open began and answers where it ends.
func (p *parser) close(open token) (to int, err *SyntaxError) {
	switch {
	case p.tok.kind == tokEnd:
		return 0, &SyntaxError{Code: CodeParse, From: open.from, To: open.to,
			Message: "the parenthesis is not closed", Hint: "add a )"}
	case !p.tok.is(")"):
		hint := "an operator or ) was expected"
		if p.tok.is(",") {
			hint = p.afterValue()
		}
		return 0, p.unexpected(hint)
	}
	to = p.tok.to
	return to, p.shift()
}
