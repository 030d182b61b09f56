package sqlgen

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// AggregateOrder appends the order in which an aggregate sees the rows, from the last to the first when reversed. It fails
// when the order is not known: the answer would be any.
func (e *Emitter) AggregateOrder(order []lqp.Order, reversed bool) bool {
	if len(order) == 0 {
		return e.Fail("the order of the rows is known in memory only")
	}
	for i := range order {
		o := order[i]
		if reversed {
			nulls := lqp.NullsLast
			if !nullsFirst(&o) {
				nulls = lqp.NullsFirst
			}
			o.Desc, o.Nulls = !o.Desc, nulls
		}
		if i == 0 {
			e.WriteString(" ORDER BY ")
		} else {
			e.WriteString(", ")
		}
		start := len(e.buf)
		if !e.sortKey(&o) {
			return false
		}
		key := e.cut(start)
		e.strings(e.term(key, &o))
	}
	return true
}

// NeverNull reports that an expression is a column which a table's key, or a promise, keeps from NULL and whose stored value
// is its canonical one.
func (e *Emitter) NeverNull(x lqp.Expr) bool {
	c, ok := x.(*lqp.Col)
	if !ok || c.Source == "" {
		return false
	}
	s := e.source(c.Source)
	if s == nil || s.nullable || s.table == nil {
		return false
	}
	column := s.table.Column(c.Column)
	return column != nil && (column.Type.NotNull || slices.Contains(s.table.Key, c.Column)) && e.d.Storage(s.table, column).Exact
}
