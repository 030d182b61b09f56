package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

var _ adapter.Store = (*Store)(nil)

// StoreOptions say where a [Store] is and tune it. All but the Settings may be left out.
type StoreOptions struct {
	// Settings name the server, the database and the account, as for [Open]. Schemas, TimeZone and ReadOnly must not be
	// set; MaxConns is how many connections read at the same time at most, default 16, and further readers wait; the
	// writer has one more. Timeout bounds one statement outside of write transactions, default 30 s.
	Settings adapter.Settings
	// Schema is the PostgreSQL schema with the store's tables, made when it is missing: "livetables" by default. Two
	// stores of one database with different schemas do not know of each other.
	Schema string
	// MaxBatch is how many functions given to Write share one commit at most. Default 64: of more savepoints in one
	// transaction the server keeps account in files, which slows down whoever takes a snapshot meanwhile.
	MaxBatch int
	// LockWait bounds how long the writer waits for its turn among all processes that write to the store, and a statement
	// for a lock that others hold. Default 30 s. Writes that waited longer fail with adapter.ErrTemporary.
	LockWait time.Duration
	// Idle ends a write transaction in which nothing was said for that long, so that a process that hangs does not keep
	// all others from writing. Default 60 s.
	Idle time.Duration
	// Settle bounds how long it is tried to find out what became of a commit whose answer was lost. Default 30 s.
	Settle time.Duration
	// Relaxed commits without waiting for the disk: a failure of the server may lose the last commits.
	Relaxed bool
	// Roles says whether every namespace has a database role of its own, see [Store.CreateNamespace].
	Roles Roles
	// Logger hears of commits that had to be settled and of lost connections. Nil is silence.
	Logger *slog.Logger
}

const (
	defaultStoreSchema = "livetables"
	maxSchemaName      = 24 // leaves room for the names of namespaces, which begin with it
	defaultStoreConns  = 16
	defaultBatch       = 64
)

// Store is the schema of a PostgreSQL database that Live Tables owns: an [Adapter] with transactions. Its methods may be
// called from many goroutines, and several Stores, in several processes, may be open on one schema.
type Store struct {
	*Adapter
	opt    StoreOptions
	writer *writer
	roles  bool
}

// OpenStore connects to the store and makes its schema when it is missing. It validates the options and reports everything
// wrong with them at once (adapter.ErrOption). Close ends the store.
func OpenStore(ctx context.Context, opt StoreOptions) (*Store, error) {
	const op = "open store"
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	a, err := openOwned(&opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s := &Store{Adapter: a, opt: opt}
	c, err := s.dialWriter(ctx)
	if err == nil {
		if err = s.prepare(ctx, c); err != nil {
			c.close()
		}
	}
	if err != nil {
		_ = a.Close()
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s.writer = newWriter(s, newInstance(), c)
	return s, nil
}

func (o *StoreOptions) check() error {
	var problems []error
	refuse := func(text string) { problems = append(problems, fmt.Errorf("%w: %s", adapter.ErrOption, text)) }
	if len(o.Settings.Schemas) > 0 || o.Settings.TimeZone != "" || o.Settings.ReadOnly {
		refuse("schemas, time_zone and read_only are not options of a store")
	}
	if o.Schema == "" {
		o.Schema = defaultStoreSchema
	}
	if !plainName(o.Schema) || len(o.Schema) > maxSchemaName || strings.HasPrefix(o.Schema, "pg_") {
		refuse(fmt.Sprintf("schema must be of at most %d small letters, digits and underscores", maxSchemaName))
	}
	if o.Settings.MaxConns == 0 {
		o.Settings.MaxConns = defaultStoreConns
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = defaultBatch
	}
	for _, d := range []struct {
		value   *time.Duration
		initial time.Duration
	}{{&o.LockWait, 30 * time.Second}, {&o.Idle, time.Minute}, {&o.Settle, 30 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.initial
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(problems...)
}

// plainName tells names that mean the same with and without quotes.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '_' && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// openOwned makes the adapter that reads the store.
func openOwned(opt *StoreOptions) (*Adapter, error) {
	a, cfg, err := prepare(opt.Settings)
	if err != nil {
		return nil, err
	}
	a.schemas, a.home, a.owned = []string{opt.Schema}, opt.Schema, true
	a.dialect.Store(&dialect{owned: true})
	// Names without a schema are the store's. What PostgreSQL looks through by itself, its own catalogue, comes first in
	// any case; the temporary tables of a session, which would, come last.
	cfg.ConnConfig.RuntimeParams["search_path"] = quoted(opt.Schema) + ", pg_temp"
	if err := a.start(cfg); err != nil {
		return nil, err
	}
	return a, nil
}

func quoted(name string) string { return string((*dialect)(nil).AppendIdent(nil, name)) }

// newInstance names one opening of a store among all that ever were.
func newInstance() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	return hex.EncodeToString(random[:])
}

// prepare makes what the store itself keeps in its schema.
func (s *Store) prepare(ctx context.Context, w *writerConn) error {
	if !s.dialect.Load().facts.utf8 {
		return fmt.Errorf("%w: the database does not keep its texts in UTF-8", adapter.ErrUnsupported)
	}
	if err := w.do(ctx, beginWrite(s.opt.Schema)); err != nil {
		return translate(ctx, "wait for other writers", err)
	}
	known, err := w.has(ctx, "SELECT 1 FROM pg_namespace WHERE nspname = '"+s.opt.Schema+"'")
	if err != nil {
		return translate(ctx, "look for the schema", err)
	}
	if !known {
		if err := w.do(ctx, "CREATE SCHEMA "+quoted(s.opt.Schema)); err != nil {
			return translate(ctx, "create schema "+s.opt.Schema, err)
		}
	}
	// Where the schema is closed to the account, names without a schema would mean temporary tables.
	open, err := w.has(ctx, "SELECT 1 WHERE has_schema_privilege('"+s.opt.Schema+"', 'USAGE') AND has_schema_privilege('"+s.opt.Schema+"', 'CREATE')")
	if err != nil {
		return translate(ctx, "look for the rights in the schema", err)
	}
	if !open {
		return fmt.Errorf("%w: the account may not use the schema %s or make tables in it", adapter.ErrDenied, s.opt.Schema)
	}
	if err := w.do(ctx, ownTables); err != nil {
		return translate(ctx, "create tables of the store", err)
	}
	if err := s.prepareRoles(ctx, w); err != nil {
		return err
	}
	return translate(ctx, "prepare the store", w.do(ctx, "COMMIT"))
}

// ownTables are what a store needs besides the tables of its user: lt_commit has the number of the last batch of every
// process that writes, see [writer.settle], lt_namespace the namespaces. A process that has not written for a week has no
// commit left whose answer it misses.
const ownTables = `CREATE TABLE IF NOT EXISTS lt_commit (
  instance text COLLATE "C" NOT NULL PRIMARY KEY, batch bigint NOT NULL, at timestamptz NOT NULL) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS lt_namespace (name text COLLATE "C" NOT NULL PRIMARY KEY);
DELETE FROM lt_commit WHERE at < now() - interval '7 days'`

// ownNames are the tables that discovery leaves out.
var ownNames = []string{"lt_commit", "lt_namespace"}

// Tables discovers the tables of the store's schema, without those that the store keeps for itself and without those of
// namespaces.
func (s *Store) Tables(ctx context.Context) (lqp.Catalog, error) {
	cat, err := s.Adapter.Tables(ctx)
	cat.Tables = slices.DeleteFunc(cat.Tables, func(t *lqp.Table) bool { return slices.Contains(ownNames, t.Name) })
	return cat, err
}

// Scan implements [adapter.Adapter], as the role of the namespace that the query reads.
func (s *Store) Scan(ctx context.Context, pushed *lqp.Query) (adapter.Rows, error) {
	role, err := s.roleOf(pushed)
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", sourceName(pushed), err)
	}
	return s.again(ctx, func() (adapter.Rows, error) { return s.scan(ctx, pushed, role) })
}

// Capabilities implements [adapter.Adapter].
func (s *Store) Capabilities() adapter.Capabilities {
	c := s.Adapter.Capabilities()
	c.Writes, c.Transactor, c.Readers = true, true, int(s.pool.Stat().MaxConns())
	return c
}

// Write runs fn in a write transaction and returns once it is durable. Functions of concurrent calls run one after the
// other and share a commit; each is rolled back alone when it fails or panics, and all of them when the commit fails
// (adapter.ErrUnavailable). A call whose ctx ends before fn has begun does nothing. When the answer to the commit was lost
// and could not be learned afterwards, the error is adapter.ErrUncertain and not ErrUnavailable.
func (s *Store) Write(ctx context.Context, fn func(adapter.Tx) error) error {
	return s.writer.write(ctx, fn)
}

// Read runs fn on one consistent snapshot, which includes every Write that has returned. It is taken with the first
// statement.
func (s *Store) Read(ctx context.Context, fn func(adapter.Tx) error) error {
	const op = "read"
	if s.closed.Load() {
		return failure.New(op, adapter.ErrUnavailable, errClosed)
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return translate(ctx, op, err)
	}
	ses := newSession(conn.Conn().PgConn(), s)
	ses.before = append([]waiting{{sql: beginRead}}, ses.before...)
	ses.renew = func(ctx context.Context) (*pgconn.PgConn, error) {
		s.pool.Reset() // as in Scan
		fresh, err := s.pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		conn.Release()
		conn = fresh
		return fresh.Conn().PgConn(), nil
	}
	t := &tx{ses: ses}
	defer func() {
		t.end()
		if !ses.began { // nothing was asked
			conn.Release()
			return
		}
		// The caller need not wait for the server's word that it has let go of the snapshot; Close does.
		go func() {
			end, cancel := context.WithTimeout(context.Background(), endWait)
			defer cancel()
			_ = ses.pg.Exec(end, "ROLLBACK").Close() // the pool throws away a connection that is not idle
			conn.Release()
		}()
	}()
	return call(fn, t)
}

const beginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// endWait is how long the end of a reading transaction may take before its connection is given up.
const endWait = 5 * time.Second

var errClosed = errors.New("store is closed")

// Close waits for writes that have begun, ends every other statement and closes the connections. Closing twice is harmless.
func (s *Store) Close() error {
	s.writer.close()
	return s.Adapter.Close()
}
