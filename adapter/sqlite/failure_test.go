package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// TestFullFileLosesNothingAcknowledged bounds the size of the file so that writes begin to fail, in the middle of batches
// and of functions. What was acknowledged is there, what failed is not, and the store goes on when there is room again.
func TestFullFileLosesNothingAcknowledged(t *testing.T) {
	s := openTestStore(t, StoreOptions{Relaxed: true, MaxBatch: 5})
	mustExec(t, s, "CREATE TABLE n (id INTEGER, part INTEGER, fill TEXT)")
	ctx := context.Background()
	limit := func(pages int) {
		require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
			r, err := tx.Query(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			if err != nil {
				return err
			}
			defer r.Close()
			r.Next()
			return r.Err()
		}))
	}
	limit(60)
	fill := lqp.TextValue(strings.Repeat("x", 1500))
	var mu sync.Mutex
	acked, refused := map[string]bool{}, 0
	var wg sync.WaitGroup
	for i := range 120 {
		wg.Go(func() {
			err := s.Write(ctx, func(tx adapter.Tx) error {
				for part := range 3 {
					if _, err := tx.Exec(ctx, "INSERT INTO n VALUES (?, ?, ?)", lqp.IntValue(int64(i)), lqp.IntValue(int64(part)), fill); err != nil {
						return err
					}
				}
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acked[strconv.Itoa(i)] = true
			} else {
				refused++
				require.ErrorIs(t, err, adapter.ErrUnavailable)
			}
		})
	}
	wg.Wait()
	require.NotZero(t, refused)
	require.NotEmpty(t, acked)
	check := func() {
		t.Helper()
		found := queryAll(t, s, "SELECT id, count(*) FROM n WHERE id < 1000 GROUP BY id")
		require.Len(t, found, len(acked))
		for _, r := range found {
			require.True(t, acked[r[0]], "write %s failed and is there", r[0])
			require.Equal(t, "3", r[1], "write %s is there in part", r[0])
		}
	}
	check()
	limit(1_000_000)
	mustExec(t, s, "INSERT INTO n VALUES (1000, 0, '')")
	check()
	require.Equal(t, [][]string{{`"ok"`}}, queryAll(t, s, "PRAGMA integrity_check"))
}

// TestExhaustedMemoryEndsTheStatementOnly: the driver panics when a connection's memory is used up. The caller gets an
// error, the connection is replaced, and the store goes on.
func TestExhaustedMemoryEndsTheStatementOnly(t *testing.T) {
	s := openTestStore(t, StoreOptions{})
	mustExec(t, s, "CREATE TABLE n (v)")
	const greedy = "SELECT length(hex(zeroblob(200000000)))"
	ctx := t.Context()
	require.Error(t, s.Read(ctx, func(tx adapter.Tx) error {
		r, err := tx.Query(ctx, greedy)
		if err != nil {
			return err
		}
		defer r.Close()
		r.Next()
		return r.Err()
	}))
	require.Error(t, s.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO n "+greedy)
		return err
	}))
	mustExec(t, s, "INSERT INTO n VALUES (1)")
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT count(*) FROM n"))
}
