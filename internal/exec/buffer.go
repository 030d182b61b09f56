package exec

import (
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// buffer is rows that were fetched ahead, their source being closed.
type buffer struct {
	budget  *lqp.Budget
	rows    [][]lqp.Value
	at      int // 1 + place of the current row
	counted bool
}

// newBuffer reads rows to their end and closes them.
func newBuffer(rows adapter.Rows, width int, budget *lqp.Budget) (adapter.Rows, error) {
	defer rows.Close() // its error was read by Err
	b := &buffer{budget: budget}
	if c, ok := rows.(interface{ Counted(*lqp.Budget) bool }); ok {
		b.counted = c.Counted(budget)
	}
	for rows.Next() {
		row := make([]lqp.Value, width)
		for i := range row {
			row[i] = rows.Value(i)
		}
		b.rows = append(b.rows, row)
		if err := budget.Hold(row, "fetch ahead of look-ups"); err != nil {
			_ = b.Close()
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// Next implements adapter.Rows.
func (b *buffer) Next() bool {
	if b.at > 0 {
		b.release(b.at - 1)
	}
	if b.at == len(b.rows) {
		b.rows, b.at = nil, 0
		return false
	}
	b.at++
	return true
}

func (b *buffer) release(i int) {
	b.budget.Release(b.rows[i])
	b.rows[i] = nil
}

// Value implements adapter.Rows.
func (b *buffer) Value(i int) lqp.Value { return b.rows[b.at-1][i] }

// AppendJSON implements adapter.Rows.
func (b *buffer) AppendJSON(dst []byte, i int) []byte { return b.Value(i).AppendJSON(dst) }

// Err implements adapter.Rows: what went wrong did so before there was a buffer.
func (b *buffer) Err() error { return nil }

// Counted tells lqp.Run whether the rows are those of a Run that has counted them.
func (b *buffer) Counted(budget *lqp.Budget) bool { return b.counted && budget == b.budget }

// Close implements adapter.Rows.
func (b *buffer) Close() error {
	for i := max(0, b.at-1); i < len(b.rows); i++ {
		b.release(i)
	}
	b.rows, b.at = nil, 0
	return nil
}
