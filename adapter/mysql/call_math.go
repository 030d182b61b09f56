package mysql

import (
	"strconv"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// math emits arithmetic. Numbers are computed as decimals, which is exact; the result is rounded and kept in range only
// where the facets of the operands do not prove that needless. Floats are doubles on both sides; their overflow is an
// error at the server, after which the engine computes in memory.
func (d *dialect) math(e *sqlgen.Emitter, c *lqp.Call) (sqlgen.Rep, bool) {
	if c.Type().Kind == lqp.Float {
		return d.float(e, c)
	}
	if !d.facts.numbers {
		return numericRep, e.Fail("the server was not found to compute decimals exactly")
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
		return numericRep, e.Infix(c.Args[0], c.Args[1], numericRep, op, "") && fit(e, start, aok && bok && max(a.Whole, b.Whole) < wholeDigits)
	case "mul":
		if !e.Infix(c.Args[0], c.Args[1], numericRep, " * ", "") {
			return numericRep, false
		}
		if !aok || !bok || a.Frac+b.Frac > lqp.DecimalDigits {
			e.Wrap(start, "ROUND(", ", 10)")
		}
		return numericRep, fit(e, start, aok && bok && a.Whole+b.Whole <= wholeDigits)
	case "div":
		e.WriteString(divBegin)
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.WriteString(divMiddle)
		if !e.ValueAs(c.Args[1], numericRep) {
			return numericRep, false
		}
		e.WriteString(divEnd)
		return numericRep, fit(e, start, aok && bok && a.Whole+b.Frac < wholeDigits)
	case "mod":
		return numericRep, d.mod(e, c.Args[0], c.Args[1])
	case "neg":
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.Wrap(start, "(0 - ", ")") // not -x: that of zero is shown as -0 by some versions
		return numericRep, true
	case "abs":
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.Wrap(start, "ABS(", ")")
		return numericRep, true
	case "sign":
		if !e.ValueAs(c.Args[0], numericRep) {
			return numericRep, false
		}
		e.Wrap(start, "SIGN(", ")")
		return intRep, true
	case "sqrt":
		return numericRep, e.Fail("square roots of decimals are computed in memory")
	}
	return d.rounding(e, c, a, aok)
}

// A quotient is cut after eleven digits, so that the one rounding that follows sees the true half. ROUND(a / b, 10) would
// not: MySQL has rounded to thirty digits by then, and what was just below a half is one.
const (
	divBegin  = "(ROUND(TRUNCATE(CAST("
	divMiddle = " AS " + decimalType + ") * 100000000000 / NULLIF("
	divEnd    = ", 0), 0) * 0.1) * 0.0000000001)"
)

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
	return fit(e, start, false)
}

// rounding emits the functions that cut digits off.
func (d *dialect) rounding(e *sqlgen.Emitter, c *lqp.Call, a sqlgen.Digits, aok bool) (sqlgen.Rep, bool) {
	start := e.Len()
	e.WriteString("CAST(") // of a narrow decimal the server would make an integer, which overflows
	if !e.ValueAs(c.Args[0], numericRep) {
		return numericRep, false
	}
	e.WriteString(" AS " + decimalType + ")")
	fn := c.Func
	switch fn {
	case "int", "floor", "ceiling":
		if len(c.Args) > 1 {
			return numericRep, e.Fail(c.Func + "() to a multiple is computed in memory")
		}
		if fn == "ceiling" {
			e.Wrap(start, "CEILING(", ")")
		} else {
			e.Wrap(start, "FLOOR(", ")")
		}
		return numericRep, fit(e, start, aok && a.Whole < wholeDigits)
	}
	n := 0
	if len(c.Args) > 1 {
		var ok bool
		if n, ok = sqlgen.LiteralInt(c.Args[1], -25, lqp.DecimalDigits); !ok {
			return numericRep, e.Fail("the count of digits is not a constant")
		}
	}
	if fn == "round" {
		e.Wrap(start, "ROUND(", ", "+strconv.Itoa(n)+")")
		return numericRep, fit(e, start, aok && max(a.Whole, -n) < wholeDigits)
	}
	e.Wrap(start, "TRUNCATE(", ", "+strconv.Itoa(n)+")")
	return numericRep, fit(e, start, true) // never grows
}

// mod has the sign of the divisor; the divisor is written three times.
func (d *dialect) mod(e *sqlgen.Emitter, a, b lqp.Expr) bool {
	start := e.Len()
	e.WriteString("MOD(MOD(")
	if !e.ValueAs(a, numericRep) {
		return false
	}
	e.WriteString(", ")
	from := e.Len()
	e.WriteString("NULLIF(")
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
	e.WriteString(") + 0)") // MariaDB has a remainder -0, which is another group key than 0
	e.Wrap(start, "(", "")
	return fit(e, start, true)
}

// fit makes what leaves the range of numbers NULL, unless it is proven not to, and gives the result our digits: the types
// that the server infers for nested operations would grow beyond what it can hold. The guard stands inside: a cast of a
// number out of range silently answers with the largest one.
func fit(e *sqlgen.Emitter, start int, proven bool) bool {
	if !proven && !e.Guarded(start, "ABS(", ") < "+limit) {
		return false
	}
	e.Wrap(start, "CAST(", " AS "+decimalType+")")
	return true
}

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
		op, after = " / NULLIF(", ", 0)"
	case "neg", "abs":
		start := e.Len()
		if !e.ValueAs(c.Args[0], doubleRep) {
			return doubleRep, false
		}
		if c.Func == "neg" {
			e.Wrap(start, "(0e0 - ", ")")
		} else {
			e.Wrap(start, "ABS(", ")")
		}
		return doubleRep, true
	case "sqrt": // NULL of negative numbers
		start := e.Len()
		if !e.ValueAs(c.Args[0], doubleRep) {
			return doubleRep, false
		}
		e.Wrap(start, "SQRT(", ")")
		return doubleRep, true
	default:
		return doubleRep, e.Fail(c.Func + "() of floats is computed in memory")
	}
	return doubleRep, e.Infix(c.Args[0], c.Args[1], doubleRep, op, after)
}
