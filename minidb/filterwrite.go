package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

const (
	// MaxFiltered is the largest MaxAffected of a mutation by filter. All its rows are one transaction, for which other writers
	// wait: about half a minute for so many.
	MaxFiltered = 100_000
	// filterChunk is how many rows of a mutation by filter are held and written together.
	filterChunk = 500
	// maxFilterRows is how many rows the Result of a mutation by filter lists.
	maxFilterRows = 1_000
)

// applyFilter changes or deletes the rows that satisfy the filter and exist for the writer. One of them that may not be
// changed refuses the whole mutation. Which rows these are is settled before the first is written; what is held of them is
// their ids, and of a few hundred everything.
func (u *unit) applyFilter(p *rowPlan) (Result, error) {
	ids, err := u.matching(p)
	if err != nil {
		return Result{}, err
	}
	c := &rowChange{}
	if len(p.changes) > 0 {
		c = &p.changes[0]
	}
	r := Result{Table: p.t.ID, Matched: len(ids)}
	if len(ids) == 0 && len(p.faults) > 0 {
		return Result{}, p.invalid(p.faults) // bad values are told whether or not there are rows to have them
	}
	for chunk := range slices.Chunk(ids, filterChunk) {
		rows := make([][]lqp.Value, 0, len(chunk))
		err := u.scanIn(p.l, idSlot, chunk, func(row []lqp.Value) error {
			rows = append(rows, row)
			return u.ctx.Err()
		})
		if err != nil {
			return Result{}, err
		}
		keep, err := u.linksToKeep(p, func(yield func(*rowChange, []lqp.Value) bool) {
			for _, row := range rows {
				if !yield(c, row) {
					return
				}
			}
		})
		if err != nil {
			return Result{}, err
		}
		list := make([]rowWrite, 0, len(rows))
		for _, row := range rows {
			list = append(list, u.change(p, keep.change(p, c, row), row))
		}
		slices.SortFunc(list, func(a, b rowWrite) int { return lqp.Compare(lqp.TextValue(a.id), lqp.TextValue(b.id)) })
		if err := u.settle(p, list); err != nil {
			return Result{}, err
		}
		for i := range list {
			if list[i].changed {
				r.Affected++
			}
			if len(r.Rows) < maxFilterRows {
				r.Rows = append(r.Rows, list[i].result())
			}
		}
		if len(ids) > filterChunk {
			if err := u.flush(); err != nil {
				return Result{}, err
			}
		}
	}
	return r, nil
}

// matching are the ids of the rows that a mutation by filter is about, in their order.
func (u *unit) matching(p *rowPlan) (ids []lqp.Value, err error) {
	most := &LimitError{Name: "rows", Max: u.db.opt.MaxRows}
	if p.m.MaxAffected > 0 {
		most = &LimitError{Name: "max_affected", Max: min(p.m.MaxAffected, MaxFiltered)}
	}
	rule := p.guard.update
	if p.m.Op == lqp.Delete {
		rule = p.guard.remove
	}
	err = u.scan(p.l, lqp.And(p.m.Where, p.guard.bound), true, func(row []lqp.Value) error {
		if len(ids) == most.Max {
			return most
		}
		if !allows(rule, row) {
			return &RowError{Write: p.index, Row: row[idSlot].Text(), Err: ErrForbidden}
		}
		ids = append(ids, row[idSlot])
		return u.ctx.Err()
	})
	return ids, err
}
