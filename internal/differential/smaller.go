package differential

import (
	"iter"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// smaller are the queries that are one step simpler than q, the largest steps first. Some of them do not bind.
func smaller(q *lqp.Query) iter.Seq[*lqp.Query] {
	return func(yield func(*lqp.Query) bool) {
		for _, steps := range []iter.Seq[*lqp.Query]{inner(q), fewerClauses(q), fewerElements(q), nestedSmaller(q), simplerExprs(q)} {
			for c := range steps {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// inner are the nested queries alone.
func inner(q *lqp.Query) iter.Seq[*lqp.Query] {
	return func(yield func(*lqp.Query) bool) {
		if q.From.Query != nil && !yield(q.From.Query) {
			return
		}
		for _, j := range q.Joins {
			if j.Source.Query != nil && !yield(j.Source.Query) {
				return
			}
		}
	}
}

// fewerClauses leave one clause out, or one join with all that speaks of it.
func fewerClauses(q *lqp.Query) iter.Seq[*lqp.Query] {
	changes := []func(c *lqp.Query){
		func(c *lqp.Query) { c.Where = nil },
		func(c *lqp.Query) { c.Having = nil },
		func(c *lqp.Query) { c.OrderBy, c.Page = nil, lqp.Page{} },
		func(c *lqp.Query) { c.Page = lqp.Page{} },
		func(c *lqp.Query) { c.Page.Offset = 0 },
		func(c *lqp.Query) { c.TimeZone = "" },
		func(c *lqp.Query) { c.Select = c.Select[:min(1, len(c.Select))] },
	}
	for i := range q.Joins {
		changes = append(changes, func(c *lqp.Query) {
			alias := c.Joins[i].Source.Alias
			c.Joins = slices.Delete(c.Joins, i, i+1)
			dropSource(c, alias)
		})
	}
	if len(q.Joins) > 0 {
		changes = append(changes, func(c *lqp.Query) {
			alias := c.From.Alias
			c.From, c.Joins = c.Joins[0].Source, c.Joins[1:]
			dropSource(c, alias)
		})
	}
	return changed(q, changes)
}

func changed(q *lqp.Query, changes []func(*lqp.Query)) iter.Seq[*lqp.Query] {
	return func(yield func(*lqp.Query) bool) {
		for _, change := range changes {
			c := q.Clone()
			change(c)
			if !yield(c) {
				return
			}
		}
	}
}

// dropSource takes out what speaks of a source that is gone.
func dropSource(c *lqp.Query, alias string) {
	speaks := func(e lqp.Expr) bool {
		return e != nil && slices.ContainsFunc(lqp.Columns(e), func(col *lqp.Col) bool { return col.Source == alias })
	}
	rest := func(e lqp.Expr) lqp.Expr {
		return lqp.And(slices.DeleteFunc(lqp.Conjuncts(e), speaks)...)
	}
	for i := range c.Joins {
		if c.Joins[i].On = rest(c.Joins[i].On); c.Joins[i].On == nil {
			c.Joins[i].On = lqp.Literal(lqp.BoolValue(true))
		}
	}
	c.Where = rest(c.Where)
	c.GroupBy = slices.DeleteFunc(c.GroupBy, func(n lqp.Named) bool { return speaks(n.Expr) })
	c.Aggregates = slices.DeleteFunc(c.Aggregates, func(a lqp.Aggregate) bool { return speaks(a.Arg) || speaks(a.Filter) })
	c.Select = slices.DeleteFunc(c.Select, func(n lqp.Named) bool { return speaks(n.Expr) })
	c.OrderBy = slices.DeleteFunc(c.OrderBy, func(o lqp.Order) bool { return speaks(o.Expr) })
}

// fewerElements leave out one element of a clause, and what speaks of it.
func fewerElements(q *lqp.Query) iter.Seq[*lqp.Query] {
	var changes []func(c *lqp.Query)
	for i := range q.Select {
		if len(q.Select) > 1 {
			changes = append(changes, func(c *lqp.Query) { c.Select = slices.Delete(c.Select, i, i+1) })
		}
	}
	for i := range q.OrderBy {
		changes = append(changes, func(c *lqp.Query) { c.OrderBy = slices.Delete(c.OrderBy, i, i+1) })
	}
	for i, k := range q.GroupBy {
		changes = append(changes, func(c *lqp.Query) { c.GroupBy = slices.Delete(c.GroupBy, i, i+1); dropName(c, k.Name) })
	}
	for i, a := range q.Aggregates {
		changes = append(changes,
			func(c *lqp.Query) { c.Aggregates = slices.Delete(c.Aggregates, i, i+1); dropName(c, a.Name) },
			func(c *lqp.Query) { c.Aggregates[i].Filter = nil },
			func(c *lqp.Query) { c.Aggregates[i] = lqp.Aggregate{Name: a.Name, Func: "countall"} })
	}
	for i, j := range q.Joins {
		changes = append(changes, func(c *lqp.Query) { c.Joins[i].On = lqp.Literal(lqp.BoolValue(true)) })
		if j.Kind != lqp.Left {
			changes = append(changes, func(c *lqp.Query) { c.Joins[i].Kind = lqp.Left })
		}
	}
	return changed(q, changes)
}

// dropName takes out what speaks of a group key or an aggregate that is gone.
func dropName(c *lqp.Query, name string) {
	speaks := func(e lqp.Expr) bool {
		return e != nil && slices.ContainsFunc(lqp.Columns(e), func(col *lqp.Col) bool { return col.Source == "" && col.Column == name })
	}
	c.Having = lqp.And(slices.DeleteFunc(lqp.Conjuncts(c.Having), speaks)...)
	c.Select = slices.DeleteFunc(c.Select, func(n lqp.Named) bool { return speaks(n.Expr) })
	c.OrderBy = slices.DeleteFunc(c.OrderBy, func(o lqp.Order) bool { return speaks(o.Expr) })
}

// nestedSmaller make one of the nested queries smaller.
func nestedSmaller(q *lqp.Query) iter.Seq[*lqp.Query] {
	return func(yield func(*lqp.Query) bool) {
		for i := -1; i < len(q.Joins); i++ {
			in := q.From.Query
			if i >= 0 {
				in = q.Joins[i].Source.Query
			}
			if in == nil {
				continue
			}
			for s := range smaller(in) {
				c := q.Clone()
				if i < 0 {
					c.From.Query = s
				} else {
					c.Joins[i].Source.Query = s
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// simplerExprs make one expression of the block simpler.
func simplerExprs(q *lqp.Query) iter.Seq[*lqp.Query] {
	return func(yield func(*lqp.Query) bool) {
		total := 0
		q.MapExprs(func(e lqp.Expr) lqp.Expr { total++; return e })
		for n := range total {
			var found lqp.Expr
			at := 0
			q.MapExprs(func(e lqp.Expr) lqp.Expr {
				if at == n {
					found = e
				}
				at++
				return e
			})
			for s := range simpler(found) {
				at := 0
				c := q.MapExprs(func(e lqp.Expr) lqp.Expr {
					at++
					if at-1 == n {
						return s
					}
					return e
				})
				if !yield(c) {
					return
				}
			}
		}
	}
}

// simpler are the expressions that are one step simpler: an argument in the place of its call, a constant in the place of
// anything, fewer arguments.
func simpler(e lqp.Expr) iter.Seq[lqp.Expr] {
	return func(yield func(lqp.Expr) bool) {
		switch e := e.(type) {
		case *lqp.Call:
			for _, a := range e.Args {
				if !yield(a) {
					return
				}
			}
			for _, l := range constants {
				if !yield(l) {
					return
				}
			}
			for i := range e.Args {
				if len(e.Args) > 1 && !yield(lqp.NewCall(e.Func, slices.Delete(slices.Clone(e.Args), i, i+1)...)) {
					return
				}
			}
			for i, a := range e.Args {
				for s := range simpler(a) {
					args := slices.Clone(e.Args)
					args[i] = s
					if !yield(lqp.NewCall(e.Func, args...)) {
						return
					}
				}
			}
		case *lqp.Lit:
			for _, l := range constants {
				if l.(*lqp.Lit).Val.Kind() == e.Val.Kind() && !yield(l) {
					return
				}
			}
		case *lqp.ListLit:
			for i := range e.Items {
				if !yield(lqp.NewList(slices.Delete(slices.Clone(e.Items), i, i+1)...)) {
					return
				}
			}
		}
	}
}

// constants are the simplest of their kinds.
var constants = []lqp.Expr{lqp.Literal(lqp.NullValue), lqp.Literal(lqp.BoolValue(true)), lqp.Literal(lqp.BoolValue(false)), whole(1), whole(0), word(""), word("a"),
	lqp.Literal(lqp.FloatValue(1)), lqp.Literal(lqp.DateValue(0)), lqp.Literal(lqp.DateTimeValue(0))}
