package minidb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// createUniqueSets builds the indexes of the columns of t that are unique together.
func (u *unit) createUniqueSets(t *Table) error {
	for _, s := range t.Rules.Uniques {
		columns := make([]string, len(s.Columns))
		for i, id := range s.Columns {
			columns[i] = quoteID(id)
		}
		_, err := u.exec("CREATE UNIQUE INDEX " + quoteID(s.ID) + " ON " + quoteID(t.physicalName()) + " (" + strings.Join(columns, ", ") + ")")
		if errors.Is(err, adapter.ErrConstraint) {
			return invalid("uniques", CodeUnique, "rows share the values of %s", t.columnNames(s.Columns))
		}
		if err != nil {
			return fmt.Errorf("create unique index: %w", err)
		}
	}
	return nil
}

// columnNames are the quoted names of columns.
func (t *Table) columnNames(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		c, _ := t.Column(id)
		names[i] = fmt.Sprintf("%q", c.Name)
	}
	return strings.Join(names, ", ")
}

// tupleOf are the values of some slots of a row, nil when one of them is NULL.
func tupleOf(row []lqp.Value, slots []int) []lqp.Value {
	if row == nil {
		return nil
	}
	tuple := make([]lqp.Value, len(slots))
	for i, slot := range slots {
		if tuple[i] = row[slot]; tuple[i].IsNull() {
			return nil
		}
	}
	return tuple
}

// checkUniqueSets is checkUnique for columns that are unique together. A fault stands at the first of them.
func (u *unit) checkUniqueSets(p *rowPlan, list []rowWrite) (parked []parking, faults []FieldError, err error) {
	for _, s := range p.t.Rules.Uniques {
		slots := make([]int, len(s.Columns))
		for i, id := range s.Columns {
			slots[i] = p.l.slots[id]
		}
		taken := func(write int) {
			faults = append(faults, FieldError{Row: list[write].index, Column: s.Columns[0], Code: CodeUnique,
				Message: "another row has the same values in columns that are unique together"})
		}
		mine := make(map[string]int, len(list))
		wants := make(map[string]int)
		var tuples [][]lqp.Value
		for i := range list {
			w := &list[i]
			mine[w.id] = i
			tuple := tupleOf(w.after, slots)
			if w.op == lqp.Delete || !w.changed || tuple == nil || keyOf(tuple) == keyOf(tupleOf(w.before, slots)) {
				continue
			}
			if _, ok := wants[keyOf(tuple)]; ok {
				taken(i)
				continue
			}
			wants[keyOf(tuple)] = i
			tuples = append(tuples, tuple)
		}
		selects := []lqp.Named{p.l.selects[idSlot]}
		for _, slot := range slots {
			selects = append(selects, p.l.selects[slot])
		}
		for chunk := range slices.Chunk(tuples, tupleChunk) {
			err := u.scanColumns(p.l, selects, p.l.anyTuple(slots, chunk), false, func(row []lqp.Value) error {
				key := keyOf(row[1:])
				holder, ok := mine[row[0].Text()]
				if !ok || keyOf(tupleOf(list[holder].after, slots)) == key {
					taken(wants[key])
					return nil
				}
				// The row gives the values up in this mutation: it lets go of one that changes.
				for _, slot := range slots {
					if w := &list[holder]; w.after == nil || !lqp.Equal(w.before[slot], w.after[slot]) {
						parked = append(parked, parking{holder, slot})
						break
					}
				}
				return nil
			})
			if err != nil {
				return nil, nil, err
			}
		}
	}
	return parked, faults, nil
}
