package lqp

import "slices"

// rowOrder is the order of the rows of a block in which aggregates see them: the record keys of its sources one after
// the other. A source without a key is ordered by all its columns that have an order, a nested query by its own sort keys
// first, so that only rows that look the same are left without an order.
func rowOrder(q *Query) []Order {
	order := sourceOrder(&q.From)
	for i := range q.Joins {
		order = append(order, sourceOrder(&q.Joins[i].Source)...)
	}
	return order
}

func sourceOrder(s *Source) []Order {
	var order []Order
	add := func(o Order, column string, t Type) {
		if t.Kind.Orderable() && !slices.ContainsFunc(order, func(o Order) bool { return o.Expr.(*Col).Column == column }) {
			o.Expr = TypedRef(s.Alias, column, t.Nullable())
			order = append(order, o)
		}
	}
	plain := Order{Nulls: NullsFirst}
	if s.Query != nil {
		for _, o := range s.Query.OrderBy {
			i := slices.IndexFunc(s.Query.Select, func(n Named) bool { return EqualExpr(n.Expr, o.Expr) })
			if i < 0 {
				break // rows that differ in a key that is not shown can no longer be told apart by it
			}
			add(o, s.Query.Select[i].Name, o.Expr.Type())
		}
	}
	columns := s.Columns()
	key, ok := sourceKey(s)
	if !ok {
		for i := range columns {
			add(plain, columns[i].ID, columns[i].Type)
		}
		return order
	}
	for _, id := range key {
		if i := slices.IndexFunc(columns, func(c Column) bool { return c.ID == id }); i >= 0 {
			add(plain, id, columns[i].Type)
		}
	}
	return order
}
