package mysql

import (
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The representations of values, and of the bare columns that are not canonical as they are stored.
const (
	noForm      uint8 = iota
	intForm           // integers that fit 64 bits with a sign
	uintForm          // bigint unsigned
	numericForm       // decimal within our range
	boolForm          // 0 or 1
	doubleForm        // float and double: finite on these servers
	textForm          // text under the binary collation, spelled
	dateForm          // valid and within our years
	instantForm       // datetime(3), valid and within our years

	// Bare columns only.
	tinyBoolForm    // tinyint(1): everything but 0 is true
	bitBoolForm     // bit(1)
	bitForm         // bit(n)
	yearForm        // year: comparisons with two-digit numbers mean another century
	wideForm        // decimal with more digits than ours
	binaryTextForm  // utf8mb4 under the binary collation without padding
	otherTextForm   // utf8mb4 under any other collation
	foreignTextForm // another character set
	nameTextForm    // enum and set
	uuidForm        // MariaDB's uuid
	rawDateForm     // date, which may be zero, impossible or of the year 0
	rawTimeForm     // datetime, likewise; Scale is its count of fractional digits
	stampForm       // timestamp, which may be zero; Scale as well
)

// Reasons why a column is only shown.
const (
	opaqueDocument = "documents and bytes are not compared by the source"
	opaqueType     = "values of this type are only shown"
	opaqueZone     = "datetimes are read in the connection's zone, which is done in memory"
	opaqueServer   = "the server was not found to order texts by code point"
	opaqueCharset  = "texts in this character set are only shown"
)

// The Scale of a text column is made of these marks.
const (
	longMark      int8 = 1 << iota // its texts may be longer than a text may be
	likeMark                       // an index under its collation serves LIKE without losing rows
	asciiLikeMark                  // likewise, when the pattern is ASCII
	padMark                        // its collation compares code points, and pads with blanks
)

// Storage implements sqlgen.Dialect.
func (d *dialect) Storage(_ *lqp.Table, c *lqp.Column) sqlgen.Storage {
	switch c.Type.Kind {
	case lqp.Bool:
		if strings.HasPrefix(c.Native, "bit") {
			return nullExact(lqp.Bool, bitBoolForm, 0)
		}
		return nullExact(lqp.Bool, tinyBoolForm, 0)
	case lqp.Number:
		return numberStorage(c.Native)
	case lqp.Float:
		return exact(lqp.Float, doubleForm)
	case lqp.Text:
		return d.textStorage(c)
	case lqp.Date:
		return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Date, Form: rawDateForm}}
	case lqp.DateTime:
		r := sqlgen.Rep{Kind: lqp.DateTime, Form: stampForm, Scale: fraction(c.Native)}
		if strings.HasPrefix(c.Native, "datetime") {
			r.Form = rawTimeForm
			if d.zone != "" {
				return sqlgen.Storage{Rep: r, Opaque: opaqueZone}
			}
		}
		return sqlgen.Storage{Rep: r}
	}
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: c.Type.Kind}, NullExact: true, Opaque: opaqueDocument}
}

func exact(k lqp.Kind, form uint8) sqlgen.Storage {
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: k, Form: form}, Exact: true, NullExact: true}
}

// nullExact is a column that needs a conversion and is NULL only where the stored value is.
func nullExact(k lqp.Kind, form uint8, scale int8) sqlgen.Storage {
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: k, Form: form, Scale: scale}, NullExact: true}
}

// fraction is the count of fractional digits that "datetime(6)" names.
func fraction(native string) int8 {
	if at := strings.IndexByte(native, '('); at >= 0 && at+1 < len(native) {
		if n := native[at+1] - '0'; n <= 6 {
			return int8(n)
		}
	}
	return 0
}

func numberStorage(native string) sqlgen.Storage {
	name := native
	if at := strings.IndexAny(native, "( "); at >= 0 {
		name = native[:at]
	}
	switch name {
	case "tinyint", "smallint", "mediumint", "int":
		return exact(lqp.Number, intForm)
	case "bigint":
		if strings.Contains(native, "unsigned") {
			return exact(lqp.Number, uintForm)
		}
		return exact(lqp.Number, intForm)
	case "year":
		return nullExact(lqp.Number, yearForm, 0)
	case "bit":
		return nullExact(lqp.Number, bitForm, 0)
	}
	if p, s, ok := decimalFacets(native); ok && s <= lqp.DecimalDigits && p-s <= wholeDigits {
		return exact(lqp.Number, numericForm)
	}
	return sqlgen.Storage{Rep: sqlgen.Rep{Kind: lqp.Number, Form: wideForm}}
}

// wholeDigits is how many digits a number has before the point at most.
const wholeDigits = 20

// decimalFacets reads "decimal(p,s)", whatever follows.
func decimalFacets(native string) (p, s int, ok bool) {
	rest, found := strings.CutPrefix(native, "decimal(")
	if !found {
		return 0, 0, false
	}
	rest, _, _ = strings.Cut(rest, ")")
	left, right, found := strings.Cut(rest, ",")
	if !found {
		right = "0"
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

// textStorage knows no text that is its own canonical value: each may hold U+0000.
func (d *dialect) textStorage(c *lqp.Column) sqlgen.Storage {
	r := sqlgen.Rep{Kind: lqp.Text}
	if strings.HasPrefix(c.Native, "longtext") || strings.HasPrefix(c.Native, "mediumtext") {
		r.Scale = longMark
	}
	name := c.Native
	if at := strings.IndexAny(name, "( "); at >= 0 {
		name = name[:at]
	}
	switch name {
	case "char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum", "set", "uuid":
	default:
		return sqlgen.Storage{Rep: r, NullExact: true, Opaque: opaqueType}
	}
	if !d.facts.order {
		return sqlgen.Storage{Rep: r, Opaque: opaqueServer}
	}
	switch name {
	case "enum", "set":
		return nullExact(lqp.Text, nameTextForm, 0)
	case "uuid":
		return nullExact(lqp.Text, uuidForm, 0)
	}
	charset, _, _ := strings.Cut(c.Collation, "_")
	switch {
	case c.Collation == d.facts.collation:
		r.Form = binaryTextForm
	case charset == "utf8mb4":
		r.Form = otherTextForm
		r.Scale |= prefixMark(c.Collation)
	case charset == "utf8mb3" || charset == "utf8" || charset == "latin1" || charset == "ascii":
		r.Form = foreignTextForm
	default:
		return sqlgen.Storage{Rep: r, Opaque: opaqueCharset}
	}
	return sqlgen.Storage{Rep: r}
}

// prefixMark says how an index under a collation finds the texts that begin with another. Not every one does with LIKE: under
// utf8mb4_bin, utf8mb4_unicode_ci and what is made from that, both servers search up to U+FFFF and lose what lies behind.
// Under the others that follow the Unicode Collation Algorithm they lose letters that are sorted by what comes after them,
// Thai vowels say; there are none among ASCII.
func prefixMark(collation string) int8 {
	switch {
	case collation == "utf8mb4_bin":
		return padMark
	case collation == "utf8mb4_general_ci":
		return likeMark
	case collation == "utf8mb4_unicode_520_ci", strings.HasPrefix(collation, "utf8mb4_0900_"), strings.HasPrefix(collation, "utf8mb4_uca1400_"):
		return asciiLikeMark
	}
	return 0
}

// Canonical implements sqlgen.Dialect.
func (d *dialect) Canonical(e *sqlgen.Emitter, start int, s sqlgen.Storage) sqlgen.Rep {
	end := e.Len()
	switch s.Rep.Form {
	case tinyBoolForm, bitBoolForm:
		e.Wrap(start, "(", " <> 0)")
		return boolRep
	case yearForm:
		e.Wrap(start, "(", " + 0)")
		return intRep
	case bitForm:
		e.Wrap(start, "CAST(", " AS UNSIGNED)")
		return uintRep
	case wideForm:
		e.WriteString(", 10)) < " + limit + " THEN ROUND(")
		e.Repeat(start, end)
		e.Wrap(start, "CAST(CASE WHEN ABS(ROUND(", ", 10) END AS "+decimalType+")")
		return numericRep
	case nameTextForm:
		e.Wrap(start, "(CAST(", " AS CHAR)"+d.collate+")")
		return textRep
	case uuidForm:
		e.Wrap(start, "(CAST(", " AS CHAR(36))"+d.collate+")")
		return textRep
	case rawDateForm:
		d.validated(e, start, "")
		return dateRep
	case rawTimeForm, stampForm:
		d.validated(e, start, "DATETIME(3)")
		return instantRep
	}
	if s.Rep.Form == foreignTextForm {
		e.Wrap(start, "CONVERT(", " USING utf8mb4)")
		end = e.Len()
	}
	e.WriteString(d.collate + ") = 0")
	if s.Rep.Scale&longMark != 0 {
		e.WriteString(" AND CHAR_LENGTH(")
		e.Repeat(start, end)
		e.WriteString(") <= 1000000")
	}
	e.WriteString(" THEN ")
	e.Repeat(start, end)
	// Nothing but the binary collation finds U+0000: all others ignore it.
	e.Wrap(start, `(CASE WHEN LOCATE('\0', `, " END"+d.collate+")")
	return textRep
}

// validated makes zero and impossible dates NULL. Parsing their text again would do so too, but not where the result is
// compared: MariaDB lets zeros through there. Digits beyond milliseconds are cut off under the session's SQL mode.
func (d *dialect) validated(e *sqlgen.Emitter, start int, cast string) {
	end := e.Len()
	repeat := func(before string) {
		e.WriteString(before)
		e.Repeat(start, end)
	}
	repeat(" >= DATE'0001-01-01' AND MONTH(")
	repeat(") > 0 AND DAYOFMONTH(")
	repeat(") BETWEEN 1 AND DAYOFMONTH(LAST_DAY(")
	if cast != "" {
		repeat(")) THEN CAST(")
		e.WriteString(" AS " + cast + ")")
	} else {
		repeat(")) THEN ")
	}
	e.Wrap(start, "CASE WHEN ", " END")
}

// Fetch implements sqlgen.Dialect: Rows decode every type.
func (d *dialect) Fetch(*sqlgen.Emitter, int, sqlgen.Storage) {}

// ImpliedEqual implements sqlgen.EqualColumns.
func (d *dialect) ImpliedEqual(a, b sqlgen.Output) bool {
	return a.Storage.Rep.Form == uuidForm && b.Storage.Rep.Form == uuidForm
}
