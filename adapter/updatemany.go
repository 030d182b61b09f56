package adapter

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// ManyUpdater is implemented by transactions that change many rows with one statement.
type ManyUpdater interface {
	// UpdateMany sets columns of rows, each row's to values of its own: rows[i] are those of the row with the key keys[i], in the
	// order of columns. The table has a key of one column and each key is given once. In a function given to [Deferrer] it may
	// only note the statement. A key that no row has, like a statement that fails, fails the transaction.
	UpdateMany(ctx context.Context, table *lqp.Table, keys []lqp.Value, columns []string, rows [][]lqp.Value) error
}

// UpdateMany changes rows by tx with [ManyUpdater] where tx has it and row by row otherwise. Rules and errors are those of the
// method, but that a transaction without it goes on after an error if it does so after one of Update.
func UpdateMany(ctx context.Context, tx Tx, table *lqp.Table, keys []lqp.Value, columns []string, rows [][]lqp.Value) error {
	if m, ok := tx.(ManyUpdater); ok {
		return m.UpdateMany(ctx, table, keys, columns, rows)
	}
	set := make([]lqp.Assignment, len(columns))
	for i, row := range rows {
		for k, id := range columns {
			set[k] = lqp.Assignment{Column: id, Value: row[k]}
		}
		n, err := tx.Update(ctx, table, keys[i:i+1], nil, set)
		if err == nil && n != 1 {
			err = fmt.Errorf("update row %s of %s: %w: %d rows", keys[i], table.Name, ErrConstraint, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
