package sqlgen

import "github.com/livetables/livetables/lqp"

// Digits are how many digits a number can have before and after the point.
type Digits struct{ Whole, Frac int }

// DigitsOf is how many digits the facets of a number's type allow, false when they do not say or it is no number.
func DigitsOf(t lqp.Type) (Digits, bool) {
	if t.Kind != lqp.Number || t.Precision <= 0 {
		return Digits{}, false
	}
	c := Digits{max(t.Precision-t.Scale, 0), max(t.Scale, 0)}
	if c.Frac > lqp.DecimalDigits { // the column holds more digits than its values
		c.Whole, c.Frac = c.Whole+1, lqp.DecimalDigits
	}
	return c, true
}

// LiteralInt is the whole number that a constant argument is, cut to what any position or count can mean: it lies between
// least and most. It is false for everything else.
func LiteralInt(x lqp.Expr, least, most int64) (int, bool) {
	l, ok := Fold(x).(*lqp.Lit)
	if !ok || l.Val.Kind() != lqp.Number {
		return 0, false
	}
	d, _ := l.Val.Decimal().RoundDown(0)
	n, ok := d.Int64()
	if !ok {
		return 0, false
	}
	return int(min(max(n, least), most)), true
}
