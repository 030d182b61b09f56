package sqlite

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

var (
	_ sqlgen.Dialect      = (*dialect)(nil)
	_ sqlgen.EqualColumns = (*dialect)(nil)
	_ sqlgen.Filled       = knowing{}
)

// dialect is SQLite's SQL for one kind of file: with trust in the forms of a store's columns, or with none in those of
// others. A Rep's Form is a [form]; its Scale is that of a scaled integer, or the kind of a list's elements.
type dialect struct {
	foreign bool
	// ownSort keeps SQLite from taking the order of a source for the order that is asked, see regroups.
	ownSort bool
	// known are the columns of a file of others that hold nothing but canonical values, see learn.
	known map[columnName]trust
}

// Forms of bare columns only: the same storage where even the affinity is unknown, so that a comparison of the bare
// column may see anything.
const formUnbound form = 0x80

func rep(k lqp.Kind, f form) sqlgen.Rep {
	return sqlgen.Rep{Kind: k, Form: uint8(f)}
}

func intRep(scale int) sqlgen.Rep {
	return sqlgen.Rep{Kind: lqp.Number, Form: uint8(formInt), Scale: int8(scale)}
}

var (
	boolRep     = rep(lqp.Bool, formBool)
	keyRep      = rep(lqp.Number, formKey)
	floatRep    = rep(lqp.Float, formFloat)
	textRep     = rep(lqp.Text, formText)
	dateRep     = rep(lqp.Date, formDate)
	dateTimeRep = rep(lqp.DateTime, formDateTime)
	numericRep  = rep(lqp.Number, formNumeric)
	jsonRep     = rep(lqp.JSON, formJSON)
	bytesRep    = rep(lqp.Bytes, formBytes)
)

func listRep(elem lqp.Kind) sqlgen.Rep {
	return sqlgen.Rep{Kind: lqp.List, Form: uint8(formList), Scale: int8(elem)}
}

// kindRep is the representation of a computed value of type t.
func kindRep(t lqp.Type) (sqlgen.Rep, bool) {
	switch t.Kind {
	case lqp.Bool:
		return boolRep, true
	case lqp.Number:
		return keyRep, true
	case lqp.Float:
		return floatRep, true
	case lqp.Text:
		return textRep, true
	case lqp.Date:
		return dateRep, true
	case lqp.DateTime:
		return dateTimeRep, true
	case lqp.List:
		return listRep(t.Elem), true
	case lqp.JSON:
		return jsonRep, true
	case lqp.Bytes:
		return bytesRep, true
	}
	return sqlgen.Rep{}, false
}

// repStorage is how Rows read a column of that representation.
func repStorage(r sqlgen.Rep) storage {
	s := storage{form: form(r.Form) &^ formUnbound}
	switch s.form {
	case formInt, formStamp:
		s.scale = int(r.Scale)
	case formList:
		s.elem = lqp.Kind(r.Scale)
	}
	return s
}

func (d *dialect) Features() sqlgen.Features {
	return sqlgen.Features{RowValues: true, True: "1", False: "0", DistinctFrom: "IS NOT", NullSafeEqual: "IS", UnlimitedOffset: "LIMIT -1 "}
}

func (d *dialect) AppendIdent(dst []byte, name string) []byte { return appendIdent(dst, name) }

// appendIdent quotes an identifier. SQLite takes every text in double quotes but NUL, which ends the statement; no
// discovered name has one.
func appendIdent(dst []byte, name string) []byte {
	dst = append(dst, '"')
	for i := range len(name) {
		switch c := name[i]; c {
		case '"':
			dst = append(dst, '"', '"')
		case 0:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func (d *dialect) AppendPlaceholder(dst []byte, n int, _ sqlgen.Rep) []byte {
	return strconv.AppendInt(append(dst, '?'), int64(n), 10)
}

func (d *dialect) Storage(t *lqp.Table, c *lqp.Column) sqlgen.Storage {
	st := columnStorage(c.Native, d.foreign)
	r := sqlgen.Rep{Kind: c.Type.Kind, Form: uint8(st.form)}
	switch st.form {
	case formInt:
		r.Scale = int8(st.scale)
	case formList:
		r.Scale = int8(st.elem)
	}
	if !st.loose {
		return sqlgen.Storage{Rep: r, Exact: true, NullExact: true}
	}
	if c.Collation == collationUTF16 {
		return sqlgen.Storage{Rep: r, Opaque: "the file keeps its texts in UTF-16, whose order is another"}
	}
	if k, ok := d.trusted(t, c); ok {
		return sqlgen.Storage{Rep: k.rep, Exact: true, NullExact: true}
	}
	if t.Kind != lqp.BaseTable || st.unbound || c.Collation != "" && c.Type.Kind != lqp.Text {
		r.Form |= uint8(formUnbound)
	}
	return sqlgen.Storage{Rep: r}
}

func (d *dialect) trusted(t *lqp.Table, c *lqp.Column) (k trust, ok bool) {
	if len(d.known) > 0 && t.Kind == lqp.BaseTable {
		k, ok = d.known[columnName{t.Path[0], c.ID}]
	}
	return k, ok
}

// knowing is a dialect with known columns.
type knowing struct{ *dialect }

// Filled implements [sqlgen.Filled].
func (d knowing) Filled(t *lqp.Table, c *lqp.Column) bool {
	k, ok := d.trusted(t, c)
	return ok && k.filled
}

// Canonical reads a column of a foreign file as its canonical value: NULL where the storage class is not the declared
// one.
func (d *dialect) Canonical(e *sqlgen.Emitter, start int, s sqlgen.Storage) sqlgen.Rep {
	f := form(s.Rep.Form) &^ formUnbound
	switch f {
	case formInt:
		guarded(e, start, "integer", "")
		return intRep(int(s.Rep.Scale))
	case formBool:
		guarded(e, start, "integer", " <> 0")
		return boolRep
	case formBytes:
		guarded(e, start, "blob", "")
		return bytesRep
	case formFloat:
		// Adding 0.0 drops the sign of -0.0; the infinities are no numbers.
		guarded(e, start, "real", " + 0.0")
		e.Wrap(start, "NULLIF(NULLIF(", ", 9e999), -9e999)")
		return floatRep
	}
	e.Wrap(start, "lt_canon('"+spec(f, s.Rep.Scale)+"', ", ")")
	r, _ := kindRep(lqp.Type{Kind: s.Rep.Kind, Elem: lqp.Kind(s.Rep.Scale)})
	return r
}

// guarded turns the column x into CASE WHEN typeof(x) = 'class' THEN x… END.
func guarded(e *sqlgen.Emitter, start int, class, then string) {
	const before = "CASE WHEN typeof("
	from, to := start+len(before), e.Len()+len(before)
	e.Wrap(start, before, ") = '"+class+"' THEN ")
	e.Repeat(from, to)
	e.WriteString(then)
	e.WriteString(" END")
}

// Fetch leaves the column as it is: Rows guard what they decode.
func (d *dialect) Fetch(*sqlgen.Emitter, int, sqlgen.Storage) {}

// Null appends NULL, which has no type in SQLite.
func (d *dialect) Null(e *sqlgen.Emitter, t lqp.Type) (sqlgen.Rep, bool) {
	r, ok := kindRep(t)
	if ok {
		e.WriteString("NULL")
	}
	return r, ok
}

// Unify lets numbers meet in their key form, and numbers and floats as floats. Datetimes in different layouts meet in the
// canonical one.
func (d *dialect) Unify(a, b sqlgen.Rep) (sqlgen.Rep, bool) {
	switch {
	case a.Kind == lqp.Number && b.Kind == lqp.Number:
		return keyRep, true
	case a.Kind.Numeric() && b.Kind.Numeric():
		return floatRep, true
	case a.Kind == lqp.DateTime && b.Kind == lqp.DateTime:
		return dateTimeRep, true
	}
	return sqlgen.Rep{}, false
}

func (d *dialect) Convert(e *sqlgen.Emitter, start int, from, to sqlgen.Rep) bool {
	if from.Kind == lqp.DateTime {
		e.Wrap(start, "lt_canon('"+repSpec(from)+"', ", ")")
		return true
	}
	if from.Kind != lqp.Number {
		return e.Fail("values of different kinds are compared in memory")
	}
	fn := "lt_canon('"
	if to.Kind == lqp.Float {
		fn = "lt_float('"
	}
	e.Wrap(start, fn+spec(form(from.Form), from.Scale)+"', ", ")")
	return true
}

// Ordered spells the collation of every text and wide number. A column may have been declared with another one; and SQLite
// takes for the collation of an expression any that is spelled anywhere inside it, so that the texts of CASE WHEN n
// COLLATE LT_NUM = 5 THEN s END would compare as numbers. The collation spelled last wins, and indexes still serve.
func (d *dialect) Ordered(e *sqlgen.Emitter, start int, r sqlgen.Rep) {
	switch {
	case form(r.Form) == formDecimal:
		e.Wrap(start, "", " COLLATE "+collationNum)
	case r.Kind == lqp.Text:
		e.Wrap(start, "", " COLLATE BINARY")
	}
}

// SortKey cuts texts where sorting does. A Rep with Binary is that of texts which are no longer than that.
func (d *dialect) SortKey(e *sqlgen.Emitter, start int, r sqlgen.Rep, t lqp.Type) {
	if d.ownSort {
		e.Wrap(start, "+", "")
	}
	if sqlgen.Cuts(t) && !r.Binary {
		e.Wrap(start, "substr(", ", 1, "+strconv.Itoa(lqp.OrderPrefix)+")")
	}
	d.Ordered(e, start, r)
}

func (d *dialect) Equals(e *sqlgen.Emitter, start int, r sqlgen.Rep) { d.Ordered(e, start, r) }

func (d *dialect) In(e *sqlgen.Emitter, _ int, r sqlgen.Rep, items []lqp.Value) { e.InParams(r, items) }
