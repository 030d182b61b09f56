package minidb

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// Surveyor is a store whose planner goes by statistics, which it gathers by itself only some time after many rows have come.
type Surveyor interface {
	// Survey gathers those of a table now. Reads and writes of the table go on meanwhile.
	Survey(ctx context.Context, table *lqp.Table) error
}

// Survey has the store gather its statistics of a table of a snapshot, when it is a [Surveyor]: for after many rows were added.
func (db *DB) Survey(ctx context.Context, t *Table) error {
	s, ok := db.store.(Surveyor)
	if !ok || t.layout == nil {
		return nil
	}
	if err := s.Survey(ctx, t.layout.schema); err != nil {
		return fmt.Errorf("survey table %s: %w", t.ID, err)
	}
	return nil
}
