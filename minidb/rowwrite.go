package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// rowWrite is what happens to one row.
type rowWrite struct {
	index         int // of the change in its mutation, for errors
	op            lqp.Op
	id            string
	version       int64
	changed       bool
	merged        bool // with what others changed meanwhile
	moved         bool // to another place of the manual order, nothing else
	before, after []lqp.Value
	bad           []int // slots of after whose value was refused and is missing
}

// gather finds the rows that the plan is about, checks the writer's rights to the old ones and builds the new ones.
func (u *unit) gather(p *rowPlan) ([]rowWrite, error) {
	list := make([]rowWrite, 0, len(p.changes))
	if p.m.Op == lqp.Insert {
		for i := range p.changes {
			list = append(list, u.insertion(p, &p.changes[i]))
		}
		return list, u.checkFree(p)
	}
	old, err := u.oldRows(p)
	if err != nil {
		return nil, err
	}
	keep, err := u.linksToKeep(p, func(yield func(*rowChange, []lqp.Value) bool) {
		for i := range p.changes {
			if !yield(&p.changes[i], old[i]) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range p.changes {
		c := &p.changes[i]
		if p.unusable(c) {
			continue
		}
		before := old[i]
		if before == nil {
			if p.m.Op != lqp.Upsert || c.version != 0 {
				return nil, u.gone(p, c)
			}
			list = append(list, u.insertion(p, c))
			continue
		}
		if err := p.authorise(c, before); err != nil {
			return nil, err
		}
		merged, err := u.merge(p, keep.change(p, c, before), before)
		if err != nil {
			return nil, err
		}
		list = append(list, u.change(p, merged, before))
	}
	return list, nil
}

// unusable reports that the row of a change cannot be looked up; a fault says why.
func (p *rowPlan) unusable(c *rowChange) bool {
	if p.keySlot() == idSlot {
		return c.id == ""
	}
	return slices.ContainsFunc(c.bad, func(slot int) bool { return slices.Contains(p.key, slot) })
}

// oldRows reads the rows that the changes name, by index of the change.
func (u *unit) oldRows(p *rowPlan) (map[int][]lqp.Value, error) {
	if p.keySlot() != idSlot {
		return u.matchKeys(p)
	}
	found := make(map[string][]lqp.Value, len(p.changes))
	ids := make([]lqp.Value, 0, len(p.changes))
	for i := range p.changes {
		if id := p.changes[i].id; id != "" {
			ids = append(ids, lqp.TextValue(id))
		}
	}
	err := u.scanIn(p.l, idSlot, ids, func(row []lqp.Value) error {
		found[row[idSlot].Text()] = row
		return nil
	})
	old := make(map[int][]lqp.Value, len(found))
	for i := range p.changes {
		if row := found[p.changes[i].id]; row != nil {
			old[i] = row
		}
	}
	return old, err
}

// authorise checks the rights to a row as it is. A row that the writer may not read is missing to them, whatever else is
// wrong.
func (p *rowPlan) authorise(c *rowChange, before []lqp.Value) error {
	refuse := func(row string, why error) error {
		return &RowError{Write: p.index, Index: c.index, Row: row, Err: why}
	}
	if !allows(p.guard.read, before) {
		return refuse(c.id, ErrNotFound)
	}
	id := before[idSlot].Text()
	if p.guard.requireVersion && c.version == 0 && !c.overwrite {
		return refuse(id, ErrVersionRequired)
	}
	rule := p.guard.update
	if p.m.Op == lqp.Delete {
		rule = p.guard.remove
	}
	if !allows(rule, before) {
		return refuse(id, ErrForbidden)
	}
	if current := p.l.versionOf(before); c.version != 0 && c.version != current && !c.merge {
		return &ConflictError{Write: p.index, Index: c.index, Row: id, Expected: c.version, Current: current, Values: before,
			Reason: ConflictVersion}
	}
	return nil
}

func (l *layout) versionOf(row []lqp.Value) int64 {
	n, _ := row[l.version()].Decimal().Int64()
	return n
}

// insertion is the new row of a change.
func (u *unit) insertion(p *rowPlan, c *rowChange) rowWrite {
	id := c.id
	if id == "" {
		id = NewID(prefixRow)
	}
	if old, ok := p.restored[id]; ok {
		return u.restoration(p, c, old)
	}
	row := make([]lqp.Value, len(p.l.ids))
	for i, slot := range p.l.user {
		row[slot] = u.initial(&p.t.Columns[i])
	}
	for _, s := range c.set {
		row[s.slot] = s.value
	}
	row[idSlot] = lqp.TextValue(id)
	u.found(p.l, row)
	p.l.mirror(row)
	return rowWrite{index: c.index, op: lqp.Insert, id: id, version: 1, changed: true, after: row, bad: c.bad}
}

// found gives a new row what every new row of the transaction has.
func (u *unit) found(l *layout, row []lqp.Value) {
	now, by := lqp.DateTimeValue(u.now.UnixMilli()), u.author()
	row[l.version()] = lqp.IntValue(1)
	row[l.createdAt()], row[l.updatedAt()] = now, now
	row[l.createdBy()], row[l.updatedBy()] = by, by
}

// change is an update or the deletion of a row.
func (u *unit) change(p *rowPlan, c *rowChange, before []lqp.Value) rowWrite {
	version := p.l.versionOf(before)
	w := rowWrite{index: c.index, op: lqp.Update, id: before[idSlot].Text(), version: version, before: before, bad: c.bad, merged: c.merged}
	if p.m.Op == lqp.Delete {
		w.op, w.version, w.changed = lqp.Delete, version+1, true
		return w
	}
	w.after = slices.Clone(before)
	for _, s := range c.set {
		if !lqp.Equal(before[s.slot], s.value) {
			w.after[s.slot], w.changed = s.value, true
		}
	}
	if place, ok := p.places[w.id]; ok && !lqp.Equal(w.after[p.l.order()], place) {
		w.after[p.l.order()] = place
		w.moved, w.changed = !w.changed, true
	}
	switch {
	case w.moved: // its content stays, and when it was changed last
		w.version++
		w.after[p.l.version()] = lqp.IntValue(w.version)
	case w.changed:
		u.stamp(p.l, &w)
	}
	return w
}

// stamp makes after the next version of the row.
func (u *unit) stamp(l *layout, w *rowWrite) {
	w.version++
	w.after[l.version()] = lqp.IntValue(w.version)
	w.after[l.updatedAt()] = lqp.DateTimeValue(u.now.UnixMilli())
	w.after[l.updatedBy()] = u.author()
	l.mirror(w.after)
}

func (u *unit) author() lqp.Value {
	if u.actor.ID == "" {
		return lqp.Value{}
	}
	return lqp.TextValue(u.actor.ID)
}

// checkNew asks the rules about the rows as they would be. A row with a refused value is not asked: it will not be.
func (p *rowPlan) checkNew(list []rowWrite) error {
	for i := range list {
		w := &list[i]
		rule := p.guard.update
		switch w.op {
		case lqp.Insert:
			rule = p.guard.create
		case lqp.Delete:
			continue
		}
		if len(w.bad) == 0 && !allows(rule, w.after) {
			e := &RowError{Write: p.index, Index: w.index, Err: ErrForbidden}
			if w.op != lqp.Insert {
				e.Row = w.id
			}
			return e
		}
	}
	return nil
}

// missing lists the required values that the new rows lack.
func (p *rowPlan) missing(list []rowWrite) (faults []FieldError) {
	for i, slot := range p.l.user {
		c := &p.t.Columns[i]
		if !c.Required {
			continue
		}
		for j := range list {
			w := &list[j]
			if w.op != lqp.Delete && w.after[slot].IsNull() && !slices.Contains(w.bad, slot) {
				faults = append(faults, FieldError{Row: w.index, Column: c.ID, Code: CodeRequired, Message: fmt.Sprintf("%q is required", c.Name)})
			}
		}
	}
	return faults
}

// store writes the rows. parked are unique values that change hands between the rows: they are taken off their old
// holders first.
func (u *unit) store(l *layout, list []rowWrite, parked []parking) error {
	u.stores++
	if u.group != nil {
		return u.group.put(u, l, list, parked)
	}
	return adapter.Deferred(u.tx, func() error { return u.storeRows(l, list, parked) })
}

func (u *unit) storeRows(l *layout, list []rowWrite, parked []parking) error {
	for _, pk := range parked {
		if err := u.updateRow(l, list[pk.write].id, []lqp.Assignment{{Column: l.ids[pk.slot]}}); err != nil {
			return err
		}
	}
	var fresh [][]lqp.Value
	var updates []rowUpdates
	for i := range list {
		w := &list[i]
		switch {
		case !w.changed:
		case w.op == lqp.Insert:
			fresh = append(fresh, w.after)
		case w.op == lqp.Delete:
			n, err := u.tx.Delete(u.ctx, l.schema, []lqp.Value{w.before[idSlot]}, nil)
			if err != nil {
				return err
			}
			if n != 1 {
				return fmt.Errorf("delete row %s: %d rows", w.id, n)
			}
		default:
			updates = addUpdate(updates, w)
		}
	}
	for i := range updates {
		if err := u.updateRows(l, &updates[i]); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if u.behind && len(fresh) >= leastBehind {
		done := u.stored
		u.stored = nil
		return adapter.InsertBehind(u.ctx, u.tx, l.schema, l.ids, fresh, done)
	}
	return u.tx.Insert(u.ctx, l.schema, l.ids, fresh)
}

// leastBehind is how many rows are worth another goroutine.
const leastBehind = 32

// rowUpdates are changes of the same columns of rows.
type rowUpdates struct {
	slots []int
	ids   []lqp.Value
	rows  [][]lqp.Value
}

// addUpdate adds the change of a row to those of the same columns.
func addUpdate(list []rowUpdates, w *rowWrite) []rowUpdates {
	slots := make([]int, 0, 8)
	for slot := range w.after {
		if !lqp.Equal(w.before[slot], w.after[slot]) {
			slots = append(slots, slot)
		}
	}
	at := slices.IndexFunc(list, func(r rowUpdates) bool { return slices.Equal(r.slots, slots) })
	if at < 0 {
		at, list = len(list), append(list, rowUpdates{slots: slots})
	}
	row := make([]lqp.Value, len(slots))
	for i, slot := range slots {
		row[i] = w.after[slot]
	}
	r := &list[at]
	r.ids, r.rows = append(r.ids, lqp.TextValue(w.id)), append(r.rows, row)
	return list
}

func (u *unit) updateRows(l *layout, r *rowUpdates) error {
	columns := make([]string, len(r.slots))
	for i, slot := range r.slots {
		columns[i] = l.ids[slot]
	}
	return adapter.UpdateMany(u.ctx, u.tx, l.schema, r.ids, columns, r.rows)
}

func (u *unit) updateRow(l *layout, id string, set []lqp.Assignment) error {
	n, err := u.tx.Update(u.ctx, l.schema, []lqp.Value{lqp.TextValue(id)}, nil, set)
	if err == nil && n != 1 {
		err = fmt.Errorf("update row %s: %d rows", id, n)
	}
	return err
}

// actionMove is the entry about a row that has another place in the manual order and is the same otherwise.
const actionMove = "row.move"

var rowActions = map[lqp.Op]string{lqp.Insert: "row.insert", lqp.Update: "row.update", lqp.Delete: "row.delete"}

// record notes every changed row in the log.
func (u *unit) record(p *rowPlan, list []rowWrite) {
	reason := cleanText(p.m.Reason, maxReason)
	images := imageRoom{size: p.l.imageSize}
	for i := range list {
		w := &list[i]
		images.rows = len(list) - i
		if !w.changed {
			continue
		}
		e := audit.Entry{Workspace: p.t.Workspace, Action: rowActions[w.op], ResourceType: "row", Resource: w.id, Table: p.t.ID,
			Version: w.version, Reason: reason}
		if w.moved {
			e.Action = actionMove
		}
		if w.before != nil {
			e.Before = images.add(p.l, w.before)
		}
		if w.after != nil {
			e.After = images.add(p.l, w.after)
		}
		u.note(e)
	}
}
