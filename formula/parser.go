package formula

import (
	"strconv"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// Limits bounds what a formula may be. A zero field means the default; larger values than the defaults are allowed to
// the caller, but the default nesting is what keeps recursion over expressions shallow everywhere else.
type Limits struct {
	Source  int // bytes of text, default 16 KiB
	Nesting int // depth of the text's parentheses and calls and of the resulting tree, default 100
	Nodes   int // nodes of the resulting tree, default 1,000
}

func (l Limits) withDefaults() Limits {
	if l.Source <= 0 {
		l.Source = 16 << 10
	}
	if l.Nesting <= 0 {
		l.Nesting = 100
	}
	if l.Nodes <= 0 {
		l.Nodes = 1000
	}
	return l
}

// Parse reads a formula into an unbound expression in normal form: columns are named as written, nested and, or and
// concat are flat, negative number literals are folded and NOT of an equality is an inequality. Names of columns are not
// checked here, [lqp.BindExpr] does that. The default [Limits] apply. The error is a [*SyntaxError].
func Parse(text string) (lqp.Expr, error) {
	return ParseLimited(text, Limits{})
}

// ParseLimited is [Parse] with other limits.
func ParseLimited(text string, limits Limits) (lqp.Expr, error) { return parseText(text, limits, nil) }

// parseText is ParseLimited that goes on after the mistakes that can be collected, nil for none.
func parseText(text string, limits Limits, m *mistakes) (lqp.Expr, error) {
	limits = limits.withDefaults()
	if len(text) > limits.Source {
		return nil, tooLong(text, limits.Source)
	}
	if err := checkEncoding(text); err != nil {
		return nil, err
	}
	p := &parser{lex: lexer{src: text}, limits: limits, mistakes: m}
	x, err := p.formula()
	if err != nil {
		return nil, err // a typed nil must not become a non-nil error
	}
	return x.expr, nil
}

func checkEncoding(text string) *SyntaxError {
	at := 0
	for i := 0; i < len(text); at++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return &SyntaxError{Code: CodeParse, From: at, To: at + 1, Message: "the formula is not valid UTF-8"}
		}
		if r == 0 {
			return &SyntaxError{Code: CodeParse, From: at, To: at + 1, Message: "the formula contains the character U+0000"}
		}
		i += size
	}
	return nil
}

// The binding powers, loosest first. Unary minus stands between the products and the power: -a^2 is -(a^2).
const (
	bindOr = iota + 1
	bindAnd
	bindNot
	bindCompare
	bindConcat
	bindSum
	bindProduct
	bindUnary
	bindPower
)

type infix struct {
	bind int
	fn   string // function of the catalogue
}

var infixes = map[string]infix{
	"OR": {bindOr, "or"}, "AND": {bindAnd, "and"},
	"=": {bindCompare, "eq"}, "==": {bindCompare, "eq"}, "<>": {bindCompare, "ne"}, "!=": {bindCompare, "ne"},
	"<": {bindCompare, "lt"}, "<=": {bindCompare, "le"}, ">": {bindCompare, "gt"}, ">=": {bindCompare, "ge"},
	"IN": {bindCompare, "in"}, "NOT": {bindCompare, "in"}, // x NOT IN (…)
	"&": {bindConcat, "concat"},
	"+": {bindSum, "add"}, "-": {bindSum, "sub"},
	"*": {bindProduct, "mul"}, "/": {bindProduct, "div"}, "%": {bindProduct, "mod"},
	"^": {bindPower, "power"},
}

// parser is a precedence-climbing parser with one token of look-ahead and one more on request.
type parser struct {
	lex    lexer
	tok    token
	ahead  *token // the token after tok when it has been looked at
	limits Limits
	depth  int
	nodes  int
	// mistakes, when set, collects those after which reading can go on.
	mistakes *mistakes
}

func (p *parser) shift() *SyntaxError {
	if p.ahead != nil {
		p.tok, p.ahead = *p.ahead, nil
		return nil
	}
	t, err := p.lex.next()
	p.tok = t
	return err
}

// following looks one token beyond the current one.
func (p *parser) following() (token, *SyntaxError) {
	if p.ahead == nil {
		t, err := p.lex.next()
		if err != nil {
			return token{}, err
		}
		p.ahead = &t
	}
	return *p.ahead, nil
}

// enter counts one level of nesting; every recursion that the text can drive passes through it.
func (p *parser) enter(at token) *SyntaxError {
	p.depth++
	if p.depth > p.limits.Nesting {
		return p.tooDeep(at.from, at.to)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) tooDeep(from, to int) *SyntaxError {
	return &SyntaxError{Code: CodeLimit, From: from, To: to,
		Message: "the formula is nested deeper than " + strconv.Itoa(p.limits.Nesting) + " levels",
		Hint:    "move a part of it to a column of its own"}
}

func (p *parser) unexpected(wanted string) *SyntaxError {
	return &SyntaxError{Code: CodeParse, From: p.tok.from, To: p.tok.to,
		Message: "unexpected " + p.tok.shown(), Hint: wanted}
}

func (p *parser) formula() (operand, *SyntaxError) {
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	if p.tok.kind == tokEnd {
		return operand{}, &SyntaxError{Code: CodeParse, From: 0, To: p.tok.to, Message: "the formula is empty"}
	}
	if p.tok.is("=") {
		return operand{}, p.unexpected("a formula does not start with an equals sign")
	}
	x, err := p.expr(bindOr)
	if err != nil {
		return operand{}, err
	}
	if p.tok.kind != tokEnd {
		return operand{}, p.unexpected(p.afterValue())
	}
	return x, nil
}

// afterValue is the hint for a token that cannot follow a complete value.
func (p *parser) afterValue() string {
	switch p.tok.kind {
	case tokNumber, tokText, tokName, tokBraced, tokKeyword:
		return "an operator was expected"
	}
	switch p.tok.text {
	case ")":
		return "no parenthesis is open here"
	case ",":
		return "commas stand only between the arguments of a function"
	}
	return "an operator was expected"
}

// expr reads operators that bind at least as tightly as least, with their operands.
func (p *parser) expr(least int) (operand, *SyntaxError) {
	left, err := p.prefix(least)
	if err != nil {
		return operand{}, err
	}
	compared := false
	for p.tok.kind == tokSymbol || p.tok.kind == tokKeyword {
		op, ok := infixes[p.tok.text]
		if !ok || op.bind < least {
			break
		}
		if op.bind == bindCompare {
			if compared {
				return operand{}, &SyntaxError{Code: CodeParse, From: p.tok.from, To: p.tok.to,
					Message: "comparisons cannot be chained", Hint: "join them: a < b AND b < c"}
			}
			compared = true
		}
		if left, err = p.operator(left, op); err != nil {
			return operand{}, err
		}
	}
	return left, nil
}

// operator reads the current infix operator and its right side.
func (p *parser) operator(left operand, op infix) (operand, *SyntaxError) {
	at := p.tok
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	switch {
	case op.fn == "in":
		return p.in(left, at)
	case op.bind == bindPower:
		// Right-associative: the exponent may be a power or carry a sign, and each of them is one level deeper.
		if err := p.enter(at); err != nil {
			return operand{}, err
		}
		defer p.leave()
		right, err := p.expr(bindUnary)
		if err != nil {
			return operand{}, err
		}
		return p.call(op.fn, left.from, right.to, left, right)
	}
	args := []operand{left}
	for {
		right, err := p.expr(op.bind + 1)
		if err != nil {
			return operand{}, err
		}
		args = append(args, right)
		// A chain of and, or or concat becomes one node at once: growing it operator by operator would be quadratic.
		if !flattens(op.fn) || !p.tok.is(at.text) {
			return p.call(op.fn, left.from, right.to, args...)
		}
		if err := p.shift(); err != nil {
			return operand{}, err
		}
	}
}

// prefix reads a value with the signs and NOTs before it.
func (p *parser) prefix(least int) (operand, *SyntaxError) {
	at := p.tok
	switch {
	case at.is("-"), at.is("+"):
		return p.sign(at)
	case at.is("NOT"):
		next, err := p.following()
		if err != nil {
			return operand{}, err
		}
		if next.is("(") {
			break // NOT(…) is a call and binds like one
		}
		return p.not(at, least)
	}
	return p.primary()
}

func (p *parser) sign(at token) (operand, *SyntaxError) {
	if err := p.enter(at); err != nil {
		return operand{}, err
	}
	defer p.leave()
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	x, err := p.expr(bindUnary)
	if err != nil {
		return operand{}, err
	}
	if at.text == "+" {
		return operand{expr: x.expr, from: at.from, to: x.to, height: x.height}, nil
	}
	return p.call("neg", at.from, x.to, x)
}

func (p *parser) not(at token, least int) (operand, *SyntaxError) {
	if least > bindNot {
		return operand{}, p.unexpected("put it in parentheses: (NOT …)")
	}
	if err := p.enter(at); err != nil {
		return operand{}, err
	}
	defer p.leave()
	if err := p.shift(); err != nil {
		return operand{}, err
	}
	x, err := p.expr(bindNot)
	if err != nil {
		return operand{}, err
	}
	return p.call("not", at.from, x.to, x)
}
