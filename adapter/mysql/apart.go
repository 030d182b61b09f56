package mysql

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var _ sqlgen.Apart = (*dialect)(nil)

// Values implements sqlgen.Apart. Zero dates lie below all others; impossible dates and texts with U+0000, which count as
// NULL too, may lie anywhere. A timestamp is never impossible.
func (d *dialect) Values(s sqlgen.Storage) (v sqlgen.ApartValues, ok bool) {
	v.Partial = !s.Exact
	switch s.Rep.Form {
	case intForm, uintForm, numericForm, doubleForm:
	case binaryTextForm:
		v.Scattered = true
	case rawDateForm, rawTimeForm:
		v.Scattered = true
		v.Bounds.Add(sqlgen.Bound{Op: sqlgen.Ge, Const: "DATE'0001-01-01'"})
	case stampForm:
		v.Below = "TIMESTAMP'1970-01-03 00:00:00'"
	default:
		return v, false
	}
	v.Finer = s.Rep.Kind == lqp.DateTime && s.Rep.Scale > 3
	return v, true
}

// AppendTie implements sqlgen.Apart.
func (d *dialect) AppendTie(dst []byte, s sqlgen.Storage, bare, value string) []byte {
	dst = append(dst, bare...)
	if s.Rep.Kind != lqp.DateTime || s.Rep.Scale <= 3 {
		return append(append(dst, " = "...), value...)
	}
	for _, text := range [...]string{" >= ", value, " AND ", bare, " <= ", value, " + INTERVAL 999 MICROSECOND"} {
		dst = append(dst, text...)
	}
	return dst
}
