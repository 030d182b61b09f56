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
	if c.Func == "sum" {
		return numericRep, d.sumOf(e, c)
	}
	a, aok := sqlgen.DigitsOf(c.Args[0].Type())
	var b sqlgen.Digits
	bok := false
	if len(c.Args) > 1 {
		b, bok = sqlgen.DigitsOf(c.Args[1].Type())
	}
	start := e.Len()
	switch c.Func {
	case "add", "sub":
		op := " + "
		if c.Func == "sub" {
			op = " - "
		}
		if !e.Infix(c.Args[0], c.Args[1], numericRep, op, "") {
			return numericRep, false
		}
		return numericRep, aok && bok && max(a.Whole, b.Whole) < 20 || ranged(e, start)
	case "mul":
		if !e.Infix(c.Args[0], c.Args[1], numericRep, " * ", "") {
			return numericRep, false
		}
		if !aok || !bok || a.Frac+b.Frac > lqp.DecimalDigits {
			e.Wrap(start, "round(", ", 10)")
		}
		return numericRep, aok && bok && a.Whole+b.Whole <= 20 || ranged(e, start)
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
		return numericRep, aok && bok && a.Whole+b.Frac < 20 || ranged(e, start)
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
	case "sqrt":
		return numericRep, e.Fail("square roots of decimals are computed in memory")
	}
	return d.rounding(e, c, a, aok)
}

// sumOf adds the numbers of a row, NULL counting as 0. Only the whole sum is kept in range.
func (d *dialect) sumOf(e *sqlgen.Emitter, c *lqp.Call) bool {
	start := e.Len()
	e.WriteString("(")
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(" + ")
		}
		if a.Type().Kind != lqp.Number {
			return e.Fail("lists are added in memory")
		}
		e.WriteString("COALESCE(")
		if !e.ValueAs(a, numericRep) {
			return false
		}
		e.WriteString(", 0)")
	}
	e.WriteString(")")
	return ranged(e, start)
}

// rounding emits the functions that cut digits off.
func (d *dialect) rounding(e *sqlgen.Emitter, c *lqp.Call, a sqlgen.Digits, aok bool) (sqlgen.Rep, bool) {
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
		return numericRep, aok && a.Whole < 20 || ranged(e, start)
	}
	n := 0
	if len(c.Args) > 1 {
		var ok bool
		if n, ok = sqlgen.LiteralInt(c.Args[1], -25, lqp.DecimalDigits); !ok {
			return numericRep, e.Fail("the count of digits is not a constant")
		}
	}
	e.Wrap(start, fn+"(", ", "+strconv.Itoa(n)+")")
	if fn == "trunc" {
		return numericRep, true // never grows
	}
	return numericRep, aok && max(a.Whole, -n) < 20 || ranged(e, start)
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
	if !e.Repeatable(start, to) {
		return false
	}
	e.WriteString(") + ")
	e.Repeat(from, to)
	e.WriteString(", ")
	e.Repeat(from, to)
	e.WriteString(")")
	return true
}

// ranged makes what leaves the range of numbers NULL.
func ranged(e *sqlgen.Emitter, start int) bool { return e.Guarded(start, "abs(", ") < 1e20") }

// float emits the four operations that are bit for bit the same on doubles everywhere.
func (d *dialect) float(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	var op, after string
	switch c.Func {
	case "add":
		op = " + "
	case "sub":
		op = " - "
	case "mul":
		op = " * "
	case "div":
		op, after = " / nullif(", ", 0)"
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
	case "sqrt":
		start := e.Len()
		if !e.ValueAs(c.Args[0], floatRep) {
			return floatRep, false
		}
		end := e.Len()
		if !e.Repeatable(start, end) {
			return floatRep, false
		}
		e.WriteString(" >= 0 THEN sqrt(")
		e.Repeat(start, end)
		e.Wrap(start, "CASE WHEN ", ") END")
		return floatRep, true
	default:
		return floatRep, e.Fail(c.Func + "() of floats is computed in memory")
	}
	return floatRep, e.Infix(c.Args[0], c.Args[1], floatRep, op, after)
}
