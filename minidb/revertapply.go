package minidb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Revert says how a plan is carried out.
type Revert struct {
	// Kind is RevertOperation, UndoOperation or RedoOperation; the zero Kind is RevertOperation.
	Kind OperationKind
	// Guard makes the guard of a table; it is asked once for each.
	Guard  func(*Table) (Guard, error)
	Reason string
	DryRun bool
}

// reversalActions are the entries about operations that were taken back.
var reversalActions = map[OperationKind]string{RevertOperation: "operation.revert", UndoOperation: "operation.undo", RedoOperation: "operation.redo"}

// maxRefusals is how often rows are taken out of a plan because the mini-DB refuses them, before all of it is refused.
const maxRefusals = 20

// ApplyRevert carries out a plan in one transaction, by the ordinary ways of writing rows: deletions, changes and insertions
// with the versions that the plan has seen, under the guards. It is an operation of its own, which can be taken back too, and
// the log gets one entry about it beside those of the rows. The plan's rows are told what the mini-DB refused of them
// (RowRevert.Refused), unless the mode refuses conflicts: then that is a *ValidationError.
//
// With RefuseConflicts and conflicts in the plan it answers a *RevertConflictError. A row that has changed since the plan was
// made is a *ConflictError or ErrNotFound: plan again.
func (db *DB) ApplyRevert(ctx context.Context, actor Actor, plan *RevertPlan, r Revert) (id string, results []Result, err error) {
	if r.Kind == "" {
		r.Kind = RevertOperation
	}
	if n := plan.conflicts(); n > 0 && plan.Mode == RefuseConflicts {
		return "", nil, fmt.Errorf("%s: %w", r.Kind, &RevertConflictError{Conflicts: n})
	}
	for try := 0; ; try++ {
		id, results, err = db.applyRevert(ctx, actor, plan, &r)
		var refused *ValidationError
		if try < maxRefusals && plan.Mode != RefuseConflicts && errors.As(err, &refused) && plan.refuse(refused) {
			continue
		}
		return id, results, err
	}
}

// RevertConflictError says that nothing was taken back because somebody has changed something since.
type RevertConflictError struct {
	Conflicts int // rows with conflicts
}

// Error implements error.
func (e *RevertConflictError) Error() string {
	return fmt.Sprintf("%d rows have been changed since", e.Conflicts)
}

// conflicts counts the rows with conflicts.
func (p *RevertPlan) conflicts() (n int) {
	for _, t := range p.Tables {
		for i := range t.Rows {
			if r := &t.Rows[i]; len(r.Conflicts) > 0 || r.Conflict != nil {
				n++
			}
		}
	}
	return n
}

func (db *DB) applyRevert(ctx context.Context, actor Actor, plan *RevertPlan, r *Revert) (id string, results []Result, err error) {
	plans, err := plan.writes(db, r)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", r.Kind, err)
	}
	if len(plans) == 0 && r.Kind == RevertOperation {
		return "", nil, nil // an undo is noted even if nothing was left to do: the next one goes on from there
	}
	err = db.write(ctx, string(r.Kind), actor, func(u *unit) error {
		results = make([]Result, 0, len(plans))
		u.batch = NewID(prefixBatch)
		u.operation.Kind, u.operation.Target = r.Kind, plan.Target
		u.note(audit.Entry{Workspace: plan.Selection.Workspace, Action: reversalActions[r.Kind], ResourceType: "operation",
			Resource: plan.Target, Reason: cleanText(r.Reason, maxReason), After: plan.Selection.image()})
		if err := u.checkUnmoved(plan); err != nil {
			return err
		}
		u.linkOrders = plan.orders
		for _, p := range plans {
			one, err := u.apply(p)
			if err != nil {
				return err
			}
			one.DryRun = r.DryRun
			results = append(results, one)
		}
		if id = u.batch; r.DryRun {
			id = ""
			return errDryRun
		}
		return nil
	})
	if err != nil && !(r.DryRun && errors.Is(err, errDryRun)) {
		return "", nil, err
	}
	return id, results, nil
}

// image tells of a choice by time whose and of which time; nil for others, which the entry's resource names.
func (s *Selection) image() json.RawMessage {
	if !s.Since {
		return nil
	}
	doc := struct {
		Actor string     `json:"actor,omitempty"`
		From  time.Time  `json:"from"`
		To    *time.Time `json:"to,omitempty"`
	}{Actor: s.Actor, From: s.From.UTC()}
	if !s.To.IsZero() {
		to := s.To.UTC()
		doc.To = &to
	}
	b, err := json.Marshal(doc)
	if err != nil { // texts and times
		panic(err)
	}
	return b
}

// writes are the mutations of a plan.
func (p *RevertPlan) writes(db *DB, r *Revert) (plans []*rowPlan, err error) {
	guards := map[*TableRevert]Guard{}
	for _, step := range p.steps() {
		t := step.t.Table
		guard, ok := guards[step.t]
		if !ok {
			if guard, err = r.Guard(t); err != nil {
				return nil, err
			}
			guard.RequireVersion = false // checkUnmoved has compared them
			guards[step.t] = guard
		}
		m := &lqp.Mutation{Op: step.op, Table: t.ID, Reason: r.Reason}
		restored, places := map[string][]lqp.Value{}, map[string]lqp.Value{}
		for _, row := range step.rows {
			change := lqp.RowChange{ID: []lqp.Value{lqp.TextValue(row.ID)}}
			if row.Move != nil && (step.op == lqp.Insert || step.cells(t, ColumnOrder)) {
				places[row.ID] = row.Move.to
			}
			switch step.op {
			case lqp.Insert:
				restored[row.ID] = row.Now
				change.Set = step.t.wholeRow(row)
			case lqp.Update:
				for _, c := range row.Cells {
					if step.cells(t, c.Column) {
						change.Set = append(change.Set, lqp.Assignment{Column: c.Column, Value: c.To})
					}
				}
			}
			m.Rows = append(m.Rows, change)
		}
		plan, err := db.planRows(&Write{Table: t, Mutation: m, Guard: guard}, len(plans))
		if err != nil {
			return nil, err
		}
		plan.restored, plan.places = restored, places
		plans = append(plans, plan)
	}
	return plans, nil
}

// checkUnmoved compares the rows of a plan with their versions in it. It is done once, before anything is written: one row of the
// plan may change another, as those do that are linked both ways.
func (u *unit) checkUnmoved(p *RevertPlan) error {
	for _, t := range p.Tables {
		l := t.Table.layout
		if err := u.checkCurrent(t.Table, 0); err != nil {
			return err
		}
		planned := map[string]*RowRevert{}
		var ids []lqp.Value
		for i := range t.Rows {
			if r := &t.Rows[i]; r.Op == lqp.Update || r.Op == lqp.Delete {
				planned[r.ID] = r
				ids = append(ids, lqp.TextValue(r.ID))
			}
		}
		err := u.scanColumnsIn(l, []lqp.Named{l.selects[idSlot], l.selects[l.version()]}, idSlot, ids, func(row []lqp.Value) error {
			r := planned[row[0].Text()]
			delete(planned, r.ID)
			if now, _ := row[1].Decimal().Int64(); now != r.Version {
				return &ConflictError{Row: r.ID, Expected: r.Version, Current: now}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for id := range planned {
			return &RowError{Row: id, Err: ErrNotFound}
		}
	}
	return nil
}

// wholeRow are the cells of a row that is restored, as far as they can be written and are kept, and follow no others.
func (t *TableRevert) wholeRow(r *RowRevert) []lqp.Assignment {
	l := t.Table.layout
	set := make([]lqp.Assignment, 0, len(t.Table.Columns))
	for i, slot := range l.user {
		c := &t.Table.Columns[i]
		if l.schema.Columns[slot].ReadOnly || t.follows[slot] {
			continue
		}
		v := r.Now[slot]
		if at := slices.IndexFunc(r.Cells, func(x CellRevert) bool { return x.Column == c.ID }); at >= 0 {
			v = r.Cells[at].To
		}
		set = append(set, lqp.Assignment{Column: c.ID, Value: v})
	}
	return set
}

// refuse takes what a validation error names out of the plan and notes why: a link alone where it is one that cannot come
// back, else the row. It is false when the error names none.
func (p *RevertPlan) refuse(v *ValidationError) bool {
	steps := p.steps()
	if v.Write >= len(steps) {
		return false
	}
	step, found := steps[v.Write], false
	for _, f := range v.Fields {
		if f.Row >= len(step.rows) {
			continue
		}
		r := step.rows[f.Row]
		if f.other != "" {
			r.unlink(step.t.Table, f)
		} else {
			r.Refused = append(r.Refused, f)
		}
		found = true
	}
	for _, r := range step.rows {
		if len(r.Refused) > 0 {
			r.Op, r.Cells, r.Move = "", nil, nil
		}
	}
	return found
}

// restoration is a deleted row as it comes back: with its id, what it says of its making and the numbers that it was given,
// in the version after that of its deletion.
func (u *unit) restoration(p *rowPlan, c *rowChange, old []lqp.Value) rowWrite {
	row := make([]lqp.Value, len(p.l.ids))
	for _, i := range p.l.numbers {
		row[p.l.user[i]] = old[p.l.user[i]]
	}
	for _, s := range c.set {
		row[s.slot] = s.value
	}
	version := p.l.versionOf(old) + 2
	row[idSlot] = lqp.TextValue(c.id)
	row[p.l.version()] = lqp.IntValue(version)
	row[p.l.createdAt()], row[p.l.createdBy()] = old[p.l.createdAt()], old[p.l.createdBy()]
	for _, slot := range p.l.kept {
		row[slot] = old[slot]
	}
	row[p.l.updatedAt()], row[p.l.updatedBy()] = lqp.DateTimeValue(u.now.UnixMilli()), u.author()
	if p.t.Ordered() {
		row[p.l.order()] = old[p.l.order()]
		if place, ok := p.places[c.id]; ok {
			row[p.l.order()] = place
		}
	}
	p.l.mirror(row)
	return rowWrite{index: c.index, op: lqp.Insert, id: c.id, version: version, changed: true, after: row, bad: c.bad}
}
