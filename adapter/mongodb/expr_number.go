package mongodb

import (
	"github.com/livetables/livetables/lqp"
)

// number is arithmetic. Numbers are decimals of 34 digits, which hold every sum of two of ours; products and quotients are
// pushed where what they lose cannot matter, else they fail, whereupon the engine computes them.
func (c *compiler) number(e *lqp.Call) (computed, string) {
	args := make([]computed, len(e.Args))
	for i, a := range e.Args {
		v, reason := c.value(a)
		switch {
		case reason != "":
			return v, reason
		case v.never:
			return computed{never: true}, ""
		case v.form != intForm && v.form != decimalForm:
			return v, "only exact numbers are computed with at the source"
		}
		args[i] = v
	}
	a := args[0]
	out := computed{form: decimalForm, digits: a.digits, scale: a.scale}
	x := any("$$a")
	if len(args) == 1 {
		switch e.Func {
		case "neg":
			x = op1("$subtract", 0, x)
		case "abs":
			x = op1("$abs", x)
		case "sign":
			out.digits, out.scale = 1, 0
			x = cond(op1("$gt", x, 0), 1, cond(op1("$lt", x, 0), -1, 0))
		case "int":
			x, out.scale = op1("$floor", x), 0
			out.digits++
		default:
			return c.round(a, 0)
		}
		out.expr = let(cond(op1("$eq", "$$a", nil), nil, inRange(x, &out)), "a", toDecimal(a))
		return out, ""
	}
	if e.Func == "round" {
		places, ok := literal(e.Args[1])
		n, whole := places.Decimal().Int64()
		if !ok || !whole || n < 0 || n > lqp.DecimalDigits {
			return out, "rounding to so many digits is done in memory"
		}
		return c.round(a, int(n))
	}
	b := args[1]
	switch e.Func {
	case "add", "sub":
		out.digits, out.scale = max(a.digits, b.digits)+1, max(a.scale, b.scale)
		x = op1(map[string]string{"add": "$add", "sub": "$subtract"}[e.Func], "$$a", "$$b")
		x = inRange(x, &out)
	case "mul":
		out.digits, out.scale = a.digits+b.digits, a.scale+b.scale
		x = c.product(&out)
	case "div":
		if b.scale > 4 {
			return out, "such numbers are divided in memory"
		}
		out.digits, out.scale = wholeDigits, lqp.DecimalDigits
		x = c.quotient(&a, &b)
	}
	known := op1("$and", op1("$ne", "$$a", nil), op1("$ne", "$$b", nil))
	out.expr = let(cond(known, x, nil), "ab", toDecimal(a), toDecimal(b))
	return out, ""
}

// toDecimal spares a number the 64-bit arithmetic that the server would choose for integers.
func toDecimal(v computed) any { return op1("$toDecimal", v.expr) }

// inRange is NULL beyond the range of numbers, if they can get there.
func inRange(x any, out *computed) any {
	if out.digits <= wholeDigits {
		return x
	}
	out.digits = wholeDigits
	return let(cond(op1("$lt", op1("$abs", "$$x"), beyond), "$$x", nil), "x", x)
}

// beyond is the first number that is out of range.
var beyond = mustDecimal("100000000000000000000")

// product multiplies $$a and $$b. Of 34 digits the server rounds what is more; that is exact below 10^14 for numbers with
// ten digits after the point each, and it does not matter where all of it is out of range.
func (c *compiler) product(out *computed) any {
	x := any("$$p")
	if out.scale > lqp.DecimalDigits {
		x = rounded("$$p")
	}
	// Digits before the point with which nothing is lost.
	if most := decimalDigits - out.scale; most < min(out.digits, wholeDigits) {
		size := op1("$abs", "$$p")
		x = cond(op1("$lt", size, mustDecimal("1E+"+itoa(most))), x, c.exactly(op1("$lt", size, beyond), "$$p"))
	}
	if out.digits > wholeDigits {
		x = let(cond(op1("$lt", op1("$abs", "$$r"), beyond), "$$r", nil), "r", x)
	}
	out.digits, out.scale = min(out.digits, wholeDigits), min(out.scale, lqp.DecimalDigits)
	return let(x, "p", op1("$multiply", "$$a", "$$b"))
}

// quotient divides $$a by $$b. A quotient by a whole number B is at least 1/2B away, in units of the tenth digit, from the
// middle between two results, so that rounding to 34 digits before rounding to ten changes nothing while these leave as
// many after the tenth as B has. That is known of a constant that is short enough, else it is looked at. A divisor with
// digits after the point is a whole number of them.
func (c *compiler) quotient(a, b *computed) any {
	x := rounded("$$q")
	if spare := decimalDigits - lqp.DecimalDigits - a.digits - b.scale; !b.always || b.digits+b.scale > spare {
		small := op1("$and",
			op1("$lt", op1("$abs", "$$q"), mustDecimal("1E+10")),
			op1("$lt", op1("$abs", "$$b"), mustDecimal("1E+"+itoa(12-b.scale))))
		x = cond(small, x, c.exactly(true, "$$q"))
	} else if b.scale > 0 {
		x = let(cond(op1("$lt", op1("$abs", "$$r"), beyond), "$$r", nil), "r", x)
	}
	return cond(op1("$eq", "$$b", 0), nil, let(x, "q", op1("$divide", "$$a", "$$b")))
}

// exactly fails where the condition holds, with an error that makes the engine compute the query; else it is NULL. What
// fails depends on a value, lest a server tries it beforehand.
func (c *compiler) exactly(condition, value any) any {
	c.fails = true
	return cond(condition, op1("$toDecimal", op1("$concat", "inexact ", op1("$toString", value))), nil)
}

// round rounds half away from zero to so many digits after the point.
func (c *compiler) round(a computed, places int) (computed, string) {
	out := computed{form: decimalForm, digits: a.digits + 1, scale: min(a.scale, places)}
	half, step := mustDecimal("5E-"+itoa(places+1)), mustDecimal("1E-"+itoa(places))
	rest := op1("$abs", op1("$subtract", "$$a", "$$c"))
	away := cond(op1("$lt", "$$a", 0), op1("$subtract", "$$c", step), op1("$add", "$$c", step))
	x := let(cond(op1("$lt", rest, half), "$$c", away), "c", op1("$trunc", "$$a", places))
	out.expr = let(cond(op1("$eq", "$$a", nil), nil, inRange(x, &out)), "a", toDecimal(a))
	return out, ""
}
