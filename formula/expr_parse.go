package formula

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	exprparser "github.com/expr-lang/expr/parser"

	"github.com/livetables/livetables/lqp"
)

// ParseExpr reads a formula in the syntax of the expr language (github.com/expr-lang/expr, version 1.17) into the tree
// that [Parse] makes of the same formula in the language of this package: the meaning of functions, of NULL and of
// numbers is that of the catalogue, only the spelling is expr's. Operators, the ternary and if/else, ??, in, matches,
// contains, startsWith, endsWith, pipes, let, chained comparisons and array literals are read; columns are written
// unit_price, orders.total, orders["Unit price"] or $env["Unit price"]. Closures, maps, methods and slices are refused
// by name.
//
// Only the parser of expr is used, behind the default [Limits], which are checked before it starts. The error is a
// [*SyntaxError] with code-point offsets, as that of Parse.
func ParseExpr(text string) (lqp.Expr, error) { return ParseExprLimited(text, Limits{}) }

// ParseExprLimited is [ParseExpr] with other limits.
func ParseExprLimited(text string, limits Limits) (lqp.Expr, error) {
	return parseExprText(text, limits, nil)
}

// parseExprText is ParseExprLimited that goes on after the mistakes that can be collected, nil for none.
func parseExprText(text string, limits Limits, m *mistakes) (lqp.Expr, error) {
	limits = limits.withDefaults()
	if len(text) > limits.Source {
		return nil, tooLong(text, limits.Source)
	}
	if err := checkEncoding(text); err != nil {
		return nil, err
	}
	if err := scanExpr(text, limits.Nesting); err != nil {
		return nil, err
	}
	root, err := parseForeign(text, limits)
	if err != nil {
		return nil, err
	}
	r := &exprReader{parser: parser{limits: limits, mistakes: m}, source: []rune(text)}
	x, err := r.node(root.Node)
	if err != nil {
		return nil, err // a typed nil must not become a non-nil error
	}
	return x.expr, nil
}

// Syntaxes are the languages in which a formula may be given, by the names that [lqp.DecodeOptions] gives them:
// "formula" is [Parse], "expr" is [ParseExpr]. The map is the caller's.
func Syntaxes() map[string]func(text string) (lqp.Expr, error) {
	return map[string]func(string) (lqp.Expr, error){"formula": Parse, "expr": ParseExpr}
}

func tooLong(text string, most int) *SyntaxError {
	return &SyntaxError{Code: CodeLimit, From: 0, To: utf8.RuneCountInString(text),
		Message: "the formula is longer than " + strconv.Itoa(most) + " bytes"}
}

// plainCalls are functions of the catalogue that the parser of expr would otherwise take for its own ones, whose second
// argument is a closure.
var plainCalls = conf.FunctionsTable{"sum": nil, "count": nil, "find": nil}

// foreignNodes is how many nodes of expr's tree one node of ours may take: a qualified column is three of them.
const foreignNodes = 4

// parseForeign runs the parser of expr.
func parseForeign(text string, limits Limits) (tree *exprparser.Tree, err *SyntaxError) {
	defer func() {
		if recover() != nil { // it has no such habit, but it is not ours and what it reads is anybody's
			tree, err = nil, &SyntaxError{Code: CodeParse, From: 0, To: utf8.RuneCountInString(text), Message: "the formula cannot be read"}
		}
	}()
	tree, failed := exprparser.ParseWithConfig(text, &conf.Config{MaxNodes: uint(foreignNodes * limits.Nodes), Functions: plainCalls})
	if failed == nil {
		return tree, nil
	}
	at, ok := failed.(*file.Error) //nolint:errorlint // the parser documents no wrapping, and another error has no place
	if !ok {
		return nil, &SyntaxError{Code: CodeParse, From: 0, To: utf8.RuneCountInString(text), Message: clip(failed.Error())}
	}
	return nil, foreignError(text, at)
}

// foreignError says an error of expr's parser in the words of ours.
func foreignError(text string, e *file.Error) *SyntaxError {
	end := utf8.RuneCountInString(text)
	s := &SyntaxError{Code: CodeParse, From: min(max(e.From, 0), end), Message: clip(e.Message)}
	s.To = min(max(e.To, s.From), end)
	shown, unexpected := strings.CutPrefix(e.Message, "unexpected token ")
	switch {
	case strings.Contains(e.Message, "maximum allowed nodes"):
		s.Code, s.Message, s.Hint = CodeLimit, "the formula has too many parts", "move a part of it to a column of its own"
	case strings.HasPrefix(e.Message, "invalid ") && strings.Contains(e.Message, " literal"), strings.HasSuffix(e.Message, "literal is too large"):
		s.Message, s.Hint = "the number literal before this is out of range", "whole numbers have at most 18 digits here; larger ones are written to_number(\"…\")"
	case unexpected && shown == "EOF", e.Message == "unexpected end of expression":
		s.From, s.To, s.Message, s.Hint = end, end, "unexpected end of the formula", "a value or a closing bracket is missing"
	case unexpected:
		if _, quotedToken, ok := strings.Cut(strings.TrimSuffix(shown, ")"), "("); ok {
			if token, err := strconv.Unquote(quotedToken); err == nil {
				shown = "'" + clip(token) + "'"
			}
		}
		s.Message, s.Hint = "unexpected "+shown, foreignHint(shown)
	}
	return s
}

func foreignHint(shown string) string {
	switch shown {
	case "'#'":
		return "closures are no part of formulas"
	case "'='":
		return "write == to compare"
	case "'&'":
		return "write && for and, and concat(a, b) to join texts"
	case "'if'":
		return "write a ? b : c, or if a { b } else { c }"
	}
	return ""
}
