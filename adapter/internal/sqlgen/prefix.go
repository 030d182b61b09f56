package sqlgen

import (
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// PrefixRange emits starts_with(x, part) of a column whose index orders by code point as a range of that index. The form is
// that of the texts that are stored so. Unless done, it has written nothing, and the caller must write the predicate otherwise.
func (e *Emitter) PrefixRange(x, part lqp.Expr, form uint8, ctx Context) (ok, done bool) {
	c, stored, text, literal := e.LiteralPart(x, part)
	if !literal || ctx != WhenTrue || stored.Form != form {
		return false, false
	}
	next, found := Successor(text)
	if !found {
		return false, false
	}
	return e.Predicate(lqp.NewCall("and",
		lqp.NewCall("ge", c, lqp.Literal(lqp.TextValue(text))), lqp.NewCall("lt", c, lqp.Literal(lqp.TextValue(next)))), ctx), true
}

// LikePattern is the pattern of LIKE for the texts that have part in them, with before and after, "%" or nothing, around it.
// The escape character stands before what would match anything else.
func LikePattern(before, part, after string, escape byte) string {
	b := make([]byte, 0, len(part)+len(part)/8+2)
	b = append(b, before...)
	for i := range len(part) {
		if c := part[i]; c == '%' || c == '_' || c == escape {
			b = append(b, escape)
		}
		b = append(b, part[i])
	}
	return string(append(b, after...))
}

// LiteralPart is a constant text sought in a column of a table or nested query; stored is how the column is stored.
func (e *Emitter) LiteralPart(x, part lqp.Expr) (c *lqp.Col, stored Rep, text string, ok bool) {
	c, isCol := x.(*lqp.Col)
	l, isLit := Fold(part).(*lqp.Lit)
	if !isCol || !isLit || c.Source == "" || l.Val.Kind() != lqp.Text {
		return nil, Rep{}, "", false
	}
	return c, e.BareRep(c), l.Val.Text(), true
}

// Bare appends a column as it is stored, false when it is not in scope.
func (e *Emitter) Bare(c *lqp.Col) bool {
	_, ok := e.bare(c)
	return ok
}

// Successor is the smallest text above every text that begins with p; there is none for the empty text and for runs of
// the last code point.
func Successor(p string) (string, bool) {
	for len(p) > 0 {
		r, size := utf8.DecodeLastRuneInString(p)
		p = p[:len(p)-size]
		switch r {
		case utf8.MaxRune:
			continue
		case 0xD7FF:
			r = 0xE000 // surrogates are no code points of a text
		default:
			r++
		}
		return p + string(r), true
	}
	return "", false
}
