package sqlite

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// TestCountersAreLinearizable runs increments of a few counters from many goroutines, some of which fail, panic or are
// cancelled. Each increment answers with the value it wrote. Whatever was acknowledged must form one unbroken sequence per
// counter, each value above those acknowledged before its call began, and reads must never go back.
func TestCountersAreLinearizable(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const counters, workers, rounds = 3, 12, 60
	s := openTestStore(t, StoreOptions{Relaxed: true, MaxBatch: 7})
	mustExec(t, s, "CREATE TABLE counter (id INTEGER PRIMARY KEY, v INTEGER NOT NULL)")
	for c := range counters {
		mustExec(t, s, "INSERT INTO counter VALUES (?, 0)", lqp.IntValue(int64(c)))
	}
	var mu sync.Mutex
	highest := make([]int64, counters) // of the acknowledged
	seen := make([]map[int64]bool, counters)
	for c := range seen {
		seen[c] = map[int64]bool{}
	}
	floor := func(c int) int64 { mu.Lock(); defer mu.Unlock(); return highest[c] }

	var wg sync.WaitGroup
	for w := range workers {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for range rounds {
				c := rng.IntN(counters)
				before := floor(c)
				if rng.IntN(4) == 0 {
					if got := readCounter(t, s, c); got < before {
						t.Errorf("counter %d read as %d after %d was acknowledged", c, got, before)
					}
					continue
				}
				got, err := increment(s, c, rng.IntN(8))
				if err != nil {
					continue
				}
				mu.Lock()
				if got <= before || seen[c][got] {
					t.Errorf("counter %d: %d acknowledged after %d, seen before: %v", c, got, before, seen[c][got])
				}
				seen[c][got] = true
				highest[c] = max(highest[c], got)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for c := range counters {
		// Failed increments left nothing: the last value is the count of the acknowledged ones.
		require.Equal(t, int64(len(seen[c])), readCounter(t, s, c), "counter %d", c)
		require.Equal(t, highest[c], int64(len(seen[c])), "counter %d has a gap", c)
	}
}

// increment adds one and answers with the new value. Some plans fail after having written.
func increment(s *Store, c, plan int) (got int64, err error) {
	ctx := context.Background()
	id := lqp.IntValue(int64(c))
	err = s.Write(ctx, func(tx adapter.Tx) error {
		r, err := tx.Query(ctx, "UPDATE counter SET v = v + 1 WHERE id = ? RETURNING v", id)
		if err != nil {
			return err
		}
		defer r.Close()
		if !r.Next() {
			return errors.New("no row")
		}
		got, _ = r.Value(0).Decimal().Int64()
		switch plan {
		case 0:
			return errors.New("planned failure")
		case 1:
			panic("planned panic")
		}
		return r.Err()
	})
	return got, err
}

func readCounter(t *testing.T, s *Store, c int) int64 {
	t.Helper()
	n, err := strconv.ParseInt(queryAll(t, s, "SELECT v FROM counter WHERE id = ?", lqp.IntValue(int64(c)))[0][0], 10, 64)
	require.NoError(t, err)
	return n
}

func TestStoreLeavesNoGoroutines(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			mustExec(t, s, "INSERT INTO n VALUES (1)")
			_ = queryAll(t, s, "SELECT v FROM n")
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())
	goleak.VerifyNone(t, ignore)
}

// TestFailedCommitFailsTheBatch lets the commit of a batch fail: every caller of it must hear so, and nothing be left.
func TestFailedCommitFailsTheBatch(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	ctx := context.Background()
	var wg sync.WaitGroup
	var failed atomic.Int32
	write := func(fn func(adapter.Tx) error) {
		wg.Go(func() {
			if err := s.Write(ctx, fn); err != nil {
				failed.Add(1)
			}
		})
	}
	insert := func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO n VALUES (1)")
		return err
	}
	began, release := make(chan struct{}), make(chan struct{})
	write(func(tx adapter.Tx) error {
		close(began)
		<-release
		s.writer.c.db.CommitHook(func() bool { return false })
		return insert(tx)
	})
	<-began
	for range 5 {
		write(insert)
	}
	time.Sleep(30 * time.Millisecond) // the five are queued
	close(release)
	wg.Wait()
	require.Equal(t, int32(6), failed.Load())
	require.Equal(t, [][]string{{"0"}}, queryAll(t, s, "SELECT count(*) FROM n"))

	err := s.Write(ctx, func(tx adapter.Tx) error { s.writer.c.db.CommitHook(nil); return insert(tx) })
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT count(*) FROM n"))
}

// TestDeferredReferencesFailTheirOwner: a reference left dangling is the mistake of the function that left it, not of the
// others in its batch.
func TestDeferredReferencesFailTheirOwner(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE p (id INTEGER PRIMARY KEY)")
	mustExec(t, s, "CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)")
	ctx := context.Background()
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			err := s.Write(ctx, func(tx adapter.Tx) error {
				if _, err := tx.Exec(ctx, "INSERT INTO c VALUES (?)", lqp.IntValue(int64(i))); err != nil || i%3 == 0 {
					return err
				}
				_, err := tx.Exec(ctx, "INSERT INTO p VALUES (?)", lqp.IntValue(int64(i)))
				return err
			})
			if i%3 == 0 {
				require.ErrorIs(t, err, adapter.ErrConstraint)
			} else {
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, [][]string{{"20"}}, queryAll(t, s, "SELECT count(*) FROM c JOIN p ON p.id = c.p"))
}

func TestInsertOfSeveralRowsIsAllOrNone(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER PRIMARY KEY)")
	cat, err := s.Tables(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error {
		rows := [][]lqp.Value{{lqp.IntValue(1)}, {lqp.IntValue(2)}, {lqp.IntValue(1)}}
		require.ErrorIs(t, tx.Insert(t.Context(), cat.Table("n"), []string{"v"}, rows), adapter.ErrConstraint)
		return tx.Insert(t.Context(), cat.Table("n"), []string{"v"}, rows[1:2])
	}))
	require.Equal(t, [][]string{{"2"}}, queryAll(t, s, "SELECT v FROM n"))
}
