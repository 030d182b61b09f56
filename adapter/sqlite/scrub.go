package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
)

// Scrub makes the store's files forget what was deleted. Deleted cells and free pages are overwritten when they are freed
// (secure_delete), but the write-ahead log still has older states of pages, and a page that was rebuilt may have kept bytes
// of cells that have moved away: the file is therefore written anew (VACUUM), and the log is emptied. It takes about as long
// as copying the file, in which writers wait and readers do not, and as much room again. ErrTemporary says that a reader
// needed an older state for too long; the file is scrubbed then and the log is not.
func (s *Store) Scrub(ctx context.Context) error {
	const op = "scrub"
	if s.life.Err() != nil {
		return unavailable(op, errClosed)
	}
	c, err := s.openWriter(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer c.close()
	// VACUUM attaches a database of its own, which other connections are not allowed to.
	c.db.Limit(sqlite3.LIMIT_ATTACHED, 1)
	if err := c.do("VACUUM"); err != nil {
		return translate(ctx, op, err)
	}
	return c.emptyLog(ctx, op)
}

// emptyLog moves the write-ahead log into the file and cuts it to nothing.
func (c *conn) emptyLog(ctx context.Context, op string) error {
	st, err := c.prepare("PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return translate(ctx, op, err)
	}
	defer st.release()
	busy := true
	for st.Step() {
		busy = st.ColumnInt(0) != 0
	}
	if err := st.Err(); err != nil {
		return translate(ctx, op, err)
	}
	if busy {
		return fmt.Errorf("%s: %w: a reader needs an older state", op, adapter.ErrTemporary)
	}
	return nil
}
