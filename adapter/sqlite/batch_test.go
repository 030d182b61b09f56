package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

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
