package sqlgen

import "github.com/livetables/livetables/lqp"

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
