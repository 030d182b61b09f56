package mongodb

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// grouped is a column that a grouping makes.
type grouped struct {
	output
	as     computed // its value in the stages after the group
	reason string   // why these do nothing with it
}

// grouping is the stage that groups, and what comes right after it.
type grouping struct {
	columns map[string]grouped
	id      bson.D // the keys, nil when the whole input is one group
	fields  bson.D // the accumulators
	set     bson.D // what is made of several accumulators
}

// grouping compiles the groups and aggregates of a query.
func (c *compiler) grouping(q *lqp.Query) (g grouping, reason string) {
	g.columns = map[string]grouped{}
	for i := range q.GroupBy {
		k := &q.GroupBy[i]
		v, reason := c.groupKey(k.Expr)
		if reason != "" {
			return g, reason
		}
		name := "k" + itoa(i)
		g.id = append(g.id, bson.E{Key: name, Value: oneForm(k.Expr, v.expr)})
		v.expr, v.always = "$_id."+name, false
		g.columns[k.Name] = grouped{output: output{path: []string{"_id", name}, storage: storage{form: v.form}}, as: v}
	}
	for i := range q.Aggregates {
		a := &q.Aggregates[i]
		acc, reason := c.accumulator(a, "a"+itoa(i))
		if reason != "" {
			return g, reason
		}
		g.fields, g.set = append(g.fields, acc.fields...), append(g.set, acc.set...)
		g.columns[a.Name] = acc.grouped
	}
	return g, ""
}

// groups is a pipeline that groups by canonical values.
func (b *builder) groups() string {
	g, reason := b.grouping(b.q)
	if reason != "" {
		return reason
	}
	b.compiler.groups = g.columns
	var id any // nil: the whole input is one group
	if len(g.id) > 0 {
		id = g.id
	}
	b.st.whole = id == nil && b.q.Page.Offset <= 0 && len(b.q.Page.After) == 0
	pipeline := bson.A{bson.D{{Key: "$match", Value: b.filter}}, bson.D{{Key: "$group", Value: append(bson.D{{Key: "_id", Value: id}}, g.fields...)}}}
	if len(g.set) > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$set", Value: g.set}})
	}
	if b.q.Having != nil {
		if id == nil {
			return havingWhole
		}
		x, reason := b.truth(b.q.Having)
		if reason != "" {
			return reason
		}
		pipeline = append(pipeline, bson.D{{Key: "$match", Value: bson.D{{Key: "$expr", Value: x}}}})
	}
	for i := range b.q.Select {
		c, ok := b.q.Select[i].Expr.(*lqp.Col)
		if !ok || c.Source != "" {
			return "only groups and aggregates are shown"
		}
		column, ok := g.columns[c.Column]
		if !ok {
			return "no such group"
		}
		b.st.columns = append(b.st.columns, column.output)
	}
	return b.sortedGroups(pipeline)
}

// havingWhole: without documents the server has no group, and ours would still have to be looked at.
const havingWhole = "the one group of everything is filtered in memory"

// sortedGroups sorts the groups by their columns.
func (b *builder) sortedGroups(pipeline bson.A) string {
	keys := make([]sortKey, len(b.q.OrderBy))
	var set bson.D
	for i := range b.q.OrderBy {
		o := &b.q.OrderBy[i]
		v, reason := b.sortValue(o.Expr)
		if reason != "" {
			return reason
		}
		keys[i] = sortKey{name: "s" + itoa(i), form: v.form, order: o}
		set = append(set, bson.E{Key: keys[i].name, Value: v.expr})
	}
	if len(set) > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$set", Value: set}})
	}
	return b.aggregate(pipeline, keys)
}

// sortValue is what documents or groups are sorted by. Of a text only the beginning counts.
func (c *compiler) sortValue(e lqp.Expr) (computed, string) {
	v, reason := c.groupKey(e)
	if reason == "" && v.form == stringForm {
		if path, ok := v.expr.(string); ok && strings.HasPrefix(path, "$") {
			v.expr = sortPrefix(path)
		} else {
			v.expr = let(sortPrefix("$$s"), "s", v.expr)
		}
	}
	return v, reason
}

// groupKey is a value that documents are grouped by.
func (c *compiler) groupKey(e lqp.Expr) (computed, string) {
	v, reason := c.value(e)
	if reason == "" && v.never {
		reason = "NULL is a constant"
	}
	return v, reason
}

// oneForm is a group key in which equal numbers have equal bytes. DocumentDB hashes the decimals 1.5 and 1.50, which it
// knows to be equal, differently, and has two groups of them where it hashes: all decimals get the same count of digits
// after the point. Those of columns have it already.
func oneForm(e lqp.Expr, value any) any {
	if _, column := e.(*lqp.Col); column || e.Type().Kind != lqp.Number {
		return value
	}
	return op1("$trunc", value, lqp.DecimalDigits)
}

// accumulation is an aggregate as $group computes it exactly.
type accumulation struct {
	grouped
	fields, set bson.D
}

// accumulator compiles an aggregate whose value gets the given name.
func (c *compiler) accumulator(a *lqp.Aggregate, name string) (acc accumulation, reason string) {
	if reason := c.facts.vetoed("aggregate " + a.Func); reason != "" {
		return acc, reason
	}
	acc.path = []string{name}
	only := func(x, otherwise any) any { return x }
	if a.Filter != nil {
		test, reason := c.truth(a.Filter)
		if reason != "" {
			return acc, reason
		}
		only = func(x, otherwise any) any { return cond(test, x, otherwise) }
	}
	field := func(suffix, op string, x any) {
		acc.fields = append(acc.fields, bson.E{Key: name + suffix, Value: op1(op, x)})
	}
	count := func(x any) (accumulation, string) {
		acc.kind, acc.form = counted, intForm
		acc.as = computed{expr: "$" + name, form: intForm, digits: 18}
		field("", "$sum", only(x, 0))
		return acc, ""
	}
	switch {
	case a.Func == "countall":
		return count(1)
	case a.Arg == nil:
		return acc, "an aggregate without argument"
	}
	v, reason := c.groupKey(a.Arg)
	if reason != "" {
		return acc, reason
	}
	empty := op1("$eq", v.expr, nil)
	if v.form == stringForm {
		empty = op1("$in", v.expr, bson.A{nil, ""})
	}
	switch a.Func {
	case "count":
		return count(cond(op1("$eq", v.expr, nil), 0, 1))
	case "counta", "count_filled":
		return count(cond(empty, 0, 1))
	case "count_empty":
		return count(cond(empty, 1, 0))
	case "checked":
		return count(cond(op1("$eq", v.expr, true), 1, 0))
	case "unchecked":
		return count(cond(op1("$eq", v.expr, true), 0, 1))
	case "min", "max", "earliest", "latest":
		op := map[string]string{"min": "$min", "max": "$max", "earliest": "$min", "latest": "$max"}[a.Func]
		field("", op, only(v.expr, nil))
		acc.storage, acc.as = storage{form: v.form}, v
		acc.as.expr, acc.as.always = "$"+name, false
		return acc, ""
	case "sum", "average":
		if v.form != intForm && v.form != decimalForm {
			return acc, "only exact numbers are added up at the source"
		}
		acc.sum(c, name, &v, only, a.Func == "average", field)
		return acc, ""
	}
	return acc, a.Func + " is computed in memory"
}

// sum adds numbers up. 64-bit integers add up exactly in the 34 digits of a decimal, however many there are. Of others the
// largest and their count are asked for too: where these could have made more digits the server must not answer.
func (acc *accumulation) sum(c *compiler, name string, v *computed, only func(x, otherwise any) any, average bool, field func(suffix, op string, x any)) {
	x := only(toDecimal(*v), nil)
	wide := v.scale > 0 || v.digits > 19
	field("", "$sum", x)
	if wide {
		field("m", "$max", op1("$abs", x))
	}
	if wide || average {
		field("n", "$sum", cond(op1("$eq", x, nil), 0, 1))
	}
	path := "$" + name
	total := any(path)
	if wide {
		total = cond(op1("$lt", op1("$multiply", path+"m", path+"n"), sumLimit), path, c.exactly(true, path))
	}
	acc.form = decimalForm
	if average {
		acc.kind, acc.reason = mean, "averages are looked at in memory"
		acc.set = bson.D{{Key: name, Value: bson.D{{Key: "s", Value: total}, {Key: "n", Value: path + "n"}}}}
		return
	}
	if wide {
		acc.set = bson.D{{Key: name, Value: total}}
	}
	acc.kind = summed
	acc.as = computed{form: decimalForm, digits: decimalDigits, scale: v.scale}
	acc.as.expr = inRange(path, &acc.as)
}

// sumLimit leaves ten digits after the point of the 34 that a decimal has, and one for good measure.
var sumLimit = mustDecimal("1E+23")
