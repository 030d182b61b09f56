package limit

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShares(t *testing.T) {
	var s Shares
	account, workspace := Share{Name: "account", Key: "a", Size: 2}, Share{Name: "workspace", Key: "w", Size: 1}
	release, full, err := s.Acquire(t.Context(), 0, account, workspace)
	require.NoError(t, err)
	require.Empty(t, full)
	_, full, err = s.Acquire(t.Context(), 0, account, workspace)
	require.NoError(t, err)
	require.Equal(t, "workspace", full)
	_, full, _ = s.Acquire(t.Context(), 10*time.Millisecond, account, workspace)
	require.Equal(t, "workspace", full, "after the wait")
	other, full, err := s.Acquire(t.Context(), 0, account, Share{Name: "workspace", Key: "other", Size: 1})
	require.NoError(t, err)
	require.Empty(t, full, "a refused one keeps nothing")
	_, full, _ = s.Acquire(t.Context(), 0, account)
	require.Equal(t, "account", full)
	require.Equal(t, map[string]Load{"account": {Running: 2}, "workspace": {Running: 2}}, s.Loads())
	release()
	other()
	require.Empty(t, s.Loads())
	require.Empty(t, s.places)
	release, full, err = s.Acquire(t.Context(), 0, Share{Name: "free", Key: "", Size: 0})
	require.NoError(t, err)
	require.Empty(t, full)
	release()
}

// TestSharesQueue: waiting is in the order of coming, as many wait as may run, and whoever leaves makes room.
func TestSharesQueue(t *testing.T) {
	var s Shares
	one := Share{Name: "n", Key: "k", Size: 1}
	release, _, err := s.Acquire(t.Context(), 0, one)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, _, err := s.Acquire(ctx, time.Minute, one)
		left <- err
	}()
	require.Eventually(t, func() bool { return s.Loads()["n"].Waiting == 1 }, 5*time.Second, time.Millisecond)
	_, full, _ := s.Acquire(t.Context(), time.Minute, one)
	require.Equal(t, "n", full, "one waits already")
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	next := make(chan func(), 1)
	go func() {
		r, _, _ := s.Acquire(context.Background(), time.Minute, one)
		next <- r
	}()
	require.Eventually(t, func() bool { return s.Loads()["n"].Waiting == 1 }, 5*time.Second, time.Millisecond)
	release()
	(<-next)()
	require.Empty(t, s.places)
}

// TestSharesNeverExceed runs many goroutines through one share, some of which lose patience.
func TestSharesNeverExceed(t *testing.T) {
	var s Shares
	var running, most, done atomic.Int64
	var work sync.WaitGroup
	for i := range 40 {
		work.Go(func() {
			for range 50 {
				release, full, err := s.Acquire(context.Background(), time.Duration(i%4)*time.Millisecond, Share{Name: "n", Key: "k", Size: 5})
				if full != "" || err != nil {
					continue
				}
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				time.Sleep(100 * time.Microsecond)
				running.Add(-1)
				done.Add(1)
				release()
			}
		})
	}
	work.Wait()
	require.LessOrEqual(t, most.Load(), int64(5))
	require.Positive(t, done.Load())
	require.Empty(t, s.places)
}
