package sqlite

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// layouts are the ways to write a date and time whose texts, all in one of them, order as the instants do. A Rep of
// [formStamp] has the index of one as its Scale. The first is the canonical one.
var layouts = [...]string{
	"0000-00-00T00:00:00.000Z",
	"0000-00-00 00:00:00",
	"0000-00-00T00:00:00",
	"0000-00-00 00:00:00.000",
	"0000-00-00T00:00:00.000",
	"0000-00-00T00:00:00Z",
	"0000-00-00 00:00:00.000Z",
	"0000-00-00 00:00:00Z",
	"0000-00-00 00:00",
	"0000-00-00T00:00",
	"0000-00-00",
}

// stampRep is how a datetime in a layout is kept.
func stampRep(layout int) sqlgen.Rep {
	if layout == 0 {
		return dateTimeRep
	}
	return sqlgen.Rep{Kind: lqp.DateTime, Form: uint8(formStamp), Scale: int8(layout)}
}

// layoutOf is the layout of a date and time, -1 for any that is none of ours.
func layoutOf(raw []byte) int {
	for i := range layouts {
		if hasLayout(raw, layouts[i]) {
			if _, ok := parseDateTime(raw); !ok {
				return -1
			}
			return i
		}
	}
	return -1
}

func hasLayout(raw []byte, layout string) bool {
	if len(raw) != len(layout) {
		return false
	}
	for i, c := range raw {
		if want := layout[i]; want == '0' && c-'0' > 9 || want != '0' && c != want {
			return false
		}
	}
	return true
}

// appendLayout appends an instant in a layout; ok is false when that cannot hold it.
func appendLayout(dst []byte, layout int, millis int64) (_ []byte, ok bool) {
	unit := int64(1)
	switch form := layouts[layout]; len(form) {
	case len("0000-00-00"):
		unit = millisPerDay
	case len("0000-00-00 00:00"):
		unit = 60_000
	case len("0000-00-00 00:00:00"), len("0000-00-00 00:00:00Z"):
		unit = 1000
	}
	if millis%unit != 0 {
		return dst, false
	}
	start := len(dst)
	dst = lqp.AppendDateTime(dst, millis)
	form := layouts[layout]
	if len(dst)-start != len(layouts[0]) {
		return dst, false
	}
	dst = dst[:start+len(form)]
	for i := range len(form) {
		if form[i] != '0' {
			dst[start+i] = form[i]
		}
	}
	return dst, true
}

// The first argument of ltcell_odd: what the cells of a column should be. A layout of datetimes follows.
const (
	oddText = iota
	oddDate
	oddNumber
	oddLayout
)

// oddCells are the conditions of which one holds of each cell that is neither NULL nor a canonical value in the
// representation. None are given where there is no such representation. Those that an index answers at once come first.
func (c *conn) oddCells(st storage, cell, from string) (rep sqlgen.Rep, conditions []string, err error) {
	odd := func(what int) string { return "ltcell_odd(" + strconv.Itoa(what) + ", " + cell + ")" }
	const texts = " >= ''" // and blobs, which sort after all numbers
	switch st.form {
	case formInt:
		return intRep(st.scale), []string{cell + texts, "typeof(" + cell + ") = 'real'"}, nil
	case formFloat: // the affinity of the column makes a real of every integer
		return floatRep, []string{cell + " >= 9e999", cell + " <= -9e999"}, nil
	case formBool:
		return boolRep, []string{cell + " > 1", cell + " < 0", cell + " > 0 AND " + cell + " < 1"}, nil
	case formNumeric:
		return numericRep, []string{cell + texts, odd(oddNumber)}, nil
	case formDate:
		return dateRep, []string{cell + " < ''", odd(oddDate)}, nil
	case formText:
		rep = textRep
		rep.Binary = true // see SortKey
		return rep, []string{odd(oddText)}, nil
	case formDateTime:
		layout := 0
		err := c.each("SELECT "+cell+from+cell+texts+" LIMIT 1", func(s *statement) {
			layout = -1
			if s.ColumnType(0) == sqlite3.TEXT {
				layout = layoutOf(s.ColumnRawText(0))
			}
		})
		if err != nil || layout < 0 {
			return rep, nil, err
		}
		return stampRep(layout), []string{cell + " < ''", odd(oddLayout + layout)}, nil
	}
	return rep, nil, nil
}

// isOdd is ltcell_odd: whether a cell is neither NULL nor canonical. Texts longer than sorting looks at are odd too.
func isOdd(ctx sqlite3.Context, arg ...sqlite3.Value) {
	class := arg[1].Type()
	if class == sqlite3.NULL {
		ctx.ResultBool(false)
		return
	}
	what := arg[0].Int()
	canonical := false
	switch {
	case what == oddNumber:
		canonical = class == sqlite3.INTEGER || class == sqlite3.FLOAT && exactReal(arg[1].Float())
	case class != sqlite3.TEXT:
	case what == oddText:
		raw := arg[1].RawText()
		canonical = (len(raw) <= lqp.OrderPrefix || utf8.RuneCount(raw) <= lqp.OrderPrefix) && !lqp.TextValue(borrowed(raw)).IsNull()
	case what == oddDate:
		_, canonical = parseDate(arg[1].RawText())
	case what-oddLayout < len(layouts):
		raw := arg[1].RawText()
		if canonical = hasLayout(raw, layouts[what-oddLayout]); canonical {
			_, canonical = parseDateTime(raw)
		}
	}
	ctx.ResultBool(!canonical)
}

// maxReal bounds the doubles that mean one number of fifteen digits.
const maxReal = 1e15

// exactReal reports that a double in a DECIMAL column orders as the number which is read for it, among all such doubles and
// all 64-bit integers: the number leads back to the double.
func exactReal(f float64) bool {
	d, ok := lqp.DecimalFromFloat(f)
	return ok && math.Abs(f) < maxReal && d.Float() == f
}

// exactNumber reports that a number can be bound so that it compares with the cells of a trusted DECIMAL column as the
// numbers do that are read for them.
func exactNumber(n lqp.Decimal) bool {
	if _, ok := n.Scaled(0); ok {
		return true
	}
	f := n.Float()
	back, ok := lqp.DecimalFromFloat(f)
	return ok && math.Abs(f) < maxReal && back == n
}
