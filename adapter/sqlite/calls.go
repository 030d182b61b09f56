package sqlite

import (
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// operand is an argument that was emitted, standing from at on.
type operand struct {
	at   int
	expr lqp.Expr
	rep  sqlgen.Rep
}

// Call emits a function natively where SQLite's own answer is the same for every value, and as a call of the registered
// runtime otherwise. The arguments are emitted first, side by side; what stands between them is put in when their
// representations are known.
func (d *dialect) Call(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	fn, ok := lqp.LookupFunction(c.Func)
	if !ok {
		return sqlgen.Rep{}, e.Fail("an unknown function")
	}
	if c.Func == "starts_with" && ctx == sqlgen.WhenTrue {
		if len(c.Args) == 2 {
			if ok, done := e.PrefixRange(c.Args[0], c.Args[1], uint8(formText), ctx); done {
				return boolRep, ok
			}
		}
	}
	start := e.Len()
	args := make([]operand, len(c.Args))
	for i, x := range c.Args {
		args[i] = operand{at: e.Len(), expr: x}
		r, ok := emitArgument(e, x)
		if !ok {
			return r, false
		}
		args[i].rep = r
	}
	if r, ok := native(e, c.Func, start, args); ok {
		return r, true
	}
	return d.runtime(e, c, fn, start, args)
}

// emitArgument appends one argument; a list of literals is bound as one value.
func emitArgument(e *sqlgen.Emitter, x lqp.Expr) (sqlgen.Rep, bool) {
	l, ok := x.(*lqp.ListLit)
	if !ok {
		return e.Value(x)
	}
	items := make([]lqp.Value, len(l.Items))
	for i, it := range l.Items {
		items[i] = it.Val
	}
	return e.Literal(lqp.ListValue(items), listRep(l.Type().Elem))
}

// join puts text between the operands and around them.
func join(e *sqlgen.Emitter, start int, args []operand, before, between, after string) {
	for i := len(args) - 1; i > 0; i-- {
		e.Wrap(args[i].at, between, "")
	}
	e.Wrap(start, before, after)
}

// runtime emits a call of the registered function, with the zone as first argument where dates depend on it.
func (d *dialect) runtime(e *sqlgen.Emitter, c *lqp.Call, fn *lqp.Function, start int, args []operand) (sqlgen.Rep, bool) {
	r, ok := kindRep(c.Type())
	if !ok {
		return r, e.Fail(c.Func + "() has no type")
	}
	var sig strings.Builder
	for _, a := range args {
		sig.WriteString(repSpec(a.rep))
	}
	sig.WriteByte('>')
	sig.WriteString(repSpec(r))
	join(e, start, args, "lt_"+fn.Name+"('"+sig.String()+"', ", ", ", "")
	if len(args) == 0 {
		return r, e.Fail(c.Func + "() is a constant")
	}
	if fn.Zoned {
		// After the arguments, whose parameters are numbered already.
		e.WriteString(", ")
		e.Arg(lqp.TextValue(c.Zone().String()), textRep)
	}
	e.WriteString(")")
	return r, true
}

// native emits what SQLite answers alike.
func native(e *sqlgen.Emitter, fn string, start int, args []operand) (sqlgen.Rep, bool) {
	switch fn {
	case "contains":
		if len(args) == 2 && args[0].rep.Kind == lqp.Text && args[1].rep.Kind == lqp.Text {
			// instr counts an empty text as found at 1.
			join(e, start, args, "(instr(", ", ", ") > 0)")
			return boolRep, true
		}
	case "len":
		if len(args) == 1 && args[0].rep.Kind == lqp.Text {
			join(e, start, args, "length(", "", ")") // counts code points; a canonical text has no NUL
			return intRep(0), true
		}
	case "add", "sub":
		return additive(e, fn, start, args)
	case "mul":
		return product(e, start, args)
	case "neg":
		if len(args) == 1 && isInt(args[0].rep) && digits(args[0], args[0].rep.Scale) <= maxScaled {
			join(e, start, args, "(-", "", ")")
			return args[0].rep, true
		}
	}
	return sqlgen.Rep{}, false
}

func isInt(r sqlgen.Rep) bool { return r.Kind == lqp.Number && form(r.Form) == formInt }

// unknownDigits is more than any integer has.
const unknownDigits = 1000

// digits bounds the decimal digits of an operand scaled to scale.
func digits(a operand, scale int8) int {
	if l, ok := a.expr.(*lqp.Lit); ok && l.Val.Kind() == lqp.Number {
		text := l.Val.Decimal().Abs().String()
		whole, _, _ := strings.Cut(text, ".")
		return len(whole) + int(scale)
	}
	t := a.expr.Type()
	if t.Precision == 0 {
		return unknownDigits
	}
	return t.Precision - t.Scale + int(scale)
}

// additive adds or subtracts scaled integers natively when 64 bits hold the operands and so the result.
func additive(e *sqlgen.Emitter, fn string, start int, args []operand) (sqlgen.Rep, bool) {
	if len(args) != 2 || !isInt(args[0].rep) || !isInt(args[1].rep) {
		return sqlgen.Rep{}, false
	}
	scale := max(args[0].rep.Scale, args[1].rep.Scale)
	if digits(args[0], scale) > maxScaled || digits(args[1], scale) > maxScaled {
		return sqlgen.Rep{}, false
	}
	op := " + "
	if fn == "sub" {
		op = " - "
	}
	rescale(e, args[1].at, args[1].rep.Scale, scale)
	e.Wrap(args[1].at, op, "")
	// The first operand ends where the operator stands; it is rescaled as a product on its left.
	if by := scale - args[0].rep.Scale; by > 0 {
		e.Wrap(start, "("+power(by)+" * ", ")")
	} else {
		e.Wrap(start, "(", ")")
	}
	return intRep(int(scale)), true
}

// product multiplies scaled integers natively when 64 bits and ten decimal places hold the exact result.
func product(e *sqlgen.Emitter, start int, args []operand) (sqlgen.Rep, bool) {
	if len(args) != 2 || !isInt(args[0].rep) || !isInt(args[1].rep) {
		return sqlgen.Rep{}, false
	}
	a, b := args[0].rep.Scale, args[1].rep.Scale
	if int(a)+int(b) > lqp.DecimalDigits || digits(args[0], a)+digits(args[1], b) > maxScaled {
		return sqlgen.Rep{}, false
	}
	join(e, start, args, "(", " * ", ")")
	return intRep(int(a + b)), true
}

func rescale(e *sqlgen.Emitter, at int, from, to int8) {
	if to > from {
		e.Wrap(at, "("+power(to-from)+" * ", ")")
	}
}

func power(n int8) string { return "1" + strings.Repeat("0", int(n)) }
