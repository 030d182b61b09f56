package minidb

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// compute gives rows that are about to be written the values of their computed columns, before anything is asked about the
// rows. What a row links to is looked at where it is a new row or its links change; otherwise its values are right already.
func (u *unit) compute(p *rowPlan, list []rowWrite) error {
	l := p.l
	if len(l.computed) == 0 {
		return nil
	}
	if l.looks {
		if err := u.lookThrough(p.t, list); err != nil {
			return fmt.Errorf("compute columns of %s: %w", p.t.ID, err)
		}
	}
	for i := range list {
		if w := &list[i]; w.after != nil && w.changed {
			l.computeRow(w.after)
		}
	}
	return nil
}

// lookThrough computes the lookup, rollup and count columns of rows that are new or get other links.
func (u *unit) lookThrough(t *Table, list []rowWrite) error {
	var g *graph
	for i := range t.layout.computed {
		cell := &t.layout.computed[i]
		c := &t.Columns[cell.column]
		if !c.Type.looks() {
			continue
		}
		link, ok := t.layout.slots[c.through().Link]
		var rows [][]lqp.Value
		for k := range list {
			w := &list[k]
			if w.after != nil && w.changed && (w.before == nil || !ok || !lqp.Equal(w.before[link], w.after[link])) {
				rows = append(rows, w.after)
			}
		}
		if len(rows) == 0 {
			continue
		}
		if g == nil {
			var err error
			if g, err = u.graphOf(t.Workspace); err != nil {
				return err
			}
		}
		if err := u.lookAt(g, c.ID, cell.slot, rows); err != nil {
			return err
		}
	}
	return nil
}

// lookAt computes one column of rows; a broken one is empty.
func (u *unit) lookAt(g *graph, column string, slot int, rows [][]lqp.Value) error {
	var v *lens
	if g != nil && g.looking[column] != nil {
		v = g.looking[column].lens
	}
	if v == nil {
		for _, row := range rows {
			row[slot] = lqp.Value{}
		}
		return nil
	}
	return u.look(v, rows)
}
