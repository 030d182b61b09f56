package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// changeCells changes the cells of the other sides of links: in the list of the write itself, and in rows that it reads.
func (k *linker) changeCells() error {
	if err := k.readLinked(); err != nil {
		return err
	}
	for _, at := range k.order {
		ch := k.cells[at]
		w := k.rowOf(at)
		if w == nil || w.op == lqp.Delete {
			continue
		}
		old := linkIDs(w.after[at.slot])
		take, has := setOf(ch.take), setOf(old)
		now := slices.DeleteFunc(old, func(id string) bool { return take[id] })
		for _, id := range ch.add {
			if !has[id] {
				has[id] = true
				now = append(now, id)
			}
		}
		inOrder(now, k.linkOrders[at])
		column := ""
		if ch.by != nil {
			column = ch.by.ID
		}
		switch {
		case ch.c.Options.Link.Single && len(now) > 1:
			k.fault(ch.cause, column, CodeLink, fmt.Sprintf("row %q is linked to another row already, and to one at most", at.row), at.row)
		case len(now) > MaxLinks:
			k.fault(ch.cause, column, CodeTooLong, fmt.Sprintf("row %q would be linked to more than %d rows", at.row, MaxLinks), at.row)
		}
		value := linkValue(now)
		if lqp.Equal(value, w.after[at.slot]) {
			continue
		}
		if !w.changed {
			w.changed = true
			k.stamp(ch.t.layout, w)
		}
		w.after[at.slot] = value
	}
	return nil
}

// rowOf is the row of a cell among those that are written, nil for one that is not there.
func (k *linker) rowOf(at cellPlace) *rowWrite {
	if i, ok := k.mine[at.row]; ok && at.table == k.p.t.ID {
		return &k.list[i]
	}
	for _, lt := range k.work.tables {
		if lt.p.t.ID == at.table {
			if i, ok := lt.at[at.row]; ok {
				return &lt.list[i]
			}
		}
	}
	return nil
}

// readLinked reads the rows whose cells change and that are not in the list of the write.
func (k *linker) readLinked() error {
	for _, at := range k.order {
		if _, ok := k.mine[at.row]; ok && at.table == k.p.t.ID {
			continue
		}
		lt, err := k.tableOf(k.cells[at].t)
		if err != nil {
			return err
		}
		if _, ok := lt.at[at.row]; ok {
			continue
		}
		if k.rows++; k.rows > k.db.opt.MaxRows {
			return &LimitError{Name: "linked rows", Max: k.db.opt.MaxRows}
		}
		lt.at[at.row] = len(lt.list)
		lt.list = append(lt.list, rowWrite{index: k.list[k.cells[at].cause].index, op: lqp.Update, id: at.row})
	}
	for _, lt := range k.work.tables {
		ids := make([]lqp.Value, len(lt.list))
		for i := range lt.list {
			ids[i] = lqp.TextValue(lt.list[i].id)
		}
		err := k.scanIn(lt.p.l, idSlot, ids, func(row []lqp.Value) error {
			w := &lt.list[lt.at[row[idSlot].Text()]]
			w.before, w.after, w.version = row, slices.Clone(row), lt.p.l.versionOf(row)
			return nil
		})
		if err != nil {
			return err
		}
		for i := range lt.list {
			if w := &lt.list[i]; w.before == nil {
				return fmt.Errorf("row %s of %s is linked and not there", w.id, lt.p.t.ID)
			}
		}
	}
	return nil
}

// tableOf is the table among those whose rows change with the write.
func (k *linker) tableOf(t *Table) (*linkedTable, error) {
	for _, lt := range k.work.tables {
		if lt.p.t.ID == t.ID {
			return lt, nil
		}
	}
	p := &rowPlan{index: k.p.index, t: t, l: t.layout, m: &lqp.Mutation{Op: lqp.Update, Table: t.ID}}
	var err error
	if p.checks, err = t.rowChecks(k.db); err != nil {
		return nil, err
	}
	lt := &linkedTable{p: p, at: make(map[string]int)}
	k.work.tables = append(k.work.tables, lt)
	return lt, nil
}

// checkLinked asks the rules of the linked tables about the rows that change with the write. Rights are asked of whoever
// writes a link, not of whoever deletes a row: that leaves nothing that could keep it.
func (k *linker) checkLinked() error {
	for _, at := range k.order {
		ch := k.cells[at]
		w := k.rowOf(at)
		if w == nil || w.op == lqp.Delete || !w.changed {
			continue
		}
		column := ""
		if ch.by != nil {
			column = ch.by.ID
		}
		if ch.c.Required && w.after[at.slot].IsNull() {
			k.fault(ch.cause, column, CodeRequired, "a linked row needs a link to some row", "")
		}
		if ch.by == nil {
			continue
		}
		g, err := ch.t.layout.guard(Guard{Read: k.p.links[ch.by.ID].Read, Update: k.p.links[ch.by.ID].Update})
		if err != nil {
			return err
		}
		if w.before != nil && !(allows(g.read, w.before) && allows(g.update, w.before)) || !allows(g.update, w.after) {
			cause := &k.list[ch.cause]
			return &RowError{Write: k.p.index, Index: cause.index, Row: k.named(cause), Err: ErrForbidden}
		}
	}
	for _, lt := range k.work.tables {
		if len(lt.p.l.computed) == 0 {
			k.work.faults = append(k.work.faults, lt.broken()...)
		}
	}
	return k.lockedLinks()
}

// broken lists the checks that the rows break. The message of a check may speak of what the writer cannot see.
func (lt *linkedTable) broken() (faults []FieldError) {
	for _, f := range lt.p.broken(lt.list) {
		faults = append(faults, FieldError{Row: f.Row, Code: CodeCheck, Message: "a linked row would break a check of its table"})
	}
	return faults
}

// lockedLinks refuses to link rows that somebody else has locked. The deletion of a row does not ask.
func (k *linker) lockedLinks() error {
	written := make(map[string]bool)
	for _, at := range k.order {
		if k.cells[at].by != nil {
			written[at.row] = true
		}
	}
	if len(written) == 0 {
		return nil
	}
	was := k.locked
	defer func() { k.locked = was }()
	k.locked = true
	for _, lt := range k.work.tables {
		asked := slices.DeleteFunc(slices.Clone(lt.list), func(w rowWrite) bool { return !written[w.id] })
		if err := k.checkLocks(lt.p, asked); err != nil {
			return err
		}
	}
	return nil
}

// storeLinks writes what planLinks found: the rows that change with the write, with their entries in the log, and the edges.
func (u *unit) storeLinks(work *linkWork) error {
	for _, lt := range work.tables {
		// What the linked rows compute may look at rows that the write has only now stored.
		if err := u.compute(lt.p, lt.list); err != nil {
			return err
		}
		if faults := lt.broken(); len(faults) > 0 {
			return lt.p.invalid(faults)
		}
		if err := u.settleLinked(lt.p, lt.list); err != nil {
			return err
		}
	}
	for _, w := range work.edges {
		for _, c := range w.clear {
			if err := c.e.removeAll(u, c.rows); err != nil {
				return err
			}
		}
		var add, take []edge
		for _, x := range w.order {
			if w.add[x] {
				add = append(add, x)
			} else {
				take = append(take, x)
			}
		}
		if err := w.e.remove(u, take); err != nil {
			return err
		}
		if err := w.e.add(u, add); err != nil {
			return err
		}
	}
	for _, lt := range work.tables {
		if err := u.spread(lt.p.t, lt.list); err != nil {
			return err
		}
	}
	return nil
}

// settleLinked writes rows that changed because others did.
func (u *unit) settleLinked(p *rowPlan, list []rowWrite) error {
	parked, faults, err := u.checkUniques(p, list)
	if err != nil {
		return err
	}
	if len(faults) > 0 { // of columns that are computed from links; the writer need not see the table
		return &ValidationError{Write: p.index, Fields: []FieldError{{Code: CodeComputed, Message: "a linked row would break a rule of its table"}}}
	}
	if err := u.store(p.l, list, parked); err != nil {
		return err
	}
	u.record(p, list)
	return nil
}
