package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Behind = (*tx)(nil)

// leastCopy is how many rows are worth a COPY, which unlike a deferred INSERT is a way to the server and back by itself.
const leastCopy = 16

// InsertBehind implements [adapter.Behind]: the rows go out by COPY while the function goes on, encoded as the server takes them.
func (t *tx) InsertBehind(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) error {
	queued, err := t.insertBehind(ctx, table, columns, rows, done)
	if !queued && done != nil {
		done()
	}
	return err
}

func (t *tx) insertBehind(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) (queued bool, err error) {
	op := "insert into " + table.Name
	sql, cells := copyStatement(table, columns)
	if cells == nil || len(rows) < leastCopy || len(t.open) > 0 { // whoever reads rows uses the connection without asking
		return false, t.Defer(func() error { return t.Insert(ctx, table, columns, rows) })
	}
	if !t.behind.Busy() {
		if err := t.writing(ctx, op); err != nil {
			return false, err
		}
	} else if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	if t.behind.Add(func() error { return t.copyRows(ctx, op, table, sql, cells, rows) }, done) {
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

// copyRows sends rows by COPY. It has the session for itself.
func (t *tx) copyRows(ctx context.Context, op string, table *lqp.Table, sql string, cells []copyCell, rows [][]lqp.Value) error {
	t.as(t.ses.store.roleOfPath(table.Path))
	if err := t.ses.flush(ctx); err != nil {
		return t.fail(ctx, op, err)
	}
	t.ses.began = true
	from := &copySource{rows: rows, cells: cells}
	tag, err := t.ses.pg.CopyFrom(ctx, from, sql)
	if own := from.end(); own != nil {
		err = errors.Join(&localError{own}, err)
	}
	if err == nil && tag.RowsAffected() != int64(len(rows)) {
		err = fmt.Errorf("%w: %s for %d rows", errProtocol, tag, len(rows))
	}
	if err != nil {
		return t.fail(ctx, op, err)
	}
	t.note(tag)
	return nil
}
