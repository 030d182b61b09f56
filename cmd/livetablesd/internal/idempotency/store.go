package idempotency

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The refusals of [Store.Begin].
var (
	// ErrReused says that the key was used for another request.
	ErrReused = errors.New("the key was used for another request")
	// ErrRunning says that the first request with the key has not ended yet, however long the repeat waited.
	ErrRunning = errors.New("the first request with the key is still running")
	// ErrUnknown says that the first request began and that nobody knows how it ended.
	ErrUnknown = errors.New("it is not known how the first request with the key ended")
	// ErrFull says that the account has used as many keys as are remembered for one.
	ErrFull = errors.New("too many keys")
)

// Sealer encrypts answers, which may hold rows, at once: livetables.Box does.
type Sealer interface {
	Seal(plaintext, aad []byte) ([]byte, error)
	Open(sealed, aad []byte) ([]byte, error)
}

// Options configure a [Store]. A zero field has the default named with it.
type Options struct {
	// Sealer is required: without one no answer could be kept.
	Sealer Sealer
	// Sole says that no other process uses the database: what was running when it is opened runs no more.
	Sole bool
	// Owner names this process among those that use the database, and the ones that were in its place before and have ended:
	// what was running under the name runs no more. Empty for a random name.
	Owner string
	// Life is how long a key is remembered, default 25 h: a day, and what a clock may be off.
	Life time.Duration
	// Lease is how long a write counts as running after its process has last said so, default 30 s.
	Lease time.Duration
	// Wait is how long a repeat waits for the first request, default 30 s.
	Wait time.Duration
	// MaxBody is the largest answer that is kept, in bytes, default 256 KiB; of a larger one the status and headers are.
	MaxBody int
	// MaxBytes bounds the answers of one account, with all its tokens, that a process keeps in one Life, default 64 MiB, and
	// MaxKeys its keys, default 100,000. MaxTotal bounds the answers of all accounts, default 1 GiB.
	MaxBytes, MaxKeys, MaxTotal int
	Clock                       func() time.Time // default time.Now
	Logger                      *slog.Logger     // default slog.Default
}

// Store remembers keys in a database. Make one with [Open] and let [Store.Run] look after it; it is safe for use by many
// goroutines. It does not close the database.
type Store struct {
	db    adapter.Store
	opt   Options
	owner string // of the leases of this process

	mu sync.Mutex
	// late are the ends of requests that could not be noted yet, by the ids of their keys.
	late  map[string]ending
	used  map[string]*usage // by account, since
	total int               // bytes of all
	since time.Time
}

// usage is what an account has had kept.
type usage struct{ keys, bytes int }

// Open makes the table where it is missing.
func Open(ctx context.Context, db adapter.Store, opt Options) (*Store, error) {
	if db == nil || opt.Sealer == nil {
		return nil, errors.New("idempotency: a store and a sealer are needed")
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&opt.Life, 25*time.Hour)
	def(&opt.Lease, 30*time.Second)
	def(&opt.Wait, 30*time.Second)
	if opt.MaxBody <= 0 {
		opt.MaxBody = 256 << 10
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 64 << 20
	}
	if opt.MaxKeys <= 0 {
		opt.MaxKeys = 100_000
	}
	if opt.MaxTotal <= 0 {
		opt.MaxTotal = 1 << 30
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.Default()
	}
	s := &Store{db: db, opt: opt, owner: cmp.Or(opt.Owner, rand.Text()), late: map[string]ending{}, used: map[string]*usage{}, since: opt.Clock()}
	err := db.Write(ctx, func(tx adapter.Tx) error {
		for _, sql := range schema {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		sql := `UPDATE http_idempotency SET state = 'unknown' WHERE state = 'running'`
		var args []lqp.Value
		if !opt.Sole {
			sql, args = sql+` AND owner = ?`, []lqp.Value{lqp.TextValue(s.owner)}
		}
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("idempotency: make table: %w", err)
	}
	return s, nil
}

// schema is the one table. Times are milliseconds since 1970 in UTC. id is a hash of the principal and the key; digest, a hash of
// the request, and answer are sealed; entered names the workspaces that the request came into.
var schema = []string{`
CREATE TABLE IF NOT EXISTS http_idempotency (
	id         TEXT PRIMARY KEY NOT NULL,
	digest     TEXT NOT NULL,
	state      TEXT NOT NULL,
	owner      TEXT NOT NULL,
	lease      BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	entered    TEXT NOT NULL,
	answer     TEXT NOT NULL
)`, `CREATE INDEX IF NOT EXISTS http_idempotency_expiry ON http_idempotency (expires_at)`,
	`CREATE INDEX IF NOT EXISTS http_idempotency_owner ON http_idempotency (owner, state)`}

// The states of a key.
const (
	running = "running"
	done    = "done"
	unknown = "unknown"
)

// Run renews the leases of this process and deletes expired keys until ctx ends.
func (s *Store) Run(ctx context.Context) {
	renew := time.NewTicker(s.opt.Lease / 4)
	defer renew.Stop()
	sweep := time.NewTicker(max(time.Second, s.opt.Life/100))
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-renew.C:
			err = s.renew(ctx)
		case <-sweep.C:
			_, err = s.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.opt.Logger.WarnContext(ctx, "idempotency keys are not looked after", "error", err)
		}
	}
}

// maxLate is how many ends are kept in mind while the database cannot be written to. Of more, the keys end as unknown with
// this process.
const maxLate = 10_000

// ending is a statement that notes how a request ended.
type ending struct {
	sql  string
	args []lqp.Value
}

// noteLate notes the ends that could not be noted before: without that a key would be running for as long as this process is.
func (s *Store) noteLate(ctx context.Context) error {
	s.mu.Lock()
	late := maps.Clone(s.late)
	s.mu.Unlock()
	for id, e := range late {
		err := s.db.Write(ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(ctx, e.sql, e.args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("note how requests ended: %w", err)
		}
		s.mu.Lock()
		delete(s.late, id)
		s.mu.Unlock()
	}
	return nil
}

// renew says that what this process runs is still running.
func (s *Store) renew(ctx context.Context) error {
	if err := s.noteLate(ctx); err != nil {
		return err
	}
	n := 0
	err := s.db.Read(ctx, func(tx adapter.Tx) error {
		var err error
		n, err = count(ctx, tx, `SELECT count(*) FROM http_idempotency WHERE owner = ? AND state = 'running'`, lqp.TextValue(s.owner))
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE http_idempotency SET lease = ? WHERE owner = ? AND state = 'running'`,
			timeValue(s.opt.Clock().Add(s.opt.Lease)), lqp.TextValue(s.owner))
		return err
	})
}

// sweepPiece is how many expired keys one transaction deletes.
const sweepPiece = 500

// Sweep deletes the keys that have expired and says how many those were.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	now, total := s.opt.Clock(), int64(0)
	for {
		var n int64
		err := s.db.Write(ctx, func(tx adapter.Tx) error {
			var err error
			n, err = tx.Exec(ctx, `DELETE FROM http_idempotency WHERE id IN (SELECT id FROM http_idempotency WHERE expires_at <= ? LIMIT ?)`,
				timeValue(now), lqp.IntValue(sweepPiece))
			return err
		})
		if err != nil {
			return total, fmt.Errorf("delete expired idempotency keys: %w", err)
		}
		if total += n; n < sweepPiece {
			return total, nil
		}
	}
}

// Forget deletes the keys whose requests came into a workspace, with their answers: the workspace is gone, and so is what a
// repeat could do there.
func (s *Store) Forget(ctx context.Context, workspace string) error {
	if workspace == "" || strings.ContainsAny(workspace, `"\\%`) {
		return errors.New("idempotency: forget: no id of a workspace")
	}
	err := s.db.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM http_idempotency WHERE entered LIKE ?`, lqp.TextValue(`%"`+workspace+`"%`))
		return err
	})
	if err != nil {
		return fmt.Errorf("idempotency: forget workspace: %w", err)
	}
	return nil
}

// usageOf is what an account has had kept. The caller holds the lock.
func (s *Store) usageOf(account string) *usage {
	if now := s.opt.Clock(); now.Sub(s.since) > s.opt.Life {
		s.used, s.total, s.since = map[string]*usage{}, 0, now
	}
	u := s.used[account]
	if u == nil {
		u = &usage{}
		s.used[account] = u
	}
	return u
}

// room counts a new key of an account, or says that there are too many.
func (s *Store) room(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usageOf(account)
	if u.keys >= s.opt.MaxKeys {
		return false
	}
	u.keys++
	return true
}

// spend counts the bytes of an answer, or says that there are too many.
func (s *Store) spend(account string, bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.usageOf(account)
	if bytes > s.opt.MaxBody || u.bytes+bytes > s.opt.MaxBytes || s.total+bytes > s.opt.MaxTotal {
		return false
	}
	u.bytes += bytes
	s.total += bytes
	return true
}

func count(ctx context.Context, tx adapter.Tx, sql string, args ...lqp.Value) (int, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	n := int64(0)
	for rows.Next() {
		n, _ = rows.Value(0).Decimal().Int64()
	}
	return int(n), rows.Err()
}

func timeValue(t time.Time) lqp.Value { return lqp.IntValue(t.UnixMilli()) }
