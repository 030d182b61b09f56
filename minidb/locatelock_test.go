package minidb_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TestLocatesWithTheLock: whichever instance took or released a lock and whatever changed of the catalogue meanwhile, the next
// question of any instance is answered by both as they are; a database that is opened anew knows the locks from before.
func TestLocatesWithTheLock(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	opt := minidb.Options{Clock: func() time.Time { return time.UnixMilli(now.Load()) }}
	f := newFixture(t, opt)
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a")}, values{"Name": text("B"), "Code": text("b")})
	other := secondInstance(t, f)
	if other != f.DB {
		other = openAt(t, f.place, opt)
	}
	locked := func(db *minidb.DB, row string) string {
		t.Helper()
		s, lock, told, err := db.LocateWithLock(f.ctx, g.ID, row)
		require.NoError(t, err)
		newest, err := db.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.Equal(t, newest.Revision, s.Revision)
		known, err := db.Lock(f.ctx, g.ID, row)
		require.NoError(t, err)
		if !told {
			lock = known
		}
		require.Equal(t, known, lock)
		if lock == nil {
			return ""
		}
		require.Equal(t, row, lock.Row)
		require.Equal(t, g.ID, lock.Table)
		return lock.Holder
	}
	_, err := other.Locate(f.ctx, g.ID)
	require.NoError(t, err)
	for i := range 4 {
		for _, db := range []*minidb.DB{f.DB, other} {
			require.Empty(t, locked(db, ids[0]))
			for _, none := range []string{"", "row_none", "a\x00b", "\xff"} {
				require.Empty(t, locked(db, none))
			}
		}
		taker := []*minidb.DB{f.DB, other}[i%2]
		_, err := taker.LockRow(f.ctx, alice, g.Table, ids[0], minidb.Guard{}, time.Minute)
		require.NoError(t, err)
		_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_b", []rbac.Role{rbac.Editor, rbac.Viewer}[i%2])
		require.NoError(t, err)
		for _, db := range []*minidb.DB{f.DB, other} {
			require.Equal(t, alice.ID, locked(db, ids[0]))
			require.Empty(t, locked(db, ids[1]), "another row")
		}
		if i < 2 {
			now.Add(60_000) // it ends by itself
			continue
		}
		require.NoError(t, other.UnlockRow(f.ctx, alice, g.Table, ids[0], false))
	}
	_, err = f.LockRow(f.ctx, alice, g.Table, ids[1], minidb.Guard{}, time.Hour)
	require.NoError(t, err)
	again := openAt(t, f.place, opt)
	require.Equal(t, alice.ID, locked(again, ids[1]))
	require.Empty(t, locked(again, ids[0]))
	_, _, _, err = f.LocateWithLock(f.ctx, minidb.NewID("tbl"), ids[0])
	require.ErrorIs(t, err, minidb.ErrNotFound)
}
