package minidb

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/storetest"
)

// TestLease has two processes on one database: one of them holds a lease at a time, where there can be two.
func TestLease(t *testing.T) {
	place := storetest.New(t)
	open := func() *DB {
		db, err := Open(t.Context(), place.Open(t), Options{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
	claim := func(l *Lease) bool {
		mine, err := l.Claim(t.Context())
		require.NoError(t, err)
		require.Equal(t, mine, l.Mine())
		return mine
	}
	one, two := open(), open()
	a, b := one.Lease("work", "ins_a"), two.Lease("work", "ins_b")
	require.Equal(t, one.Shared(), storetest.Driver() == "postgres")
	if !one.Shared() {
		require.True(t, claim(a))
		require.True(t, claim(b), "no other process is expected")
		require.NoError(t, a.Release(t.Context()))
		return
	}
	require.False(t, a.Mine(), "nothing was claimed yet")
	require.True(t, claim(a))
	require.False(t, claim(b))
	require.True(t, claim(two.Lease("other work", "ins_b")))
	require.True(t, claim(one.Lease("work", "ins_a")), "the process was started again")

	// The holder is silent for a while, and beats again before it is too long.
	b.seenAt = b.seenAt.Add(-leaseSilence)
	require.True(t, claim(a))
	require.False(t, claim(b), "the count went on")
	// It is silent for too long.
	b.seenAt = b.seenAt.Add(-leaseSilence)
	require.True(t, claim(b))
	a.beatAt = time.Now().Add(-leaseTrust)
	require.False(t, a.Mine(), "the holder has stopped to believe in it before")
	require.False(t, claim(a))

	// Given back it is free at once; what somebody else has is not given back.
	require.NoError(t, a.Release(t.Context()))
	require.False(t, claim(a))
	require.NoError(t, b.Release(t.Context()))
	require.False(t, b.Mine())
	require.True(t, claim(a))
	require.False(t, claim(b))
}
