package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Store = (*Store)(nil)

// StoreOptions tune a [Store]. The zero value is a durable store with defaults for a server.
type StoreOptions struct {
	// Readers is how many connections read at the same time at most; further readers wait. Rows hold one until they are
	// closed. Default 16.
	Readers int
	// MaxBatch is how many functions given to Write share one commit at most. Default 128.
	MaxBatch int
	// Timeout bounds one reading statement, default 30 s; negative is no bound. A writing statement runs to its end.
	Timeout time.Duration
	// BusyTimeout is how long to wait for a lock that another process holds on the file, default 5 s.
	BusyTimeout time.Duration
	// Relaxed commits without waiting for the disk: a crash of the process loses nothing, a power failure may lose the
	// last commits, never the integrity of the file.
	Relaxed bool
	// VFS names another virtual file system than the operating system's, registered with the driver by vfs.Register. It may
	// have a method SyncDir(path string) error, which then makes the names in a directory durable. Default none.
	VFS string
}

const defaultBatch = 128

// Store is the database file that Live Tables owns: an [Adapter] with transactions. Its methods may be called from many
// goroutines; one file may have several Stores, in several processes too.
type Store struct {
	*Adapter
	maxBatch int
}

// OpenStore opens the store in the file at path and creates the file, readable by its owner only, when it is missing;
// the directory must exist. The file is kept in WAL mode. Close ends the store.
func OpenStore(ctx context.Context, path string, opts StoreOptions) (*Store, error) {
	const op = "open store"
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, fmt.Errorf("%s: %w: file name is empty or has a NUL", op, adapter.ErrOption)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", op, adapter.ErrUnavailable, err)
	}
	// SQLite would create the file with the process's default rights and give its journal those of the file.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", op, adapter.ErrUnavailable, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", op, adapter.ErrUnavailable, err)
	}
	a := &Adapter{path: abs, write: true, relaxed: opts.Relaxed, timeout: opts.Timeout, busy: opts.BusyTimeout, vfs: opts.VFS}
	if a.timeout == 0 {
		a.timeout = defaultTimeout
	}
	if a.busy <= 0 {
		a.busy = 5 * time.Second
	}
	readers := opts.Readers
	if readers <= 0 {
		readers = 16
	}
	maxBatch := opts.MaxBatch
	if maxBatch <= 0 {
		maxBatch = defaultBatch
	}
	if err := a.journal(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if err := a.start(ctx, readers); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s := &Store{Adapter: a, maxBatch: maxBatch}
	_, err = a.writing(ctx, maxBatch)
	if err == nil {
		err = a.syncNames()
	}
	if err != nil {
		_ = a.Close()
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return s, nil
}

// journal puts the file into WAL mode, which it then remembers: readers see a snapshot and never wait for the writer.
func (a *Adapter) journal(ctx context.Context) error {
	c, err := a.openWriter(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	s, err := c.prepare("PRAGMA journal_mode=WAL")
	if err != nil {
		return translate(ctx, "set journal mode", err)
	}
	defer s.release()
	mode := ""
	for s.Step() {
		mode = s.ColumnText(0)
	}
	if err := s.Err(); err != nil {
		return translate(ctx, "set journal mode", err)
	}
	if mode != "wal" {
		return fmt.Errorf("%w: the file system does not support a write-ahead log", adapter.ErrUnsupported)
	}
	return nil
}

// Capabilities says what the store can do.
func (s *Store) Capabilities() adapter.Capabilities {
	c := s.Adapter.Capabilities()
	c.Readers = cap(s.readers.slots)
	return c
}

// DeclareType is the column type for CREATE TABLE that keeps every canonical value of t: small numbers as scaled
// integers, dates and wide numbers as canonical texts, lists as JSON.
func (s *Store) DeclareType(t lqp.Type) string { return declareType(t) }

// Write runs fn in a write transaction and returns once it is durable. Functions of concurrent calls run one after the
// other and share a commit; each is rolled back alone when it fails or panics, and all of them when the commit fails:
// nothing was written (adapter.ErrUnavailable), or, after an input/output error, that is not known (adapter.ErrUncertain).
// A call whose ctx ends before fn has begun does nothing. Inside fn the context ends reading statements, writing ones run
// to their end.
func (s *Store) Write(ctx context.Context, fn func(adapter.Tx) error) error {
	w, err := s.writing(ctx, s.maxBatch)
	if err != nil {
		return err
	}
	return w.write(ctx, fn)
}

// Read runs fn on one consistent snapshot, which includes every Write that has returned.
func (s *Store) Read(ctx context.Context, fn func(adapter.Tx) error) error {
	return s.read(ctx, func(t *tx) error { return fn(t) })
}
