package formula

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	exprlexer "github.com/expr-lang/expr/parser/lexer"
)

// scanExpr bounds how deep the parser of expr will call itself, which it does not do on its own: every open bracket,
// every sign or not of a run of them, every power of a chain, and every ?, let, if and else of the expression around is
// one level. A text that is no expression is left for the parser to report, unless it is too deep first.
func scanExpr(text string, most int) *SyntaxError {
	lex := exprlexer.New()
	lex.Reset(file.NewSource(text))
	s := nesting{levels: make([]level, 1)}
	for first := true; ; first = false {
		token, err := lex.Next()
		switch {
		case err != nil:
			return nil //nolint:nilerr // the parser reports it, in its own words
		case token.Kind == exprlexer.EOF && first:
			return &SyntaxError{Code: CodeParse, From: 0, To: utf8.RuneCountInString(text), Message: "the formula is empty"}
		case token.Kind == exprlexer.EOF:
			return nil
		}
		if s.next(token); s.depth+s.signs+s.powers > most {
			p := parser{limits: Limits{Nesting: most}}
			return p.tooDeep(token.From, token.To)
		}
	}
}

// level is an open bracket, or the whole text.
type level struct {
	opened int // levels that end with the bracket: itself and the signs and powers before it
	inside int // levels that end with the expression inside, at a comma or the bracket
}

// nesting follows the levels of a text token by token.
type nesting struct {
	depth   int // sum of levels
	levels  []level
	signs   int  // - + ! not in a row before the value to come
	powers  int  // ** in a chain, which binds from right to left
	operand bool // the last token ended a value: a - after it has two sides
}

func (n *nesting) next(t exprlexer.Token) {
	switch t.Kind {
	case exprlexer.Bracket:
		n.bracket(t.Value)
	case exprlexer.Operator:
		n.operator(t.Value)
	default:
		n.operand, n.signs = true, 0
	}
}

func (n *nesting) bracket(b string) {
	switch b {
	case "(", "[", "{":
		opened := 1 + n.signs + n.powers
		n.levels = append(n.levels, level{opened: opened})
		n.depth += opened
		n.operand, n.signs, n.powers = false, 0, 0
	default:
		if last := len(n.levels) - 1; last > 0 {
			n.depth -= n.levels[last].opened + n.levels[last].inside
			n.levels = n.levels[:last]
		}
		n.operand, n.signs = true, 0
	}
}

func (n *nesting) operator(op string) {
	switch op {
	case ",": // what stood before the comma is done
		top := &n.levels[len(n.levels)-1]
		n.depth -= top.inside
		top.inside, n.signs, n.powers = 0, 0, 0
	case "?", "let", "if", "else":
		n.levels[len(n.levels)-1].inside++
		n.depth++
		n.signs, n.powers = 0, 0
	case "**", "^":
		n.powers++
	case "-", "+", "!", "not":
		if !n.operand {
			n.signs++
			return
		}
		n.signs, n.powers = 0, 0
	default:
		n.signs, n.powers = 0, 0
	}
	n.operand = false
}
