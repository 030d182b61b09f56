package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// deferStore is a store with a table "n" and one in a namespace, in which rows 1 to 3 are.
func deferStore(t *testing.T) (s *Store, plain, spaced *lqp.Table) {
	t.Helper()
	s = openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL PRIMARY KEY, name text)")
	spaced = makeNamespace(t, s, "space")
	mustExec(t, s, "INSERT INTO n VALUES (1, 'one'), (2, 'two'), (3, 'three')")
	return s, s.mustTable(t, "n"), spaced
}

func row(v int64) [][]lqp.Value { return [][]lqp.Value{{lqp.IntValue(v)}} }

func TestDeferredStatementsAreDoneInOrder(t *testing.T) {
	s, plain, spaced := deferStore(t)
	ctx := context.Background()
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		err := adapter.Deferred(tx, func() error {
			n, err := tx.Exec(ctx, "DELETE FROM n WHERE v = ?", lqp.IntValue(3))
			require.NoError(t, err)
			require.Zero(t, n, "nobody has counted yet")
			require.NoError(t, tx.Insert(ctx, spaced, []string{"v"}, row(7)), "as another role")
			require.NoError(t, tx.Insert(ctx, plain, []string{"v"}, row(3)), "the old row is gone")
			n, err = tx.Update(ctx, plain, []lqp.Value{lqp.IntValue(1)}, nil, []lqp.Assignment{{Column: "name", Value: lqp.TextValue("uno")}})
			require.EqualValues(t, 1, n)
			return err
		})
		require.NoError(t, err)
		n, err := drain(tx.Query(ctx, "SELECT count(*) FROM n WHERE name IN ('uno', 'two')"))
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "what follows sees them")
		return adapter.Deferred(tx, func() error { return tx.Insert(ctx, plain, []string{"v"}, row(4)) })
	}))
	require.Equal(t, [][]string{{"1", `"uno"`}, {"2", `"two"`}, {"3", "null"}, {"4", "null"}}, queryAll(t, s, "SELECT v, name FROM n ORDER BY v"))
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT count(*) FROM "+quoted(s.NamespacePath("space")[0])+".n"))

	// More than may wait at a time.
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		return adapter.Deferred(tx, func() error {
			for v := int64(10); v < 20; v++ {
				if _, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, ?)", lqp.IntValue(v), lqp.TextValue(strings.Repeat("x", maxWaiting/3))); err != nil {
					return err
				}
			}
			return nil
		})
	}))
	require.Equal(t, [][]string{{"10"}}, queryAll(t, s, "SELECT count(*) FROM n WHERE v >= 10"))
}

// TestDeferredFailures lets a function fail by what it has deferred, alone and in the middle of a batch: it fails, with an
// error that names what failed, and nobody else does.
func TestDeferredFailures(t *testing.T) {
	s, plain, spaced := deferStore(t)
	ctx := context.Background()
	missing := []lqp.Value{lqp.IntValue(99)}
	later := func(do func(tx adapter.Tx) error) func(tx adapter.Tx) error {
		return func(tx adapter.Tx) error { return adapter.Deferred(tx, func() error { return do(tx) }) }
	}
	mine := errors.New("mine")
	for name, c := range map[string]struct {
		fn   func(tx adapter.Tx) error
		want error
		text string
	}{
		"constraint": {later(func(tx adapter.Tx) error { return tx.Insert(ctx, plain, []string{"v"}, row(1)) }), adapter.ErrConstraint, "insert into n"},
		"no row to update": {later(func(tx adapter.Tx) error {
			_, err := tx.Update(ctx, plain, missing, nil, []lqp.Assignment{{Column: "name", Value: lqp.TextValue("x")}})
			return err
		}), adapter.ErrConstraint, "update n"},
		"no row to delete": {later(func(tx adapter.Tx) error { _, err := tx.Delete(ctx, plain, missing, nil); return err }), adapter.ErrConstraint, "delete from n"},
		"found by the next statement": {func(tx adapter.Tx) error {
			if err := later(func(tx adapter.Tx) error { return tx.Insert(ctx, plain, []string{"v"}, row(1)) })(tx); err != nil {
				return err
			}
			_, err := drain(tx.Query(ctx, "SELECT count(*) FROM n"))
			return err
		}, adapter.ErrConstraint, "insert into n"},
		"ignored": {func(tx adapter.Tx) error {
			_ = later(func(tx adapter.Tx) error { _, err := tx.Delete(ctx, plain, missing, nil); return err })(tx)
			_, _ = drain(tx.Query(ctx, "SELECT count(*) FROM n"))
			return nil
		}, adapter.ErrConstraint, "delete from n"},
		"its own error": {func(tx adapter.Tx) error {
			err := later(func(tx adapter.Tx) error { return tx.Insert(ctx, spaced, []string{"v"}, row(50)) })(tx)
			return errors.Join(err, mine)
		}, mine, "mine"},
		"an argument": {later(func(tx adapter.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, 'x')", lqp.TextValue("no number"))
			return err
		}), adapter.ErrData, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := queryAll(t, s, "SELECT count(*), max(v) FROM n")
			err := s.Write(ctx, c.fn)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, before, queryAll(t, s, "SELECT count(*), max(v) FROM n"))

			inBatch(t, s, c.fn, c.want)
			require.Equal(t, [][]string{{"2"}}, queryAll(t, s, "SELECT count(*) FROM n WHERE v >= 200"), "the others of the batch")
			mustExec(t, s, "DELETE FROM n WHERE v >= 200")
			require.Equal(t, before, queryAll(t, s, "SELECT count(*), max(v) FROM n"))
			require.Equal(t, [][]string{{"0"}}, queryAll(t, s, "SELECT count(*) FROM "+quoted(s.NamespacePath("space")[0])+".n"))
		})
	}
}

// inBatch runs the function between two that defer an insert, all in one batch.
func inBatch(t *testing.T, s *Store, fn func(adapter.Tx) error, want error) {
	t.Helper()
	ctx := context.Background()
	began, release := make(chan struct{}), make(chan struct{})
	insert := func(v int64) func(adapter.Tx) error {
		return func(tx adapter.Tx) error {
			return adapter.Deferred(tx, func() error {
				_, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, 'other')", lqp.IntValue(v))
				return err
			})
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error { close(began); <-release; return insert(200)(tx) }))
	})
	<-began
	commits := s.writer.commits.Load()
	wg.Go(func() { require.ErrorIs(t, s.Write(ctx, fn), want) })
	time.Sleep(2 * time.Millisecond) // it is before the next in the queue, as a rule
	wg.Go(func() { require.NoError(t, s.Write(ctx, insert(201))) })
	time.Sleep(5 * time.Millisecond)
	close(release)
	wg.Wait()
	require.LessOrEqual(t, s.writer.commits.Load()-commits, int64(3))
}
