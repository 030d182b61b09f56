package postgres

import (
	"math"
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Bounds implements sqlgen.Dialect.
func (d *dialect) Bounds(op sqlgen.Op, s sqlgen.Storage, v lqp.Value) (b sqlgen.Bounds, ok bool) {
	r := s.Rep
	switch r.Form {
	case boolForm, textForm, binaryForm, numericForm:
		if v.Kind() == r.Kind {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
			return b, true
		}
	case otherForm: // bare only for equality, where the collation does not matter and the index does
		if v.Kind() == lqp.Text {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: sqlgen.Rep{Kind: lqp.Text, Form: textForm}})
			return b, true
		}
	case uuidForm:
		if v.Kind() == lqp.Text && (op == sqlgen.Eq || sqlgen.IsUUID(v.Text())) {
			if !sqlgen.IsUUID(v.Text()) {
				b.Never = true
			} else {
				b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
			}
			return b, true
		}
	case charForm:
		if v.Kind() == lqp.Text && op == sqlgen.Eq {
			if strings.HasSuffix(v.Text(), " ") {
				b.Never = true
			} else {
				b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
			}
			return b, true
		}
	case intForm:
		if v.Kind() == lqp.Number {
			return intBounds(op, v.Decimal()), true
		}
	case nanForm:
		if v.Kind() == lqp.Number {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: sqlgen.Rep{Kind: lqp.Number, Form: numericForm}})
			if op == sqlgen.Gt || op == sqlgen.Ge { // NaN is above all numbers
				b.Add(sqlgen.Bound{Op: sqlgen.Lt, Const: "'NaN'::numeric"})
			}
			return b, true
		}
	case float8Form:
		if v.Kind().Numeric() {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
			return b, true
		}
	case wideForm:
		if v.Kind() == lqp.Number {
			return sqlgen.RoundedBounds(op, v, numericForm), true
		}
	case rawFloatForm:
		if v.Kind().Numeric() {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: sqlgen.Rep{Kind: lqp.Float, Form: float8Form}})
			guard(&b, op, "'-Infinity'::float8", sqlgen.Gt, "'Infinity'::float8", sqlgen.Lt)
			return b, true
		}
	case dateForm:
		if v.Kind() == lqp.Date {
			b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
			guard(&b, op, "'0001-01-01'::date", sqlgen.Ge, "'9999-12-31'::date", sqlgen.Le)
			return b, true
		}
	case instantForm, localForm:
		switch v.Kind() {
		case lqp.Date:
			return instantBounds(op, r, lqp.DateTimeValue(v.Days()*86_400_000)), true
		case lqp.DateTime:
			return instantBounds(op, r, v), true
		}
	}
	return b, false
}

// guard closes the open side of a range against values that count as NULL.
func guard(b *sqlgen.Bounds, op sqlgen.Op, low string, lowOp sqlgen.Op, high string, highOp sqlgen.Op) {
	switch op {
	case sqlgen.Lt, sqlgen.Le:
		b.Add(sqlgen.Bound{Op: lowOp, Const: low})
	case sqlgen.Gt, sqlgen.Ge:
		b.Add(sqlgen.Bound{Op: highOp, Const: high})
	}
}

// intBounds compares an integer column with any number without leaving integers, whose index would be lost.
func intBounds(op sqlgen.Op, v lqp.Decimal) (b sqlgen.Bounds) {
	r := sqlgen.Rep{Kind: lqp.Number, Form: intForm}
	n, ok := v.Int64()
	if !ok {
		floor, inRange := v.Floor()
		if inRange {
			n, inRange = floor.Int64()
		}
		switch {
		case op == sqlgen.Eq:
			b.Never = true
			return b
		case inRange: // a fraction: nothing is equal to it
			if op == sqlgen.Lt || op == sqlgen.Le {
				op = sqlgen.Le
			} else {
				op = sqlgen.Gt
			}
		case (v.Sign() > 0) == (op == sqlgen.Lt || op == sqlgen.Le): // every integer is on that side
			n, op = math.MinInt64, sqlgen.Ge
		default:
			b.Never = true
			return b
		}
	}
	b.Add(sqlgen.Bound{Op: op, Value: lqp.IntValue(n), Rep: r})
	return b
}

// instantBounds compares timestamps that may be finer than a millisecond as if they had been cut to milliseconds.
func instantBounds(op sqlgen.Op, r sqlgen.Rep, v lqp.Value) (b sqlgen.Bounds) {
	rep := sqlgen.Rep{Kind: lqp.DateTime, Form: r.Form}
	low, high := "'0001-01-01'::timestamptz", "'10000-01-01'::timestamptz"
	if r.Form == localForm {
		low, high = "'0001-01-01'::timestamp", "'10000-01-01'::timestamp"
	}
	if r.Scale <= 3 {
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: rep})
		guard(&b, op, low, sqlgen.Ge, high, sqlgen.Lt)
		return b
	}
	next := sqlgen.Bound{Value: lqp.DateTimeValue(v.Millis() + 1), Rep: rep}
	if next.Value.IsNull() { // the last millisecond of the last year
		if op == sqlgen.Gt {
			b.Never = true
			return b
		}
		next = sqlgen.Bound{Const: high}
	}
	switch op {
	case sqlgen.Eq:
		b.Add(sqlgen.Bound{Op: sqlgen.Ge, Value: v, Rep: rep})
		next.Op = sqlgen.Lt
		b.Add(next)
	case sqlgen.Lt, sqlgen.Ge:
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: rep})
	case sqlgen.Le:
		next.Op = sqlgen.Lt
		b.Add(next)
	case sqlgen.Gt:
		next.Op = sqlgen.Ge
		b.Add(next)
	}
	guard(&b, op, low, sqlgen.Ge, high, sqlgen.Lt)
	return b
}
