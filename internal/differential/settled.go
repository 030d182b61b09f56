package differential

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// total is a bound query with the record keys as its last sort keys; ok reports that they order all of its rows.
func total(q *lqp.Query) (ordered *lqp.Query, ok bool) {
	ordered, ok = lqp.OrderKey(q)
	return ordered, ok && !inherits(q)
}

// inherits reports that a block asks for no order and shows the rows of a nested query, whose order it then keeps: as far
// as it shows, so that here it is no order at all.
func inherits(q *lqp.Query) bool {
	return len(q.OrderBy) == 0 && !q.Grouped() && q.From.Query != nil
}

// sharp reports that the sort keys of a bound query alone tell all of its rows apart. Texts that may be longer than what
// sorting looks at tell nothing apart.
func sharp(q *lqp.Query) bool {
	c := q.Clone()
	c.OrderBy = slices.DeleteFunc(c.OrderBy, func(o lqp.Order) bool { return lqp.SortsCut(o.Expr.Type()) })
	ordered, ok := lqp.OrderKey(c)
	return ok && len(ordered.OrderBy) == len(c.OrderBy)
}

func paged(q *lqp.Query) bool { return q.Page.Limit > 0 || q.Page.Offset > 0 }

// settled reports whether the rows of a bound query are the same for everybody who may deliver rows that tie in any order:
// blocks that cut a page tell their rows apart, and so do those with aggregates that look at the order.
func settled(q *lqp.Query, top bool) bool {
	for i := -1; i < len(q.Joins); i++ {
		s := &q.From
		if i >= 0 {
			s = &q.Joins[i].Source
		}
		if s.Query != nil && !settled(s.Query, false) {
			return false
		}
	}
	if slices.ContainsFunc(q.Aggregates, func(a lqp.Aggregate) bool { f, ok := lqp.LookupAggregate(a.Func); return ok && f.Ordered }) {
		if _, ok := lqp.OrderKey(&lqp.Query{From: q.From, Joins: q.Joins}); !ok {
			return false
		}
	}
	switch {
	case !paged(q):
		return true
	case top:
		_, ok := total(q)
		return ok
	}
	return sharp(q)
}

// settle takes what makes a query unsettled out of it: pages, then aggregates that look at the order.
func settle(q *lqp.Query) *lqp.Query {
	c := q.Clone()
	c.Page = lqp.Page{}
	for i := range c.Aggregates {
		if f, ok := lqp.LookupAggregate(c.Aggregates[i].Func); ok && f.Ordered {
			c.Aggregates[i] = lqp.Aggregate{Name: c.Aggregates[i].Name, Func: "countall"}
		}
	}
	if c.From.Query != nil {
		c.From.Query = settle(c.From.Query)
	}
	for i := range c.Joins {
		if n := c.Joins[i].Source.Query; n != nil {
			c.Joins[i].Source.Query = settle(n)
		}
	}
	return c
}
