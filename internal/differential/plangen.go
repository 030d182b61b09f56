package differential

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// out is an output column of a block.
type out struct {
	name string
	kind kindOf
}

// query makes an unbound query, its references qualified.
func (g *generator) query(nested int) *lqp.Query {
	q, _, _ := g.block(nested, true)
	return q
}

// block makes a query with its outputs; keyed are those that identify a row, nil for none.
func (g *generator) block(nested int, top bool) (q *lqp.Query, outs []out, keyed []string) {
	g.cols = nil
	q = &lqp.Query{}
	if g.chance(20) {
		q.TimeZone = pick(g, zones)
	}
	keys, all := []lqp.Expr{}, true
	source := func(alias string) lqp.Source {
		s, k := g.source(alias, nested)
		keys, all = append(keys, k...), all && k != nil
		return s
	}
	// Aliases are few, so that those of nested queries and of the queries around them are the same.
	aliases := []string{"a", "b", "c"}
	q.From = source(aliases[0])
	for i := 1; i < len(aliases) && g.chance(38); i++ {
		left := g.cols
		j := lqp.Join{Kind: pick(g, []lqp.JoinKind{lqp.Inner, lqp.Left, lqp.Inner, lqp.Left, lqp.Right, lqp.Full}), Source: source(aliases[i])}
		j.On = g.joinOn(left, g.cols[len(left):])
		q.Joins = append(q.Joins, j)
	}
	if g.chance(65) {
		q.Where = g.condition(1 + g.r.IntN(g.depth))
	}
	if g.chance(28) {
		outs = g.group(q)
		keys, all = nil, true
		for _, k := range q.GroupBy {
			keys = append(keys, lqp.Ref("", k.Name))
		}
	} else {
		outs = g.outputs(q)
	}
	// Nested queries show their keys, or rows around them could not be told apart.
	if all && (!top || g.chance(50)) {
		keyed = []string{}
		for i, k := range keys {
			name := fmt.Sprintf("key%d", i)
			q.Select = append(q.Select, lqp.Named{Name: name, Expr: k})
			outs = append(outs, out{name, g.kindIn(k)})
			keyed = append(keyed, name)
		}
	}
	g.order(q, keys, all, top)
	return q, outs, keyed
}

// kindIn is the kind of a column in scope.
func (g *generator) kindIn(e lqp.Expr) kindOf {
	for _, c := range g.cols {
		if lqp.EqualExpr(c.expr, e) {
			return c.kind
		}
	}
	return kindOf{}
}

// source is a table or a nested query, its columns put in scope; keys identify its rows, nil when nothing does.
func (g *generator) source(alias string, nested int) (s lqp.Source, keys []lqp.Expr) {
	if nested > 0 && g.chance(45) {
		outer := g.cols
		in, outs, keyed := g.block(nested-1, false)
		g.cols = outer
		for _, o := range outs {
			g.cols = append(g.cols, scoped{expr: lqp.Ref(alias, o.name), kind: o.kind})
		}
		if keyed != nil {
			keys = []lqp.Expr{}
		}
		for _, k := range keyed {
			keys = append(keys, lqp.Ref(alias, k))
		}
		return lqp.Source{Query: in, Alias: alias}, keys
	}
	t := pick(g, g.w.Tables)
	for i, c := range t.Columns {
		var pool []lqp.Value
		for _, r := range t.Rows {
			if !r[i].IsNull() && len(pool) < 8 {
				pool = append(pool, r[i])
			}
		}
		g.cols = append(g.cols, scoped{lqp.Ref(alias, c.Name), kindOf{c.Type.Kind, c.Type.Elem}, pool})
	}
	for _, k := range t.Key {
		keys = append(keys, lqp.Ref(alias, k))
	}
	return lqp.Source{Table: t.Name, Alias: alias}, keys
}

// joinOn is a join condition: mostly equalities, with something else besides, now and then none at all.
func (g *generator) joinOn(left, right []scoped) lqp.Expr {
	all := g.cols
	defer func() { g.cols = all }()
	var on []lqp.Expr
	if lefts := orderable(left); g.chance(85) && len(lefts) > 0 {
		for range 1 + g.r.IntN(2) {
			l := pick(g, lefts)
			fit := of(right, l.kind)
			if len(fit) == 0 {
				continue
			}
			x, y := l.expr, pick(g, fit).expr
			if g.chance(15) && l.kind.kind == lqp.Number {
				x = lqp.NewCall("add", x, whole(1))
			}
			if g.chance(50) {
				x, y = y, x
			}
			on = append(on, lqp.NewCall("eq", x, y))
		}
	}
	for _, side := range [][]scoped{right, left, all} {
		if g.chance(20) || len(on) == 0 && len(side) == len(all) {
			g.cols = side
			on = append(on, g.condition(2))
		}
	}
	if len(on) == 1 {
		return on[0]
	}
	return lqp.NewCall("and", on...)
}

// outputs selects some columns and formulas.
func (g *generator) outputs(q *lqp.Query) (outs []out) {
	for i := range 1 + g.r.IntN(4) {
		c := pick(g, g.cols)
		o := out{fmt.Sprintf("c%d", i), c.kind}
		e := c.expr
		if g.chance(45) {
			if g.chance(50) {
				o.kind = pick(g, generated)
			}
			e = g.expr(o.kind, 1+g.r.IntN(g.depth))
		}
		q.Select = append(q.Select, lqp.Named{Name: o.name, Expr: e})
		outs = append(outs, o)
	}
	return outs
}

// group makes the query one of groups; afterwards the scope is that of its groups.
func (g *generator) group(q *lqp.Query) (outs []out) {
	cols := g.cols
	var scope []scoped
	for i := range g.r.IntN(3) {
		fit := orderable(cols)
		if g.chance(5) { // rows can be grouped by lists, which have no order
			fit = append(of(cols, kindOf{lqp.List, lqp.Text}), of(cols, kindOf{lqp.List, lqp.Number})...)
		}
		if len(fit) == 0 {
			break
		}
		c := pick(g, fit)
		name, e, k := fmt.Sprintf("g%d", i), c.expr, c.kind
		if g.chance(30) {
			k = pick(g, generated[:6])
			e = g.expr(k, 1+g.r.IntN(2))
		}
		q.GroupBy = append(q.GroupBy, lqp.Named{Name: name, Expr: e})
		scope = append(scope, scoped{expr: lqp.Ref("", name), kind: k})
	}
	aggregates := lqp.Aggregates()
	if g.plain {
		aggregates = slices.DeleteFunc(aggregates, func(f *lqp.AggregateFunction) bool { return !plainAggregates[f.Name] })
	}
	for i := range 1 + g.r.IntN(3) {
		f := pick(g, aggregates)
		a := lqp.Aggregate{Name: fmt.Sprintf("a%d", i), Func: f.Name}
		t := lqp.Type{}
		if f.Kinds != nil {
			var fit []scoped
			for _, c := range cols {
				if _, err := f.Result(c.kind.typ()); err == nil {
					fit = append(fit, c)
				}
			}
			if len(fit) == 0 {
				continue
			}
			c := pick(g, fit)
			a.Arg, t = c.expr, c.kind.typ()
			if g.chance(25) {
				a.Arg = g.expr(c.kind, 1+g.r.IntN(2))
			}
		}
		if g.chance(20) {
			a.Filter = g.condition(2)
		}
		t, _ = f.Result(t)
		q.Aggregates = append(q.Aggregates, a)
		scope = append(scope, scoped{expr: lqp.Ref("", a.Name), kind: kindOf{t.Kind, t.Elem}})
	}
	if len(scope) == 0 {
		q.Aggregates = []lqp.Aggregate{{Name: "a0", Func: "countall"}}
		scope = []scoped{{expr: lqp.Ref("", "a0"), kind: kindOf{kind: lqp.Number}}}
	}
	g.cols = scope
	for i, c := range scope {
		o := out{fmt.Sprintf("c%d", i), c.kind}
		q.Select = append(q.Select, lqp.Named{Name: o.name, Expr: c.expr})
		outs = append(outs, o)
	}
	if g.chance(35) {
		q.Having = g.condition(1 + g.r.IntN(2))
	}
	return outs
}

// order adds sort keys and a page. Nested pages need an order that is total by itself.
func (g *generator) order(q *lqp.Query, keys []lqp.Expr, keyed, top bool) {
	if !top && g.chance(60) || top && g.chance(20) {
		return
	}
	fit := orderable(g.cols)
	for range g.r.IntN(3) {
		if len(fit) == 0 {
			break
		}
		c := pick(g, fit)
		if g.chance(25) {
			c.expr = g.expr(c.kind, 1+g.r.IntN(2))
		}
		q.OrderBy = append(q.OrderBy, g.key(c.expr))
	}
	if !keyed {
		return
	}
	if !top || g.chance(50) { // the rest adds what is missing to the outermost block
		for _, k := range keys {
			q.OrderBy = append(q.OrderBy, g.key(k))
		}
	}
	if g.chance(55) {
		q.Page.Limit = 1 + g.r.IntN(12)
		if g.chance(30) {
			q.Page.Offset = g.r.IntN(8)
		}
	}
}

func (g *generator) key(e lqp.Expr) lqp.Order {
	return lqp.Order{Expr: e, Desc: g.chance(50), Nulls: pick(g, []lqp.NullOrder{lqp.NullsDefault, lqp.NullsDefault, lqp.NullsFirst, lqp.NullsLast})}
}
