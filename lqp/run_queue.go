package lqp

import "slices"

// rowQueue holds rows until they are read, in their order: in memory, and from where the share of its step ends in
// temporary storage.
type rowQueue struct {
	share  share
	width  int
	rows   int64 // added
	memory [][]Value
	given  int64 // bytes of the row given out last
	writer *spillWriter
	reader *spillReader
}

func newRowQueue(a *account, step string, width int) *rowQueue {
	return &rowQueue{share: share{account: a, step: step}, width: width}
}

// add takes a row, which it copies. No row may be added once one was read.
func (q *rowQueue) add(row []Value) error {
	q.rows++
	if q.writer != nil {
		return q.writer.add(&spillRow{row: row})
	}
	row = slices.Clone(row)
	q.memory = append(q.memory, row)
	full, err := q.share.take(rowBytes(row))
	if err != nil || !full {
		return err
	}
	q.writer, err = q.share.account.newWriter(q.share.step)
	return err
}

// next is the first row that was not read yet, nil at the end. It is valid until the next call.
func (q *rowQueue) next() ([]Value, error) {
	q.share.release(q.given)
	q.given = 0
	if len(q.memory) > 0 {
		row := q.memory[0]
		q.memory[0] = nil
		q.memory, q.given = q.memory[1:], rowBytes(row)
		return row, nil
	}
	if q.writer == nil {
		return nil, nil
	}
	if q.reader == nil {
		var err error
		if q.reader, err = q.writer.read(0, q.width); err != nil {
			return nil, err
		}
	}
	r, err := q.reader.next()
	if r == nil || err != nil {
		return nil, err
	}
	return r.row, nil
}

// close gives memory and storage back. It is safe to call twice.
func (q *rowQueue) close() {
	q.share.releaseAll()
	q.memory, q.given = nil, 0
	if q.writer != nil {
		q.writer.close()
		q.writer = nil
	}
}

// RowQueue holds rows outside of a Run until they are read, in their order, within the budget and the temporary storage
// of Runs. It is used by the goroutine of those Runs and must be closed.
type RowQueue struct {
	q       *rowQueue
	account *account
}

// NewRowQueue makes a queue of rows of width values for a step of the plan, which a *BudgetError names. A nil budget is
// unlimited; without temporary storage (nil) a full budget is an error.
func NewRowQueue(budget *Budget, spill Spill, step string, width int) *RowQueue {
	a := &account{budget: budget, spill: spill}
	return &RowQueue{newRowQueue(a, step, width), a}
}

// Add takes a row, which it copies. All rows are added before the first is read.
func (q *RowQueue) Add(row []Value) error { return q.q.add(row) }

// Next is the next row, nil at the end. It is valid until the next call.
func (q *RowQueue) Next() ([]Value, error) { return q.q.next() }

// Close gives memory and storage back. It is safe to call twice.
func (q *RowQueue) Close() {
	q.q.close()
	q.account.close()
}
