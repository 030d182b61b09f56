package minidb

import (
	"errors"

	"github.com/livetables/livetables/lqp"
)

// rewriteChunk is how many rows are rewritten together. It is at least the number of choices a column may have: two
// choices of a unique column that swap their names then do so in one chunk.
const rewriteChunk = maxChoices

// errChunk ends a scan that has found as many rows as are handled at once.
var errChunk = errors.New("chunk is full")

// rewriteRows changes the values of a column in the rows that satisfy a condition, by ordinary updates: with new versions
// and log entries. It goes through the rows once, in the order of their ids, so that a row it has changed is not met again.
func (u *unit) rewriteRows(t *Table, where lqp.Expr, column string, value func(lqp.Value) lqp.Value) error {
	p := &rowPlan{t: t, l: t.layout, m: &lqp.Mutation{Op: lqp.Update}}
	slot := p.l.slots[column]
	id := p.l.selects[idSlot].Expr
	var list []rowWrite
	rest := where
	for {
		list = list[:0]
		full := u.scan(p.l, rest, true, func(row []lqp.Value) error {
			change := &rowChange{set: []cell{{slot, value(row[slot])}}}
			list = append(list, u.change(p, change, row))
			if len(list) == rewriteChunk {
				return errChunk
			}
			return nil
		})
		if full != nil && !errors.Is(full, errChunk) {
			return full
		}
		if err := u.writeCells(p, list); err != nil {
			return err
		}
		if full == nil {
			return nil
		}
		last := lqp.TextValue(list[len(list)-1].id)
		rest = lqp.And(where, lqp.NewCall("gt", id, lqp.Literal(last)))
	}
}

// writeCells carries out updates of rows that the mini-DB makes by itself.
func (u *unit) writeCells(p *rowPlan, list []rowWrite) error {
	if err := u.compute(p, list); err != nil {
		return err
	}
	parked, faults, err := u.checkUniques(p, list)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return p.invalid(faults)
	}
	if err := u.store(p.l, list, parked); err != nil {
		return err
	}
	u.record(p, list)
	if err := u.spread(p.t, list); err != nil {
		return err
	}
	return u.flush()
}

// eachChunk delivers the rows of a table in the order of their ids, so many at a time that the statement that reads them
// is closed when f writes. f may change them.
func (u *unit) eachChunk(l *layout, f func(rows [][]lqp.Value) error) error {
	var after lqp.Expr
	for {
		var rows [][]lqp.Value
		full := u.scan(l, after, true, func(row []lqp.Value) error {
			if rows = append(rows, row); len(rows) == rewriteChunk {
				return errChunk
			}
			return nil
		})
		if full != nil && !errors.Is(full, errChunk) {
			return full
		}
		if len(rows) == 0 {
			return nil
		}
		last := rows[len(rows)-1][idSlot]
		if err := f(rows); err != nil || full == nil {
			return err
		}
		after = lqp.NewCall("gt", l.selects[idSlot].Expr, lqp.Literal(last))
	}
}
