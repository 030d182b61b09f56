package mongodb

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// grouped is a column that a grouping makes.
type grouped struct {
	output
	sortable bool
}

// groups is a pipeline that groups by canonical values.
func (b *builder) groups() string {
	columns := map[string]grouped{}
	var id any // nil: the whole input is one group
	var keys bson.D
	for i := range b.q.GroupBy {
		k := &b.q.GroupBy[i]
		f, reason := b.groupKey(k.Expr)
		if reason != "" {
			return reason
		}
		name := "k" + strconv.Itoa(i)
		keys = append(keys, bson.E{Key: name, Value: f.canonical()})
		columns[k.Name] = grouped{output{path: []string{"_id", name}, storage: f.storage}, true}
	}
	if len(keys) > 0 {
		id = keys
	}
	b.st.whole = len(keys) == 0 && b.q.Page.Offset <= 0 && len(b.q.Page.After) == 0
	group := bson.D{{Key: "_id", Value: id}}
	means := bson.D{}
	for i := range b.q.Aggregates {
		a := &b.q.Aggregates[i]
		name := "a" + strconv.Itoa(i)
		out, acc, reason := b.accumulator(a)
		if reason != "" {
			return reason
		}
		out.path = []string{name}
		group = append(group, bson.E{Key: name, Value: acc})
		if out.kind == mean {
			n := bson.D{{Key: "$sum", Value: b.countIf(a)}}
			group = append(group, bson.E{Key: name + "n", Value: n})
			means = append(means, bson.E{Key: name, Value: bson.D{{Key: "s", Value: "$" + name}, {Key: "n", Value: "$" + name + "n"}}})
		}
		columns[a.Name] = grouped{out, out.kind == stored || out.kind == counted}
	}
	pipeline := bson.A{bson.D{{Key: "$match", Value: b.filter}}, bson.D{{Key: "$group", Value: group}}}
	if len(means) > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$set", Value: means}})
	}
	for i := range b.q.Select {
		c, ok := b.q.Select[i].Expr.(*lqp.Col)
		if !ok || c.Source != "" {
			return "only groups and aggregates are shown"
		}
		g, ok := columns[c.Column]
		if !ok {
			return "no such group"
		}
		b.st.columns = append(b.st.columns, g.output)
	}
	return b.sortedGroups(pipeline, columns)
}

// sortedGroups sorts the groups by their columns.
func (b *builder) sortedGroups(pipeline bson.A, columns map[string]grouped) string {
	keys := make([]sortKey, len(b.q.OrderBy))
	var set bson.D
	for i := range b.q.OrderBy {
		o := &b.q.OrderBy[i]
		c, ok := o.Expr.(*lqp.Col)
		if !ok || c.Source != "" {
			return "groups are sorted by what is computed in memory"
		}
		g, ok := columns[c.Column]
		if !ok || !g.sortable {
			return "groups are sorted by this in memory"
		}
		path := "$" + g.path[0]
		for _, part := range g.path[1:] {
			path += "." + part
		}
		keys[i] = sortKey{name: "s" + strconv.Itoa(i), form: g.form, order: o}
		var value any = path
		if g.form == stringForm {
			value = sortPrefix(path)
		}
		set = append(set, bson.E{Key: keys[i].name, Value: value})
	}
	if len(set) > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$set", Value: set}})
	}
	return b.aggregate(pipeline, keys)
}

// groupKey finds a column that can be grouped by.
func (c *compiler) groupKey(e lqp.Expr) (field, string) {
	f, reason := c.field(e)
	if reason == "" && !f.form.scalar() {
		reason = "lists and documents are grouped in memory"
	}
	return f, reason
}

// accumulator is an aggregate as $group computes it exactly.
func (c *compiler) accumulator(a *lqp.Aggregate) (out output, acc bson.D, reason string) {
	count := output{kind: counted, storage: storage{form: intForm}}
	switch {
	case a.Filter != nil:
		return out, nil, "filtered aggregates are computed in memory"
	case a.Func == "countall":
		return count, bson.D{{Key: "$sum", Value: 1}}, ""
	case a.Arg == nil:
		return out, nil, "an aggregate without argument"
	}
	f, reason := c.groupKey(a.Arg)
	if reason != "" {
		return out, nil, reason
	}
	switch a.Func {
	case "count", "counta":
		return count, bson.D{{Key: "$sum", Value: c.countIf(a)}}, ""
	case "min", "max":
		return output{storage: f.storage}, bson.D{{Key: "$" + a.Func, Value: f.canonical()}}, ""
	case "sum", "average":
		// 64-bit integers add up exactly in the 34 digits of a decimal, however many there are. Wider numbers may not, and
		// doubles add up differently everywhere.
		if f.form != intForm {
			return out, nil, "only integers are added up at the source"
		}
		out = output{kind: summed, storage: storage{form: decimalForm}}
		if a.Func == "average" {
			out.kind = mean
		}
		return out, bson.D{{Key: "$sum", Value: cond(f.is("int", "long"), op1("$toDecimal", "$"+f.name), nil)}}, ""
	}
	return out, nil, a.Func + " is computed in memory"
}

// countIf is 1 where the argument of a counting aggregate counts. Texts count for counta unless they are empty, for count
// never.
func (c *compiler) countIf(a *lqp.Aggregate) any {
	f, _ := c.field(a.Arg)
	value := f.canonical()
	isNull := op1("$eq", value, nil)
	if f.form == stringForm && a.Func == "counta" {
		return cond(isNull, 0, cond(op1("$eq", value, ""), 0, 1))
	}
	return cond(isNull, 0, 1)
}
