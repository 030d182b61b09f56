package plantest

import (
	"fmt"
	"math/rand/v2"

	"github.com/livetables/livetables/lqp"
)

// Generator makes random queries over tables. Its zero fields but R and Tables are useful: every kind of join, no nested
// queries.
type Generator struct {
	R      *rand.Rand
	Tables []*Table
	Kinds  []lqp.JoinKind // of joins, all four when empty
	Nested int            // how deep queries are nested
	// Unordered leaves out aggregates whose answer depends on the order of the rows: for copies of tables that differ in
	// the keys by which that order is made total.
	Unordered bool
	cols      []named // in scope
}

// named is a column in scope.
type named struct {
	expr lqp.Expr
	kind lqp.Kind
}

// block is a query with what is known of its rows.
type block struct {
	q    *lqp.Query
	out  []named // by output name, expr is nil
	name []string
	keys []lqp.Expr // identify a row, before Select
	// keyed reports that keys is complete; without, rows may be equal and no page may cut them.
	keyed bool
	// keyOut are the names of the outputs that identify a row, nil when they do not.
	keyOut []string
}

// Query makes an unbound query, its references qualified. ordered reports that its sort keys order all rows, so that
// whoever answers it must answer with the same rows in the same order.
func (g *Generator) Query() (q *lqp.Query, ordered bool) {
	b := g.block(g.Nested)
	return b.q, b.order(g, 70)
}

func (g *Generator) chance(percent int) bool { return g.R.IntN(100) < percent }

func pick[E any](g *Generator, items ...E) E { return items[g.R.IntN(len(items))] }

// block makes a query without order and page.
func (g *Generator) block(nested int) *block {
	g.cols = nil
	b := &block{q: &lqp.Query{}, keyed: true}
	if g.chance(15) {
		b.q.TimeZone = pick(g, "Europe/Berlin", "America/New_York")
	}
	// Aliases are few, so that those of nested queries and of the queries around them collide.
	aliases := []string{"a", "b", "c"}
	b.q.From = g.source(b, aliases[0], nested)
	for i := 1; i < len(aliases) && g.chance(45); i++ {
		left := g.cols
		kinds := g.Kinds
		if len(kinds) == 0 {
			kinds = []lqp.JoinKind{lqp.Inner, lqp.Left, lqp.Inner, lqp.Left, lqp.Right, lqp.Full}
		}
		j := lqp.Join{Kind: pick(g, kinds...), Source: g.source(b, aliases[i], nested)}
		right := g.cols[len(left):]
		j.On = g.joinOn(left, right)
		b.q.Joins = append(b.q.Joins, j)
	}
	if g.chance(60) {
		b.q.Where = g.condition(2)
	}
	if g.chance(25) {
		g.group(b)
	}
	g.selectColumns(b)
	return b
}

// source adds a table or a nested query.
func (g *Generator) source(b *block, alias string, nested int) lqp.Source {
	if nested > 0 && g.chance(50) {
		outer := g.cols
		in := g.block(nested - 1)
		in.order(g, 40)
		g.cols = outer
		for i, c := range in.out {
			g.cols = append(g.cols, named{lqp.Ref(alias, in.name[i]), c.kind})
		}
		for _, k := range in.keyOut {
			b.keys = append(b.keys, lqp.Ref(alias, k))
		}
		b.keyed = b.keyed && in.keyOut != nil
		return lqp.Source{Query: in.q, Alias: alias}
	}
	t := pick(g, g.Tables...)
	for _, c := range columns {
		g.cols = append(g.cols, named{lqp.Ref(alias, c.ID), c.Type.Kind})
	}
	b.keys = append(b.keys, lqp.Ref(alias, "id"))
	b.keyed = b.keyed && len(t.Schema.Key) > 0
	return lqp.Source{Connection: t.Connection, Table: t.Schema.Name, Alias: alias}
}

// joinOn is a join condition: mostly an equality with something else besides, now and then none at all.
func (g *Generator) joinOn(left, right []named) lqp.Expr {
	all := g.cols
	defer func() { g.cols = all }()
	var on []lqp.Expr
	if g.chance(85) {
		for range 1 + g.R.IntN(2) {
			l := pick(g, left...)
			if r, ok := g.of(right, l.kind); ok {
				if g.chance(20) && l.kind == lqp.Number {
					l.expr = lqp.NewCall("add", l.expr, lqp.Literal(lqp.IntValue(1)))
				}
				if g.chance(50) {
					l, r = r, l
				}
				on = append(on, lqp.NewCall("eq", l.expr, r.expr))
			}
		}
	}
	if g.chance(30) {
		g.cols = right
		on = append(on, g.condition(1))
	}
	if g.chance(20) {
		g.cols = left
		on = append(on, g.condition(1))
	}
	g.cols = all
	if g.chance(20) || len(on) == 0 {
		on = append(on, g.condition(1))
	}
	return lqp.And(on...)
}

// of is one of the columns of a kind.
func (g *Generator) of(cols []named, k lqp.Kind) (named, bool) {
	var fit []named
	for _, c := range cols {
		if c.kind == k {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return named{}, false
	}
	return pick(g, fit...), true
}

func (g *Generator) group(b *block) {
	var out []named
	b.keys, b.keyed = nil, true
	for i := range g.R.IntN(3) {
		k := pick(g, g.cols...)
		e := k.expr
		if g.chance(25) {
			e = g.expr(k.kind, 1)
		}
		n := lqp.Named{Name: fmt.Sprintf("k%d", i), Expr: e}
		b.q.GroupBy = append(b.q.GroupBy, n)
		b.keys = append(b.keys, lqp.Ref("", n.Name))
		out = append(out, named{lqp.Ref("", n.Name), k.kind})
	}
	for i := range 1 + g.R.IntN(3) {
		functions := []string{"sum", "average", "min", "max", "count", "counta", "countall", "count_unique"}
		if !g.Unordered {
			functions = append(functions, "first", "last", "join")
		}
		a := lqp.Aggregate{Name: fmt.Sprintf("a%d", i), Func: pick(g, functions...)}
		kind := lqp.Number
		switch a.Func {
		case "countall":
		case "sum", "average", "count":
			a.Arg = g.expr(lqp.Number, 1)
		default:
			c := pick(g, g.cols...)
			a.Arg = c.expr
			switch a.Func {
			case "min", "max", "first", "last":
				kind = c.kind
			case "join":
				kind = lqp.Text
			}
		}
		if g.chance(25) {
			a.Filter = g.condition(1)
		}
		b.q.Aggregates = append(b.q.Aggregates, a)
		out = append(out, named{lqp.Ref("", a.Name), kind})
	}
	g.cols = out
	if g.chance(30) {
		b.q.Having = g.condition(1)
	}
}

// selectColumns chooses the outputs: some of the columns, some formulas, mostly the keys.
func (g *Generator) selectColumns(b *block) {
	names := []string{"id", "n", "t", "x", "ref", "y", "z"}
	g.R.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	add := func(name string, e lqp.Expr, k lqp.Kind) {
		b.q.Select = append(b.q.Select, lqp.Named{Name: name, Expr: e})
		b.out, b.name = append(b.out, named{nil, k}), append(b.name, name)
	}
	for i := range 1 + g.R.IntN(4) {
		c := pick(g, g.cols...)
		if g.chance(25) {
			c.kind = pick(g, lqp.Number, lqp.Text, lqp.Bool)
			c.expr = g.expr(c.kind, 2)
		}
		add(names[i], c.expr, c.kind)
	}
	if !b.keyed || g.chance(15) {
		return
	}
	b.keyOut = []string{}
	for i, k := range b.keys {
		name := fmt.Sprintf("key%d", i)
		kind := lqp.Number
		for _, c := range g.cols {
			if lqp.EqualExpr(c.expr, k) {
				kind = c.kind
			}
		}
		add(name, k, kind)
		b.keyOut = append(b.keyOut, name)
	}
}

// order adds sort keys and a page; it reports whether the order is total.
func (b *block) order(g *Generator, percent int) bool {
	if !g.chance(percent) {
		return false
	}
	for range g.R.IntN(3) {
		c := pick(g, g.cols...)
		if g.chance(20) {
			c.expr = g.expr(c.kind, 1)
		}
		b.q.OrderBy = append(b.q.OrderBy, g.key(c.expr))
	}
	if !b.keyed {
		return false
	}
	for _, k := range b.keys {
		b.q.OrderBy = append(b.q.OrderBy, g.key(k))
	}
	if g.chance(50) {
		b.q.Page.Limit = 1 + g.R.IntN(12)
	}
	if g.chance(20) {
		b.q.Page.Offset = g.R.IntN(6)
	}
	return true
}

func (g *Generator) key(e lqp.Expr) lqp.Order {
	return lqp.Order{Expr: e, Desc: g.chance(50), Nulls: pick(g, lqp.NullsDefault, lqp.NullsFirst, lqp.NullsLast)}
}
