package mysql

import (
	"math"
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// looseRep is a text parameter without a collation of its own: a column compares with it by the column's collation, which
// its index serves.
var looseRep = sqlgen.Rep{Kind: lqp.Text}

// Bounds implements sqlgen.Dialect.
func (d *dialect) Bounds(op sqlgen.Op, s sqlgen.Storage, v lqp.Value) (b sqlgen.Bounds, ok bool) {
	r := s.Rep
	switch r.Form {
	case tinyBoolForm, bitBoolForm:
		if v.Kind() == lqp.Bool && op == sqlgen.Eq {
			b.Add(sqlgen.Bound{Op: sqlgen.Eq, Const: "0"})
			if v.Bool() {
				b.Bound[0].Op = sqlgen.Ne
			}
			return b, true
		}
	case intForm:
		if v.Kind() == lqp.Number {
			return wholeBounds(op, v.Decimal(), false), true
		}
	case uintForm:
		if v.Kind() == lqp.Number {
			return wholeBounds(op, v.Decimal(), true), true
		}
	case numericForm:
		if v.Kind() == lqp.Number {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: numericRep})
			return b, true
		}
	case doubleForm:
		if v.Kind().Numeric() {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: doubleRep})
			return b, true
		}
	case wideForm:
		if v.Kind() == lqp.Number {
			return sqlgen.RoundedBounds(op, v, numericForm), true
		}
	case binaryTextForm:
		if v.Kind() == lqp.Text {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: textRep})
			b.Implied = op != sqlgen.Eq // texts with U+0000 count as NULL
			return b, true
		}
	case otherTextForm, foreignTextForm, nameTextForm:
		if r.Form != otherTextForm && !ascii(v.Text()) {
			return b, false // the column's character set may not have it, which is an error here
		}
		if v.Kind() == lqp.Text && op == sqlgen.Eq { // what is equal by code points is equal under any collation
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: looseRep})
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: textRep})
			return b, true
		}
	case uuidForm:
		if v.Kind() == lqp.Text && op == sqlgen.Eq {
			if !sqlgen.IsUUID(v.Text()) {
				b.Never = true
			} else {
				b.Add(sqlgen.Bound{Op: op, Value: v, Rep: sqlgen.Rep{Kind: lqp.Text, Form: uuidForm}})
			}
			return b, true
		}
	case rawDateForm:
		if v.Kind() == lqp.Date {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: dateRep})
			b.Implied = op != sqlgen.Eq
			return b, true
		}
	case rawTimeForm, stampForm:
		if v.Kind() == lqp.Date {
			v = lqp.DateTimeValue(v.Days() * dayMillis)
		}
		if v.Kind() == lqp.DateTime && (r.Form == rawTimeForm || stampable(v)) {
			return instantBounds(op, r, v)
		}
	}
	return b, false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

const dayMillis = 86_400_000

// stampable reports that a timestamp column can hold v on every server; what lies beyond is not trusted to its index.
func stampable(v lqp.Value) bool {
	return v.Millis() >= 2*dayMillis && v.Millis() < (1<<31-1)*1000-2*dayMillis
}

func unsigned(v lqp.Decimal) (uint64, bool) {
	if n, ok := v.Int64(); ok {
		return uint64(n), n >= 0
	}
	n, err := strconv.ParseUint(v.String(), 10, 64)
	return n, err == nil
}

// wholeBounds compares an integer column with any number without leaving integers, whose index would be lost.
func wholeBounds(op sqlgen.Op, v lqp.Decimal, noSign bool) (b sqlgen.Bounds) {
	fits := func(v lqp.Decimal) (rep sqlgen.Rep, ok bool) {
		if noSign {
			_, ok = unsigned(v)
			return uintRep, ok
		}
		_, ok = v.Int64()
		return intRep, ok
	}
	rep, ok := fits(v)
	if !ok {
		floor, inRange := v.Floor()
		_, floorFits := fits(floor)
		below := op == sqlgen.Lt || op == sqlgen.Le
		switch {
		case op == sqlgen.Eq:
			b.Never = true
			return b
		case inRange && floorFits: // a fraction: nothing is equal to it
			v = floor
			if below {
				op = sqlgen.Le
			} else {
				op = sqlgen.Gt
			}
		case (v.Sign() > 0) == below: // every integer is on that side
			op, v = sqlgen.Ge, lqp.DecimalFromInt(math.MinInt64)
			if noSign {
				v = lqp.Decimal{}
			}
		default:
			b.Never = true
			return b
		}
	}
	b.Add(sqlgen.Bound{Op: op, Value: lqp.NumberValue(v), Rep: rep})
	return b
}

// instantBounds compares datetimes that may be finer than a millisecond as if they had been cut to milliseconds. Only
// equality says all: an impossible date lies in a range of possible ones.
func instantBounds(op sqlgen.Op, r sqlgen.Rep, v lqp.Value) (b sqlgen.Bounds, ok bool) {
	b.Implied = true
	if r.Scale <= 3 {
		b.Implied = op != sqlgen.Eq
		// MySQL cuts the constant to the digits of an indexed column, whatever the operator is: it must have no more.
		unit := [...]int64{1000, 100, 10, 1}[r.Scale]
		rest := (v.Millis()%unit + unit) % unit
		if rest != 0 {
			v = lqp.DateTimeValue(v.Millis() - rest)
			switch op {
			case sqlgen.Eq:
				b.Never = true
				return b, true
			case sqlgen.Lt:
				op = sqlgen.Le
			case sqlgen.Ge:
				op = sqlgen.Gt
			}
		}
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: instantRep})
		return b, true
	}
	next := lqp.DateTimeValue(v.Millis() + 1)
	if next.IsNull() && op != sqlgen.Lt && op != sqlgen.Ge { // the last millisecond of the last year
		return b, false
	}
	switch op {
	case sqlgen.Eq:
		b.Add(sqlgen.Bound{Op: sqlgen.Ge, Value: v, Rep: instantRep})
		b.Add(sqlgen.Bound{Op: sqlgen.Lt, Value: next, Rep: instantRep})
	case sqlgen.Lt, sqlgen.Ge:
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: instantRep})
	case sqlgen.Le:
		b.Add(sqlgen.Bound{Op: sqlgen.Lt, Value: next, Rep: instantRep})
	case sqlgen.Gt:
		b.Add(sqlgen.Bound{Op: sqlgen.Ge, Value: next, Rep: instantRep})
	}
	return b, true
}
