package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

var (
	_ adapter.Adapter   = (*Adapter)(nil)
	_ adapter.Writer    = (*Adapter)(nil)
	_ adapter.Explainer = (*Adapter)(nil)
	_ adapter.Estimator = (*Adapter)(nil)
	_ adapter.Opener    = Open
)

// closeGrace is how long Close waits for rows that are still open. Their connections are ended when they come back
// later, so waiting only makes the common case tidy.
const closeGrace = 2 * time.Second

// Adapter reads, and where allowed writes, one SQLite database file. Its methods may be called from many goroutines.
type Adapter struct {
	path    string
	foreign bool
	write   bool
	timeout time.Duration
	busy    time.Duration
	relaxed bool
	vfs     string // of the driver, that the file is opened through; empty for its own
	readers *pool
	version string

	commits atomic.Int64 // of the writer, for tests and measurements

	// life ends with Close, and with it every statement that is running.
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex
	writer *writer // nil until the first write
	closed bool
}

// Open opens the database file Settings.File, which belongs to others, for reading and, unless Settings.ReadOnly is
// set, for writing. The caller has resolved the file name inside the directory it allows. The file must exist: nothing
// is created. Its schema is not trusted: it cannot attach other files, load extensions or call the adapter's functions.
// Network settings are refused with adapter.ErrOption.
func Open(ctx context.Context, s adapter.Settings) (adapter.Adapter, error) {
	var problems []error
	refuse := func(name string, given bool) {
		if given {
			problems = append(problems, fmt.Errorf("%w: %s", adapter.ErrOption, name))
		}
	}
	refuse("host", s.Host != "")
	refuse("port", s.Port != 0)
	refuse("user", s.User != "")
	refuse("password", s.Password != "")
	refuse("root CA", s.RootCA != "")
	refuse("database", s.Database != "")
	if s.File == "" || strings.ContainsRune(s.File, 0) {
		problems = append(problems, fmt.Errorf("%w: file name is empty or has a NUL", adapter.ErrOption))
	}
	if s.TimeZone != "" && s.TimeZone != "UTC" {
		problems = append(problems, fmt.Errorf("%w: time zone (dates in the file are read in UTC)", adapter.ErrOption))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("open sqlite file: %w", errors.Join(problems...))
	}
	path, err := filepath.Abs(s.File)
	if err != nil {
		return nil, fmt.Errorf("open sqlite file: %w: %w", adapter.ErrUnavailable, err)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open sqlite file: %w: no regular file of that name", adapter.ErrUnavailable)
	}
	a := &Adapter{path: path, foreign: true, write: !s.ReadOnly, timeout: s.Timeout, busy: 5 * time.Second}
	if a.timeout == 0 {
		a.timeout = defaultTimeout
	}
	conns := s.MaxConns
	if conns <= 0 {
		conns = 4
	}
	if err := a.start(ctx, conns); err != nil {
		return nil, err
	}
	return a, nil
}

const defaultTimeout = 30 * time.Second

// start opens the first connection, which proves that the file is a database.
func (a *Adapter) start(ctx context.Context, readers int) error {
	a.life, a.end = context.WithCancel(context.Background())
	a.readers = newPool(readers, a.openReader)
	if err := a.probe(ctx); err != nil {
		_ = a.Close()
		return err
	}
	return nil
}

func (a *Adapter) probe(ctx context.Context) error {
	return a.read(ctx, func(t *tx) error {
		r, err := t.Query(ctx, "SELECT sqlite_version(), (SELECT count(*) FROM sqlite_schema)")
		if err != nil {
			return fmt.Errorf("open sqlite file: %w", err)
		}
		defer r.Close()
		if r.Next() {
			a.version = r.Value(0).Text()
		}
		return r.Err()
	})
}

func (a *Adapter) openReader(ctx context.Context) (*conn, error) {
	return openConn(ctx, connOptions{path: a.path, readOnly: true, foreign: a.foreign, relaxed: a.relaxed, busy: a.busy, vfs: a.vfs})
}

func (a *Adapter) openWriter(ctx context.Context) (*conn, error) {
	return openConn(ctx, connOptions{path: a.path, foreign: a.foreign, relaxed: a.relaxed, busy: a.busy, create: !a.foreign, vfs: a.vfs})
}

// read runs fn on one snapshot.
func (a *Adapter) read(ctx context.Context, fn func(*tx) error) (err error) {
	wait, cancel := a.bounded(ctx)
	c, err := a.acquire(wait, "read")
	cancel()
	if err != nil {
		return err
	}
	defer a.readers.put(c)
	if err := c.do("BEGIN"); err != nil {
		return translate(ctx, "begin reading", err)
	}
	t := &tx{a: a, c: c}
	defer func() {
		t.end()
		if c.do("ROLLBACK") != nil {
			c.broken = true
		}
	}()
	// BEGIN alone takes no snapshot; the first read does.
	if err := c.do("SELECT 1 FROM sqlite_schema LIMIT 1"); err != nil {
		return translate(ctx, "begin reading", err)
	}
	return call(func(adapter.Tx) error { return fn(t) }, t)
}

func unavailable(op string, err error) error {
	if errors.Is(err, errClosed) {
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// Capabilities reports facts about the file.
func (a *Adapter) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "sqlite", Version: a.version, Writes: a.write, Transactor: a.write}
}

// Ping proves that the file can be read.
func (a *Adapter) Ping(ctx context.Context) error {
	return a.read(ctx, func(*tx) error { return nil })
}

// Close waits for writes that have begun, ends every statement and closes the connections; those of rows that are still
// open end when the rows are closed. Closing twice is harmless.
func (a *Adapter) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	w := a.writer
	a.mu.Unlock()
	if w != nil {
		w.close()
	}
	a.end()
	grace, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	_ = a.readers.close(grace) // late rows close their own connections
	if w != nil {
		w.finish(!a.foreign)
	}
	return nil
}

// writing returns the writer, started by the first call.
func (a *Adapter) writing(ctx context.Context, maxBatch int) (*writer, error) {
	if !a.write {
		return nil, fmt.Errorf("write: %w: the connection only reads", adapter.ErrDenied)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, unavailable("write", errClosed)
	}
	if a.writer == nil {
		c, err := a.openWriter(ctx)
		if err != nil {
			return nil, err
		}
		a.writer = newWriter(a, c, maxBatch)
	}
	return a.writer, nil
}

// inWrite runs fn in a write transaction of its own.
func (a *Adapter) inWrite(ctx context.Context, fn func(adapter.Tx) error) error {
	w, err := a.writing(ctx, defaultBatch)
	if err != nil {
		return err
	}
	return w.write(ctx, fn)
}

// Insert adds rows, all or none.
func (a *Adapter) Insert(ctx context.Context, t *lqp.Table, columns []string, rows [][]lqp.Value) error {
	return a.inWrite(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, t, columns, rows) })
}

// Update sets columns of one row.
func (a *Adapter) Update(ctx context.Context, t *lqp.Table, key []lqp.Value, expect, set []lqp.Assignment) (n int64, err error) {
	err = a.inWrite(ctx, func(tx adapter.Tx) error {
		n, err = tx.Update(ctx, t, key, expect, set)
		return err
	})
	return n, err
}

// Delete removes one row.
func (a *Adapter) Delete(ctx context.Context, t *lqp.Table, key []lqp.Value, expect []lqp.Assignment) (n int64, err error) {
	err = a.inWrite(ctx, func(tx adapter.Tx) error {
		n, err = tx.Delete(ctx, t, key, expect)
		return err
	})
	return n, err
}
