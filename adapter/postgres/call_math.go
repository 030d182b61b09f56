package postgres

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// math emits arithmetic. Numbers are computed as numeric, which is exact; the result is rounded and kept in range only
// where the facets of the operands do not prove that needless. Floats are doubles on both sides; their overflow is an
// error at the server, after which the engine computes in memory.
func (d *dialect) math(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	if c.Type().Kind == lqp.Float {
		return d.float(e, c)
	}
	a, aok := magnitude(c.Args[0].Type())
	var b digitCount
	bok := false
	if len(c.Args) > 1 {
		b, bok = magnitude(c.Args[1].Type())
	}
	start := e.Len()
	switch c.Func {
	case "add", "sub":
		op := " + "
		if c.Func == "sub" {
			op = " - "
		}
		if !d.numbers(e, c.Args, op) {
			return numericRep, false
		}
		return numericRep, aok && bok && max(a.whole, b.whole) < 20 || ranged(e, start)
	case "mul":
		if !d.numbers(e, c.Args, " * ") {
			return numericRep, false
		}
		if !aok || !bok || a.frac+b.frac > lqp.DecimalDigits {
			e.Wrap(start, "round(", ", 10)")
		}
		return numericRep, aok && bok && a.whole+b.whole <= 20 || ranged(e, start)
	case "div":
		// div() cuts after eleven digits, so that the one rounding that follows sees the true half.
		e.WriteString("(round(div((")
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.WriteString(") * 100000000000, nullif(")
		if !e.ValueAs(c.Args[1], numericRep) {
			return numericRep, false
		}
		e.WriteString(", 0)) * 0.1) * 0.0000000001)")
		return numericRep, aok && bok && a.whole+b.frac < 20 || ranged(e, start)
	case "mod":
		return numericRep, d.mod(e, c.Args[0], c.Args[1])
	case "neg":
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.Wrap(start, "(- (", "))")
		return numericRep, true
	case "abs", "sign":
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.Wrap(start, c.Func+"(", ")")
		return numericRep, true
	}
	return d.rounding(e, c, a, aok)
}

// rounding emits the functions that cut digits off.
func (d *dialect) rounding(e *sqlgen.Emitter, c *lqp.Call, a digitCount, aok bool) (sqlgen.Rep, bool) {
	start := e.Len()
	if !e.ValueAs(c.Args[0], numericRep) {
		return numericRep, false
	}
	fn := c.Func
	switch fn {
	case "int":
		fn = "floor"
	case "ceiling":
		fn = "ceil"
	case "rounddown":
		fn = "trunc"
	}
	if fn == "floor" || fn == "ceil" {
		if len(c.Args) > 1 {
			return numericRep, e.Fail(c.Func + "() to a multiple is computed in memory")
		}
		e.Wrap(start, fn+"(", ")")
		return numericRep, aok && a.whole < 20 || ranged(e, start)
	}
	n := 0
	if len(c.Args) > 1 {
		var ok bool
		if n, ok = literalInt(c.Args[1], -25, lqp.DecimalDigits); !ok {
			return numericRep, e.Fail("the count of digits is not a constant")
		}
	}
	e.Wrap(start, fn+"(", ", "+strconv.Itoa(n)+")")
	if fn == "trunc" {
		return numericRep, true // never grows
	}
	return numericRep, aok && max(a.whole, -n) < 20 || ranged(e, start)
}

// mod has the sign of the divisor; the divisor is written three times.
func (d *dialect) mod(e *sqlgen.Emitter, a, b lqp.Expr) bool {
	start := e.Len()
	e.WriteString("mod(mod(")
	if !e.ValueAs(a, numericRep) {
		return false
	}
	e.WriteString(", ")
	from := e.Len()
	e.WriteString("nullif(")
	if !e.ValueAs(b, numericRep) {
		return false
	}
	e.WriteString(", 0)")
	to := e.Len()
	if to-start > maxRepeat {
		return e.Fail("the formula is too long for the source")
	}
	e.WriteString(") + ")
	e.Repeat(from, to)
	e.WriteString(", ")
	e.Repeat(from, to)
	e.WriteString(")")
	return true
}

// numbers appends the operands as numeric with an operator between.
func (d *dialect) numbers(e *sqlgen.Emitter, args []lqp.Expr, op string) bool {
	e.WriteString("(")
	if !e.ValueAs(args[0], numericRep) {
		return false
	}
	e.WriteString(op)
	if !e.ValueAs(args[1], numericRep) {
		return false
	}
	e.WriteString(")")
	return true
}

// ranged makes what leaves the range of numbers NULL.
func ranged(e *sqlgen.Emitter, start int) bool {
	end := e.Len()
	if end-start > maxRepeat {
		return e.Fail("the formula is too long for the source")
	}
	e.WriteString(") < 1e20 THEN ")
	e.Repeat(start, end)
	e.Wrap(start, "CASE WHEN abs(", " END")
	return true
}

// digitCount is how many digits a number can have before and after the point.
type digitCount struct{ whole, frac int }

func magnitude(t lqp.Type) (digitCount, bool) {
	if t.Kind != lqp.Number || t.Precision <= 0 {
		return digitCount{}, false
	}
	c := digitCount{max(t.Precision-t.Scale, 0), max(t.Scale, 0)}
	if c.frac > lqp.DecimalDigits { // the column holds more digits than its values
		c.whole, c.frac = c.whole+1, lqp.DecimalDigits
	}
	return c, true
}

// float emits the four operations that are bit for bit the same on doubles everywhere.
func (d *dialect) float(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	var op string
	switch c.Func {
	case "add":
		op = " + "
	case "sub":
		op = " - "
	case "mul":
		op = " * "
	case "div":
		op = " / nullif("
	case "neg", "abs":
		start := e.Len()
		if !e.ValueAs(c.Args[0], floatRep) {
			return floatRep, false
		}
		if c.Func == "neg" {
			e.Wrap(start, "(- (", "))")
		} else {
			e.Wrap(start, "abs(", ")")
		}
		return floatRep, true
	default:
		return floatRep, e.Fail(c.Func + "() of floats is computed in memory")
	}
	e.WriteString("(")
	if !e.ValueAs(c.Args[0], floatRep) {
		return floatRep, false
	}
	e.WriteString(op)
	if !e.ValueAs(c.Args[1], floatRep) {
		return floatRep, false
	}
	if c.Func == "div" {
		e.WriteString(", 0)")
	}
	e.WriteString(")")
	return floatRep, true
}
