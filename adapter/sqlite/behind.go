package sqlite

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Behind = (*tx)(nil)

// InsertBehind implements [adapter.Behind]: another goroutine has the connection until the transaction needs it for something else.
func (t *tx) InsertBehind(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) error {
	queued, err := t.insertBehind(ctx, table, columns, rows, done)
	if !queued && done != nil {
		done()
	}
	return err
}

func (t *tx) insertBehind(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) (queued bool, err error) {
	op := "insert into " + table.Name
	if !t.behind.Busy() {
		if err := t.ready(ctx, op); err != nil {
			return false, err
		}
		if len(t.open) > 0 { // whoever reads rows uses the connection without asking
			return false, t.Defer(func() error { return t.Insert(ctx, table, columns, rows) })
		}
	} else if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	in, err := t.insertion(op, table, columns)
	if err != nil {
		return false, err
	}
	if t.behind.Add(func() error { return in.run(ctx, rows) }, done) {
		return true, nil
	}
	return false, t.catchUp()
}

// catchUp waits for what goes on behind the transaction. Its failure is that of the transaction.
func (t *tx) catchUp() error {
	if err := t.behind.Wait(); err != nil && t.failed == nil {
		t.failed = err
	}
	return t.failed
}
