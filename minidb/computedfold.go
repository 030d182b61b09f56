package minidb

import (
	"github.com/livetables/livetables/lqp"
)

// A row may add up thousands of linked rows. When one of them changes, the sum is the one before, less what that row was and
// plus what it is, without a look at the others. Numbers are exact, so that nothing drifts.

// pending is what is known of a row that is to be computed again because linked rows changed.
type pending struct {
	steps []*step
	whole bool // the steps do not tell everything: all linked rows are looked at
}

// step is one change of one linked row, as the values that it has by itself.
type step struct{ before, after lqp.Value }

// maxSteps is how many changes of linked rows are followed for one row, before it costs less to look at all of them.
const maxSteps = 100

func (p *pending) add(x *step) {
	if x == nil || len(p.steps) == maxSteps {
		p.whole, p.steps = true, nil
	}
	if !p.whole {
		p.steps = append(p.steps, x)
	}
}

// steps are the changes of rows of t as column k looks at them, by row. None are known of a column whose value does not follow
// from them.
func (s *spread) steps(k *looking, t *Table, list []rowWrite, changed []string) map[string]*step {
	// A row of a table that links to itself may be computed in the write that changes what it looks at.
	if !s.fold || k.lens.follow == nil || k.table.ID == t.ID {
		return nil
	}
	wanted := setOf(changed)
	steps := make(map[string]*step, len(changed))
	for i := range list {
		w := &list[i]
		if w.before != nil && w.after != nil && wanted[w.id] {
			steps[w.id] = &step{k.lens.alone(t.layout, w.before), k.lens.alone(t.layout, w.after)}
		}
	}
	return steps
}

// alone is the value that the column would have if a row of the target were the only one.
func (v *lens) alone(l *layout, row []lqp.Value) lqp.Value {
	seen := make([]lqp.Value, len(v.selects))
	for i, n := range v.selects {
		seen[i] = row[l.slots[n.Name]]
	}
	const id = "row"
	return v.of([]string{id}, map[string][]lqp.Value{id: seen})
}

// lookAtPending computes one column of those of the rows that are pending for it.
func (s *spread) lookAtPending(k *looking, rows map[string]*pending, after [][]lqp.Value) error {
	slot := k.table.layout.slots[k.id]
	var whole [][]lqp.Value
	for _, row := range after {
		p := rows[row[idSlot].Text()]
		if p == nil {
			continue
		}
		if v, ok := k.follow(p, row[slot]); ok {
			row[slot] = v
		} else {
			whole = append(whole, row)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	return s.lookAt(s.g, k.id, slot, whole)
}

// follow is the value of a row after the steps, false where it cannot be told from them.
func (k *looking) follow(p *pending, v lqp.Value) (lqp.Value, bool) {
	if p.whole || k.lens == nil || k.lens.follow == nil {
		return v, false
	}
	for _, x := range p.steps {
		var ok bool
		if v, ok = k.lens.follow(v, x); !ok {
			return v, false
		}
	}
	return v, true
}

// following says how the value of an aggregate follows from the one before a step, nil for one that does not.
func following(aggregate string) func(lqp.Value, *step) (lqp.Value, bool) {
	switch aggregate {
	case "sum", "count", "counta", "countall":
		return added
	case "max":
		return func(v lqp.Value, x *step) (lqp.Value, bool) { return furthest(v, x, 1) }
	case "min":
		return func(v lqp.Value, x *step) (lqp.Value, bool) { return furthest(v, x, -1) }
	}
	return nil
}

// added takes one number out of a sum and adds another. A sum that is out of range is NULL and tells nothing.
func added(v lqp.Value, x *step) (lqp.Value, bool) {
	for _, n := range []lqp.Value{v, x.before, x.after} {
		if n.Kind() != lqp.Number {
			return v, false
		}
	}
	less, ok := v.Decimal().Sub(x.before.Decimal())
	if !ok {
		return v, false
	}
	sum, ok := less.Add(x.after.Decimal())
	return lqp.NumberValue(sum), ok
}

// furthest keeps the value that compares furthest to one side. When the row that had it turns back, another one may have it.
func furthest(v lqp.Value, x *step, sign int) (lqp.Value, bool) {
	switch {
	case v.IsNull():
		return v, false
	case !x.after.IsNull() && lqp.Compare(x.after, v)*sign > 0:
		return x.after, true
	case x.before.IsNull() || lqp.Compare(x.before, v)*sign < 0:
		return v, true
	}
	return v, lqp.Equal(x.before, x.after)
}
