package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// matchKeys finds the rows that the changes of an upsert match by the values of key columns, by index of the change. A
// key that several rows have is a fault: which of them was meant cannot be known. Rows that the writer may not read are not
// there to be matched, or whoever tries keys would learn which of them exist.
func (u *unit) matchKeys(p *rowPlan) (map[int][]lqp.Value, error) {
	index := make(map[string]int, len(p.changes))
	var tuples [][]lqp.Value
	for i := range p.changes {
		c := &p.changes[i]
		if p.unusable(c) {
			continue
		}
		tuple := make([]lqp.Value, len(p.key))
		for k, slot := range p.key {
			tuple[k] = c.set[slices.IndexFunc(c.set, func(o cell) bool { return o.slot == slot })].value
		}
		if _, ok := index[keyOf(tuple)]; !ok {
			index[keyOf(tuple)] = i
			tuples = append(tuples, tuple)
		}
	}
	old := make(map[int][]lqp.Value, len(tuples))
	reported := make(map[int]bool)
	found := func(row []lqp.Value) error {
		if !allows(p.guard.read, row) {
			return nil
		}
		tuple := make([]lqp.Value, len(p.key))
		for k, slot := range p.key {
			tuple[k] = row[slot]
		}
		i := index[keyOf(tuple)]
		if old[i] != nil && !reported[i] {
			reported[i] = true
			p.fault(p.changes[i].index, p.l.ids[p.key[0]], CodeAmbiguousKey, "several rows have this key")
		}
		old[i] = row
		return nil
	}
	if len(p.key) == 1 {
		values := make([]lqp.Value, len(tuples))
		for i, tuple := range tuples {
			values[i] = tuple[0]
		}
		return old, u.scanIn(p.l, p.key[0], values, found)
	}
	for chunk := range slices.Chunk(tuples, tupleChunk) {
		if err := u.scan(p.l, p.l.anyTuple(p.key, chunk), false, found); err != nil {
			return nil, fmt.Errorf("match keys: %w", err)
		}
	}
	return old, nil
}

// tupleChunk is how many key tuples one statement looks up. They form a chain of ors, whose depth databases bound.
const tupleChunk = 50

func keyOf(tuple []lqp.Value) string {
	var key []byte
	for _, v := range tuple {
		key = v.AppendKey(key)
	}
	return string(key)
}

// anyTuple is the condition that the columns have the values of one of the tuples.
func (l *layout) anyTuple(slots []int, tuples [][]lqp.Value) lqp.Expr {
	each := make([]lqp.Expr, len(tuples))
	for i, tuple := range tuples {
		all := make([]lqp.Expr, len(slots))
		for k, slot := range slots {
			all[k] = lqp.NewCall("eq", l.selects[slot].Expr, lqp.Literal(tuple[k]))
		}
		each[i] = lqp.And(all...)
	}
	if len(each) == 1 {
		return each[0]
	}
	return lqp.NewCall("or", each...)
}
