package faults

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/faultdisk"
)

// TestACommitThatCouldNotBeSyncedIsUncertain: the log may have reached the disk all the same, and then a power failure brings
// the write back that was not acknowledged. So it must not be said that nothing was written.
func TestACommitThatCouldNotBeSyncedIsUncertain(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	disk, err := faultdisk.New(t.Name(), dir)
	require.NoError(t, err)
	defer disk.Close()
	s, err := sqlite.OpenStore(ctx, filepath.Join(dir, file), sqlite.StoreOptions{VFS: disk.Name()})
	require.NoError(t, err)
	exec := func(text string) error {
		return s.Write(ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(ctx, text)
			return err
		})
	}
	require.NoError(t, exec("CREATE TABLE n (v)"))
	require.NoError(t, exec("INSERT INTO n VALUES (1)"))
	disk.Break(faultdisk.Faults{Full: true})
	err = exec("WITH RECURSIVE i (v) AS (SELECT 3 UNION ALL SELECT 3 FROM i LIMIT 5000) INSERT INTO n SELECT v FROM i")
	require.ErrorIs(t, err, adapter.ErrUnavailable, "there was no room for the end of the commit")
	require.NotErrorIs(t, err, adapter.ErrUncertain)
	disk.Break(faultdisk.Faults{On: faultdisk.OnSync, Every: 1, Seed: 9})
	err = exec("INSERT INTO n VALUES (2)") // with this seed the system goes on trying to write it
	require.ErrorIs(t, err, adapter.ErrUncertain)
	require.NotErrorIs(t, err, adapter.ErrUnavailable)

	there := map[int64]int{}
	for seed := range uint64(40) {
		left := t.TempDir()
		require.NoError(t, disk.Cut(seed, left))
		after, err := sqlite.OpenStore(ctx, filepath.Join(left, file), sqlite.StoreOptions{Relaxed: true})
		require.NoError(t, err)
		require.NoError(t, after.Read(ctx, func(tx adapter.Tx) error {
			return each(ctx, tx, "SELECT v FROM n", func(r adapter.Rows) { there[number(r, 0)]++ })
		}))
		require.NoError(t, after.Close())
	}
	_ = s.Close()
	t.Log(there)
	require.Equal(t, 40, there[1])
	require.Positive(t, there[2])
	require.Less(t, there[2], 40)
	require.Zero(t, there[3])
}
