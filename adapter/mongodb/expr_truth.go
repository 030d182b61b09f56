package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// truth is an aggregation expression for whether a condition is TRUE: true or false, never null.
func (c *compiler) truth(e lqp.Expr) (any, string) {
	if v, ok := literal(e); ok {
		return known(lqp.Truth(v)), ""
	}
	call, ok := e.(*lqp.Call)
	if !ok || branching[call.Func] {
		v, reason := c.value(e)
		switch {
		case reason != "":
			return nil, reason
		case v.never:
			return known(false), ""
		}
		return op1("$eq", v.expr, true), ""
	}
	if reason := c.facts.lacks(call.Func); reason != "" {
		return nil, reason
	}
	switch call.Func {
	case "and", "or":
		arms, reason := c.truths(call.Args)
		return bson.D{{Key: "$" + call.Func, Value: arms}}, reason
	case "not":
		x, reason := c.truth(call.Args[0])
		return op1("$not", bson.A{x}), reason
	case "xor":
		arms, reason := c.truths(call.Args)
		if reason != "" {
			return nil, reason
		}
		odd := arms[0]
		for _, x := range arms[1:] {
			odd = op1("$ne", odd, x)
		}
		return odd, ""
	case "eq", "ne", "lt", "le", "gt", "ge":
		return c.compared(call.Func, call.Args[0], call.Args[1])
	case "between":
		low, reason := c.compared("ge", call.Args[0], call.Args[1])
		if reason != "" {
			return nil, reason
		}
		high, reason := c.compared("le", call.Args[0], call.Args[2])
		return op1("$and", low, high), reason
	case "in":
		return c.member(call)
	case "is_null", "is_blank":
		return c.noValue(call)
	case "contains", "starts_with", "ends_with":
		return c.found(call)
	}
	return nil, call.Func + " is computed in memory"
}

// known is a constant where the server would take a bare one for something else.
func known(b bool) bson.D { return op1("$literal", b) }

func (c *compiler) truths(args []lqp.Expr) (bson.A, string) {
	arms := make(bson.A, len(args))
	for i, a := range args {
		x, reason := c.truth(a)
		if reason != "" {
			return nil, reason
		}
		arms[i] = x
	}
	return arms, ""
}

// compared compares two values. The server's null equals itself and is less than everything.
func (c *compiler) compared(fn string, left, right lqp.Expr) (any, string) {
	a, reason := c.value(left)
	if reason != "" {
		return nil, reason
	}
	b, reason := c.value(right)
	if reason != "" {
		return nil, reason
	}
	// Identifiers of one kind are ordered as their texts are.
	if a.form != b.form || a.form != objectIDForm && a.form != uuidForm {
		if _, reason := together([]computed{a, b}); reason != "" {
			return nil, reason
		}
		_, _ = a.asText(), b.asText()
	}
	switch fn {
	case "eq", "ne":
		return op1("$"+fn, a.expr, b.expr), ""
	}
	if a.never || b.never {
		return known(false), ""
	}
	lesser, op := "$$a", map[string]string{"lt": "$lt", "le": "$lte", "gt": "$gt", "ge": "$gte"}[fn]
	constant := a.always
	if fn == "gt" || fn == "ge" {
		lesser, constant = "$$b", b.always
	}
	if constant { // what would have to be more than null is
		return op1(op, a.expr, b.expr), ""
	}
	return let(op1("$and", op1("$ne", lesser, nil), op1(op, "$$a", "$$b")), "ab", a.expr, b.expr), ""
}

// member is in, with a list of constants or with values.
func (c *compiler) member(e *lqp.Call) (any, string) {
	items := e.Args[1:]
	if list, ok := items[0].(*lqp.ListLit); ok && len(items) == 1 {
		items = make([]lqp.Expr, len(list.Items))
		for i, it := range list.Items {
			items[i] = it
		}
	}
	if len(items) > 100 {
		return nil, "the list is too long"
	}
	arms := make(bson.A, len(items))
	for i, it := range items {
		x, reason := c.compared("eq", e.Args[0], it)
		if reason != "" {
			return nil, reason
		}
		arms[i] = x
	}
	return bson.D{{Key: "$or", Value: arms}}, ""
}

// noValue is is_null, or is_blank, which the empty text is too.
func (c *compiler) noValue(e *lqp.Call) (any, string) {
	v, reason := c.value(e.Args[0])
	if reason != "" || v.never {
		return known(true), reason
	}
	if e.Func == "is_blank" && v.form == stringForm {
		return op1("$in", v.expr, bson.A{nil, ""}), ""
	}
	return op1("$eq", v.expr, nil), ""
}

// found looks for a text in another; NULL is in none and has none.
func (c *compiler) found(e *lqp.Call) (any, string) {
	text, reason := c.textValue(e.Args[0])
	if reason != "" {
		return nil, reason
	}
	part, reason := c.textValue(e.Args[1])
	if reason != "" || text.never || part.never {
		return known(false), reason
	}
	var is any
	length, partLength := op1("$strLenCP", "$$t"), op1("$strLenCP", "$$p")
	switch e.Func {
	case "contains":
		is = op1("$gte", op1("$indexOfCP", "$$t", "$$p"), 0)
	case "starts_with":
		is = op1("$eq", op1("$substrCP", "$$t", 0, partLength), "$$p")
	default:
		tail := op1("$substrCP", "$$t", op1("$max", op1("$subtract", length, partLength), 0), partLength)
		is = op1("$eq", tail, "$$p")
	}
	there := op1("$and", op1("$ne", "$$t", nil), op1("$ne", "$$p", nil))
	return let(cond(there, is, false), "tp", text.expr, part.expr), ""
}

// textValue is the value of an expression that must be a text.
func (c *compiler) textValue(e lqp.Expr) (computed, string) {
	v, reason := c.value(e)
	if reason != "" || v.never {
		return v, reason
	}
	if reason = v.asText(); reason == "" && v.form != stringForm {
		reason = "only texts are worked on at the source"
	}
	return v, reason
}
