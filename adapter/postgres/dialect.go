package postgres

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// dialect is the SQL of one PostgreSQL server. It is immutable.
type dialect struct {
	facts facts
	zone  string // zone of timestamps without zone, empty for UTC
	owned bool   // the tables are a store's, see ownedStorage
}

var _ sqlgen.Dialect = (*dialect)(nil)

// facts are what was found out about the server. The zero facts claim nothing.
type facts struct {
	version string
	utf8    bool // texts are UTF-8 on the server
	binary  bool // the database's default collation orders by code point
	casing  bool // upper and lower under C.utf8 map every code point as we do
}

// Features implements sqlgen.Dialect.
func (d *dialect) Features() sqlgen.Features {
	return sqlgen.Features{NullsLargest: true, RowValues: true, True: "TRUE", False: "FALSE", Derive: true}
}

// AppendIdent implements sqlgen.Dialect.
func (d *dialect) AppendIdent(dst []byte, name string) []byte {
	dst = append(dst, '"')
	for i := range len(name) {
		switch c := name[i]; c {
		case '"':
			dst = append(dst, '"', '"')
		case 0: // cannot be part of a name; without it the name is merely unknown
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// casts give every parameter its type, so that none is left to the server's inference.
var casts = [...]string{
	intForm: "::int8", numericForm: "::numeric", boolForm: "::bool", float8Form: "::float8", textForm: "::text",
	binaryForm: "::text", uuidForm: "::uuid", dateForm: "::date", instantForm: "::timestamptz", localForm: "::timestamp",
	charForm: "::bpchar",
}

// halfUnit is half of the smallest number, the distance at which a wider numeric still rounds to it. It stands in the
// Scale of a bound's representation: +1 and -1.
const halfUnit = "0.00000000005"

// AppendPlaceholder implements sqlgen.Dialect.
func (d *dialect) AppendPlaceholder(dst []byte, n int, r sqlgen.Rep) []byte {
	if r.Form == numericForm && r.Scale != 0 {
		dst = append(dst, "($"...)
		dst = strconv.AppendInt(dst, int64(n), 10)
		dst = append(dst, "::numeric "...)
		if r.Scale > 0 {
			dst = append(dst, '+')
		} else {
			dst = append(dst, '-')
		}
		return append(dst, " "+halfUnit+")"...)
	}
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, casts[r.Form]...)
	if r.Kind == lqp.List {
		dst = append(dst, "[]"...)
	}
	return dst
}

// Literal implements sqlgen.Dialect.
func (d *dialect) Literal(v lqp.Value, like sqlgen.Rep) (sqlgen.Rep, string) {
	switch v.Kind() {
	case lqp.Bool:
		return sqlgen.Rep{Kind: lqp.Bool, Form: boolForm}, ""
	case lqp.Number:
		switch like.Form {
		case float8Form:
			return like, ""
		case intForm:
			if _, ok := v.Decimal().Int64(); ok {
				return like, ""
			}
		}
		return sqlgen.Rep{Kind: lqp.Number, Form: numericForm}, ""
	case lqp.Float:
		return sqlgen.Rep{Kind: lqp.Float, Form: float8Form}, ""
	case lqp.Text:
		if like.Form == uuidForm && sqlgen.IsUUID(v.Text()) {
			return like, ""
		}
		if like.Form == binaryForm { // a parameter has no collation of its own
			return like, ""
		}
		return sqlgen.Rep{Kind: lqp.Text, Form: textForm}, ""
	case lqp.Date:
		return sqlgen.Rep{Kind: lqp.Date, Form: dateForm}, ""
	case lqp.DateTime:
		if like.Form == localForm {
			return sqlgen.Rep{Kind: lqp.DateTime, Form: localForm}, ""
		}
		return sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm}, ""
	}
	return sqlgen.Rep{}, opaqueDocument
}

// Null implements sqlgen.Dialect.
func (d *dialect) Null(e *sqlgen.Emitter, t lqp.Type) (sqlgen.Rep, bool) {
	r := sqlgen.Rep{Kind: t.Kind}
	switch t.Kind {
	case lqp.Bool:
		r.Form = boolForm
	case lqp.Number:
		r.Form = numericForm
	case lqp.Float:
		r.Form = float8Form
	case lqp.Text, lqp.Null:
		r.Kind, r.Form = lqp.Text, textForm
	case lqp.Date:
		r.Form = dateForm
	case lqp.DateTime:
		r.Form = instantForm
	default:
		return r, e.Fail(opaqueDocument)
	}
	e.WriteString("NULL")
	e.WriteString(casts[r.Form])
	return r, true
}

// Unify implements sqlgen.Dialect.
func (d *dialect) Unify(a, b sqlgen.Rep) (sqlgen.Rep, bool) {
	if a.Form > b.Form {
		a, b = b, a
	}
	switch {
	case a.Form == intForm && b.Form == numericForm:
		return b, true
	case a.Kind == lqp.Number && b.Form == float8Form:
		return b, true
	case a.Kind == lqp.Text && b.Kind == lqp.Text:
		return sqlgen.Rep{Kind: lqp.Text, Form: binaryForm}, true
	case (a.Form == dateForm || a.Form == instantForm) && (b.Form == instantForm || b.Form == localForm):
		return sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm}, true
	}
	return sqlgen.Rep{}, false
}

// Convert implements sqlgen.Dialect.
func (d *dialect) Convert(e *sqlgen.Emitter, start int, from, to sqlgen.Rep) bool {
	switch to.Form {
	case numericForm:
		if from.Form != intForm {
			return false
		}
		e.Wrap(start, "(", ")::numeric")
	case float8Form:
		e.Wrap(start, "(", ")::float8")
	case binaryForm, textForm:
		if from.Form == uuidForm {
			e.Wrap(start, "(", ")::text")
		}
		e.Wrap(start, "(", ")"+binaryCollation)
	case instantForm:
		switch from.Form {
		case localForm:
			e.Wrap(start, "((", ") AT TIME ZONE 'UTC')")
		case dateForm:
			e.Wrap(start, "(((", ")::timestamp) AT TIME ZONE 'UTC')")
		default:
			return false
		}
	default:
		return false
	}
	return true
}

// Ordered implements sqlgen.Dialect.
func (d *dialect) Ordered(e *sqlgen.Emitter, _ int, r sqlgen.Rep) {
	switch r.Form {
	case textForm, otherForm:
		e.WriteString(binaryCollation)
	}
}

// SortKey implements sqlgen.Dialect.
func (d *dialect) SortKey(e *sqlgen.Emitter, start int, r sqlgen.Rep, t lqp.Type) {
	if r.Kind == lqp.Text && r.Form != uuidForm && sqlgen.Cuts(t) {
		e.Wrap(start, "left(", ", 255)")
	}
	d.Ordered(e, start, r)
}

// Equals implements sqlgen.Dialect: the deterministic collations that reach it say nothing about equality.
func (d *dialect) Equals(*sqlgen.Emitter, int, sqlgen.Rep) {}

// In implements sqlgen.Dialect: one array parameter, so that the statement is the same for every count of values.
func (d *dialect) In(e *sqlgen.Emitter, _ int, r sqlgen.Rep, items []lqp.Value) {
	e.WriteString(" = ANY(")
	e.Arg(lqp.ListValue(append([]lqp.Value(nil), items...)), sqlgen.Rep{Kind: lqp.List, Form: r.Form})
	e.WriteString(")")
}
