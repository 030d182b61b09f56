package lqp

import (
	"maps"
	"math"
	"slices"
	"strconv"
)

// optional reads an expression that may be absent, node 0.
func (d *decoder) optional(i int32) Expr {
	if i == 0 {
		return nil
	}
	return d.expr(i, 1)
}

// required reads the expression under a key of an object.
func (d *decoder) required(object, i int32, key string) Expr {
	if i == 0 {
		if d.nodes[object].kind == '{' {
			d.fail(object, CodeMissing, "the key %s is missing", quoted(key))
		}
		return nil
	}
	return d.expr(i, 1)
}

// expr reads an expression, nil after a problem. depth counts the levels of the tree.
func (d *decoder) expr(i int32, depth int) Expr {
	if depth > MaxExprDepth {
		d.fail(i, CodeLimit, "the expression is nested too deeply; at most %d levels are allowed", MaxExprDepth)
		return nil
	}
	if d.nodes[i].kind == '"' {
		return d.formula(i)
	}
	if d.nodes[i].kind != '{' {
		d.expect(i, "an expression")
		return nil
	}
	for m := i + 1; m < d.nodes[i].end; m = d.nodes[m].end {
		switch d.key(m) {
		case "k":
		case "formula":
			return d.written(i)
		default:
			continue
		}
		if d.nodes[m].kind != '"' {
			d.expect(m, "a text")
			return nil
		}
		switch k := d.text(m); k {
		case "lit":
			if l := d.literal(i); l != nil {
				return l
			}
		case "col":
			return d.column(i)
		case "call":
			return d.call(i, depth)
		case "list":
			return d.literals(i)
		case "param":
			return d.param(i)
		default:
			d.fail(m, CodeArgument, "%s is no kind of expression; one of \"lit\", \"col\", \"call\", \"list\", \"param\" was expected", quoted(k))
		}
		return nil
	}
	d.fail(i, CodeMissing, "the key \"k\", the kind of the expression, is missing")
	return nil
}

// written reads {"formula", "syntax"}, a text in a language that it names.
func (d *decoder) written(i int32) Expr {
	m := d.object(i, "a formula", "formula", "syntax")
	if d.nodes[m[0]].kind != '"' {
		d.expect(m[0], "a text")
		return nil
	}
	if m[1] == 0 {
		return d.formula(m[0])
	}
	names := slices.Sorted(maps.Keys(d.opt.Syntaxes))
	name := d.oneOf(m[1], names...)
	if name == "" {
		return nil
	}
	return d.formulaBy(m[0], d.opt.Syntaxes[name])
}

func (d *decoder) column(i int32) Expr {
	m := d.object(i, "a column", "k", "src", "id")
	c := Ref(d.string(m[1]), d.string(m[2]))
	if m[2] == 0 || (c.Column == "" && d.nodes[m[2]].kind == '"') {
		d.fail(i, CodeMissing, "the reference names no column")
	}
	return c
}

func (d *decoder) param(i int32) Expr {
	m := d.object(i, "a parameter", "k", "n")
	if m[1] == 0 {
		d.fail(i, CodeMissing, "the key \"n\", the parameter's name, is missing")
	}
	return &Param{Name: d.string(m[1])}
}

func (d *decoder) call(i int32, depth int) Expr {
	m := d.object(i, "a call", "k", "f", "a")
	if m[1] == 0 {
		d.fail(i, CodeMissing, "the key \"f\", the function's name, is missing")
	}
	name := d.string(m[1])
	before := len(d.problems)
	var args []Expr
	d.list(m[2], MaxListItems, func(e int32) { args = append(args, d.expr(e, depth+1)) })
	if len(d.problems) > before {
		return nil // an argument is missing: nothing may look at the call
	}
	return NewCall(name, args...)
}

func (d *decoder) literals(i int32) Expr {
	m := d.object(i, "a list", "k", "a")
	if m[1] == 0 {
		d.fail(i, CodeMissing, "the key \"a\", the list's elements, is missing")
	}
	items := []*Lit{}
	d.list(m[1], MaxListItems, func(e int32) {
		if l := d.literal(e); l != nil {
			items = append(items, l)
		}
	})
	return NewList(items...)
}

// literal reads {"k":"lit", "t", "v"}, nil after a problem.
func (d *decoder) literal(i int32) *Lit {
	m := d.object(i, "a literal", "k", "t", "v")
	if d.nodes[i].kind != '{' {
		return nil
	}
	if m[0] == 0 || d.string(m[0]) != "lit" {
		d.fail(i, CodeTypeMismatch, "a list has literals only: {\"k\":\"lit\", …}")
		return nil
	}
	if m[2] == 0 {
		d.fail(i, CodeMissing, "the key \"v\", the literal's value, is missing")
		return nil
	}
	kind := Null
	if m[1] != 0 {
		name := d.oneOf(m[1], "null", "bool", "number", "float", "text", "date", "datetime")
		if name == "" {
			return nil
		}
		kind, _ = ParseKind(name)
	} else {
		switch d.nodes[m[2]].kind {
		case 't', 'f':
			kind = Bool
		case '0':
			kind = Number
		case '"':
			kind = Text
		}
	}
	return d.constant(m[2], kind)
}

func (d *decoder) constant(i int32, kind Kind) *Lit {
	node := d.nodes[i].kind
	if node == 'n' {
		return TypedNull(Type{Kind: kind})
	}
	var what string
	var v Value
	switch kind {
	case Bool:
		if what = "true or false"; node == 't' || node == 'f' {
			v = BoolValue(node == 't')
		}
	case Number:
		what = "a number, best written as a text such as \"12.5\","
		if dec, err := ParseDecimal(d.scalarText(i)); err == nil && (node == '0' || node == '"') {
			v = NumberValue(dec)
		}
	case Float:
		what = "a finite number"
		if f, err := strconv.ParseFloat(d.scalarText(i), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			v = FloatValue(f)
		}
	case Text:
		if what = "a text"; node == '"' {
			v = TextValue(d.text(i))
		}
	case Date, DateTime:
		if what = "a date such as \"2024-02-29\""; kind == DateTime {
			what = "a date with time such as \"2024-02-29T10:00:00.000Z\""
		}
		if parsed, err := ParseValue(Type{Kind: kind}, d.raw(i)); err == nil && node == '"' {
			v = parsed
		}
	default:
		what = "null"
	}
	if v.IsNull() {
		d.fail(i, CodeTypeMismatch, "%s was expected, not %s", what, quoted(string(d.raw(i)[:min(len(d.raw(i)), 200)])))
		return nil
	}
	return Literal(v)
}

// scalarText is the text of a number, whether it is written as one or as a text; "" for anything else.
func (d *decoder) scalarText(i int32) string {
	switch d.nodes[i].kind {
	case '0':
		return string(d.raw(i))
	case '"':
		return d.text(i)
	}
	return ""
}
