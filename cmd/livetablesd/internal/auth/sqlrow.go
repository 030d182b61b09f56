package auth

import (
	"context"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// everyRow is the condition that every row of a table meets.
const everyRow = `1 = 1`

// row reads the columns of one row of a result, counted from an offset.
type row struct {
	rows adapter.Rows
	from int
}

func (r row) value(i int) lqp.Value { return r.rows.Value(r.from + i) }

func (r row) text(i int) string { return r.value(i).Text() }

func (r row) int(i int) int64 {
	n, _ := r.value(i).Decimal().Int64()
	return n
}

func (r row) bool(i int) bool { return r.int(i) != 0 }

func (r row) time(i int) time.Time { return time.UnixMilli(r.int(i)).UTC() }

// optionalTime is nil for NULL.
func (r row) optionalTime(i int) *time.Time {
	if r.value(i).IsNull() {
		return nil
	}
	t := r.time(i)
	return &t
}

// each runs a query and calls fn for every row.
func each(ctx context.Context, tx adapter.Tx, sql string, args []lqp.Value, fn func(row) error) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(row{rows: rows}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func texts(values ...string) []lqp.Value {
	out := make([]lqp.Value, len(values))
	for i, v := range values {
		out[i] = lqp.TextValue(v)
	}
	return out
}

func timeValue(t time.Time) lqp.Value { return lqp.IntValue(t.UnixMilli()) }

// optionalTimeValue is NULL for nil.
func optionalTimeValue(t *time.Time) lqp.Value {
	if t == nil {
		return lqp.Value{}
	}
	return timeValue(*t)
}

func flagValue(b bool) lqp.Value {
	if b {
		return lqp.IntValue(1)
	}
	return lqp.IntValue(0)
}
