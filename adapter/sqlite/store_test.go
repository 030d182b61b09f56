package sqlite

import (
	"context"
	"errors"
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

func TestWriteIsReadBack(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE note (id TEXT PRIMARY KEY, n INTEGER, f REAL, t TEXT, b BLOB)")
	mustExec(t, s, "INSERT INTO note VALUES (?, ?, ?, ?, ?)", lqp.TextValue("a"), lqp.IntValue(7), lqp.FloatValue(1.5),
		lqp.TextValue("q\"uote é\n"), lqp.BytesValue([]byte{0, 1}))
	mustExec(t, s, "INSERT INTO note VALUES (?, ?, ?, ?, ?)", lqp.TextValue("b"), lqp.NullValue, lqp.NullValue, lqp.NullValue, lqp.NullValue)
	got := queryAll(t, s, "SELECT id, n, f, t FROM note ORDER BY id")
	require.Equal(t, [][]string{{`"a"`, "7", "1.5", `"q\"uote é\n"`}, {`"b"`, "null", "null", "null"}}, got)
}

func TestExecCountsRows(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	ctx := t.Context()
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		for _, step := range []struct {
			sql  string
			want int64
		}{
			{"CREATE TABLE n (v INTEGER)", 0},
			{"INSERT INTO n VALUES (1), (2), (3)", 3},
			{"CREATE INDEX n_v ON n (v)", 0},
			{"UPDATE n SET v = v + 1 WHERE v > 1", 2},
			{"UPDATE n SET v = 0 WHERE v > 100", 0},
			{"DELETE FROM n", 3},
		} {
			got, err := tx.Exec(ctx, step.sql)
			if err != nil {
				return err
			}
			require.Equal(t, step.want, got, step.sql)
		}
		return nil
	}))
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

func TestReadTransactionRefusesWrites(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	ctx := t.Context()
	require.NoError(t, s.Read(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO n VALUES (1)")
		require.ErrorIs(t, err, adapter.ErrDenied)
		_, err = tx.Query(ctx, "INSERT INTO n VALUES (1) RETURNING v")
		require.ErrorIs(t, err, adapter.ErrDenied)
		return nil
	}))
}

func TestFailureRollsBackItselfOnly(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	mine := errors.New("mine")
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			err := s.Write(context.Background(), func(tx adapter.Tx) error {
				if _, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (?)", lqp.IntValue(int64(i))); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return mine
				case 2:
					panic("boom")
				}
				return nil
			})
			switch i % 3 {
			case 0:
				require.NoError(t, err)
			case 1:
				require.Equal(t, mine, err, "the error of the function comes back as it is")
			case 2:
				require.ErrorContains(t, err, "boom")
			}
		})
	}
	wg.Wait()
	require.Equal(t, [][]string{{"20", "0"}}, queryAll(t, s, "SELECT count(*), sum(v % 3) FROM n"))
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
	require.Eventually(t, func() bool { return queued.Load() == n }, time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	before := s.commits.Load()
	close(release)
	wg.Wait()
	require.Equal(t, [][]string{{strconv.Itoa(n + 1)}}, queryAll(t, s, "SELECT count(*) FROM n"))
	require.Less(t, s.commits.Load()-before, int64(n/2), "commits were not shared")
}

func TestWithdrawnWriteDoesNothing(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	release, began := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		require.NoError(t, s.Write(context.Background(), func(adapter.Tx) error { close(began); <-release; return nil }))
	})
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := s.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (1)")
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(release)
	wg.Wait()
	require.Equal(t, [][]string{{"0"}}, queryAll(t, s, "SELECT count(*) FROM n"))
}

func TestReadIsOneSnapshot(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	ctx := t.Context()
	require.NoError(t, s.Read(ctx, func(tx adapter.Tx) error {
		mustExec(t, s, "INSERT INTO n VALUES (1)")
		r, err := tx.Query(ctx, "SELECT count(*) FROM n")
		require.NoError(t, err)
		require.True(t, r.Next())
		require.Equal(t, "0", r.Value(0).String())
		return r.Close()
	}))
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT count(*) FROM n"))
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

func TestClosedStore(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Write(t.Context(), func(adapter.Tx) error { return nil }), adapter.ErrUnavailable)
	require.ErrorIs(t, s.Read(t.Context(), func(adapter.Tx) error { return nil }), adapter.ErrUnavailable)
}

func TestTransactionEndsWithItsFunction(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v INTEGER)")
	mustExec(t, s, "INSERT INTO n VALUES (1), (2)")
	var kept adapter.Tx
	var keptRows adapter.Rows
	require.NoError(t, s.Read(t.Context(), func(tx adapter.Tx) error {
		kept = tx
		r, err := tx.Query(t.Context(), "SELECT v FROM n")
		require.NoError(t, err)
		require.True(t, r.Next())
		keptRows = r
		return nil
	}))
	_, err := kept.Query(t.Context(), "SELECT 1")
	require.Error(t, err)
	require.False(t, keptRows.Next())
	require.True(t, keptRows.Value(0).IsNull())
	require.NoError(t, keptRows.Close())
}
