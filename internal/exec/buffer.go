package exec

import (
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// buffer is rows that were fetched ahead, their source being closed: in memory, and beyond its budget in temporary storage.
type buffer struct {
	budget  *lqp.Budget
	rows    *lqp.RowQueue
	row     []lqp.Value
	err     error
	counted bool
}

// newBuffer reads rows to their end and closes them.
func newBuffer(rows adapter.Rows, width int, opt lqp.RunOptions) (adapter.Rows, error) {
	defer rows.Close() // its error was read by Err
	b := &buffer{budget: opt.Budget, rows: lqp.NewRowQueue(opt.Budget, opt.Spill, "fetch ahead of look-ups", width)}
	if c, ok := rows.(interface{ Counted(*lqp.Budget) bool }); ok {
		b.counted = c.Counted(opt.Budget)
	}
	row := make([]lqp.Value, width)
	for rows.Next() {
		for i := range row {
			row[i] = rows.Value(i)
		}
		if err := b.rows.Add(row); err != nil {
			b.rows.Close()
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		b.rows.Close()
		return nil, err
	}
	return b, nil
}

// Next implements adapter.Rows.
func (b *buffer) Next() bool {
	if b.err == nil {
		b.row, b.err = b.rows.Next()
	}
	return b.err == nil && b.row != nil
}

// Value implements adapter.Rows.
func (b *buffer) Value(i int) lqp.Value { return b.row[i] }

// AppendJSON implements adapter.Rows.
func (b *buffer) AppendJSON(dst []byte, i int) []byte { return b.row[i].AppendJSON(dst) }

// Err implements adapter.Rows: what went wrong at the source did so before there was a buffer.
func (b *buffer) Err() error { return b.err }

// Counted tells lqp.Run whether the rows are those of a Run that has counted them.
func (b *buffer) Counted(budget *lqp.Budget) bool { return b.counted && budget == b.budget }

// Close implements adapter.Rows.
func (b *buffer) Close() error {
	b.rows.Close()
	return nil
}
