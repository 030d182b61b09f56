package rewrite

import "github.com/livetables/livetables/lqp"

// flatten merges a nested query that only filters, joins and projects into the block that reads it, so that a filter or a
// sort on a view reaches the view's source. The nested order holds when the outer block asks for none.
func flatten(q *lqp.Query) *lqp.Query {
	in := q.From.Query
	if in == nil || len(q.Joins) > 0 {
		return q
	}
	in = flatten(in)
	if in.Grouped() || paged(in) || in.TimeZone != q.TimeZone || merged(q, in) > maxMerged {
		c := *q
		c.From.Query = in
		if len(c.OrderBy) == 0 && len(c.GroupBy)+len(c.Aggregates) == 0 {
			c.OrderBy = exposedOrder(in, c.From.Alias)
		}
		return &c
	}
	exprs := make(map[string]lqp.Expr, len(in.Select))
	for _, n := range in.Select {
		exprs[n.Name] = n.Expr
	}
	alias := q.From.Alias
	sub := func(e lqp.Expr) lqp.Expr {
		return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
			if c, ok := e.(*lqp.Col); ok && c.Source == alias {
				return exprs[c.Column]
			}
			return e
		})
	}
	out := *q
	out.From, out.Joins = in.From, in.Joins
	out.Where = lqp.And(in.Where, subAll(q.Where, sub))
	out.GroupBy, out.Select = subNamed(q.GroupBy, sub), subNamed(q.Select, sub)
	out.Aggregates = append([]lqp.Aggregate(nil), q.Aggregates...)
	for i := range out.Aggregates {
		out.Aggregates[i].Arg = subAll(out.Aggregates[i].Arg, sub)
		out.Aggregates[i].Filter = subAll(out.Aggregates[i].Filter, sub)
		out.Aggregates[i].OrderBy = append([]lqp.Order(nil), out.Aggregates[i].OrderBy...)
		for j := range out.Aggregates[i].OrderBy {
			out.Aggregates[i].OrderBy[j].Expr = sub(out.Aggregates[i].OrderBy[j].Expr)
		}
	}
	out.OrderBy = append([]lqp.Order(nil), q.OrderBy...)
	for i := range out.OrderBy {
		out.OrderBy[i].Expr = sub(out.OrderBy[i].Expr)
	}
	if len(out.OrderBy) == 0 && len(out.GroupBy)+len(out.Aggregates) == 0 {
		out.OrderBy = in.OrderBy
	}
	return &out
}

func paged(q *lqp.Query) bool { return q.Page.Limit > 0 || q.Page.Offset > 0 || len(q.Page.After) > 0 }

// maxMerged bounds the nodes of a merged block: views of views whose formulas each use the one below several times would
// grow exponentially.
const maxMerged = 4 * lqp.MaxExprNodes

// merged is how many nodes the expressions of q have once the formulas of in stand in the places of its columns, or some
// number above maxMerged.
func merged(q, in *lqp.Query) int {
	size := make(map[string]int, len(in.Select))
	for _, n := range in.Select {
		lqp.Walk(n.Expr, func(lqp.Expr) bool { size[n.Name]++; return true })
	}
	total := 0
	q.MapExprs(func(e lqp.Expr) lqp.Expr {
		lqp.Walk(e, func(e lqp.Expr) bool {
			total++
			if c, ok := e.(*lqp.Col); ok && c.Source == q.From.Alias {
				total += size[c.Column]
			}
			return total <= maxMerged
		})
		return e
	})
	return total
}

func subAll(e lqp.Expr, sub func(lqp.Expr) lqp.Expr) lqp.Expr {
	if e == nil {
		return nil
	}
	return sub(e)
}

func subNamed(ns []lqp.Named, sub func(lqp.Expr) lqp.Expr) []lqp.Named {
	out := make([]lqp.Named, len(ns))
	for i, n := range ns {
		out[i] = lqp.Named{Name: n.Name, Expr: sub(n.Expr)}
	}
	return out
}

// exposedOrder is the order of a nested query as far as its leading sort keys are among its columns.
func exposedOrder(in *lqp.Query, alias string) []lqp.Order {
	var order []lqp.Order
keys:
	for _, o := range in.OrderBy {
		if o.Manual { // by what is no column
			break
		}
		for _, n := range in.Select {
			if lqp.EqualExpr(n.Expr, o.Expr) {
				order = append(order, lqp.Order{Expr: lqp.TypedRef(alias, n.Name, n.Expr.Type()), Desc: o.Desc, Nulls: o.Nulls})
				continue keys
			}
		}
		break
	}
	return order
}
