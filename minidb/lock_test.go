package minidb_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestRowLocks(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	f := newFixture(t, minidb.Options{Clock: func() time.Time { return time.UnixMilli(now.Load()) }})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a"), "Stock": num(1)}, values{"Name": text("B"), "Code": text("b"), "Stock": num(2)})
	bob := minidb.Actor{ID: "usr_bob"}
	as := func(who minidb.Actor, m *lqp.Mutation) error {
		_, err := g.Apply(g.ctx, who, []minidb.Write{{Table: g.Table, Mutation: m}})
		return err
	}
	lock := func(who minidb.Actor, row string, guard minidb.Guard, life time.Duration) (*minidb.RowLock, error) {
		return f.LockRow(f.ctx, who, g.Table, row, guard, life)
	}
	taken, err := lock(alice, ids[0], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	require.Equal(t, alice.ID, taken.Holder)
	require.Equal(t, now.Load()+60_000, taken.ExpiresAt.UnixMilli())

	// Others change the row in no way, the holder and other rows are free.
	var locked *minidb.LockedError
	for name, m := range map[string]*lqp.Mutation{
		"update":            g.update(ids[0], 0, values{"Stock": num(9)}),
		"delete":            g.delete(0, ids[0]),
		"one of a batch":    g.delete(0, ids[1], ids[0]),
		"by filter":         {Op: lqp.Update, AllRows: true, Rows: []lqp.RowChange{{Set: g.set(values{"Stock": num(9)})}}},
		"delete by filter":  {Op: lqp.Delete, Where: g.where("eq", "Code", text("a"))},
		"upsert by key":     g.upsert([]string{"Code"}, values{"Code": text("a"), "Stock": num(9)}),
		"upsert, a dry run": dry(g.upsert([]string{"Code"}, values{"Code": text("a"), "Stock": num(9)})),
		"upsert by id":      {Op: lqp.Upsert, Rows: []lqp.RowChange{{ID: []lqp.Value{text(ids[0])}, Set: g.set(values{"Stock": num(9)})}}},
		"delete, a dry run": dry(g.delete(0, ids[0])),
	} {
		before := g.stored()
		require.ErrorAs(t, as(bob, m), &locked, name)
		require.Equal(t, *taken, locked.RowLock, name)
		require.Equal(t, before, g.stored(), name)
	}
	require.NoError(t, as(bob, g.update(ids[0], 0, values{"Stock": num(1)})), "an update that changes nothing")
	require.NoError(t, as(bob, g.update(ids[1], 0, values{"Stock": num(3)})))
	require.NoError(t, as(alice, g.update(ids[0], 0, values{"Stock": num(3)})))

	// What the writer may not see or change says nothing of locks.
	hidden := minidb.Guard{Read: g.where("eq", "Code", text("b"))}
	_, err = lock(bob, ids[0], hidden, time.Minute)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, err = lock(bob, ids[0], minidb.Guard{Update: g.where("eq", "Code", text("b"))}, time.Minute)
	require.ErrorIs(t, err, minidb.ErrForbidden)
	_, err = g.Apply(g.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.delete(0, ids[0]), Guard: hidden}})
	require.ErrorIs(t, err, minidb.ErrNotFound)

	// Renewal, also by the holder only.
	_, err = lock(bob, ids[0], minidb.Guard{}, time.Minute)
	require.ErrorAs(t, err, &locked)
	now.Add(30_000)
	log := readLog(t, f.DB)
	renewed, err := lock(alice, ids[0], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	require.Equal(t, taken.TakenAt, renewed.TakenAt)
	require.Equal(t, now.Load()+60_000, renewed.ExpiresAt.UnixMilli())
	require.Equal(t, log, readLog(t, f.DB), "a renewal is no news")

	// Expiry.
	now.Add(59_999)
	held, err := f.Lock(f.ctx, g.ID, ids[0])
	require.NoError(t, err)
	require.Equal(t, renewed, held)
	require.ErrorAs(t, as(bob, g.delete(0, ids[0])), &locked)
	now.Add(1)
	held, err = f.Lock(f.ctx, g.ID, ids[0])
	require.NoError(t, err)
	require.Nil(t, held)
	require.NoError(t, as(bob, g.update(ids[0], 0, values{"Stock": num(7)})))
	_, err = lock(bob, ids[0], minidb.Guard{}, minidb.MaxLock)
	require.NoError(t, err, "an expired lock is no lock")

	// Release and breaking.
	require.ErrorAs(t, f.UnlockRow(f.ctx, alice, g.Table, ids[0], false), &locked)
	require.NoError(t, f.UnlockRow(f.ctx, alice, g.Table, ids[0], true))
	require.NoError(t, f.UnlockRow(f.ctx, alice, g.Table, ids[0], false), "nobody holds it")
	_, err = lock(alice, ids[0], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	require.NoError(t, f.UnlockRow(f.ctx, alice, g.Table, ids[0], false))
	var actions []string
	entries, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, ResourceType: "lock"})
	require.NoError(t, err)
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	require.Equal(t, []string{"lock.release", "lock.take", "lock.break", "lock.take", "lock.take"}, actions)

	// Bad locks.
	for _, life := range []time.Duration{0, -time.Second, minidb.MaxLock + time.Second} {
		_, err = lock(alice, ids[0], minidb.Guard{}, life)
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v)
	}
	_, err = lock(minidb.Actor{}, ids[0], minidb.Guard{}, time.Minute)
	require.Error(t, err)
	_, err = lock(alice, "row_none", minidb.Guard{}, time.Minute)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	// A lock goes with its row and with its table.
	_, err = lock(alice, ids[0], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	require.NoError(t, as(alice, g.delete(0, ids[0])))
	require.Zero(t, f.count(`SELECT count(*) FROM lt_lock`))
	_, err = lock(alice, ids[1], minidb.Guard{}, time.Minute)
	require.NoError(t, err)
	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	require.Zero(t, f.count(`SELECT count(*) FROM lt_lock`))
}

func dry(m *lqp.Mutation) *lqp.Mutation {
	m.DryRun = true
	return m
}
