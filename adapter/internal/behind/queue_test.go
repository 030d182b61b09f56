package behind_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/adapter/internal/behind"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errWork = errors.New("no more")

func TestQueueKeepsTheOrder(t *testing.T) {
	var q behind.Queue
	require.False(t, q.Busy())
	require.NoError(t, q.Wait(), "of nothing")
	for range 2 { // it is used again after Wait
		var got []int // of the other goroutine until Wait
		var done atomic.Int32
		for i := range 100 {
			require.True(t, q.Add(func() error { got = append(got, i); return nil }, func() { done.Add(1) }))
			require.True(t, q.Busy())
		}
		require.True(t, q.Add(func() error { return nil }, nil))
		require.NoError(t, q.Wait())
		require.False(t, q.Busy())
		require.Len(t, got, 100)
		require.IsIncreasing(t, got)
		require.EqualValues(t, 100, done.Load())
	}
}

// TestQueueWaitsForRoom: whoever adds is a few pieces ahead and no more.
func TestQueueWaitsForRoom(t *testing.T) {
	var q behind.Queue
	begun, begin := make(chan struct{}), make(chan struct{})
	var added atomic.Int32
	require.True(t, q.Add(func() error { close(begun); <-begin; return nil }, nil))
	<-begun
	go func() {
		for added.Load() < 50 {
			q.Add(func() error { return nil }, nil)
			added.Add(1)
		}
		begin <- struct{}{}
	}()
	time.Sleep(20 * time.Millisecond)
	require.LessOrEqual(t, added.Load(), int32(3))
	begin <- struct{}{}
	<-begin
	require.NoError(t, q.Wait())
	require.EqualValues(t, 50, added.Load())
}

// TestQueueStops: after a failure nothing more is done, and everybody is told that what they gave is not looked at any more.
func TestQueueStops(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func() error
		want  string
	}{
		{"an error", func() error { return errWork }, errWork.Error()},
		{"a panic", func() error { panic("oops") }, "oops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var q behind.Queue
			var ran, taken, done atomic.Int32
			add := func(do func() error) bool {
				ok := q.Add(do, func() { done.Add(1) })
				if ok {
					taken.Add(1)
				}
				return ok
			}
			require.True(t, add(c.fails))
			require.Eventually(t, func() bool { return !add(func() error { ran.Add(1); return nil }) }, 5*time.Second, time.Millisecond)
			require.ErrorContains(t, q.Wait(), c.want)
			require.Zero(t, ran.Load())
			require.Equal(t, taken.Load(), done.Load())
			require.True(t, q.Add(func() error { return nil }, nil), "the queue is as new")
			require.NoError(t, q.Wait())
		})
	}
}

func TestQueueIsAbandoned(t *testing.T) {
	var q behind.Queue
	require.NoError(t, q.Abandon(), "of nothing")
	begun, end := make(chan struct{}), make(chan struct{})
	var ran, done atomic.Int32
	require.True(t, q.Add(func() error { close(begun); <-end; return nil }, func() { done.Add(1) }))
	<-begun
	for range 2 {
		require.True(t, q.Add(func() error { ran.Add(1); return nil }, func() { done.Add(1) }))
	}
	go func() {
		for done.Load() < 2 { // those that had not begun are given back while the first is being done
			time.Sleep(time.Millisecond)
		}
		close(end)
	}()
	require.NoError(t, q.Abandon())
	require.Zero(t, ran.Load())
	require.EqualValues(t, 3, done.Load())
}
