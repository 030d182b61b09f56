package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// parking says that a row must let go of a unique value before another row of the same mutation takes it.
type parking struct{ write, slot int }

// checkUnique finds the values of unique columns that two rows would share once the list is written. Rows of the list
// count as they will be, all others as they are.
func (u *unit) checkUnique(l *layout, list []rowWrite) (parked []parking, faults []FieldError, err error) {
	if len(l.unique) == 0 {
		return nil, nil, nil
	}
	mine := make(map[string]int, len(list))
	for i := range list {
		mine[list[i].id] = i
	}
	for _, slot := range l.unique {
		taken := func(write int) {
			faults = append(faults, FieldError{Row: list[write].index, Column: l.ids[slot], Code: CodeUnique,
				Message: fmt.Sprintf("another row has this value of %q", l.schema.Columns[slot].Name)})
		}
		// wants are the values that the list brings into the column, with the row that has each.
		wants := make(map[string]int)
		var values []lqp.Value
		for i := range list {
			w := &list[i]
			if w.op == lqp.Delete || !w.changed || w.after[slot].IsNull() || w.before != nil && lqp.Equal(w.before[slot], w.after[slot]) {
				continue
			}
			key := string(w.after[slot].AppendKey(nil))
			if _, ok := wants[key]; ok {
				taken(i)
				continue
			}
			wants[key] = i
			values = append(values, w.after[slot])
		}
		holders := []lqp.Named{l.selects[idSlot], l.selects[slot]}
		err := u.scanColumnsIn(l, holders, slot, values, func(row []lqp.Value) error {
			id, value := row[0], row[1]
			wanted := wants[string(value.AppendKey(nil))]
			holder, ok := mine[id.Text()]
			if ok && !lqp.Equal(list[holder].after[slot], value) {
				parked = append(parked, parking{holder, slot})
				return nil
			}
			taken(wanted)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return parked, faults, nil
}

// checkUniques is checkUnique for the columns that are unique by themselves and for those that are so together.
func (u *unit) checkUniques(p *rowPlan, list []rowWrite) (parked []parking, faults []FieldError, err error) {
	parked, faults, err = u.checkUnique(p.l, list)
	if err != nil || len(p.t.Rules.Uniques) == 0 {
		return parked, faults, err
	}
	more, together, err := u.checkUniqueSets(p, list)
	for _, pk := range more {
		if !slices.Contains(parked, pk) {
			parked = append(parked, pk)
		}
	}
	return parked, append(faults, together...), err
}

// checkFree refuses new rows with ids that rows have.
func (u *unit) checkFree(p *rowPlan) error {
	var ids []lqp.Value
	index := make(map[string]int)
	taken := func(i int, id string) error { return &RowError{Write: p.index, Index: i, Row: id, Err: ErrExists} }
	for i := range p.changes {
		c := &p.changes[i]
		if c.id == "" {
			continue
		}
		if _, ok := index[c.id]; ok {
			return taken(c.index, c.id)
		}
		index[c.id] = c.index
		ids = append(ids, lqp.TextValue(c.id))
	}
	first, found := 0, "" // of those that are taken
	err := u.scanIn(p.l, idSlot, ids, func(row []lqp.Value) error {
		if id := row[idSlot].Text(); found == "" || index[id] < first {
			first, found = index[id], id
		}
		return nil
	})
	if err == nil && found != "" {
		err = taken(first, found)
	}
	return err
}
