package rewrite

import "github.com/livetables/livetables/lqp"

// settlePages makes the order of every nested block total that is cut to a page, as far as that is possible: which rows are on
// the page must not depend on the order in which a database happens to deliver them.
func settlePages(q *lqp.Query) *lqp.Query {
	c := q
	for i := -1; i < len(q.Joins); i++ {
		in := q.From.Query
		if i >= 0 {
			in = q.Joins[i].Source.Query
		}
		if in == nil {
			continue
		}
		settled := settlePages(in)
		if paged(in) && len(in.Page.After) == 0 {
			var total bool
			if settled, total = lqp.OrderKey(settled); !total {
				settled = breakTies(settled)
			}
		}
		if settled == in {
			continue
		}
		if c == q {
			c = q.Clone()
		}
		if i < 0 {
			c.From.Query = settled
		} else {
			c.Joins[i].Source.Query = settled
		}
	}
	return c
}

// breakTies sorts a block whose rows show no key by everything they show, after its own sort keys. Pages of it continue by
// offset, and a database delivers rows that tie in another order for another limit: rows would come twice or not at all.
// Rows that still tie are alike, so that it does not matter which of them comes first.
func breakTies(q *lqp.Query) *lqp.Query {
	c := q.Clone()
	if q.Grouped() { // its rows are groups, which have keys and aggregates and no columns
		for _, n := range groupNames(q) {
			if n.Expr.Type().Kind.Orderable() && !sortsBy(c.OrderBy, n.Expr) {
				c.OrderBy = append(c.OrderBy, lqp.Order{Expr: n.Expr, Nulls: lqp.NullsFirst})
			}
		}
		return c
	}
	var whole []lqp.Order
	scope := q.Scope()
	for i, s := range scope {
		src := q.From
		if i > 0 {
			src = q.Joins[i-1].Source
		}
		for _, id := range identifying(src) {
			col := scope.Col(s.Alias, id)
			if col == nil || !col.Type().Kind.Orderable() {
				continue
			}
			if lqp.SortsCut(col.Type()) && !sortsBy(whole, col) {
				whole = append(whole, lqp.Order{Expr: col, Nulls: lqp.NullsFirst, Whole: true})
			}
			if !sortsBy(c.OrderBy, col) {
				c.OrderBy = append(c.OrderBy, lqp.Order{Expr: col, Nulls: lqp.NullsFirst})
			}
		}
	}
	c.OrderBy = append(c.OrderBy, whole...)
	return c
}

// groupNames are the keys and aggregates of a grouped block as its later clauses name them.
func groupNames(q *lqp.Query) (names []lqp.Named) {
	for _, k := range q.GroupBy {
		names = append(names, lqp.Named{Name: k.Name, Expr: lqp.TypedRef("", k.Name, k.Expr.Type())})
	}
	for _, a := range q.Aggregates {
		names = append(names, lqp.Named{Name: a.Name, Expr: lqp.TypedRef("", a.Name, a.Type())})
	}
	return names
}

// identifying are the columns of a source's key, all of its columns when it shows none.
func identifying(s lqp.Source) (ids []string) {
	if keyed, ok := lqp.OrderKey(&lqp.Query{From: s}); ok {
		for _, o := range keyed.OrderBy {
			ids = append(ids, o.Expr.(*lqp.Col).Column)
		}
		return ids
	}
	for _, c := range s.Columns() {
		ids = append(ids, c.ID)
	}
	return ids
}

func sortsBy(order []lqp.Order, e lqp.Expr) bool {
	for i := range order {
		if lqp.EqualExpr(order[i].Expr, e) {
			return true
		}
	}
	return false
}
