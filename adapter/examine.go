package adapter

import (
	"context"

	"github.com/livetables/livetables/lqp"
)

// Examiner is implemented by adapters that can have the database say how it answers a pushed query.
type Examiner interface {
	// Examine runs the statement that Scan would send, throws its rows away and reports how the database found them. It
	// takes at least as long as the statement; cancelling ctx ends it. Errors are those of Scan.
	Examine(ctx context.Context, pushed *lqp.Query) (Examination, error)
}

// Examination says how a database answered a statement. The zero value says nothing.
type Examination struct {
	// Indexes are the names of the indexes that were read, each once, in the order in which the database names them.
	Indexes []string
	// Scans are the names or aliases of the tables that were read from end to end without an index.
	Scans []string
	// Read is how many rows were looked at in tables and indexes, for some databases in their temporary tables too.
	Read int64
	// Returned is how many rows the statement answered with.
	Returned int64
}
