package mongodb

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// computed is an aggregation expression for the canonical value of one of ours, null where it is NULL. No evaluation of it
// fails but where exact() says so.
type computed struct {
	expr any
	// form is how the value is held: any of the forms of columns, decimalForm for all numbers that are computed.
	form form
	// digits and scale bound a number: it has at most so many digits before the point and after it.
	digits, scale int
	never         bool // it is NULL
	always        bool // it is a constant that is not NULL
}

const (
	wholeDigits   = 20 // of a number before the point
	decimalDigits = 34 // of a Decimal128
)

// value is an expression's value as the server computes it. A reason says why it does not.
func (c *compiler) value(e lqp.Expr) (computed, string) {
	if v, ok := literal(e); ok {
		return c.constant(v)
	}
	switch e := e.(type) {
	case *lqp.Col:
		return c.columnValue(e)
	case *lqp.Call:
		if e.Type().Kind == lqp.Bool && !branching[e.Func] {
			x, reason := c.truth(e)
			return computed{expr: x, form: boolForm}, reason
		}
		if reason := c.facts.lacks(e.Func); reason != "" {
			return computed{}, reason
		}
		return c.callValue(e)
	}
	return computed{}, "a list is computed in memory"
}

// branching are the functions whose value is one of their arguments'.
var branching = map[string]bool{"if": true, "ifs": true, "coalesce": true}

func (c *compiler) columnValue(e *lqp.Col) (computed, string) {
	if e.Source == "" && c.groups != nil {
		g, ok := c.groups[e.Column]
		switch {
		case !ok:
			return computed{}, "no such group"
		case g.reason != "":
			return computed{}, g.reason
		}
		return g.as, ""
	}
	f, reason := c.field(e)
	switch {
	case reason != "":
		return computed{}, reason
	case !f.form.scalar():
		return computed{}, "lists and documents are compared in memory"
	}
	return f.value(), ""
}

// value is the canonical value of a field of a scalar form.
func (f *field) value() computed {
	v := computed{expr: f.canonical(), form: f.form}
	switch f.form {
	case intForm:
		v.digits = 19
	case decimalForm:
		v.digits, v.scale = wholeDigits, lqp.DecimalDigits
	}
	return v
}

// constant is a value of the query.
func (c *compiler) constant(v lqp.Value) (computed, string) {
	out := computed{always: true}
	switch v.Kind() {
	case lqp.Null:
		return computed{never: true}, ""
	case lqp.Text:
		out.form = stringForm
	case lqp.Number:
		out.form = decimalForm
		out.digits, out.scale = extent(v.Decimal())
	case lqp.Float:
		out.form = doubleForm
	case lqp.Bool:
		out.form = boolForm
	case lqp.DateTime:
		out.form = dateForm
	default:
		return out, "days and lists are compared in memory"
	}
	stored, _ := out.form.stored(v)
	out.expr = op1("$literal", c.bind(stored))
	return out, ""
}

// extent is how many digits a number has before the point and after it.
func extent(d lqp.Decimal) (digits, scale int) {
	text, point := d.String(), false
	for _, ch := range text {
		switch {
		case ch == '.':
			point = true
		case ch == '-', ch == '0' && digits == 0 && !point: // not leading zeros
		case point:
			scale++
		default:
			digits++
		}
	}
	return digits, scale
}

// let names values for an expression in which they stand more than once.
func let(in any, names string, values ...any) bson.D {
	vars := make(bson.D, len(values))
	for i, v := range values {
		vars[i] = bson.E{Key: names[i : i+1], Value: v}
	}
	return op1("$let", bson.D{{Key: "vars", Value: vars}, {Key: "in", Value: in}})
}

// callValue is a call whose value is no predicate.
func (c *compiler) callValue(e *lqp.Call) (computed, string) {
	switch e.Func {
	case "if", "ifs":
		return c.choice(e.Args)
	case "coalesce":
		return c.firstValue(e.Args)
	case "zn":
		zero := lqp.IntValue(0)
		if e.Type().Kind == lqp.Float {
			zero = lqp.FloatValue(0)
		}
		return c.firstValue([]lqp.Expr{e.Args[0], lqp.Literal(zero)})
	case "add", "sub", "mul", "div", "neg", "abs", "sign", "int", "round":
		return c.number(e)
	case "len", "left", "right", "mid", "trim", "concat", "substitute":
		return c.text(e)
	}
	if part, ok := dateParts[e.Func]; ok {
		return c.datePart(e, part)
	}
	return computed{}, e.Func + " is computed in memory"
}

// dateParts are the operators for parts of a date. What the server counts from 1 we may count from 0.
var dateParts = map[string]struct {
	op   string
	from int
}{
	"year": {op: "$year"}, "month": {op: "$month"}, "day": {op: "$dayOfMonth"}, "hour": {op: "$hour"}, "minute": {op: "$minute"},
	"second": {op: "$second"}, "weekday": {op: "$dayOfWeek", from: 1}, "day_of_year": {op: "$dayOfYear"}, "isoweeknum": {op: "$isoWeek"},
}

func (c *compiler) datePart(e *lqp.Call, part struct {
	op   string
	from int
},
) (computed, string) {
	if e.Zone() != time.UTC || len(e.Args) != 1 {
		return computed{}, "dates of a time zone are taken apart in memory"
	}
	v, reason := c.value(e.Args[0])
	switch {
	case reason != "":
		return computed{}, reason
	case v.form != dateForm:
		return computed{}, "only datetimes are taken apart at the source"
	}
	x := any(op1(part.op, "$$d"))
	if part.from != 0 {
		x = op1("$subtract", x, part.from)
	}
	return computed{expr: let(cond(op1("$eq", "$$d", nil), nil, x), "d", v.expr), form: decimalForm, digits: 4}, ""
}

// choice is if and ifs: conditions, each followed by a value, and perhaps a value for when none is TRUE.
func (c *compiler) choice(args []lqp.Expr) (out computed, reason string) {
	var values []computed
	var tests []any
	for len(args) > 1 {
		test, reason := c.truth(args[0])
		if reason != "" {
			return out, reason
		}
		v, reason := c.value(args[1])
		if reason != "" {
			return out, reason
		}
		tests, values, args = append(tests, test), append(values, v), args[2:]
	}
	last := computed{never: true}
	if len(args) == 1 {
		if last, reason = c.value(args[0]); reason != "" {
			return out, reason
		}
	}
	values = append(values, last)
	if out, reason = together(values); reason != "" {
		return out, reason
	}
	out.expr = values[len(tests)].expr
	for i := len(tests) - 1; i >= 0; i-- {
		out.expr = cond(tests[i], values[i].expr, out.expr)
	}
	return out, ""
}

// firstValue is the first of several values that is not NULL.
func (c *compiler) firstValue(args []lqp.Expr) (out computed, reason string) {
	values := make([]computed, len(args))
	for i, a := range args {
		if values[i], reason = c.value(a); reason != "" {
			return out, reason
		}
	}
	if out, reason = together(values); reason != "" {
		return out, reason
	}
	for i := len(values) - 1; i >= 0; i-- {
		if out.expr == nil {
			out.expr = values[i].expr
		} else {
			out.expr = op1("$ifNull", values[i].expr, out.expr)
		}
	}
	return out, ""
}

// together is what holds any of several values, without an expression. Identifiers are the texts they are read as.
func together(values []computed) (out computed, reason string) {
	out.never = true
	for i := range values {
		v := &values[i]
		if v.never {
			continue
		}
		if v.form == intForm {
			v.form = decimalForm
		}
		if reason := v.asText(); reason != "" {
			return out, reason
		}
		if !out.never && out.form != v.form {
			return out, "values of different kinds are brought together in memory"
		}
		out.never, out.form = false, v.form
		out.digits, out.scale = max(out.digits, v.digits), max(out.scale, v.scale)
	}
	return out, ""
}

// asText makes the text that it is read as of an identifier.
func (v *computed) asText() string {
	switch v.form {
	case objectIDForm:
		v.expr, v.form = let(cond(op1("$eq", "$$i", nil), nil, op1("$toString", "$$i")), "i", v.expr), stringForm
	case uuidForm:
		return "UUIDs are compared with constants only"
	}
	return ""
}
