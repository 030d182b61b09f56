package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// compiler turns the clauses of one query over one collection into parts of commands. Every method that can refuse
// returns a reason for people, empty on success.
type compiler struct {
	table *lqp.Table
	alias string
	// masked puts a question mark in the place of every value of the query.
	masked bool
	facts  *facts // nil when nothing is known of the server
	// groups are the columns of a query with groups, once they are known.
	groups map[string]grouped
	// fails is set once an expression was made that may fail on purpose.
	fails bool
}

// bind is a value of the query as the command holds it. Values stand only below comparison operators, where the server
// takes them for nothing but values.
func (c *compiler) bind(v any) any {
	if c.masked {
		return "?"
	}
	return v
}

// constant is a bound that the query did not bring.
func constant(v any) any { return v }

// never matches no document; servers know it for an empty result.
var never = bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{}}}}}

// always matches every document.
var always = bson.D{}

// negation matches what f does not: predicates have two values.
func negation(f bson.D) bson.D { return bson.D{{Key: "$nor", Value: bson.A{f}}} }

// field is the field of a column of the table.
func (c *compiler) field(e lqp.Expr) (f field, reason string) {
	col, ok := e.(*lqp.Col)
	if !ok {
		return f, "only columns themselves are compared at the source"
	}
	if col.Source != c.alias {
		return f, "groups are filtered in memory"
	}
	column := c.table.Column(col.Column)
	if column == nil {
		return f, "no such column"
	}
	return fieldOf(column)
}

// clause is a predicate on one field whose values must be of its form. A path that leads through an array would mean any
// of its elements, an array any element of itself: for us both are NULL.
func (f *field) clause(ops bson.D) bson.D {
	var d bson.D
	name := ""
	for _, part := range f.path[:len(f.path)-1] {
		name += part
		d = append(d, bson.E{Key: name, Value: noArray})
		name += "."
	}
	switch f.form {
	case arrayForm:
		ops = append(ops, bson.E{Key: "$type", Value: "array"})
	default:
		ops = append(ops, typed(f.form)...)
	}
	return append(d, bson.E{Key: f.name, Value: ops})
}

var noArray = bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}}}

// typed are the operators that demand the BSON types of a form.
func typed(f form) bson.D {
	return bson.D{{Key: "$type", Value: bsonTypes[f]}, noArray[0]}
}

// present matches the documents in which the field is not NULL.
func (f *field) present() bson.D {
	switch f.form {
	case stringForm:
		return f.clause(bson.D{{Key: "$regex", Value: anyText}})
	case jsonForm:
		return f.presentJSON()
	}
	return f.clause(f.form.valid().ops(constant))
}

// presentJSON matches any value but null and undefined.
func (f *field) presentJSON() bson.D {
	array := field{name: f.name, path: f.path, storage: storage{form: arrayForm}}
	d := array.clause(nil)
	other := append(d[:len(d)-1:len(d)-1], bson.E{Key: f.name, Value: bson.D{
		{Key: "$exists", Value: true},
		{Key: "$not", Value: bson.D{{Key: "$type", Value: []string{"null", "undefined", "array"}}}},
	}})
	return bson.D{{Key: "$or", Value: bson.A{d, other}}}
}

// predicate matches the documents for which e is TRUE: by operators on bare fields, which indexes serve, or else by an
// expression that the server evaluates for every document.
func (c *compiler) predicate(e lqp.Expr) (bson.D, string) {
	f, reason := c.onFields(e)
	if reason == "" {
		return f, ""
	}
	before := c.fails
	c.fails = false
	x, unknown := c.truth(e)
	fails := c.fails
	c.fails = before
	switch {
	case unknown == "" && fails: // rows may have been given away by then
		return nil, "the source could find only midway that it has too few digits"
	case unknown == "":
		return bson.D{{Key: "$expr", Value: x}}, ""
	case c.facts == nil:
		return nil, reason
	}
	return nil, unknown
}

// onFields is predicate by operators on bare fields alone, but for the arms of a connective.
func (c *compiler) onFields(e lqp.Expr) (bson.D, string) {
	switch e := e.(type) {
	case nil:
		return always, ""
	case *lqp.Lit:
		if lqp.Truth(e.Val) {
			return always, ""
		}
		return never, ""
	case *lqp.Col:
		return c.compare(opEq, e, lqp.BoolValue(true))
	case *lqp.Call:
		return c.call(e)
	}
	return nil, "not a predicate that the source knows"
}

func (c *compiler) call(e *lqp.Call) (bson.D, string) {
	if reason := c.facts.vetoed("filter " + e.Func); reason != "" {
		return nil, reason
	}
	switch e.Func {
	case "and", "or":
		return c.connective("$"+e.Func, e.Args)
	case "not":
		f, reason := c.predicate(e.Args[0])
		return negation(f), reason
	case "eq", "lt", "le", "gt", "ge":
		return c.comparison(operators[e.Func], e)
	case "ne":
		f, reason := c.comparison(opEq, e)
		return negation(f), reason
	case "between":
		return c.between(e)
	case "in":
		return c.in(e)
	case "is_null", "is_blank":
		return c.empty(e)
	case "contains", "starts_with", "ends_with":
		return c.search(e)
	case "has", "has_any", "has_all":
		return c.has(e)
	}
	return nil, e.Func + " is computed in memory"
}

func (c *compiler) connective(op string, args []lqp.Expr) (bson.D, string) {
	arms := make(bson.A, len(args))
	for i, a := range args {
		f, reason := c.predicate(a)
		if reason != "" {
			return nil, reason
		}
		arms[i] = f
	}
	return bson.D{{Key: op, Value: arms}}, ""
}

// comparison compares a column with a constant on either side.
func (c *compiler) comparison(o operator, e *lqp.Call) (bson.D, string) {
	left, right := e.Args[0], e.Args[1]
	if _, ok := literal(left); ok {
		left, right, o = right, left, o.mirror()
	}
	v, ok := literal(right)
	if !ok {
		return nil, "columns are compared with each other in memory"
	}
	return c.compare(o, left, v)
}

// literal is the value of an expression that is the same for every row: the source gets the value, not the question.
func literal(e lqp.Expr) (v lqp.Value, ok bool) {
	switch e := e.(type) {
	case *lqp.Lit:
		return e.Val, true
	case *lqp.Call:
		for _, a := range e.Args {
			if _, list := a.(*lqp.ListLit); list {
				continue
			}
			if _, ok := literal(a); !ok {
				return v, false
			}
		}
		return lqp.Eval(e, nil), true
	}
	return v, false
}

func (c *compiler) compare(o operator, e lqp.Expr, v lqp.Value) (bson.D, string) {
	f, reason := c.field(e)
	switch {
	case reason != "":
		return nil, reason
	case v.IsNull() && o == opEq:
		return f.missing(), ""
	case v.IsNull():
		return never, ""
	case !f.form.scalar():
		return nil, "lists and documents are compared in memory"
	}
	iv, none, reason := f.form.compared(o, v)
	switch {
	case reason != "":
		return nil, reason
	case none:
		return never, ""
	}
	ops := iv.ops(c.bind)
	if f.form == stringForm && o != opEq { // a text with U+0000 is NULL and beyond nothing
		ops = append(ops, bson.E{Key: "$regex", Value: anyText})
	}
	return f.clause(ops), ""
}

func (c *compiler) between(e *lqp.Call) (bson.D, string) {
	low, ok1 := literal(e.Args[1])
	high, ok2 := literal(e.Args[2])
	if !ok1 || !ok2 {
		return nil, "columns are compared with each other in memory"
	}
	from, reason := c.compare(opGe, e.Args[0], low)
	if reason != "" {
		return nil, reason
	}
	to, reason := c.compare(opLe, e.Args[0], high)
	return bson.D{{Key: "$and", Value: bson.A{from, to}}}, reason
}

// maxMembers is the longest list that is pushed: a command is at most 16 MiB.
const maxMembers = 10_000

func (c *compiler) in(e *lqp.Call) (bson.D, string) {
	list, ok := e.Args[1].(*lqp.ListLit)
	if !ok || len(e.Args) != 2 {
		return nil, "membership among columns is decided in memory"
	}
	if len(list.Items) > maxMembers {
		return nil, "the list is too long"
	}
	f, reason := c.field(e.Args[0])
	if reason != "" {
		return nil, reason
	}
	values := bson.A{} // where one stored value is one canonical value
	var arms bson.A
	for _, it := range list.Items {
		if it.Val.IsNull() {
			arms = append(arms, f.missing())
			continue
		}
		if !f.form.scalar() {
			return nil, "lists and documents are compared in memory"
		}
		iv, none, reason := f.form.compared(opEq, it.Val)
		switch {
		case reason != "":
			return nil, reason
		case none:
		case iv.lowOp == "$eq":
			values = append(values, c.bind(iv.low))
		default:
			arms = append(arms, f.clause(iv.ops(c.bind)))
		}
	}
	if len(values) > 0 || len(arms) == 0 {
		if c.masked && len(values) > 1 {
			values = values[:1]
		}
		arms = append(arms, f.clause(bson.D{{Key: "$in", Value: values}}))
	}
	if len(arms) == 1 {
		return arms[0].(bson.D), ""
	}
	return bson.D{{Key: "$or", Value: arms}}, ""
}

// empty is is_null, or is_blank, which empty texts and lists are too.
func (c *compiler) empty(e *lqp.Call) (bson.D, string) {
	f, reason := c.field(e.Args[0])
	if reason != "" {
		return nil, reason
	}
	missing := f.missing()
	switch {
	case e.Func == "is_null":
		return missing, ""
	case f.form == stringForm:
		return bson.D{{Key: "$or", Value: bson.A{missing, f.clause(bson.D{{Key: "$eq", Value: ""}})}}}, ""
	case f.form == arrayForm:
		return bson.D{{Key: "$or", Value: bson.A{missing, f.clause(bson.D{{Key: "$size", Value: 0}})}}}, ""
	}
	return missing, ""
}

// has looks for values among the elements of a list.
func (c *compiler) has(e *lqp.Call) (bson.D, string) {
	f, reason := c.field(e.Args[0])
	if reason != "" {
		return nil, reason
	}
	if f.form != arrayForm {
		return nil, "not a list at the source"
	}
	var arms bson.A
	for _, a := range e.Args[1:] {
		var items []*lqp.Lit
		switch a := a.(type) {
		case *lqp.Lit:
			items = []*lqp.Lit{a}
		case *lqp.ListLit:
			items = a.Items
		default:
			return nil, "a list is searched for columns in memory"
		}
		for _, it := range items {
			if it.Val.IsNull() || it.Val.Kind() == lqp.List {
				return nil, "a list is searched for NULL in memory"
			}
			iv, none, reason := f.elem.compared(opEq, it.Val)
			switch {
			case reason != "":
				return nil, reason
			case none:
				arms = append(arms, never)
			default:
				element := append(iv.ops(c.bind), typed(f.elem)...)
				arms = append(arms, f.clause(bson.D{{Key: "$elemMatch", Value: element}}))
			}
		}
	}
	switch {
	case len(arms) == 0 || len(arms) > maxMembers:
		return nil, "so many values are looked for in memory"
	case len(arms) == 1:
		return arms[0].(bson.D), ""
	case e.Func == "has_all":
		return bson.D{{Key: "$and", Value: arms}}, ""
	}
	return bson.D{{Key: "$or", Value: arms}}, ""
}
