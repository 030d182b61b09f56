package mysql

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// text emits functions that make or measure texts. Every text that reaches them has the binary collation spelled, and
// what they make has it too.
func (d *dialect) text(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	start := e.Len()
	switch c.Func {
	case "concat":
		return textRep, d.concat(e, c)
	case "to_text":
		return textRep, d.toText(e, c.Args[0], false)
	case "substitute":
		return textRep, d.substitute(e, c)
	}
	if !e.ValueAs(c.Args[0], textRep) {
		return textRep, false
	}
	switch c.Func {
	case "reverse":
		e.Wrap(start, "REVERSE(", ")")
		return textRep, true
	case "trim":
		return textRep, trim(e, start)
	case "len":
		e.Wrap(start, "CHAR_LENGTH(", ")")
		return intRep, true
	case "left", "right":
		n := 1
		if len(c.Args) > 1 {
			var ok bool
			if n, ok = sqlgen.LiteralInt(c.Args[1], 0, lqp.MaxText); !ok {
				return textRep, e.Fail("the count of characters is not a constant")
			}
		}
		fn := "LEFT("
		if c.Func == "right" {
			fn = "RIGHT("
		}
		e.Wrap(start, fn, ", "+strconv.Itoa(n)+")")
		return textRep, true
	case "mid":
		from, ok1 := sqlgen.LiteralInt(c.Args[1], 1, lqp.MaxText+1)
		n, ok2 := sqlgen.LiteralInt(c.Args[2], 0, lqp.MaxText)
		if !ok1 || !ok2 {
			return textRep, e.Fail("the place of the characters is not a constant")
		}
		e.Wrap(start, "SUBSTRING(", ", "+strconv.Itoa(from)+", "+strconv.Itoa(n)+")")
		return textRep, true
	}
	return textRep, d.mapCase(e, c.Func == "upper", c.Args[0].Type().ASCII, start)
}

// mapCase makes the text that was emitted from start on one of upper or lower case.
func (d *dialect) mapCase(e *sqlgen.Emitter, upper, ascii bool, start int) bool {
	fn := "LOWER("
	if upper {
		fn = "UPPER("
	}
	switch {
	case ascii: // every collation maps these letters
		e.Wrap(start, fn, ")")
	case d.facts.casing != "":
		e.Wrap(start, "("+fn, " COLLATE "+d.facts.casing+")"+d.collate+")")
	default:
		return e.Fail("upper and lower case are told apart differently on this server")
	}
	return true
}

// toText appends an argument as text; with blank, NULL becomes the empty one.
func (d *dialect) toText(e *sqlgen.Emitter, x lqp.Expr, blank bool) bool {
	start := e.Len()
	switch x.Type().Kind {
	case lqp.Text:
		if !e.ValueAs(x, textRep) {
			return false
		}
	case lqp.Number:
		r, ok := e.Value(x)
		switch {
		case !ok:
			return false
		case !d.facts.order:
			return e.Fail(opaqueServer)
		case r.Form == numericForm:
			e.Wrap(start, "(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(CAST(", " AS "+decimalType+") AS CHAR)))"+d.collate+")")
		default:
			e.Wrap(start, "(CAST(", " AS CHAR)"+d.collate+")")
		}
	case lqp.Bool, lqp.Date, lqp.DateTime:
		if _, ok := e.Value(x); !ok {
			return false
		}
		if !d.facts.order {
			return e.Fail(opaqueServer)
		}
		switch x.Type().Kind {
		case lqp.Bool:
			e.Wrap(start, "(ELT(1 + ", ", 'false', 'true')"+d.collate+")")
		case lqp.Date:
			e.Wrap(start, "(DATE_FORMAT(", ", '%Y-%m-%d')"+d.collate+")")
		default:
			e.Wrap(start, "(CONCAT(LEFT(DATE_FORMAT(", ", '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')"+d.collate+")")
		}
	default:
		return e.Fail("values of this kind become text in memory")
	}
	if blank {
		e.Wrap(start, "COALESCE(", ", '')")
	}
	return true
}

func (d *dialect) concat(e *sqlgen.Emitter, c *lqp.Call) bool {
	start := e.Len()
	e.WriteString("CONCAT(")
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(", ")
		}
		if !d.toText(e, a, true) {
			return false
		}
	}
	e.WriteString(")")
	if c.Type().MaxLen > 0 {
		return true
	}
	return bounded(e, start)
}

// bounded makes a text that is too long NULL.
func bounded(e *sqlgen.Emitter, start int) bool {
	return e.Guarded(start, "CHAR_LENGTH(", ") <= "+strconv.Itoa(lqp.MaxText))
}

func (d *dialect) substitute(e *sqlgen.Emitter, c *lqp.Call) bool {
	if len(c.Args) != 3 {
		return e.Fail("substitute() of one occurrence is computed in memory")
	}
	// MariaDB does not look at what is put in the place of a text that is not there, be it NULL.
	if by, known := c.Args[2].(*lqp.Lit); !known || by.Val.IsNull() {
		return e.Fail("substitute() by what may be NULL is computed in memory")
	}
	start := e.Len()
	e.WriteString("REPLACE(")
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(", ")
		}
		if !e.ValueAs(a, textRep) {
			return false
		}
	}
	e.WriteString(")")
	return bounded(e, start)
}

// search emits the predicates that look for one text in another.
func (d *dialect) search(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	x, part := c.Args[0], c.Args[1]
	switch c.Func {
	case "contains", "icontains":
		return boolRep, d.locate(e, x, part, c.Func == "icontains")
	case "starts_with":
		if ok, done := e.PrefixRange(x, part, binaryTextForm, ctx); done {
			return boolRep, ok
		}
		return boolRep, d.startsWith(e, x, part, ctx)
	case "find", "search":
		return intRep, d.find(e, c)
	}
	return boolRep, d.edge(e, "(RIGHT(", x, part)
}

// startsWith compares the beginning. Before it stands a condition on the bare column that an index serves: a range where its
// collation goes by code points, or LIKE, which goes character by character, and every character is like itself.
func (d *dialect) startsWith(e *sqlgen.Emitter, x, part lqp.Expr, ctx sqlgen.Context) bool {
	c, rep, text, ok := e.LiteralPart(x, part)
	next, found := sqlgen.Successor(text)
	ok = ok && found && ctx == sqlgen.WhenTrue && rep.Form == otherTextForm
	switch {
	case ok && (rep.Scale&likeMark != 0 || rep.Scale&asciiLikeMark != 0 && ascii(text)):
		e.WriteString("(")
		e.Bare(c)
		e.WriteString(" LIKE ")
		e.Arg(lqp.TextValue(sqlgen.LikePattern("", text, "%", '!')), looseRep)
		e.WriteString(" ESCAPE '!'")
	case ok && rep.Scale&padMark != 0:
		// A text that continues with a control character is less than one that is padded with blanks.
		e.WriteString("(")
		e.Bare(c)
		e.WriteString(" >= CONCAT(")
		e.Arg(lqp.TextValue(text), looseRep)
		e.WriteString(`, '\0') AND `)
		e.Bare(c)
		e.WriteString(" < ")
		e.Arg(lqp.TextValue(next), looseRep)
	default:
		return d.edge(e, "(LEFT(", x, part)
	}
	e.WriteString(" AND ")
	if !d.edge(e, "(LEFT(", x, part) {
		return false
	}
	e.WriteString(")")
	return true
}

// trim takes spaces, tabs and line ends off both ends. The servers' own function knows one character: in a copy of the text
// whose other blanks are spaces, it tells how many characters go and how many stay.
func trim(e *sqlgen.Emitter, start int) bool {
	end := e.Len()
	if !e.Repeatable(start, end) {
		return false
	}
	spaces := func() {
		e.WriteString("REPLACE(REPLACE(REPLACE(")
		e.Repeat(start, end)
		e.WriteString(`, '\t', ' '), '\n', ' '), '\r', ' ')`)
	}
	e.WriteString(", 1 + CHAR_LENGTH(")
	e.Repeat(start, end)
	e.WriteString(") - CHAR_LENGTH(LTRIM(")
	spaces()
	e.WriteString(")), CHAR_LENGTH(TRIM(")
	spaces()
	e.WriteString(")))")
	e.Wrap(start, "SUBSTRING(", "")
	return true
}

// find emits the place of a part in a text.
func (d *dialect) find(e *sqlgen.Emitter, c *lqp.Call) bool {
	if len(c.Args) > 2 {
		return e.Fail(c.Func + "() from a place on is computed in memory")
	}
	start := e.Len()
	if !d.place(e, c.Args[1], c.Args[0], c.Func == "search") {
		return false
	}
	if c.Func == "search" {
		e.Wrap(start, "NULLIF(", ", 0)")
	}
	return true
}

// locate finds an empty text in every text, as wanted.
func (d *dialect) locate(e *sqlgen.Emitter, x, part lqp.Expr, fold bool) bool {
	e.WriteString("(")
	ok := d.place(e, x, part, fold)
	e.WriteString(" > 0)")
	return ok
}

func (d *dialect) place(e *sqlgen.Emitter, x, part lqp.Expr, fold bool) bool {
	if l, ok := sqlgen.Fold(part).(*lqp.Lit); fold && ok && d.facts.casing == "" && l.Val.Kind() == lqp.Text {
		return d.placeFolded(e, x, strings.ToLower(l.Val.Text()))
	}
	e.WriteString("LOCATE(")
	for i, a := range [...]lqp.Expr{part, x} {
		if i > 0 {
			e.WriteString(", ")
		}
		start := e.Len()
		if !e.ValueAs(a, textRep) || fold && !d.mapCase(e, false, a.Type().ASCII, start) {
			return false
		}
	}
	e.WriteString(")")
	return true
}

// edge compares as many characters of x as part has.
func (d *dialect) edge(e *sqlgen.Emitter, before string, x, part lqp.Expr) bool {
	e.WriteString(before)
	if !e.ValueAs(x, textRep) {
		return false
	}
	e.WriteString(", CHAR_LENGTH(")
	from := e.Len()
	if !e.ValueAs(part, textRep) {
		return false
	}
	to := e.Len()
	if !e.Repeatable(from, to) {
		return false
	}
	e.WriteString(")) = ")
	e.Repeat(from, to)
	e.WriteString(")")
	return true
}
