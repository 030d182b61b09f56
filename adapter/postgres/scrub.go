package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// Scrub makes the tables of the store's schema forget what was deleted from them. Each of them is written anew (VACUUM
// FULL), for which nobody reads or writes that table meanwhile, and as much room again is needed. Tables of namespaces are
// dropped together with their files and need nothing.
//
// What the server keeps beside its tables is its own to forget: the write-ahead log until it is recycled, which a
// checkpoint brings nearer, and every replica and backup. ErrTemporary says that a table was busy for too long, or that a
// transaction older than the deletions, of any database of the server, did not end in time.
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
	if err := c.outlive(ctx); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
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

// outliveWait bounds how long others' transactions are waited for.
const outliveWait = 10 * time.Second

// outlive waits until nothing keeps rows that were deleted before now from being vacuumed: no transaction of the whole server
// that had begun to write then, in whatever database, since every new snapshot goes back to the oldest of them, that of VACUUM
// itself included; and no reader of this database with a snapshot from then.
func (c *writerConn) outlive(ctx context.Context) error {
	res := c.pg.ExecParams(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text", nil, nil, nil, nil).Read()
	if res.Err != nil || len(res.Rows) != 1 {
		return translate(ctx, "look at the time", errors.Join(res.Err))
	}
	older := fmt.Sprintf(`SELECT 1 FROM (SELECT pg_current_snapshot() AS now) s
WHERE pg_snapshot_xmin(now)::text::bigint < %[1]s OR EXISTS (SELECT 1 FROM pg_stat_activity
	WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
	AND age(backend_xmin) > pg_snapshot_xmax(now)::text::bigint - %[1]s)`, res.Rows[0][0])
	for deadline := time.Now().Add(outliveWait); ; {
		keeps, err := c.has(ctx, older)
		if err != nil {
			return translate(ctx, "look for older transactions", err)
		}
		if !keeps {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: an older transaction is not over", adapter.ErrTemporary)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
