package mysql

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// dialect is the SQL of one server. It is immutable.
type dialect struct {
	facts   facts
	collate string // " COLLATE " and the binary collation without padding
	zone    string // zone of datetimes, empty for UTC
}

var (
	_ sqlgen.Dialect      = (*dialect)(nil)
	_ sqlgen.EqualColumns = (*dialect)(nil)
)

// facts are what was found out about the server. The zero facts claim nothing.
type facts struct {
	version   string
	mariadb   bool
	collation string // the binary collation without padding
	casing    string // the collation under which upper and lower map every code point as we do, empty for none
	order     bool   // texts under collation compare and sort by code point
	numbers   bool   // decimal arithmetic rounds as ours
}

func newDialect(f facts, zone string) *dialect {
	return &dialect{facts: f, collate: " COLLATE " + f.collation, zone: zone}
}

// The representations that functions answer in.
var (
	intRep     = sqlgen.Rep{Kind: lqp.Number, Form: intForm}
	uintRep    = sqlgen.Rep{Kind: lqp.Number, Form: uintForm}
	numericRep = sqlgen.Rep{Kind: lqp.Number, Form: numericForm}
	doubleRep  = sqlgen.Rep{Kind: lqp.Float, Form: doubleForm}
	boolRep    = sqlgen.Rep{Kind: lqp.Bool, Form: boolForm}
	textRep    = sqlgen.Rep{Kind: lqp.Text, Form: textForm}
	dateRep    = sqlgen.Rep{Kind: lqp.Date, Form: dateForm}
	instantRep = sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm}
)

const (
	decimalType = "DECIMAL(30,10)"
	// limit is 10^20 as a decimal; written as 1e20 it would be a double and round the largest numbers up to it.
	limit = "100000000000000000000.0"
	// halfUnit is half of the smallest number, the distance at which a wider decimal still rounds to it. It stands in the
	// Scale of a bound's representation: +1 and -1.
	halfUnit = "0.00000000005"
)

// Features implements sqlgen.Dialect. Row values are left out: both servers evaluate (a, b) > (x, y) without an index.
func (d *dialect) Features() sqlgen.Features {
	return sqlgen.Features{True: "TRUE", False: "FALSE", Derive: true, LeftConstants: true, RoundsKeys: d.facts.mariadb, LazyNulls: true, NullSafeEqual: "<=>", NoNullsClause: true, ShortGroups: true,
		JoinFirst: " STRAIGHT_JOIN ", HavingKey: "MIN(", UnlimitedOffset: "LIMIT 18446744073709551615 "}
}

// AppendIdent implements sqlgen.Dialect.
func (d *dialect) AppendIdent(dst []byte, name string) []byte {
	dst = append(dst, '`')
	for i := range len(name) {
		switch c := name[i]; c {
		case '`':
			dst = append(dst, '`', '`')
		case mark: // cannot be part of a name; without it the name is merely unknown
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '`')
}

// mark surrounds the number of a parameter in generated text. MySQL's own placeholders have no numbers: the text is
// rewritten once it is complete, see expand.
const mark = 0

// casts give every parameter its type, so that none is left to the server's inference: MariaDB takes a text for one that
// is padded, and drops the blanks at its end where it keeps it in a temporary table.
var casts = [...]string{
	intForm: "SIGNED", uintForm: "UNSIGNED", numericForm: decimalType, boolForm: "SIGNED", doubleForm: "DOUBLE",
	dateForm: "DATE", instantForm: "DATETIME(3)", uuidForm: "UUID", textForm: "CHAR",
}

// AppendPlaceholder implements sqlgen.Dialect.
func (d *dialect) AppendPlaceholder(dst []byte, n int, r sqlgen.Rep) []byte {
	half := r.Form == numericForm && r.Scale != 0
	if half {
		dst = append(dst, '(')
	}
	cast := ""
	if int(r.Form) < len(casts) {
		cast = casts[r.Form]
	}
	if cast != "" {
		dst = append(dst, "CAST("...)
	}
	dst = append(dst, mark)
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, mark)
	if cast != "" {
		dst = append(dst, " AS "...)
		dst = append(dst, cast...)
		dst = append(dst, ')')
	}
	switch {
	case r.Form == textForm:
		dst = append(dst, d.collate...)
	case half && r.Scale > 0:
		dst = append(dst, " + "+halfUnit+")"...)
	case half:
		dst = append(dst, " - "+halfUnit+")"...)
	}
	return dst
}

// Literal implements sqlgen.Dialect.
func (d *dialect) Literal(v lqp.Value, like sqlgen.Rep) (sqlgen.Rep, string) {
	switch v.Kind() {
	case lqp.Bool:
		return boolRep, ""
	case lqp.Number:
		switch like.Form {
		case doubleForm:
			return doubleRep, ""
		case intForm:
			if _, ok := v.Decimal().Int64(); ok {
				return intRep, ""
			}
		case uintForm:
			if _, ok := unsigned(v.Decimal()); ok {
				return uintRep, ""
			}
		}
		return numericRep, ""
	case lqp.Float:
		return doubleRep, ""
	case lqp.Text:
		if !d.facts.order {
			return sqlgen.Rep{}, opaqueServer
		}
		return textRep, ""
	case lqp.Date:
		return dateRep, ""
	case lqp.DateTime:
		return instantRep, ""
	}
	return sqlgen.Rep{}, opaqueDocument
}

// Null implements sqlgen.Dialect.
func (d *dialect) Null(e *sqlgen.Emitter, t lqp.Type) (sqlgen.Rep, bool) {
	switch t.Kind {
	case lqp.Bool:
		e.WriteString("CAST(NULL AS SIGNED)")
		return boolRep, true
	case lqp.Number:
		e.WriteString("CAST(NULL AS " + decimalType + ")")
		return numericRep, true
	case lqp.Float:
		e.WriteString("CAST(NULL AS DOUBLE)")
		return doubleRep, true
	case lqp.Text, lqp.Null:
		if !d.facts.order {
			return textRep, e.Fail(opaqueServer)
		}
		e.WriteString("(CAST(NULL AS CHAR)" + d.collate + ")")
		return textRep, true
	case lqp.Date:
		e.WriteString("CAST(NULL AS DATE)")
		return dateRep, true
	case lqp.DateTime:
		e.WriteString("CAST(NULL AS DATETIME(3))")
		return instantRep, true
	}
	return sqlgen.Rep{}, e.Fail(opaqueDocument)
}

// Unify implements sqlgen.Dialect.
func (d *dialect) Unify(a, b sqlgen.Rep) (sqlgen.Rep, bool) {
	switch {
	case a.Kind == lqp.Number && b.Kind == lqp.Number:
		return numericRep, true
	case a.Kind.Numeric() && b.Kind.Numeric():
		return doubleRep, true
	case (a.Form == dateForm || a.Form == instantForm) && (b.Form == dateForm || b.Form == instantForm):
		return instantRep, true
	}
	return sqlgen.Rep{}, false
}

// Convert implements sqlgen.Dialect.
func (d *dialect) Convert(e *sqlgen.Emitter, start int, from, to sqlgen.Rep) bool {
	switch {
	case to.Form == numericForm && (from.Form == intForm || from.Form == uintForm):
		e.Wrap(start, "CAST(", " AS "+decimalType+")")
	case to.Form == doubleForm && from.Kind == lqp.Number:
		e.Wrap(start, "(", " + 0e0)")
	case to.Form == instantForm && from.Form == dateForm:
		e.Wrap(start, "CAST(", " AS DATETIME(3))")
	default:
		return false
	}
	return true
}

// Ordered implements sqlgen.Dialect: every canonical text has its collation spelled, and the bare ones meet a parameter
// that has.
func (d *dialect) Ordered(*sqlgen.Emitter, int, sqlgen.Rep) {}

// Equals implements sqlgen.Dialect likewise.
func (d *dialect) Equals(*sqlgen.Emitter, int, sqlgen.Rep) {}

// SortKey implements sqlgen.Dialect.
func (d *dialect) SortKey(e *sqlgen.Emitter, start int, _ sqlgen.Rep, t lqp.Type) {
	if sqlgen.Cuts(t) {
		e.Wrap(start, "LEFT(", ", 255)")
	}
}

// In implements sqlgen.Dialect.
func (d *dialect) In(e *sqlgen.Emitter, _ int, r sqlgen.Rep, items []lqp.Value) { e.InParams(r, items) }
