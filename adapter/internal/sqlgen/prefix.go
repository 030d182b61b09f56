package sqlgen

import (
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// PrefixRange emits starts_with(x, part) of a column whose index orders by code point as a range of that index. The form is
// that of the texts that are stored so. Unless done, it has written nothing, and the caller must write the predicate otherwise.
func (e *Emitter) PrefixRange(x, part lqp.Expr, form uint8, ctx Context) (ok, done bool) {
	c, isCol := x.(*lqp.Col)
	l, isLit := Fold(part).(*lqp.Lit)
	if !isCol || !isLit || c.Source == "" || ctx != WhenTrue || l.Val.Kind() != lqp.Text {
		return false, false
	}
	next, found := successor(l.Val.Text())
	if !found || e.BareRep(c).Form != form {
		return false, false
	}
	return e.Predicate(lqp.NewCall("and",
		lqp.NewCall("ge", c, l), lqp.NewCall("lt", c, lqp.Literal(lqp.TextValue(next)))), ctx), true
}

// successor is the smallest text above every text that begins with p; there is none for the empty text and for runs of
// the last code point.
func successor(p string) (string, bool) {
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
