package sqlite

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

func openTestStore(t testing.TB, opts StoreOptions) *Store {
	t.Helper()
	s, err := OpenStore(t.Context(), filepath.Join(t.TempDir(), "store.db"), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func mustExec(t testing.TB, s *Store, sql string, args ...lqp.Value) {
	t.Helper()
	require.NoError(t, s.Write(context.Background(), func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	}))
}

// queryAll reads the result of a statement as text, row by row.
func queryAll(t testing.TB, s *Store, sql string, args ...lqp.Value) [][]string {
	t.Helper()
	var out [][]string
	require.NoError(t, s.Read(context.Background(), func(tx adapter.Tx) error {
		r, err := tx.Query(context.Background(), sql, args...)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			n := len(r.(*rows).columns)
			line := make([]string, n)
			for i := range n {
				line[i] = string(r.AppendJSON(nil, i))
			}
			out = append(out, line)
		}
		return r.Err()
	}))
	return out
}

func TestStatementErrors(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER UNIQUE)")
	mustExec(t, s, "INSERT INTO n VALUES (1)")
	for name, c := range map[string]struct {
		sql  string
		args []lqp.Value
		want error
	}{
		"unique":        {"INSERT INTO n VALUES (1)", nil, adapter.ErrConstraint},
		"overflow":      {"INSERT INTO n SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1)", nil, adapter.ErrData},
		"attach":        {"ATTACH DATABASE ? AS other", []lqp.Value{lqp.TextValue(filepath.Join(t.TempDir(), "x.db"))}, nil},
		"two":           {"DELETE FROM n; DELETE FROM n", nil, nil},
		"empty":         {"  ", nil, nil},
		"parameters":    {"DELETE FROM n WHERE v = ?", nil, nil},
		"quoted string": {`DELETE FROM n WHERE v = "text"`, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Write(t.Context(), func(tx adapter.Tx) error {
				_, err := tx.Exec(t.Context(), c.sql, c.args...)
				return err
			})
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
		})
	}
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT v FROM n"))
}

func TestFunctionThatEndsTheTransactionFails(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	err := s.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), "ROLLBACK")
		return err
	})
	require.Error(t, err)
	mustExec(t, s, "INSERT INTO n VALUES (1)")
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT v FROM n"))
}

func TestConcurrentWritersShareCommits(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	// The first function holds the writer until all others are queued: they must then end in few commits.
	const n = 50
	release := make(chan struct{})
	var queued atomic.Int32
	var wg sync.WaitGroup
	insert := func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (1)")
		return err
	}
	wg.Go(func() {
		require.NoError(t, s.Write(context.Background(), func(tx adapter.Tx) error { <-release; return insert(tx) }))
	})
	time.Sleep(20 * time.Millisecond)
	for range n {
		wg.Go(func() {
			queued.Add(1)
			require.NoError(t, s.Write(context.Background(), insert))
		})
	}
	require.Eventually(t, func() bool { return queued.Load() == n }, 10*time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	before := s.commits.Load()
	close(release)
	wg.Wait()
	require.Equal(t, [][]string{{strconv.Itoa(n + 1)}}, queryAll(t, s, "SELECT count(*) FROM n"))
	require.Less(t, s.commits.Load()-before, int64(n/2), "commits were not shared")
}

func TestCancelledStatementSparesTheBatch(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO n VALUES (1)")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		r, err := tx.Query(ctx, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")
		require.NoError(t, err)
		require.False(t, r.Next())
		require.ErrorIs(t, r.Err(), context.DeadlineExceeded)
		return nil
	}))
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT v FROM n"))
}

func TestTimeoutEndsAStatement(t *testing.T) {
	s := openTestStore(t, StoreOptions{Timeout: 20 * time.Millisecond})
	err := s.Read(t.Context(), func(tx adapter.Tx) error {
		r, err := tx.Query(t.Context(), "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")
		if err != nil {
			return err
		}
		defer r.Close()
		r.Next()
		return r.Err()
	})
	require.ErrorIs(t, err, adapter.ErrTimeout)
}
