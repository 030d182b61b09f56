package postgres

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// text emits functions that make or measure texts. Their arguments carry the collation "C": functions take it over, so
// that nothing depends on a column's or the server's own, and two columns never disagree about it.
func (d *dialect) text(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	start := e.Len()
	switch c.Func {
	case "concat":
		return textRep, d.concat(e, c)
	case "to_text":
		return textRep, d.toText(e, c.Args[0], "")
	case "substitute":
		return textRep, d.substitute(e, c)
	}
	if !d.textValue(e, c.Args[0]) {
		return textRep, false
	}
	switch c.Func {
	case "len":
		e.Wrap(start, "char_length(", ")")
		return intRep, true
	case "reverse":
		e.Wrap(start, "reverse(", ")")
		return textRep, true
	case "trim":
		e.Wrap(start, "btrim(", `, E' \t\n\r')`)
		return textRep, true
	case "left", "right":
		n := 1
		if len(c.Args) > 1 {
			var ok bool
			if n, ok = sqlgen.LiteralInt(c.Args[1], 0, lqp.MaxText); !ok {
				return textRep, e.Fail("the count of characters is not a constant")
			}
		}
		e.Wrap(start, c.Func+"(", ", "+strconv.Itoa(n)+")")
		return textRep, true
	case "mid":
		from, ok1 := sqlgen.LiteralInt(c.Args[1], 1, lqp.MaxText+1)
		n, ok2 := sqlgen.LiteralInt(c.Args[2], 0, lqp.MaxText)
		if !ok1 || !ok2 {
			return textRep, e.Fail("the place of the characters is not a constant")
		}
		e.Wrap(start, "substr(", ", "+strconv.Itoa(from)+", "+strconv.Itoa(n)+")")
		return textRep, true
	}
	return textRep, d.mapCase(e, c, start)
}

// mapCase emits upper, lower and fold. "C" maps ASCII only, which is all there is to map in an ASCII text.
func (d *dialect) mapCase(e *sqlgen.Emitter, c *lqp.Call, start int) bool {
	fn := "lower("
	if c.Func == "upper" {
		fn = "upper("
	}
	switch {
	case c.Args[0].Type().ASCII:
		e.Wrap(start, fn, ")")
	case d.facts.casing:
		e.Wrap(start, fn+"(", `) COLLATE "C.utf8")`+binaryCollation)
		e.Wrap(start, "(", ")")
	default:
		return e.Fail(c.Func + "() maps letters differently on this server")
	}
	return true
}

// toText appends an argument as text; blank replaces NULL by the given SQL when not empty.
func (d *dialect) toText(e *sqlgen.Emitter, x lqp.Expr, blank string) bool {
	start := e.Len()
	switch x.Type().Kind {
	case lqp.Text:
		if !d.textValue(e, x) {
			return false
		}
	case lqp.Number:
		r, ok := e.Value(x)
		if !ok {
			return false
		}
		if r.Form == intForm {
			e.Wrap(start, "((", ")::text"+binaryCollation+")")
		} else {
			e.Wrap(start, "(trim_scale(", ")::text"+binaryCollation+")")
		}
	case lqp.Bool, lqp.Date, lqp.DateTime:
		if _, ok := e.Value(x); !ok {
			return false
		}
		switch x.Type().Kind {
		case lqp.Bool:
			e.Wrap(start, "((", ")::text"+binaryCollation+")")
		case lqp.Date:
			e.Wrap(start, "(to_char(", ", 'YYYY-MM-DD')"+binaryCollation+")")
		default:
			e.Wrap(start, "(to_char(", `, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`+binaryCollation+")")
		}
	default:
		return e.Fail("values of this kind become text in memory")
	}
	if blank != "" {
		e.Wrap(start, "COALESCE(", ", "+blank+")")
	}
	return true
}

func (d *dialect) concat(e *sqlgen.Emitter, c *lqp.Call) bool {
	start := e.Len()
	e.WriteString("(")
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(" || ")
		}
		if !d.toText(e, a, "''") {
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
	return e.Guarded(start, "char_length(", ") <= "+strconv.Itoa(lqp.MaxText))
}

func (d *dialect) substitute(e *sqlgen.Emitter, c *lqp.Call) bool {
	if len(c.Args) != 3 {
		return e.Fail("substitute() of one occurrence is computed in memory")
	}
	start := e.Len()
	e.WriteString("replace(")
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(", ")
		}
		if !d.textValue(e, a) {
			return false
		}
	}
	e.WriteString(")")
	return bounded(e, start)
}

// search emits the predicates that look for one text in another.
func (d *dialect) search(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	x, part := c.Args[0], c.Args[1]
	if c.Func == "starts_with" {
		if ok, done := e.PrefixRange(x, part, binaryForm, ctx); done {
			return boolRep, ok
		}
	}
	if ok, done := d.like(e, c, ctx); done {
		return boolRep, ok
	}
	switch c.Func {
	case "contains":
		return boolRep, d.pair(e, "(strpos(", x, part, ") > 0)", nil)
	case "starts_with":
		return boolRep, d.pair(e, "starts_with(", x, part, ")", nil)
	case "ends_with":
		return boolRep, d.endsWith(e, x, part)
	case "find", "search":
		return intRep, d.find(e, c)
	}
	if !d.facts.casing && !(x.Type().ASCII && part.Type().ASCII) {
		return boolRep, e.Fail("upper and lower case are told apart differently on this server")
	}
	return boolRep, d.pair(e, "(strpos(", x, part, ") > 0)", func(start int, a lqp.Expr) bool {
		return d.mapCase(e, lqp.NewCall("fold", a), start)
	})
}

// like writes the search of a constant in a column with LIKE, which text_pattern_ops and trigram indexes serve. Under the
// collations that reach it, LIKE compares code points. Unless done, it has written nothing.
func (d *dialect) like(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (ok, done bool) {
	col, stored, text, literal := e.LiteralPart(c.Args[0], c.Args[1])
	form := stored.Form
	if !literal || ctx != sqlgen.WhenTrue || form != textForm && form != binaryForm && form != otherForm {
		return false, false
	}
	var pattern string
	switch c.Func {
	case "contains":
		pattern = sqlgen.LikePattern("%", text, "%", '\\')
	case "starts_with":
		pattern = sqlgen.LikePattern("", text, "%", '\\')
	case "ends_with":
		pattern = sqlgen.LikePattern("%", text, "", '\\')
	default:
		return false, false
	}
	if !e.Bare(col) {
		return false, true
	}
	e.WriteString(" LIKE ")
	e.Arg(lqp.TextValue(pattern), sqlgen.Rep{Kind: lqp.Text, Form: textForm})
	return true, true
}

// find emits the place of a part in a text.
func (d *dialect) find(e *sqlgen.Emitter, c *lqp.Call) bool {
	part, x := c.Args[0], c.Args[1]
	switch {
	case len(c.Args) > 2:
		return e.Fail(c.Func + "() from a place on is computed in memory")
	case c.Func == "find":
		return d.pair(e, "strpos(", x, part, ")", nil)
	case !d.facts.casing && !(x.Type().ASCII && part.Type().ASCII):
		return e.Fail("upper and lower case are told apart differently on this server")
	}
	return d.pair(e, "nullif(strpos(", x, part, "), 0)", func(start int, a lqp.Expr) bool {
		return d.mapCase(e, lqp.NewCall("fold", a), start)
	})
}

// pair appends two texts in a call; each may be changed after it was emitted.
func (d *dialect) pair(e *sqlgen.Emitter, before string, a, b lqp.Expr, after string, change func(start int, x lqp.Expr) bool) bool {
	e.WriteString(before)
	for i, x := range [...]lqp.Expr{a, b} {
		if i > 0 {
			e.WriteString(", ")
		}
		start := e.Len()
		if !d.textValue(e, x) || change != nil && !change(start, x) {
			return false
		}
	}
	e.WriteString(after)
	return true
}

func (d *dialect) endsWith(e *sqlgen.Emitter, x, part lqp.Expr) bool {
	e.WriteString("(right(")
	if !d.textValue(e, x) {
		return false
	}
	e.WriteString(", char_length(")
	from := e.Len()
	if !d.textValue(e, part) {
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

// textValue appends a text under the collation "C". A parameter needs it spelled as well: the function that takes it
// would otherwise answer under the server's default.
func (d *dialect) textValue(e *sqlgen.Emitter, x lqp.Expr) bool {
	l, ok := sqlgen.Fold(x).(*lqp.Lit)
	if !ok || l.Val.IsNull() {
		return e.ValueAs(x, textRep)
	}
	start := e.Len()
	r, ok := e.Literal(l.Val, sqlgen.Rep{})
	return ok && d.Convert(e, start, r, textRep)
}
