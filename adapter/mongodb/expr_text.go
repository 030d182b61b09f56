package mongodb

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// text is a function of texts.
func (c *compiler) text(e *lqp.Call) (computed, string) {
	if e.Func == "concat" {
		return c.concat(e.Args)
	}
	t, reason := c.textValue(e.Args[0])
	if reason != "" || t.never {
		return t, reason
	}
	out := computed{form: stringForm}
	var x any
	switch e.Func {
	case "len":
		out.form, out.digits = decimalForm, 8
		x = op1("$strLenCP", "$$t")
	case "trim":
		x = op1("$trim", bson.D{{Key: "input", Value: "$$t"}, {Key: "chars", Value: " \t\n\r"}})
	case "substitute":
		if x, reason = c.substitute(e); reason != "" {
			return out, reason
		}
	default:
		counts, reason := wholeCounts(e)
		if reason != "" {
			return out, reason
		}
		switch e.Func {
		case "left":
			x = op1("$substrCP", "$$t", 0, counts[0])
		case "right":
			x = op1("$substrCP", "$$t", op1("$max", op1("$subtract", op1("$strLenCP", "$$t"), counts[0]), 0), counts[0])
		default:
			x = op1("$substrCP", "$$t", max(counts[0], 1)-1, counts[1])
		}
	}
	out.expr = let(cond(op1("$eq", "$$t", nil), nil, x), "t", t.expr)
	return out, ""
}

// wholeCounts are the counts that left, right and mid are given: constants from 0 to the length of the longest text.
func wholeCounts(e *lqp.Call) ([]int64, string) {
	const odd = "characters are counted by a constant only"
	counts := []int64{}
	for _, a := range e.Args[1:] {
		v, ok := literal(a)
		if !ok || v.Kind() != lqp.Number {
			return nil, odd
		}
		n, ok := v.Decimal().Int64()
		if !ok {
			return nil, odd
		}
		counts = append(counts, min(max(n, 0), lqp.MaxText))
	}
	if len(counts) == 0 {
		counts = append(counts, 1)
	}
	return counts, ""
}

// substitute replaces every occurrence of one constant by another.
func (c *compiler) substitute(e *lqp.Call) (any, string) {
	const odd = "so much is replaced in memory"
	if len(e.Args) != 3 {
		return nil, odd
	}
	find, ok1 := literal(e.Args[1])
	by, ok2 := literal(e.Args[2])
	if !ok1 || !ok2 || find.Kind() != lqp.Text || by.Kind() != lqp.Text || find.Text() == "" || len(by.Text()) > len(find.Text()) {
		return nil, odd
	}
	return op1("$replaceAll", bson.D{
		{Key: "input", Value: "$$t"}, {Key: "find", Value: op1("$literal", c.bind(find.Text()))}, {Key: "replacement", Value: op1("$literal", c.bind(by.Text()))},
	}), ""
}

// concat joins texts, among which NULL counts as the empty one. What gets longer than a text may be is NULL.
func (c *compiler) concat(args []lqp.Expr) (computed, string) {
	parts := bson.A{}
	for _, a := range args {
		t, reason := c.textValue(a)
		switch {
		case reason != "":
			return t, reason
		case t.never:
		default:
			parts = append(parts, op1("$ifNull", t.expr, ""))
		}
	}
	whole := op1("$lte", op1("$strLenCP", "$$t"), lqp.MaxText)
	return computed{expr: let(cond(whole, "$$t", nil), "t", bson.D{{Key: "$concat", Value: parts}}), form: stringForm}, ""
}
