package postgres

import "github.com/livetables/livetables/adapter/internal/sqlgen"

var _ sqlgen.Apart = (*dialect)(nil)

// Values implements sqlgen.Apart: infinities, NaN and what lies outside our years and numbers are no values here. They
// stand at the ends of the stored order.
func (d *dialect) Values(s sqlgen.Storage) (v sqlgen.ApartValues, ok bool) {
	if d.owned {
		return v, false // the indexes of a store put rows without a value where sorts put them
	}
	b := &v.Bounds
	within := func(low string, lowOp sqlgen.Op, high string, highOp sqlgen.Op) {
		b.Add(sqlgen.Bound{Op: lowOp, Const: low})
		b.Add(sqlgen.Bound{Op: highOp, Const: high})
	}
	switch s.Rep.Form {
	case intForm, boolForm, uuidForm, binaryForm: // an index in the order that is PostgreSQL's own serves these
	case nanForm:
		b.Add(sqlgen.Bound{Op: sqlgen.Lt, Const: "'NaN'::numeric"})
	case wideForm:
		within(sqlgen.RoundedLow, sqlgen.Gt, sqlgen.RoundedHigh, sqlgen.Lt)
		v.Finer = true
	case rawFloatForm:
		within("'-Infinity'::float8", sqlgen.Gt, "'Infinity'::float8", sqlgen.Lt)
	case dateForm:
		within("'0001-01-01'::date", sqlgen.Ge, "'9999-12-31'::date", sqlgen.Le)
	case instantForm:
		within("'0001-01-01'::timestamptz", sqlgen.Ge, "'10000-01-01'::timestamptz", sqlgen.Lt)
	case localForm:
		within("'0001-01-01'::timestamp", sqlgen.Ge, "'10000-01-01'::timestamp", sqlgen.Lt)
	default:
		return v, false
	}
	v.Finer = v.Finer || s.Rep.Scale > 3 && (s.Rep.Form == instantForm || s.Rep.Form == localForm)
	return v, true
}

// AppendTie implements sqlgen.Apart.
func (d *dialect) AppendTie(dst []byte, s sqlgen.Storage, bare, value string) []byte {
	add := func(texts ...string) {
		for _, t := range texts {
			dst = append(dst, t...)
		}
	}
	if s.Rep.Form == wideForm {
		add(bare, " >= ", value, " - 0.0000000001 AND ", bare, " <= ", value, " + 0.0000000001 AND round(", bare, ", 10) = ", value)
	} else {
		add(bare, " >= ", value, " AND ", bare, " < ", value, " + interval '1 millisecond'")
	}
	return dst
}
