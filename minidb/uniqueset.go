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
	for i := range t.Rules.Uniques {
		if err := u.createUniqueSet(t, &t.Rules.Uniques[i]); err != nil {
			return err
		}
	}
	return nil
}

func (u *unit) createUniqueSet(t *Table, s *UniqueSet) error {
	columns := make([]string, len(s.Columns))
	for i, id := range s.Columns {
		columns[i] = setTerm(u.db.store, id, t.layout.schema.Columns[t.layout.slots[id]].Type)
	}
	_, err := u.exec("CREATE UNIQUE INDEX " + quoteID(s.ID) + " ON " + u.physical(t) + " (" + strings.Join(columns, ", ") + ")")
	if errors.Is(err, adapter.ErrConstraint) {
		return invalid("uniques", CodeUnique, "rows share the values of %s", t.columnNames(s.Columns))
	}
	if err != nil {
		return fmt.Errorf("create unique index: %w", err)
	}
	return nil
}

// rebuildUniqueSets makes the indexes of sets with a column follow a change of its type after which they hold something else.
func (u *unit) rebuildUniqueSets(t *Table, column string, was, is lqp.Type) error {
	if setTerm(u.db.store, column, was) == setTerm(u.db.store, column, is) {
		return nil
	}
	for i := range t.Rules.Uniques {
		s := &t.Rules.Uniques[i]
		if !slices.Contains(s.Columns, column) {
			continue
		}
		if err := u.dropUniqueSet(t, *s); err != nil {
			return err
		}
		if err := u.createUniqueSet(t, s); err != nil {
			return err
		}
	}
	return nil
}

// dropUniqueSet removes the index of columns of t that are unique together.
func (u *unit) dropUniqueSet(t *Table, s UniqueSet) error {
	if _, err := u.exec("DROP INDEX " + u.at(u.db.store, t.Workspace, s.ID)); err != nil {
		return fmt.Errorf("drop unique index: %w", err)
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
