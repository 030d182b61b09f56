package sqlite

import (
	"math"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Literal binds a number in the form of what it meets, if that can hold it.
func (d *dialect) Literal(v lqp.Value, like sqlgen.Rep) (r sqlgen.Rep, reason string) {
	switch v.Kind() {
	case lqp.Number:
		return numberRep(v.Decimal(), like), ""
	case lqp.DateTime:
		return instantRep(v, like), ""
	case lqp.List:
		elem := lqp.Null
		if like.Kind == lqp.List {
			elem = lqp.Kind(like.Scale)
		}
		for _, it := range v.Items() {
			if !it.IsNull() {
				elem = it.Kind()
			}
		}
		return listRep(elem), ""
	}
	r, ok := kindRep(lqp.Type{Kind: v.Kind()})
	if !ok {
		return r, "a value of this kind is compared in memory"
	}
	return r, ""
}

func numberRep(n lqp.Decimal, like sqlgen.Rep) sqlgen.Rep {
	switch {
	case like.Kind == lqp.Float:
		return floatRep
	case like.Kind == lqp.Number && form(like.Form) == formInt:
		if _, ok := n.Scaled(int(like.Scale)); ok {
			return intRep(int(like.Scale))
		}
		return keyRep
	case like.Kind == lqp.Number && form(like.Form) == formNumeric && !exactNumber(n):
		return keyRep
	case like.Kind == lqp.Number:
		return sqlgen.Rep{Kind: lqp.Number, Form: like.Form}
	}
	for scale := range lqp.DecimalDigits + 1 {
		if _, ok := n.Scaled(scale); ok {
			return intRep(scale)
		}
	}
	return keyRep
}

// Bounds compares the bare column where that is what comparing its canonical value is.
func (d *dialect) Bounds(op sqlgen.Op, s sqlgen.Storage, v lqp.Value) (b sqlgen.Bounds, ok bool) {
	f := form(s.Rep.Form)
	if f&formUnbound != 0 {
		return b, false
	}
	switch {
	case f == formInt && v.Kind() == lqp.Number:
		b = intBounds(op, v.Decimal(), s.Rep)
		b.Implied = !s.Exact && op != sqlgen.Eq // a real or a text in the column would satisfy a range
		return b, true
	case f == formNumeric && v.Kind() == lqp.Number:
		return numericBounds(op, v, s), true
	case f == formDateTime && !s.Exact && v.Kind() == lqp.DateTime:
		return dayBounds(op, v)
	case f == formStamp && v.Kind() == lqp.DateTime:
		r := instantRep(v, s.Rep)
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
		return b, form(r.Form) == formStamp
	case f == formFloat && v.Kind().Numeric():
		return floatBounds(op, lqp.FloatValue(v.Float()), s), true
	case s.Exact && f == formDecimal && v.Kind() == lqp.Number,
		s.Exact && (f == formText || f == formDate || f == formDateTime || f == formBool) && v.Kind() == s.Rep.Kind,
		f == formText && v.Kind() == lqp.Text,
		f == formDate && v.Kind() == lqp.Date:
		r := s.Rep
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
		// A value that is no text or date, or no valid one, never equals one, but it may lie in a range.
		b.Implied = !s.Exact && op != sqlgen.Eq
		return b, true
	}
	return b, false
}

// ImpliedEqual implements [sqlgen.EqualColumns]: integers and texts that are read as they are stored are equal there too.
// A collation of a column finds more texts equal, unless it is one that nobody here knows.
func (d *dialect) ImpliedEqual(a, b sqlgen.Output) bool {
	x, y := a.Storage.Rep, b.Storage.Rep
	f := form(x.Form)
	if f != form(y.Form) || a.Column == nil || b.Column == nil {
		return false
	}
	return f == formInt && x.Scale == y.Scale || f == formText && a.Column.Collation == "" && b.Column.Collation == ""
}

// intBounds compares a scaled integer with a number that may have more digits or be out of its range.
func intBounds(op sqlgen.Op, n lqp.Decimal, r sqlgen.Rep) (b sqlgen.Bounds) {
	scale := int(r.Scale)
	if _, ok := n.Scaled(scale); ok {
		b.Add(sqlgen.Bound{Op: op, Value: lqp.NumberValue(n), Rep: r})
		return b
	}
	most, least := lqp.DecimalFromScaled(math.MaxInt64, scale), lqp.DecimalFromScaled(math.MinInt64, scale)
	switch {
	case op == sqlgen.Eq:
		b.Never = true
	case n.Cmp(most) > 0 && (op == sqlgen.Lt || op == sqlgen.Le):
		b.Add(sqlgen.Bound{Op: sqlgen.Le, Value: lqp.NumberValue(most), Rep: r})
	case n.Cmp(least) < 0 && (op == sqlgen.Gt || op == sqlgen.Ge):
		b.Add(sqlgen.Bound{Op: sqlgen.Ge, Value: lqp.NumberValue(least), Rep: r})
	case n.Cmp(most) > 0 || n.Cmp(least) < 0:
		b.Never = true
	default:
		// n lies between two values of the column; cut is the one nearer to zero.
		cut, _ := n.RoundDown(scale)
		below := cut.Cmp(n) < 0
		switch {
		case (op == sqlgen.Lt || op == sqlgen.Le) && below:
			op = sqlgen.Le
		case op == sqlgen.Lt || op == sqlgen.Le:
			op = sqlgen.Lt
		case below:
			op = sqlgen.Gt
		default:
			op = sqlgen.Ge
		}
		b.Add(sqlgen.Bound{Op: op, Value: lqp.NumberValue(cut), Rep: r})
	}
	return b
}

// floatBounds keeps out of a range what a REAL column of a foreign file may hold besides finite numbers: infinities, and
// texts and blobs, which sort after all numbers.
func floatBounds(op sqlgen.Op, v lqp.Value, s sqlgen.Storage) (b sqlgen.Bounds) {
	r := s.Rep
	b.Add(sqlgen.Bound{Op: op, Value: v, Rep: r})
	if s.Exact {
		return b
	}
	switch op {
	case sqlgen.Lt, sqlgen.Le:
		b.Add(sqlgen.Bound{Op: sqlgen.Gt, Const: "-9e999"})
	case sqlgen.Gt, sqlgen.Ge:
		b.Add(sqlgen.Bound{Op: sqlgen.Lt, Const: "9e999"})
	}
	return b
}

// numericBounds compares a DECIMAL column of a foreign file. What its doubles mean is at most half a unit of their 15th
// digit, or of the 10th decimal place, away from them.
func numericBounds(op sqlgen.Op, v lqp.Value, s sqlgen.Storage) (b sqlgen.Bounds) {
	if s.Exact && exactNumber(v.Decimal()) {
		b.Add(sqlgen.Bound{Op: op, Value: v, Rep: s.Rep})
		return b
	}
	b.Implied = true
	f := v.Decimal().Float()
	margin := math.Abs(f)*1e-13 + 1e-9
	if op != sqlgen.Lt && op != sqlgen.Le {
		b.Add(sqlgen.Bound{Op: sqlgen.Ge, Value: lqp.FloatValue(f - margin), Rep: floatRep})
	}
	if op != sqlgen.Gt && op != sqlgen.Ge {
		b.Add(sqlgen.Bound{Op: sqlgen.Le, Value: lqp.FloatValue(f + margin), Rep: floatRep})
	}
	return b
}

// dayBounds are the days on which an instant may be written: in its text stands the local time of any offset.
func dayBounds(op sqlgen.Op, v lqp.Value) (b sqlgen.Bounds, ok bool) {
	b.Implied = true
	day := floorDay(v.Millis())
	bound := func(op sqlgen.Op, day int64) {
		if at := lqp.DateValue(day); !at.IsNull() {
			b.Add(sqlgen.Bound{Op: op, Value: at, Rep: dateRep})
		}
	}
	if op != sqlgen.Lt && op != sqlgen.Le {
		bound(sqlgen.Ge, day-1)
	}
	if op != sqlgen.Gt && op != sqlgen.Ge {
		bound(sqlgen.Lt, day+2)
	}
	return b, b.N > 0
}

func floorDay(millis int64) int64 {
	day := millis / millisPerDay
	if millis%millisPerDay < 0 {
		day--
	}
	return day
}

// instantRep is how a point in time is bound to meet a column: in the column's layout, if that can hold it.
func instantRep(v lqp.Value, like sqlgen.Rep) sqlgen.Rep {
	var buf [40]byte
	if like.Kind == lqp.DateTime && form(like.Form) == formStamp {
		if _, ok := appendLayout(buf[:0], int(like.Scale), v.Millis()); ok {
			return like
		}
	}
	return dateTimeRep
}
