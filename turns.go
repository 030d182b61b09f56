package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// turns bound how many queries are open on the mini-DB at the same time. A query holds a connection of the store until its rows are
// closed, which may be up to a client that reads slowly, and while it runs it has to be asked whether it may still go on. If queries
// could take all connections, there would be none to ask by, and all of them would end as if their rights had been taken away;
// nor could anybody else come in. nil bounds nothing.
type turns chan struct{}

// newTurns leaves a quarter of a store's connections, and at least one, to what is over with a statement or two.
func newTurns(readers int) turns {
	if readers < 2 {
		return nil
	}
	return make(turns, readers-max(1, readers/4))
}

// take waits for a turn.
func (t turns) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for other queries to end: %w", ctx.Err())
	}
}

func (t turns) give() { <-t }

// readsMiniDB reports whether a query or one that is nested in it reads a table of the mini-DB.
func readsMiniDB(q *lqp.Query) bool {
	reads := func(s *lqp.Source) bool {
		if s.Query != nil {
			return readsMiniDB(s.Query)
		}
		return s.Connection == ""
	}
	for i := range q.Joins {
		if reads(&q.Joins[i].Source) {
			return true
		}
	}
	return reads(&q.From)
}
