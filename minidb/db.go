package minidb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/adapter"
)

// Options tune a DB. The zero Options are usable.
type Options struct {
	// Clock tells the time of changes, default time.Now. It may step; nothing is ordered by it.
	Clock func() time.Time
	// Logger is told of migrations, default slog.Default.
	Logger *slog.Logger
	// MaxRows bounds the rows that one mutation may name or touch, default 10,000. Imports are not bound by it.
	MaxRows int
	// MaxRevertBytes bounds what taking changes back holds of rows and of their changes, about 64 MiB by default: more is a
	// *LimitError, or the next portion.
	MaxRevertBytes int
	// MaxColumns bounds the columns of a table, default 500.
	MaxColumns int
	// MaxTables bounds the tables of a base, default 1,000.
	MaxTables int
	// MaxBases, MaxProjects, MaxConnections and MaxWorkspaceTables bound what one workspace has, archived tables included:
	// 1,000, 1,000, 200 and 10,000 when not said.
	MaxBases, MaxProjects, MaxConnections, MaxWorkspaceTables int
	// MaxComputed bounds the computed cells of other rows that one change makes compute again, default 100,000. Changes of
	// definitions are not bound by it.
	MaxComputed int
	// MaxSnapshots bounds the workspaces whose snapshots are kept in memory, default 1,000.
	MaxSnapshots int
}

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, limit := range []struct {
		value *int
		def   int
	}{{&o.MaxRows, 10_000}, {&o.MaxRevertBytes, 64 << 20}, {&o.MaxColumns, 500}, {&o.MaxTables, 1_000}, {&o.MaxSnapshots, 1_000}, {&o.MaxComputed, 100_000},
		{&o.MaxBases, 1_000}, {&o.MaxProjects, 1_000}, {&o.MaxConnections, 200}, {&o.MaxWorkspaceTables, 10_000}} {
		if *limit.value <= 0 {
			*limit.value = limit.def
		}
	}
}

// DB is a mini-DB. Its methods may be called from many goroutines at once.
type DB struct {
	store        adapter.Store
	opt          Options
	epoch        string
	log          *changeLog
	snapshots    *snapshotCache
	revisions    *revisions   // nil when this DB alone writes to the database
	asking       atomic.Int64 // reads under way that ask for the revision each for itself
	places       places
	lockTimes    lockTimes // kept when this DB alone writes to the database
	lockQuestion lockQuestion
	wake         wake
	recent       recent
	groups       grouping
	purging      sync.Mutex
	news         *news // nil when nobody is to be told of commits
	running      sync.WaitGroup
}

// Open prepares the mini-DB in a store: it brings the catalogue's tables to the form of this release, forward only, and
// reads the epoch. It fails with ErrNewerDatabase on a database of a later release and with adapter.ErrUnsupported on a
// store whose SQL it does not speak. The store stays the caller's to close, after the DB.
func Open(ctx context.Context, store adapter.Store, opt Options) (*DB, error) {
	if store == nil {
		return nil, errors.New("open mini-DB: no store")
	}
	opt.setDefaults()
	db := &DB{store: store, opt: opt, log: newChangeLog(store), snapshots: newSnapshotCache(opt.MaxSnapshots)}
	db.groups.db = db
	if shared(store) {
		db.revisions = newRevisions(store)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open mini-DB: %w", err)
	}
	if err := db.chainOld(ctx); err != nil {
		return nil, fmt.Errorf("open mini-DB: %w", err)
	}
	if err := db.readEpoch(ctx); err != nil {
		return nil, fmt.Errorf("open mini-DB: read epoch: %w", err)
	}
	if err := db.indexCreated(ctx); err != nil {
		return nil, fmt.Errorf("open mini-DB: %w", err)
	}
	if db.revisions == nil {
		if err := db.readLockTimes(ctx); err != nil {
			return nil, fmt.Errorf("open mini-DB: %w", err)
		}
	}
	db.news = newNews(db)
	return db, nil
}

// readEpoch reads the epoch, which the first opening gives to the database.
func (db *DB) readEpoch(ctx context.Context) error {
	const read = `SELECT value FROM lt_meta WHERE name = 'epoch'`
	value := func(r record) string { return r.text(0) }
	return db.store.Write(ctx, func(tx adapter.Tx) error {
		s := session{ctx, tx}
		epoch, ok, err := one(s, value, read)
		if err != nil {
			return err
		}
		if !ok {
			epoch = NewID("epo")[len("epo_"):]
			if _, err := s.exec(`INSERT INTO lt_meta (name, value) VALUES ('epoch', ?)`, argText(epoch)); err != nil {
				return err
			}
		}
		db.epoch = epoch
		return nil
	})
}

// Close ends the wake-ups that Committed gave out and what the DB does in the background. It does not close the store.
// Closing twice is harmless.
func (db *DB) Close() error {
	if db.news != nil {
		db.news.cancel()
	}
	db.wake.close()
	db.running.Wait()
	return nil
}

// Adapter is the store. Queries on user tables go to it as they are: a Table's Schema names the physical table.
func (db *DB) Adapter() adapter.Store { return db.store }

// Epoch names the history to which positions and offsets belong. It is given to the database when it is created.
func (db *DB) Epoch() string { return db.epoch }

// now is the time as it is stored: UTC in milliseconds.
func (db *DB) now() time.Time { return time.UnixMilli(db.opt.Clock().UnixMilli()).UTC() }

// Readers is how many reads of the database may be open at the same time, which others wait for; 0 is no bound.
func (db *DB) Readers() int { return db.store.Capabilities().Readers }

// read runs fn on a consistent state of the database.
func (db *DB) read(ctx context.Context, op string, fn func(session) error) error {
	if err := db.store.Read(ctx, func(tx adapter.Tx) error { return fn(session{ctx, tx}) }); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
