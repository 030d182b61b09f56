package minidb

import (
	"errors"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// applyEach carries out the changes of a partial write that can be and refuses the others, in one transaction. Changes are
// tried together; when some are refused the faulty ones are set aside, or the list is halved, so that n changes of which k are
// refused take about k·log n attempts on ever fewer rows and never n² steps. A change therefore counts on what stands before
// it in the list, as if each had been sent by itself, one after the other.
func (u *unit) applyEach(p *rowPlan) (Result, error) {
	r := Result{Table: p.t.ID, Rows: make([]RowResult, len(p.changes))}
	faulty := p.faultyRows(p.faults)
	var sound, broken []int
	for i := range p.changes {
		if faulty[i] {
			broken = append(broken, i)
		} else {
			sound = append(sound, i)
		}
	}
	if err := u.attempt(p, sound, r.Rows); err != nil {
		return Result{}, err
	}
	for _, i := range broken { // no attempt can help them
		if err := u.attempt(p, []int{i}, r.Rows); err != nil {
			return Result{}, err
		}
	}
	for i := range r.Rows {
		if r.Rows[i].Changed {
			r.Affected++
		}
	}
	if p.m.MaxAffected > 0 && r.Affected > p.m.MaxAffected {
		return Result{}, &LimitError{Name: "max_affected", Max: p.m.MaxAffected}
	}
	return r, nil
}

// attempt carries out some of the changes, given by their places, and puts what became of each into out.
func (u *unit) attempt(p *rowPlan, which []int, out []RowResult) error {
	if len(which) == 0 {
		return nil
	}
	if err := u.ctx.Err(); err != nil {
		return err
	}
	stores, numbered := u.stores, len(u.numbered)
	list, err := u.carryOut(p.part(which))
	if err == nil {
		for i := range list {
			out[list[i].index] = list[i].result()
		}
		return nil
	}
	if u.stores != stores || !ofRows(err) { // half a part is written, or the whole write cannot go on
		return err
	}
	if err := u.returnNumbers(p.t.Workspace, numbered); err != nil {
		return err
	}
	if len(which) == 1 {
		c := &p.changes[which[0]]
		out[which[0]] = RowResult{ID: c.id, Op: p.m.Op, Err: err}
		return nil
	}
	var first, second []int
	var faults *ValidationError
	if errors.As(err, &faults) {
		faulty := p.faultyRows(faults.Fields)
		for _, i := range which {
			if faulty[i] {
				second = append(second, i)
			} else {
				first = append(first, i)
			}
		}
	}
	if len(first) == 0 || len(second) == 0 {
		first, second = which[:len(which)/2], which[len(which)/2:]
	}
	if err := u.attempt(p, first, out); err != nil {
		return err
	}
	return u.attempt(p, second, out)
}

// ofRows reports that an error is about rows of a write, so that other rows may be written nevertheless.
func ofRows(err error) bool {
	var (
		values   *ValidationError
		row      *RowError
		conflict *ConflictError
		locked   *LockedError
	)
	return errors.As(err, &values) || errors.As(err, &row) || errors.As(err, &conflict) || errors.As(err, &locked)
}

func (p *rowPlan) faultyRows(faults []FieldError) map[int]bool {
	rows := make(map[int]bool, len(faults))
	for _, f := range faults {
		rows[f.Row] = true
	}
	return rows
}

// part is the plan of some of its changes. They keep their indexes.
func (p *rowPlan) part(which []int) *rowPlan {
	if len(which) == len(p.changes) {
		part := *p
		part.faults = slices.Clone(p.faults)
		return &part
	}
	part := *p
	part.changes, part.faults = make([]rowChange, len(which)), nil
	mine := make(map[int]bool, len(which))
	for k, i := range which {
		part.changes[k] = p.changes[i]
		mine[i] = true
	}
	for _, f := range p.faults {
		if mine[f.Row] {
			part.faults = append(part.faults, f)
		}
	}
	return &part
}

// result is what is told of a row that was written.
func (w *rowWrite) result() RowResult {
	return RowResult{ID: w.id, Version: w.version, Op: w.op, Changed: w.changed, Merged: w.merged && w.op == lqp.Update, Before: w.before, After: w.after}
}
