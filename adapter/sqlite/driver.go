package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
)

// statementsPerConn bounds the prepared statements a connection keeps. The hot paths of a store use a few dozen texts;
// more only costs memory, since preparing takes some ten microseconds.
const statementsPerConn = 96

// conn is one SQLite connection with its prepared statements. It is used by one goroutine at a time.
type conn struct {
	db     *sqlite3.Conn
	cache  map[string]*statement
	clock  uint64
	broken bool // the driver panicked (out of memory): the state is unknown, the connection must not be used again

	facts    facts // about a file of others
	snapshot bool  // a read transaction is open for a statement of its own, see learn
}

// statement is a prepared statement; it goes back to its connection by release.
type statement struct {
	*sqlite3.Stmt
	c      *conn
	used   uint64
	busy   bool
	cached bool
}

// connOptions are the settings of one connection.
type connOptions struct {
	path     string
	readOnly bool // nothing may be written through this connection
	foreign  bool // the file's schema is not ours and not trusted
	relaxed  bool // synchronous=NORMAL
	create   bool
	busy     time.Duration
	vfs      string // that the file is opened through, or empty
}

// openConn opens a connection to the file at an absolute path. The path is never read as a URI: an absolute one cannot
// start with "file:", which the driver would search for pragmas even when URIs are off. Only a VFS cannot be named without.
func openConn(ctx context.Context, o connOptions) (*conn, error) {
	flags := sqlite3.OPEN_READWRITE
	switch {
	case o.readOnly && o.foreign:
		flags = sqlite3.OPEN_READONLY
	case o.create:
		flags |= sqlite3.OPEN_CREATE
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := o.path
	if o.vfs != "" {
		name = (&url.URL{Scheme: "file", Path: o.path, RawQuery: url.Values{"vfs": {o.vfs}}.Encode()}).String()
		flags |= sqlite3.OPEN_URI
	}
	db, err := sqlite3.OpenFlags(name, flags)
	if err != nil {
		return nil, translate(ctx, "open database file", err)
	}
	c := &conn{db: db, cache: make(map[string]*statement)}
	if err := c.setup(o); err != nil {
		c.close()
		return nil, translate(ctx, "open database file", err)
	}
	return c, nil
}

func (c *conn) setup(o connOptions) error {
	if err := c.db.BusyTimeout(o.busy); err != nil {
		return err
	}
	// ATTACH would let a statement reach another file; neither a store nor a foreign file has a use for it.
	c.db.Limit(sqlite3.LIMIT_ATTACHED, 0)
	for _, set := range []struct {
		op sqlite3.DBConfig
		on bool
	}{
		{sqlite3.DBCONFIG_ENABLE_LOAD_EXTENSION, false},
		{sqlite3.DBCONFIG_DEFENSIVE, true},
		{sqlite3.DBCONFIG_TRUSTED_SCHEMA, !o.foreign},
		// A misspelt column must be an error, not a string.
		{sqlite3.DBCONFIG_DQS_DML, false},
		{sqlite3.DBCONFIG_DQS_DDL, false},
		// A plan that depends on the value of a parameter, as that of every LIMIT ? would, is made anew whenever another one is bound.
		{sqlite3.DBCONFIG_ENABLE_QPSG, true},
	} {
		if _, err := c.db.Config(set.op, set.on); err != nil {
			return err
		}
	}
	if err := register(c.db, !o.foreign); err != nil {
		return err
	}
	pragmas := []string{"foreign_keys=ON", "cache_size=-8192"}
	if o.foreign {
		pragmas = append(pragmas, "cell_size_check=ON")
	} else {
		sync := "synchronous=FULL"
		if o.relaxed {
			sync = "synchronous=NORMAL"
		}
		// What was deleted is overwritten: a tenant's rows must not survive their deletion in free pages.
		pragmas = append(pragmas, sync, "secure_delete=ON")
	}
	if o.readOnly {
		pragmas = append(pragmas, "query_only=ON")
	}
	for _, p := range pragmas {
		if err := c.db.Exec("PRAGMA " + p); err != nil {
			return fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return nil
}

// prepare returns the compiled statement of sql, from the cache when it is there and not in use.
func (c *conn) prepare(sql string) (*statement, error) {
	c.clock++
	if s := c.cache[sql]; s != nil && !s.busy {
		s.busy, s.used = true, c.clock
		return s, nil
	}
	stmt, tail, err := c.db.Prepare(sql)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return nil, errors.New("empty statement")
	}
	if strings.Trim(tail, " \t\r\n;") != "" {
		_ = stmt.Close()
		return nil, errors.New("more than one statement")
	}
	s := &statement{Stmt: stmt, c: c, used: c.clock, busy: true}
	if c.cache[sql] == nil && cacheable(sql) {
		if len(c.cache) >= statementsPerConn {
			c.evict()
		}
		s.cached = true
		c.cache[sql] = s
	}
	return s, nil
}

// cacheable tells the statements that come again from definitions and pragmas, which do not.
func cacheable(sql string) bool {
	if len(sql) < 6 {
		return false
	}
	if sql == dataVersion {
		return true
	}
	switch strings.ToUpper(sql[:6]) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT", "RELEAS", "SAVEPO", "BEGIN ":
		return true
	}
	return false
}

func (c *conn) evict() {
	var oldest *statement
	var key string
	for k, s := range c.cache {
		if !s.busy && (oldest == nil || s.used < oldest.used) {
			oldest, key = s, k
		}
	}
	if oldest != nil {
		delete(c.cache, key)
		_ = oldest.Close()
	}
}

// release makes the statement ready for its next use, or ends it.
func (s *statement) release() {
	if !s.busy {
		return
	}
	s.busy = false
	if !s.cached {
		_ = s.Close()
		return
	}
	// The error of Reset repeats the one of the last Step.
	_ = s.Reset()
	_ = s.ClearBindings()
}

// do runs a statement without parameters and without a result, even when the connection is interrupted.
func (c *conn) do(sql string) (err error) {
	defer c.guard(&err)
	old := c.db.SetInterrupt(context.Background())
	defer c.db.SetInterrupt(old)
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.release()
	return s.Exec()
}

// guard turns a panic of the driver, which is how it reports memory exhaustion, into an error.
func (c *conn) guard(err *error) {
	if p := recover(); p != nil {
		c.broken = true
		*err = fmt.Errorf("sqlite driver: %v", p)
	}
}

// close ends the connection and its statements.
func (c *conn) close() {
	defer func() {
		if p := recover(); p != nil {
			c.broken = true
		}
	}()
	c.db.SetInterrupt(context.Background())
	for _, s := range c.cache {
		_ = s.Close()
	}
	c.cache = nil
	_ = c.db.Close()
}

// translate maps the driver's error codes to the adapter's sentinels. op says what was being done to what.
func translate(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{adapter.ErrUnavailable, adapter.ErrDenied, adapter.ErrTimeout, adapter.ErrData,
		adapter.ErrConstraint, adapter.ErrNoTable, adapter.ErrOption, adapter.ErrUnsupported} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return interrupted(ctx, op)
		}
		return fmt.Errorf("%s: %w", op, err)
	}
	switch code {
	case sqlite3.INTERRUPT:
		if ctx.Err() != nil {
			return interrupted(ctx, op)
		}
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrTimeout, err)
	case sqlite3.CONSTRAINT:
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrConstraint, err)
	case sqlite3.SCHEMA: // a prepared statement whose table or column is gone
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrNoTable, err)
	case sqlite3.READONLY, sqlite3.PERM, sqlite3.AUTH:
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrDenied, err)
	case sqlite3.TOOBIG, sqlite3.MISMATCH, sqlite3.RANGE:
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrData, err)
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.CANTOPEN, sqlite3.NOTADB, sqlite3.CORRUPT, sqlite3.IOERR, sqlite3.FULL,
		sqlite3.PROTOCOL, sqlite3.NOMEM:
		return fmt.Errorf("%s: %w: %w", op, adapter.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// interrupted tells the adapter's own reasons to end a statement from the caller's cancellation.
func interrupted(ctx context.Context, op string) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, adapter.ErrTimeout):
		return fmt.Errorf("%s: %w", op, adapter.ErrTimeout)
	case errors.Is(cause, errClosed):
		return unavailable(op, errClosed)
	}
	return fmt.Errorf("%s: %w", op, ctx.Err())
}

// bounded is a context for one statement: it ends with the caller's, after the adapter's timeout, and when the adapter is
// closed. The function must be called when the statement is done.
func (a *Adapter) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a.life, func() { end(errClosed) })
	cancel := context.CancelFunc(func() {})
	if by, ok := ctx.Deadline(); a.timeout > 0 && (!ok || time.Until(by) > a.timeout) {
		ctx, cancel = context.WithTimeoutCause(ctx, a.timeout, adapter.ErrTimeout)
	}
	return ctx, func() {
		stop()
		cancel()
		end(nil)
	}
}

// acquire takes a reading connection; waiting for one counts against the statement's time.
func (a *Adapter) acquire(ctx context.Context, op string) (*conn, error) {
	c, err := a.readers.get(ctx)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, interrupted(ctx, op)
	}
	return nil, unavailable(op, err)
}
