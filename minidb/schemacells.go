package minidb

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// converter says what becomes of the cells of one column in some rows of the table as it is.
type converter func(rows [][]lqp.Value) ([]conversion, error)

// converter converts the cells of the column of t that becomes c by their types.
func (u *unit) converter(t *Table, c *Column) converter {
	old, _ := t.Column(c.ID)
	was, slot := *old, t.layout.slots[c.ID]
	return func(rows [][]lqp.Value) ([]conversion, error) {
		list := make([]conversion, len(rows))
		for i, row := range rows {
			list[i] = c.from(&was, row[slot])
		}
		return list, nil
	}
}

// retypeBack gives a column the definition back that it had before an entry, and its cells what they were.
func (b *schemaUndo) retypeBack(old *Column, e *audit.Entry) error {
	t := b.t
	if err := old.check(); err != nil {
		return err
	}
	if nameTaken(t.Columns, old) {
		return fmt.Errorf("column %q: %w", old.Name, ErrExists)
	}
	now, _ := t.Column(old.ID)
	was := *now
	convert := b.recall(t, &was, old, e)
	report, err := b.assessBack(t, old, convert)
	if err != nil {
		return err
	}
	b.done.Cells = report
	switch {
	case report.Missing > 0:
		return invalid("version", CodeRequired, "%d rows would have no value of %q, which is required", report.Missing, old.Name)
	case report.Duplicates > 0:
		return invalid("version", CodeUnique, "%d values of %q, which is unique, would be those of other rows too", report.Duplicates, old.Name)
	case report.Lost > 0 && !b.r.AcceptLoss:
		return &LossError{*report}
	}
	return b.retype(t, old, convert)
}

// assessBack counts what becomes of the cells.
func (b *schemaUndo) assessBack(t *Table, old *Column, convert converter) (*Retyping, error) {
	report, err := b.assessWith(t, old, convert, func([]lqp.Value) bool { return true })
	b.done.Restored = 0 // counted by the copy alone
	return report, err
}

// assessWith counts what becomes of the cells of the column of t that becomes c; shows says which rows may serve as examples.
func (u *unit) assessWith(t *Table, c *Column, convert converter, shows func(row []lqp.Value) bool) (*Retyping, error) {
	report := &Retyping{Column: *c, Examples: []CellLoss{}}
	slot := t.layout.slots[c.ID]
	seen := map[string]bool{}
	err := u.eachChunk(t.layout, func(rows [][]lqp.Value) error {
		cells, err := convert(rows)
		if err != nil {
			return err
		}
		for i, to := range cells {
			report.Rows++
			switch {
			case rows[i][slot].IsNull() && to.value.IsNull():
				report.Empty++
			case to.lost:
				report.Lost++
				if len(report.Examples) < maxExamples && shows(rows[i]) {
					report.Examples = append(report.Examples, CellLoss{Row: rows[i][idSlot].Text(), Old: rows[i][slot], New: to.value, Code: to.code, Message: to.message})
				}
			case to.exact:
				report.Exact++
			default:
				report.Changed++
			}
			if to.value.IsNull() {
				if c.Required {
					report.Missing++
				}
				continue
			}
			if c.Unique {
				key := string(to.value.AppendKey(nil))
				if seen[key] {
					report.Duplicates++
				}
				seen[key] = true
			}
		}
		return u.ctx.Err()
	})
	return report, err
}

// recall converts cells of the column as it is now to what it was: by the log where the cell is still what the change of the
// entry made of it, else by its type.
func (b *schemaUndo) recall(t *Table, now, old *Column, e *audit.Entry) converter {
	slot := t.layout.slots[now.ID]
	return func(rows [][]lqp.Value) ([]conversion, error) {
		past, err := b.cellsOf(t, now, old, e, rows)
		if err != nil {
			return nil, err
		}
		list := make([]conversion, len(rows))
		for i, row := range rows {
			if then, ok := past[row[idSlot].Text()]; ok && lqp.Equal(then.after, row[slot]) {
				list[i] = conversion{value: then.before}
				b.done.Restored++
				continue
			}
			list[i] = old.from(now, row[slot])
		}
		return list, nil
	}
}

// cellThen is what a change made of one cell.
type cellThen struct{ before, after lqp.Value }

// cellsOf finds what the change of an entry made of cells of some rows. What does not read as a value of the column is as if
// nothing were known.
func (b *schemaUndo) cellsOf(t *Table, now, old *Column, e *audit.Entry, rows [][]lqp.Value) (map[string]cellThen, error) {
	if e.Batch == "" || len(rows) == 0 {
		return nil, nil
	}
	args := []lqp.Value{argText(t.ID), argText(e.Batch)}
	for _, row := range rows {
		args = append(args, row[idSlot])
	}
	type sides struct {
		row           string
		before, after json.RawMessage
	}
	list, err := all(b.session, func(r record) sides { return sides{r.text(0), r.image(1), r.image(2)} },
		`SELECT resource, before_doc, after_doc FROM lt_change WHERE table_id = ? AND batch = ? AND action = 'row.update'
			AND resource IN (?`+strings.Repeat(", ?", len(rows)-1)+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what cells were: %w", err)
	}
	found := make(map[string]cellThen, len(list))
	for _, s := range list {
		before, ok := cellOfImage(s.before, old)
		after, known := cellOfImage(s.after, now)
		if ok && known {
			found[s.row] = cellThen{before, after}
		}
	}
	return found, nil
}

// cellOfImage is the value of a column in the image of a row.
func cellOfImage(doc json.RawMessage, c *Column) (lqp.Value, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil {
		return lqp.Value{}, false
	}
	cell, ok := members[c.ID]
	if !ok {
		return lqp.Value{}, false
	}
	if string(cell) == "null" {
		return lqp.Value{}, true
	}
	v, err := lqp.ParseValue(c.storedType(), cell)
	return v, err == nil
}

// cellsBack gives cells of a column of t, which is as it was before the entry, the values back that the change took.
func (b *schemaUndo) cellsBack(column string, e *audit.Entry) error {
	if e.Batch == "" {
		return nil
	}
	t := b.t
	c, _ := t.Column(column)
	slot := t.layout.slots[column]
	p := &rowPlan{t: t, l: t.layout, m: &lqp.Mutation{Op: lqp.Update}}
	return b.eachChunk(t.layout, func(rows [][]lqp.Value) error {
		past, err := b.cellsOf(t, c, c, e, rows)
		if err != nil || len(past) == 0 {
			return err
		}
		var list []rowWrite
		for _, row := range rows {
			then, ok := past[row[idSlot].Text()]
			if !ok || !lqp.Equal(then.after, row[slot]) || lqp.Equal(then.before, row[slot]) || then.before.IsNull() && c.Required {
				continue
			}
			list = append(list, b.change(p, &rowChange{set: []cell{{slot, then.before}}}, row))
			b.done.Restored++
		}
		if len(list) == 0 {
			return nil
		}
		return b.writeCells(p, list)
	})
}
