package supervise

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShare(2, 3)
		require.NoError(t, s.take(t.Context()))
		require.NoError(t, s.take(t.Context()))

		// In the order in which they came.
		var order []int
		for n := range 3 {
			go func() {
				if s.take(t.Context()) == nil {
					order = append(order, n)
				}
			}()
			synctest.Wait()
		}
		used, waiting := s.counts()
		require.Equal(t, []int{2, 3}, []int{used, waiting})
		require.ErrorIs(t, s.take(t.Context()), ErrBusy, "the queue is full")
		for range 3 {
			s.give()
			synctest.Wait()
		}
		require.Equal(t, []int{0, 1, 2}, order)

		// Until the caller's time is up, or it leaves.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, s.take(ctx), ErrBusy)
		require.Equal(t, time.Second, time.Since(began))
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, s.take(ctx), context.Canceled)
		require.ErrorIs(t, s.take(ctx), context.Canceled, "also when nobody would have to wait")
		s.give()
		s.give()
		used, waiting = s.counts()
		require.Equal(t, []int{0, 0}, []int{used, waiting})
	})
	var none *Share
	require.NoError(t, none.take(t.Context()))
	none.give()
}

// TestShareUnderLoad: never more than may, and no turn gets lost however callers leave.
func TestShareUnderLoad(t *testing.T) {
	const size = 3
	s := NewShare(size, 1000)
	var running, most atomic.Int64
	var wg sync.WaitGroup
	for n := range 64 {
		r := rand.New(rand.NewPCG(11, uint64(n)))
		wg.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(300))*time.Microsecond)
				if s.take(ctx) == nil {
					now := running.Add(1)
					for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
					}
					time.Sleep(time.Duration(r.IntN(50)) * time.Microsecond)
					running.Add(-1)
					s.give()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, size, most.Load())
	used, waiting := s.counts()
	require.Equal(t, []int{0, 0}, []int{used, waiting})
}
