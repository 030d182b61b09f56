package postgres

import (
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The representations of values in PostgreSQL, and of the bare columns that are not canonical as they are stored.
const (
	noForm      uint8 = iota
	intForm           // int2, int4, int8
	numericForm       // numeric within our range
	boolForm
	float8Form // finite
	textForm   // text under the database's default collation
	binaryForm // text under a collation that orders by code point, spelled or known
	uuidForm
	dateForm    // within our years
	instantForm // timestamptz, whole milliseconds
	localForm   // timestamp, whole milliseconds, read as UTC

	// Bare columns only.
	nanForm      // numeric(p,s) within our range but for NaN
	wideForm     // numeric that may be anything
	rawFloatForm // float4 or float8 with NaN and infinities
	otherForm    // text under another deterministic collation: equality is bare, order is spelled
	foldForm     // text under a collation or type that changes equality
	charForm     // character(n), blank-padded
	castForm     // enum, name: cast to text
)

// Reasons why a column is only shown.
const (
	opaqueDocument = "documents, lists and bytes are not compared by the source"
	opaqueType     = "values of this type are only shown"
	opaqueZone     = "timestamps without zone are read in the connection's zone, which is done in memory"
	opaqueEncoding = "the server was not found to keep its texts in UTF-8"
)

// Storage implements sqlgen.Dialect.
func (d *dialect) Storage(_ *lqp.Table, c *lqp.Column) sqlgen.Storage {
	if d.owned {
		if s, ok := ownedStorage(c); ok {
			return s
		}
	}
	switch c.Type.Kind {
	case lqp.Bool:
		return exact(lqp.Bool, boolForm)
	case lqp.Number:
		return numberStorage(c.Native)
	case lqp.Float:
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Float, Form: rawFloatForm}}
	case lqp.Text:
		return d.textStorage(c)
	case lqp.Date:
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Date, Form: dateForm}}
	case lqp.DateTime:
		return d.instantStorage(c.Native)
	case lqp.JSON, lqp.Bytes:
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: c.Type.Kind}, NullExact: true, Opaque: opaqueDocument}
	}
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: c.Type.Kind}, Opaque: opaqueDocument}
}

func exact(k lqp.Kind, form uint8) sqlgen.Storage {
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: k, Form: form}, Exact: true, NullExact: true}
}

func numberStorage(native string) sqlgen.Storage {
	switch native {
	case "integer", "bigint", "smallint":
		return exact(lqp.Number, intForm)
	}
	if p, s, ok := numericFacets(native); ok && s <= lqp.DecimalDigits && p-s <= 20 {
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Number, Form: nanForm}}
	}
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Number, Form: wideForm}}
}

// numericFacets reads "numeric(p,s)"; it is not ok for anything else, negative scales included.
func numericFacets(native string) (p, s int, ok bool) {
	rest, found := strings.CutPrefix(native, "numeric(")
	if !found || !strings.HasSuffix(rest, ")") {
		return 0, 0, false
	}
	left, right, found := strings.Cut(rest[:len(rest)-1], ",")
	if !found {
		return 0, 0, false
	}
	p, ok1 := digits(left)
	s, ok2 := digits(right)
	return p, s, ok1 && ok2
}

func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 9999 {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

func (d *dialect) textStorage(c *lqp.Column) sqlgen.Storage {
	switch {
	case c.Native == "uuid":
		return exact(lqp.Text, uuidForm)
	case !plainText(c.Native) && !castText(c.Native):
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Text}, NullExact: true, Opaque: opaqueType}
	case !d.facts.utf8:
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Text}, NullExact: true, Opaque: opaqueEncoding}
	case castText(c.Native):
		return notExact(castForm)
	case strings.HasSuffix(c.Native, foldMark) || c.Native == "citext":
		return notExact(foldForm)
	case strings.HasPrefix(c.Native, "character("):
		return notExact(charForm)
	}
	switch c.Collation {
	case "":
		if d.facts.binary {
			return exact(lqp.Text, binaryForm)
		}
		return exact(lqp.Text, textForm)
	case "C", "POSIX", "ucs_basic":
		return exact(lqp.Text, binaryForm)
	}
	return notExact(otherForm)
}

// notExact is a text column whose canonical value needs a cast or collation, but is NULL only where the column is.
func notExact(form uint8) sqlgen.Storage {
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Text, Form: form}, NullExact: true}
}

// foldMark ends the native type of columns whose collation changes equality.
const foldMark = " nondeterministic"

func plainText(native string) bool {
	return native == "text" || native == "citext" || strings.HasPrefix(native, "character") ||
		strings.HasPrefix(native, "text ") && strings.HasSuffix(native, foldMark)
}

// castText tells types whose text is what ::text gives: enums, which discovery marks, and identifiers.
func castText(native string) bool { return native == "name" || strings.HasPrefix(native, enumMark) }

// enumMark begins the native type of enum columns.
const enumMark = "enum "

// instantStorage keeps in Scale whether the column is finer than a millisecond.
func (d *dialect) instantStorage(native string) sqlgen.Storage {
	r := sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm, Scale: 6}
	if strings.HasSuffix(native, "without time zone") {
		if d.zone != "" {
			return sqlgen.Storage{Rep: r, Opaque: opaqueZone}
		}
		r.Form = localForm
	}
	if rest, ok := strings.CutPrefix(native, "timestamp("); ok && rest != "" && rest[0] <= '3' {
		r.Scale = 3
	}
	return sqlgen.Storage{Rep: r}
}

// Canonical implements sqlgen.Dialect.
func (d *dialect) Canonical(e *sqlgen.Emitter, start int, s sqlgen.Storage) sqlgen.Rep {
	end := e.Len()
	switch s.Rep.Form {
	case nanForm:
		e.Wrap(start, "nullif(", ", 'NaN')")
		return sqlgen.Rep{Kind: lqp.Number, Form: numericForm}
	case wideForm:
		// round() first: a value may leave the range by it. NaN and infinities fail the comparison.
		e.WriteString(", 10)) < 1e20 THEN round(")
		e.Repeat(start, end)
		e.Wrap(start, "CASE WHEN abs(round(", ", 10) END")
		return sqlgen.Rep{Kind: lqp.Number, Form: numericForm}
	case rawFloatForm:
		e.WriteString(" > '-Infinity' AND ")
		e.Repeat(start, end)
		e.WriteString(" < 'Infinity' THEN ")
		e.Repeat(start, end)
		e.Wrap(start, "CASE WHEN ", "::float8 END")
		return sqlgen.Rep{Kind: lqp.Float, Form: float8Form}
	case otherForm, foldForm, charForm, castForm:
		// The cast even of a varchar: a comparison would put its own below the COLLATE, and a group key would no longer be
		// recognised.
		e.WriteString("::text" + binaryCollation)
		return sqlgen.Rep{Kind: lqp.Text, Form: binaryForm}
	case dateForm:
		e.WriteString(" >= '0001-01-01' AND ")
		e.Repeat(start, end)
		e.WriteString(" <= '9999-12-31' THEN ")
		e.Repeat(start, end)
		e.Wrap(start, "CASE WHEN ", " END")
		return s.Rep
	}
	e.WriteString(" >= '0001-01-01' AND ")
	e.Repeat(start, end)
	e.WriteString(" < '10000-01-01' THEN ")
	if s.Rep.Scale > 3 {
		e.WriteString("date_trunc('milliseconds', ")
		e.Repeat(start, end)
		e.WriteString(")")
	} else {
		e.Repeat(start, end)
	}
	e.Wrap(start, "CASE WHEN ", " END")
	return sqlgen.Rep{Kind: lqp.DateTime, Form: s.Rep.Form}
}

const binaryCollation = ` COLLATE "C"`

// Fetch implements sqlgen.Dialect: types that Rows cannot decode arrive as the text that the server shows of them. A cast
// would not do: that of inet, say, adds the length of the mask.
func (d *dialect) Fetch(e *sqlgen.Emitter, start int, s sqlgen.Storage) {
	switch {
	case s.Rep.Form == castForm:
		e.WriteString("::text")
	case s.Rep.Kind == lqp.Text && s.Opaque == opaqueType:
		end := e.Len()
		e.WriteString(" IS NOT NULL THEN concat(")
		e.Repeat(start, end)
		e.Wrap(start, "CASE WHEN ", ") END")
	}
}
