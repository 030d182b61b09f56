package adapter

import (
	"context"
	"errors"

	"github.com/livetables/livetables/lqp"
)

// Preparer is implemented by adapters whose answer to Plan, and whose statement for a pushed query, depend on the query alone: a
// query that comes again need not be planned and written again.
type Preparer interface {
	// Prepare writes the statement of a query that a Plan answered as Split.Pushed, for being run many times. holes are the texts in it that
	// stand for others: each occurs as a constant that a column of texts is compared with, and nowhere else. ErrUnprepared says that
	// one of them did not become a parameter of its own.
	Prepare(pushed *lqp.Query, holes []lqp.Value) (Prepared, error)
}

// Prepared is a query with its statement. It is immutable and may be run by many goroutines at once.
type Prepared interface {
	// Scan is Adapter.Scan of the query with values in the place of the holes, one for each: texts without NUL. ErrUnprepared says
	// that the statement is out of date; the query is to be planned anew.
	Scan(ctx context.Context, values []lqp.Value) (Rows, error)
	// Behind is the statement of another page of the same query, which goes on after the row with these sort keys, nil for none, and
	// leaves out as many rows as offset says after that. ErrUnprepared says that this is not one statement, or not with a parameter for
	// each hole; the query is to be planned anew.
	Behind(after []lqp.Value, offset int) (Prepared, error)
	// Size is about how many bytes of memory it takes.
	Size() int
}

// PreparedTx is implemented by transactions of stores with [Preparer].
type PreparedTx interface {
	// ScanPrepared is Tx.Scan of a statement that the same store has prepared, with values in the place of its holes. ErrUnprepared
	// says that the statement is out of date or of another store; nothing was asked then.
	ScanPrepared(ctx context.Context, p Prepared, values []lqp.Value) (Rows, error)
}

// Follower is implemented by [Prepared] statements of databases that are far away: a read that is worth something only if
// something else holds needs no way of its own to ask for that.
type Follower interface {
	// ScanAfter is Scan on one way to the database with another statement of the same source, which is run before it, in a
	// state of its own that is never newer. check is handed the first row of that, nil for none, before anything of the read is
	// looked at; its error is that of ScanAfter, wrapped.
	ScanAfter(ctx context.Context, first Prepared, at []lqp.Value, check func(row []lqp.Value) error, values []lqp.Value) (Rows, error)
}

// ErrUnprepared is the error of a [Prepared] statement that cannot be had, or not any more.
var ErrUnprepared = errors.New("the statement is not prepared")
