package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// groupTable is what a group knows of a table.
type groupTable struct {
	id  string
	now tableState
	err error // why there is no standing
	l   *layout
	// rows are those that the group has read or made, by id; what is not here was not asked for yet.
	rows map[string]*groupRow
	// changed are the ids of rows that calls have changed, in order.
	changed []string
	// holders say which row had a value of a unique column when the group began, by slot and key; "" for none.
	holders map[int]map[string]string
}

// groupRow is a row as it was when the group began and as the calls so far have left it; nil for one that is not there.
type groupRow struct {
	was, is []lqp.Value
	changed bool // it is one of the changed
}

// groupUndo takes back what a call did to a row.
type groupUndo struct {
	t       *groupTable
	id      string
	is      []lqp.Value
	changed bool
}

// takeBack takes back what the call that is being carried out did to rows.
func (g *groupWork) takeBack() {
	for _, x := range slices.Backward(g.undo) {
		r := x.t.rows[x.id]
		r.is = x.is
		if r.changed && !x.changed { // it was the last one to become so
			r.changed, x.t.changed = false, x.t.changed[:len(x.t.changed)-1]
		}
	}
	g.undo = g.undo[:0]
}

// prepare reads how the tables of the calls stand, the rows that the calls name and who has the values that they bring into
// unique columns.
func (g *groupWork) prepare() error {
	wanted := make(map[*groupTable]*groupWanted, 1)
	for _, c := range g.calls {
		for _, p := range c.plans {
			now, err := g.standingOf(p.t)
			if g.broken != nil {
				return g.broken
			}
			if err != nil || now.check(p.t, p.policyVersion) != nil {
				continue // its call will be told
			}
			t := g.tables[p.t.ID]
			t.l = p.l
			if wanted[t] == nil {
				wanted[t] = &groupWanted{values: make(map[int][]lqp.Value)}
			}
			wanted[t].add(p)
		}
	}
	for _, t := range g.order {
		w := wanted[t]
		if w == nil {
			continue
		}
		if a := g.askedOf(t.id); a != nil {
			t.take(a)
		}
		if err := g.read(t, w.ids); err != nil {
			return err
		}
		for _, slot := range t.l.unique {
			if err := g.findHolders(t, slot, w.values[slot]); err != nil {
				return err
			}
		}
	}
	return nil
}

// groupWanted is what is to be read of a table for the calls.
type groupWanted struct {
	ids    []lqp.Value
	values map[int][]lqp.Value // of unique columns, by slot
}

func (w *groupWanted) add(p *rowPlan) {
	w.ids = p.appendIDs(w.ids)
	for i := range p.changes {
		for _, slot := range p.l.unique {
			for _, s := range p.changes[i].set {
				if s.slot == slot && !s.value.IsNull() {
					w.values[slot] = append(w.values[slot], s.value)
				}
			}
		}
	}
}

// read reads rows by their ids, as they were when the group began.
func (g *groupWork) read(t *groupTable, ids []lqp.Value) error {
	fresh := ids[:0:0]
	for _, id := range ids {
		if t.rows[id.Text()] == nil {
			t.rows[id.Text()] = &groupRow{}
			fresh = append(fresh, id)
		}
	}
	return g.unit.scanIn(t.l, idSlot, fresh, func(row []lqp.Value) error {
		*t.rows[row[idSlot].Text()] = groupRow{was: row, is: row}
		return nil
	})
}

// findHolders finds out which rows had values of a unique column when the group began.
func (g *groupWork) findHolders(t *groupTable, slot int, values []lqp.Value) error {
	known := t.holders[slot]
	if known == nil {
		known = make(map[string]string, len(values))
		t.holders[slot] = known
	}
	fresh := values[:0:0]
	for _, v := range values {
		key := string(v.AppendKey(nil))
		if _, ok := known[key]; !ok {
			known[key] = ""
			fresh = append(fresh, v)
		}
	}
	return g.unit.scanColumnsIn(t.l, []lqp.Named{t.l.selects[idSlot], t.l.selects[slot]}, slot, fresh, func(row []lqp.Value) error {
		known[string(row[1].AppendKey(nil))] = row[0].Text()
		return nil
	})
}

// scanIn is what a call in the group sees by [unit.scanColumnsIn]: rows by their id, and by values of unique columns their ids.
func (g *groupWork) scanIn(u *unit, l *layout, selects []lqp.Named, slot int, values []lqp.Value, f func(row []lqp.Value) error) error {
	t := g.tables[l.schema.Name]
	switch {
	case len(values) == 0:
		return nil
	case t == nil || t.l == nil:
		return u.refuse()
	case slot == idSlot && len(selects) == len(l.selects):
		if g.broken = g.read(t, values); g.broken != nil {
			return g.broken
		}
		for _, id := range values {
			if row := t.rows[id.Text()].is; row != nil {
				if err := f(row); err != nil {
					return err
				}
			}
		}
		return nil
	case slices.Contains(l.unique, slot) && len(selects) == 2:
		if g.broken = g.findHolders(t, slot, values); g.broken != nil {
			return g.broken
		}
		for _, v := range values {
			if id := t.holder(slot, v); id != "" {
				if err := f([]lqp.Value{lqp.TextValue(id), v}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return u.refuse()
}

// holder is the row that has a value of a unique column now, "" for none.
func (t *groupTable) holder(slot int, v lqp.Value) string {
	for _, id := range t.changed {
		if r := t.rows[id]; r.is != nil && lqp.Equal(r.is[slot], v) {
			return id
		}
	}
	id := t.holders[slot][string(v.AppendKey(nil))]
	if r := t.rows[id]; r != nil && r.changed { // it has another value by now, or is gone
		return ""
	}
	return id
}

// put keeps what a call does to rows.
func (g *groupWork) put(u *unit, l *layout, list []rowWrite, parked []parking) error {
	t := g.tables[l.schema.Name]
	if t == nil || len(parked) > 0 {
		return u.refuse()
	}
	for i := range list {
		w := &list[i]
		if !w.changed {
			continue
		}
		r := t.rows[w.id]
		if r == nil { // a new row with an id of its own
			r = &groupRow{}
			t.rows[w.id] = r
		}
		g.undo = append(g.undo, groupUndo{t, w.id, r.is, r.changed})
		if r.is = w.after; !r.changed {
			r.changed = true
			t.changed = append(t.changed, w.id)
		}
	}
	return nil
}

// changes are what the calls have made of the rows in all. Values of unique columns are let go of before they are taken by new
// rows; where rows hand them on among each other the database refuses the group.
func (t *groupTable) changes() []rowWrite {
	list := make([]rowWrite, 0, len(t.changed))
	for _, deleted := range []bool{true, false} {
		for _, id := range t.changed {
			r := t.rows[id]
			w := rowWrite{id: id, changed: true, op: lqp.Update, before: r.was, after: r.is}
			switch {
			case (r.is == nil) != deleted || r.was == nil && r.is == nil:
				continue
			case r.is == nil:
				w.op = lqp.Delete
			case r.was == nil:
				w.op = lqp.Insert
			}
			list = append(list, w)
		}
	}
	return list
}
