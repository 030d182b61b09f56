package mongodb

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/lqp"
)

// filterProbes are the conditions that a function is tried with as operators on bare fields.
func filterProbes() map[string][]lqp.Expr {
	all := map[string][]lqp.Expr{}
	add := func(fn string, args ...lqp.Expr) { all[fn] = append(all[fn], lqp.NewCall(fn, args...)) }
	ref := func(id string) lqp.Expr { return lqp.Ref("", id) }
	text := func(s string) *lqp.Lit { return lqp.Literal(lqp.TextValue(s)) }
	whole := func(n int64) *lqp.Lit { return lqp.Literal(lqp.IntValue(n)) }
	for _, fn := range []string{"eq", "ne", "lt", "le", "gt", "ge"} {
		add(fn, ref("n"), lqp.Literal(number("1.0000000001")))
		add(fn, ref("n"), whole(12))
		add(fn, ref("m"), whole(-1))
		add(fn, ref("i"), whole(7))
		add(fn, ref("s"), text("abc"))
		add(fn, ref("t"), text("x"))
		add(fn, ref("f"), lqp.Literal(lqp.FloatValue(0)))
		add(fn, ref("d"), lqp.Literal(lqp.DateTimeValue(0)))
		add(fn, ref("b"), lqp.Literal(lqp.BoolValue(true)))
		add(fn, ref("o"), text("010200000000000000000000"))
		add(fn, ref("u"), text("00000000-0000-0000-0000-000000000001"))
	}
	add("between", ref("n"), whole(0), whole(12))
	add("in", ref("s"), lqp.NewList(text("abc"), text("x"), lqp.Literal(lqp.NullValue)))
	add("in", ref("i"), lqp.NewList(whole(7), whole(0)))
	add("in", ref("n"), lqp.NewList(whole(12), lqp.Literal(number("1.0000000001"))))
	for _, id := range []string{"n", "i", "s", "d", "b", "o", "f", "u", "l"} {
		add("is_null", ref(id))
		add("is_blank", ref(id))
	}
	for _, fn := range []string{"contains", "starts_with", "ends_with"} {
		for _, part := range []string{"", "abc", "$", "🙂", ".", "%_", "x"} {
			add(fn, ref("s"), text(part))
		}
	}
	for _, fn := range []string{"has", "has_any", "has_all"} {
		add(fn, ref("l"), text("a"))
	}
	return all
}

// aggregateProbes are the aggregates that are tried, by the columns that they are tried on.
var aggregateProbes = map[string][]string{
	"countall": nil, "count": {"n", "i"}, "counta": {"s", "n"}, "count_filled": {"s"}, "count_empty": {"s", "d"}, "checked": {"b"}, "unchecked": {"b"},
	"min": {"n", "i", "s", "d", "o", "f"}, "max": {"n", "i", "s", "d", "o", "f"}, "earliest": {"d"}, "latest": {"d"}, "sum": {"n", "m", "i"},
	"average": {"m", "i"},
}

// veto is a pipeline behind the rows of the probes with the rows that it must give, in any order.
type veto struct {
	name     string // of what is tried
	pipeline bson.A
	columns  []output
	want     []string
}

// vetoedClauses are the operators and aggregates that the server was seen to get wrong, by the names that facts.vetoed
// takes. A server on which they could not be tried has none: they are the common stock of the protocol.
func vetoedClauses(ctx context.Context, db *mongo.Database) map[string]bool {
	rows, err := newProbeData()
	if err != nil {
		return nil
	}
	var all []veto
	c := &compiler{table: probeTable, alias: "probe", facts: &facts{everything: true}}
	for fn, calls := range filterProbes() {
		for _, e := range calls {
			if v, ok := c.filterVeto(fn, e, rows); ok {
				all = append(all, v)
			}
		}
	}
	for fn, columns := range aggregateProbes {
		if columns == nil {
			columns = []string{""}
		}
		for _, id := range columns {
			if v, ok := c.groupVeto(fn, id, rows); ok {
				all = append(all, v)
			}
		}
	}
	wrong := map[string]bool{}
	for i, right := range tryVetoes(ctx, db, all) {
		if !right {
			wrong[all[i].name] = true
		}
	}
	return wrong
}

func (c *compiler) filterVeto(fn string, e lqp.Expr, rows [][]lqp.Value) (v veto, ok bool) {
	bound, resolved, err := bindProbe(e)
	if err != nil {
		return v, false
	}
	match, reason := c.onFields(bound)
	if reason != "" {
		return v, false
	}
	v = veto{name: "filter " + fn, columns: []output{{path: []string{"row"}, storage: storage{form: intForm}}}}
	v.pipeline = bson.A{bson.D{{Key: "$match", Value: match}}, bson.D{{Key: "$project", Value: bson.D{{Key: "_id", Value: 0}, {Key: "row", Value: 1}}}}}
	for i, row := range rows {
		if lqp.Truth(lqp.Eval(resolved, row)) {
			v.want = append(v.want, itoa(i)+",")
		}
	}
	return v, true
}

// groupVeto tries an aggregate of a column in groups by a text.
func (c *compiler) groupVeto(fn, id string, rows [][]lqp.Value) (v veto, ok bool) {
	f, known := lqp.LookupAggregate(fn)
	if !known {
		return v, false
	}
	key := lqp.TypedRef("probe", "k", probeTable.Column("k").Type)
	q := &lqp.Query{GroupBy: []lqp.Named{{Name: "k", Expr: key}}}
	var arg lqp.Expr
	at, typ := -1, lqp.Type{}
	if id != "" {
		at = slices.IndexFunc(probeTable.Columns, func(c lqp.Column) bool { return c.ID == id })
		typ = probeTable.Columns[at].Type
		arg = lqp.TypedRef("probe", id, typ)
	}
	q.Aggregates = []lqp.Aggregate{lqp.BoundAggregate("a", fn, arg)}
	g, reason := c.grouping(q)
	if reason != "" {
		return v, false
	}
	v = veto{name: "aggregate " + fn, columns: []output{g.columns["k"].output, g.columns["a"].output}}
	v.pipeline = bson.A{bson.D{{Key: "$group", Value: append(bson.D{{Key: "_id", Value: g.id}}, g.fields...)}}}
	if len(g.set) > 0 {
		v.pipeline = append(v.pipeline, bson.D{{Key: "$set", Value: g.set}})
	}
	groups := map[string]lqp.Accumulator{}
	keyAt := slices.IndexFunc(probeTable.Columns, func(c lqp.Column) bool { return c.ID == "k" })
	for _, row := range rows {
		k := string(row[keyAt].AppendJSON(nil))
		if groups[k] == nil {
			groups[k] = f.NewAccumulator(typ)
		}
		arg := lqp.NullValue
		if at >= 0 {
			arg = row[at]
		}
		groups[k].Add(arg)
	}
	for k, acc := range groups {
		v.want = append(v.want, k+","+string(acc.Result().AppendJSON(nil))+",")
	}
	slices.Sort(v.want)
	return v, true
}

// tryVetoes runs all pipelines in one command. It gives nothing when the server gives no answer.
func tryVetoes(ctx context.Context, db *mongo.Database, all []veto) []bool {
	facets := make(bson.D, len(all))
	var tree node
	for i := range all {
		name := "f" + itoa(i)
		facets[i] = bson.E{Key: name, Value: all[i].pipeline}
		tree.want([]string{name}, i)
	}
	cursor, err := db.Aggregate(ctx, bson.A{probeDocuments(), bson.D{{Key: "$facet", Value: facets}}})
	if err != nil {
		return nil
	}
	defer func() { _ = cursor.Close(ctx) }()
	if !cursor.Next(ctx) {
		return nil
	}
	slots := make([]raw, len(all))
	tree.fill(cursor.Current, slots)
	right := make([]bool, len(all))
	for i := range all {
		var got []string
		for w := walk(slots[i].data); slots[i].kind == bson.TypeArray && w.next(); {
			row := ""
			var columns node
			values := make([]raw, len(all[i].columns))
			for j := range all[i].columns {
				columns.want(all[i].columns[j].path, j)
			}
			columns.fill(w.val.data, values)
			for j := range values {
				row += string(all[i].columns[j].value(values[j]).AppendJSON(nil)) + ","
			}
			got = append(got, row)
		}
		slices.Sort(got)
		slices.Sort(all[i].want)
		right[i] = slices.Equal(got, all[i].want)
	}
	return right
}
