package sqlgen

import "github.com/livetables/livetables/lqp"

// The numbers at which a wider decimal leaves our range when rounded.
const (
	RoundedLow  = "-99999999999999999999.99999999995"
	RoundedHigh = "99999999999999999999.99999999995"
)

// RoundedBounds compare a bare decimal of any scale with a number as if the column had been rounded half away from zero to
// ten digits: v stands for all numbers within half a unit of it, ties going away from zero. The form is that of a decimal
// parameter; its Scale is -1 or 1 for half a unit of the last digit below or above the value.
func RoundedBounds(op Op, v lqp.Value, form uint8) (b Bounds) {
	const minus, plus = -1, 1
	sign := v.Decimal().Sign()
	at := func(op Op, half int8) {
		b.Add(Bound{Op: op, Value: v, Rep: Rep{Kind: lqp.Number, Form: form, Scale: half}})
	}
	lower, upper := Ge, Lt // the tie below v>0 rounds to v, the one above does not
	if sign <= 0 {
		lower = Gt
	}
	if sign < 0 {
		upper = Le
	}
	switch op {
	case Eq:
		at(lower, minus)
		at(upper, plus)
	case Ge:
		at(lower, minus)
	case Le:
		at(upper, plus)
	case Lt: // not Ge
		if lower == Ge {
			at(Lt, minus)
		} else {
			at(Le, minus)
		}
	case Gt: // not Le
		if upper == Lt {
			at(Ge, plus)
		} else {
			at(Gt, plus)
		}
	}
	switch op {
	case Lt, Le:
		b.Add(Bound{Op: Gt, Const: RoundedLow})
	case Gt, Ge:
		b.Add(Bound{Op: Lt, Const: RoundedHigh})
	}
	return b
}
