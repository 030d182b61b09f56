package minidb

import (
	"context"
	"iter"

	"github.com/livetables/livetables/adapter"
)

// lentRows are rows of a snapshot that ends when they are closed.
type lentRows struct {
	adapter.Rows
	end func() error
}

// Close implements adapter.Rows.
func (r *lentRows) Close() error { return r.end() }

// lend runs fn on one consistent snapshot, as read does, and gives its rows away, with the snapshot. Whoever has them holds one
// connection of the store, the only one that all of it takes: if what holds one waited for another, as many askers as there are
// connections would wait for each other.
func (db *DB) lend(ctx context.Context, op string, fn func(session) (adapter.Rows, error)) (adapter.Rows, error) {
	var err error
	next, stop := iter.Pull(func(yield func(adapter.Rows) bool) {
		err = db.read(ctx, op, func(s session) error {
			rows, err := fn(s)
			if err != nil {
				return err
			}
			yield(rows) // returns when they are given back
			return rows.Close()
		})
	})
	rows, ok := next()
	if !ok {
		return nil, err
	}
	return &lentRows{rows, func() error {
		stop()
		return err
	}}, nil
}
