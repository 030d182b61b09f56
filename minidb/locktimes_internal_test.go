package minidb

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLockTimesAreBoundedAndNeverTooEarly: with more tables than there is room for, every lock that lasts is still known of.
func TestLockTimesAreBoundedAndNeverTooEarly(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var l lockTimes
	require.False(t, l.any("t", now))
	for i := range maxLockTimes {
		l.note(strconv.Itoa(i), now.Add(time.Duration(1+i%2)*time.Minute), now)
	}
	require.False(t, l.any("t", now))
	l.note("0", now.Add(time.Second), now)
	require.True(t, l.any("0", now.Add(time.Second)), "the later of two locks counts")
	l.note("t", now.Add(time.Minute), now)
	require.Len(t, l.until, maxLockTimes)
	require.True(t, l.any("t", now))
	require.True(t, l.any("any other", now), "there is no room to tell them apart")
	later := now.Add(time.Minute)
	require.False(t, l.any("t", later))
	require.False(t, l.any("0", later))
	require.True(t, l.any("1", later))
	l.note("t", later.Add(time.Minute), later)
	require.Len(t, l.until, maxLockTimes/2+1, "what is over makes room")
	require.True(t, l.any("t", later))
	require.False(t, l.any("any other", later))
}
