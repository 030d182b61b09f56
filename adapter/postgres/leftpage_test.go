package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPageGivesItsConnectionBack reads pages as the engine does: up to the limit, without asking for the end behind it.
func TestPageGivesItsConnectionBack(t *testing.T) {
	d := newDatabase(t, `CREATE VIEW many AS SELECT i AS id, repeat('x', 1000) AS s FROM generate_series(1, 100000) AS i`)
	d.settings.MaxConns = 1
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	q := d.Plan(d.Bind(`{"source":{"table":"many"},"pagination":{"limit":10}}`)).Pushed
	require.Equal(t, 10, q.Page.Limit)
	for _, read := range []int{10, 9, 1, 0, 10} {
		rows, err := a.Scan(t.Context(), q)
		require.NoError(t, err)
		for range read {
			require.True(t, rows.Next())
		}
		require.NoError(t, rows.Close())
		if read == 10 {
			require.Zero(t, a.pool.Stat().AcquiredConns(), "nothing is left to wait for")
		}
		require.NoError(t, rows.Close(), "twice")
		require.False(t, rows.Next())
		require.Eventually(t, func() bool { return a.pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
	}
	require.EqualValues(t, 1, a.pool.Stat().NewConnsCount(), "no connection was lost to a cancellation")
}

// TestPageLeftEarlyIsCancelled leaves a page that does not come to its end by itself.
func TestPageLeftEarlyIsCancelled(t *testing.T) {
	d := newDatabase(t, slowViews...)
	q := d.Plan(d.Bind(`{"source":{"table":"slow"},"pagination":{"limit":500}}`)).Pushed
	require.Equal(t, 500, q.Page.Limit)
	begun := time.Now()
	rows, err := d.Scan(t.Context(), q)
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	d.eventuallyIdle()
	require.Less(t, time.Since(begun), time.Minute, "all of it takes longer")
}
