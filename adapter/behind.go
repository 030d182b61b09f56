package adapter

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// Behind is implemented by transactions that insert rows while their function goes on, so that preparing the next rows and
// storing the last ones go side by side.
type Behind interface {
	// InsertBehind is Insert of rows whose success the function does not wait for: they are inserted in the order of the calls,
	// before whatever the transaction does next and before its function counts as done. A failure fails the transaction, as
	// one in Defer does. Some rows wait in memory, those of a few calls: a further call waits for its turn. The rows and their values must
	// not be changed until done has been called, which happens once whatever becomes of them, on any goroutine and before InsertBehind
	// returns if it returns an error; nil is no function.
	InsertBehind(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) error
}

// InsertBehind inserts rows by tx with [Behind] where tx has it, and with [Deferred] and Insert otherwise. Rules and errors are those of
// the method.
func InsertBehind(ctx context.Context, tx Tx, table *lqp.Table, columns []string, rows [][]lqp.Value, done func()) error {
	if b, ok := tx.(Behind); ok {
		return b.InsertBehind(ctx, table, columns, rows, done)
	}
	if done != nil {
		defer done()
	}
	return Deferred(tx, func() error { return tx.Insert(ctx, table, columns, rows) })
}
