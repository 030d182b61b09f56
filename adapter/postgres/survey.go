package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// surveyTime bounds a Survey. The server looks at some of the rows only, 30,000 as a rule.
const surveyTime = time.Minute

// Survey has the server gather statistics of a table now (ANALYZE), on a connection of its own. Reads and writes go on meanwhile.
// By itself the server does so within a minute or so after many rows have come, and until then its plans are those of a small
// table: a page behind a cursor is found by reading all of a large one.
func (s *Store) Survey(ctx context.Context, table *lqp.Table) error {
	const op = "survey"
	if s.closed.Load() {
		return failure.New(op, adapter.ErrUnavailable, errClosed)
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	c, err := s.dialWriter(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer c.close()
	m := mutation{table: table}
	m.text("ANALYZE ")
	m.path()
	if err := c.do(ctx, string(m.sql)); err != nil {
		return translate(ctx, op, err)
	}
	return nil
}
