package postgres

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// Scrub makes the tables of the store's schema forget what was deleted from them. Each of them is written anew (VACUUM
// FULL), for which nobody reads or writes that table meanwhile, and as much room again is needed. Tables of namespaces are
// dropped together with their files and need nothing.
//
// What the server keeps beside its tables is its own to forget: the write-ahead log until it is recycled, which a
// checkpoint brings nearer, and every replica and backup. ErrTemporary says that a table was busy for too long.
func (s *Store) Scrub(ctx context.Context) error {
	const op = "scrub"
	if s.closed.Load() {
		return failure.New(op, adapter.ErrUnavailable, errClosed)
	}
	c, err := s.dialWriter(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer c.close()
	// All of them: the server's counts of what was deleted come late.
	const tables = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1`
	res := c.pg.ExecParams(ctx, tables, [][]byte{[]byte(s.opt.Schema)}, nil, nil, nil).Read()
	if res.Err != nil {
		return translate(ctx, op, res.Err)
	}
	for _, row := range res.Rows {
		if err := c.do(ctx, "VACUUM (FULL) "+quoted(s.opt.Schema)+"."+quoted(string(row[0]))); err != nil {
			return translate(ctx, op, err)
		}
	}
	return nil
}
