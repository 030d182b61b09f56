package minidb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// ActionCompute is the action of the change-log entry of a row that changed only because what it computes from did. Its
// batch is that of the change that caused it.
const ActionCompute = "row.compute"

// CodeComputed says that a row of another table cannot have the value that the change would give to a computed column of it.
const CodeComputed = "computed"

// computeChunk is how many rows are computed together.
const computeChunk = 500

// spread follows changed rows to the rows of all tables that look at them through links, and from those on. Every level of
// columns is computed before the next: a row is written once for each level that changes something in it.
type spread struct {
	*unit
	g     *graph
	stale map[*looking]map[string]*pending // rows to be computed again
	total int
	fold  bool // the rows that look have the values that follow from what was there before the change
	// list are the rows of table that the transaction is about: it is told of versions that are newer than it knows.
	table *Table
	list  []rowWrite
}

// spread brings what looks at rows of t in line with the rows that were just written, in the same transaction.
func (u *unit) spread(t *Table, list []rowWrite) error { return u.spreadFrom(t, list, false) }

// spreadFrom is spread. fold says that since the rows were stored nothing has computed the rows that look at them, which then
// follow from their values and the change alone where their aggregate allows it.
func (u *unit) spreadFrom(t *Table, list []rowWrite, fold bool) error {
	if len(u.stale) == 0 && !u.watched(t) {
		return nil
	}
	g, err := u.graphOf(t.Workspace)
	if err != nil || g == nil || !g.watches[t.ID] {
		return err
	}
	s := &spread{unit: u, g: g, stale: map[*looking]map[string]*pending{}, table: t, list: list, fold: fold}
	if err := s.mark(t, list); err != nil {
		return fmt.Errorf("find what is computed from %s: %w", t.ID, err)
	}
	return s.run()
}

// mark notes the rows that look at changed columns of rows. Nothing looks at a row that was deleted: its links are gone.
func (s *spread) mark(t *Table, list []rowWrite) error {
	changed := make(map[*looking][]string)
	for i := range list {
		w := &list[i]
		if !w.changed || w.after == nil {
			continue
		}
		for slot, id := range t.layout.ids {
			if w.before != nil && lqp.Equal(w.before[slot], w.after[slot]) {
				continue
			}
			for _, k := range s.g.watching[watched{t.ID, id}] {
				if ids := changed[k]; len(ids) == 0 || ids[len(ids)-1] != w.id {
					changed[k] = append(ids, w.id)
				}
			}
		}
	}
	for k, ids := range changed {
		link, _ := k.table.Column(k.table.layout.ids[k.lens.link])
		most := s.db.opt.MaxComputed
		from, err := s.linkingRows(k.table, link, ids, most)
		var over *LimitError
		if errors.As(err, &over) {
			return &LimitError{Name: computedLimit, Max: most}
		}
		if err != nil {
			return err
		}
		rows := s.stale[k]
		if rows == nil {
			rows = map[string]*pending{}
			s.stale[k] = rows
		}
		before := len(rows)
		steps := s.steps(k, t, list, ids)
		for row, list := range from {
			for _, id := range list {
				if rows[id] == nil {
					rows[id] = &pending{}
				}
				rows[id].add(steps[row])
			}
		}
		if s.total += len(rows) - before; s.total > most {
			return &LimitError{Name: computedLimit, Max: most}
		}
	}
	return nil
}

const computedLimit = "cells of other rows that a change makes compute again"

// run computes what is marked, the lowest columns first.
func (s *spread) run() error {
	for len(s.stale) > 0 {
		first := slices.MinFunc(slices.Collect(maps.Keys(s.stale)), func(a, b *looking) int {
			if a.level != b.level {
				return a.level - b.level
			}
			return strings.Compare(a.id, b.id)
		})
		// Columns of the table that are as low are computed along with it.
		together := []*looking{first}
		rows := maps.Clone(s.stale[first])
		for k, more := range s.stale {
			if k != first && k.table == first.table && k.level == first.level {
				together = append(together, k)
				maps.Copy(rows, more)
			}
		}
		work := make(map[*looking]map[string]*pending, len(together))
		for _, k := range together {
			work[k] = s.stale[k]
			delete(s.stale, k)
		}
		for chunk := range slices.Chunk(slices.Sorted(maps.Keys(rows)), computeChunk) {
			if err := s.again(first.table, work, chunk); err != nil {
				return fmt.Errorf("compute columns of %s: %w", first.table.ID, err)
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// again computes columns of some rows and writes the rows that changed.
func (s *spread) again(t *Table, columns map[*looking]map[string]*pending, ids []string) error {
	values := make([]lqp.Value, len(ids))
	for i, id := range ids {
		values[i] = lqp.TextValue(id)
	}
	var rows [][]lqp.Value
	if err := s.scanIn(t.layout, idSlot, values, func(row []lqp.Value) error {
		rows = append(rows, row)
		return nil
	}); err != nil {
		return err
	}
	after := make([][]lqp.Value, len(rows))
	for i, row := range rows {
		after[i] = slices.Clone(row)
	}
	for k, pending := range columns {
		if err := s.lookAtPending(k, pending, after); err != nil {
			return err
		}
	}
	list := t.layout.followed(rows, after)
	if len(list) == 0 {
		return nil
	}
	if err := s.writeComputed(t, list, false); err != nil {
		return err
	}
	if t.ID == s.table.ID {
		s.tell(list)
	}
	return s.mark(t, list)
}

// tell passes the newest state of rows on to those who asked for the change.
func (s *spread) tell(list []rowWrite) {
	at := make(map[string]*rowWrite, len(list))
	for i := range list {
		at[list[i].id] = &list[i]
	}
	for i := range s.list {
		if w := at[s.list[i].id]; w != nil && s.list[i].after != nil {
			s.list[i].after, s.list[i].version = w.after, w.version
		}
	}
}

// recomputed computes columns of rows, and the formulas that follow from them, and lists the rows that change.
func (u *unit) recomputed(g *graph, t *Table, columns []*looking, rows [][]lqp.Value) ([]rowWrite, error) {
	after := make([][]lqp.Value, len(rows))
	for i, row := range rows {
		after[i] = slices.Clone(row)
	}
	for _, k := range columns {
		if err := u.lookAt(g, k.id, t.layout.slots[k.id], after); err != nil {
			return nil, err
		}
	}
	return t.layout.followed(rows, after), nil
}

// followed computes the formulas of rows, whose columns over links are computed in after, and lists the rows that change.
func (l *layout) followed(rows, after [][]lqp.Value) []rowWrite {
	list := make([]rowWrite, 0, len(rows))
	for i, row := range rows {
		l.computeRow(after[i])
		changed := false
		for k := range l.computed {
			slot := l.computed[k].slot
			changed = changed || !lqp.Equal(row[slot], after[i][slot])
		}
		if changed {
			list = append(list, rowWrite{op: lqp.Update, id: row[idSlot].Text(), version: l.versionOf(row), changed: true, before: row, after: after[i]})
		}
	}
	return list
}

// writeComputed writes rows of which only computed columns changed. They get their next version and an entry in the log, but
// for who changed them and when: nobody did. With quiet the rows keep their version and the log is not told.
func (u *unit) writeComputed(t *Table, list []rowWrite, quiet bool) error {
	l := t.layout
	if !quiet {
		for i := range list {
			w := &list[i]
			w.version++
			w.after[l.version()] = lqp.IntValue(w.version)
		}
	}
	p := &rowPlan{t: t, l: l, m: &lqp.Mutation{Op: lqp.Update}}
	var err error
	if p.checks, err = t.rowChecks(u.db); err != nil {
		return err
	}
	parked, faults, err := u.checkUniques(p, list)
	if err != nil {
		return err
	}
	if len(faults) > 0 || len(p.broken(list)) > 0 {
		// Whoever changed a row need not see the table whose rules that breaks.
		return &ValidationError{Fields: []FieldError{{Code: CodeComputed,
			Message: "a row that is computed from this would break a rule of its table"}}}
	}
	if err := u.replaceRows(t, list, parked); err != nil {
		return err
	}
	if quiet {
		return nil
	}
	for i := range list {
		w := &list[i]
		u.note(audit.Entry{Workspace: t.Workspace, Action: ActionCompute, ResourceType: "row", Resource: w.id, Table: t.ID,
			Version: w.version, Before: l.appendImage(nil, w.before), After: l.appendImage(nil, w.after)})
	}
	return nil
}

// replaceRows writes changed rows with two statements, whatever their number is, instead of one for each. The rows are gone
// for a moment that nobody sees, so that values that are unique can change hands among them.
func (u *unit) replaceRows(t *Table, list []rowWrite, parked []parking) error {
	const few = 4
	if len(list) <= few {
		return u.store(t.layout, list, parked)
	}
	u.stores++
	for chunk := range slices.Chunk(list, inChunk) {
		ids, rows := make([]lqp.Value, len(chunk)), make([][]lqp.Value, len(chunk))
		for i := range chunk {
			ids[i], rows[i] = argText(chunk[i].id), chunk[i].after
		}
		n, err := u.exec("DELETE FROM "+u.physical(t)+" WHERE "+quoteID(ColumnID)+" IN ("+marks(len(ids))+")", ids...)
		if err != nil {
			return fmt.Errorf("replace rows: %w", err)
		}
		if n != int64(len(ids)) {
			return fmt.Errorf("replace rows of %s: %d of %d", t.ID, n, len(ids))
		}
		if err := u.tx.Insert(u.ctx, t.layout.schema, t.layout.ids, rows); err != nil {
			return fmt.Errorf("replace rows: %w", err)
		}
	}
	return nil
}

// watched reports whether columns of other rows may look at rows of the table, as far as the catalogue in memory tells.
func (u *unit) watched(t *Table) bool {
	s, _ := u.db.snapshots.get(t.Workspace)
	return s == nil || s.Revision != u.revision || s.graph != nil && s.graph.watches[t.ID]
}
