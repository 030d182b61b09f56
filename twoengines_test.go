package livetables_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// second is another engine on the world's mini-DB, as another process of the installation has one. An SQLite file belongs
// to one process: there it is the same engine again, which has to pass as well.
func (w *world) second() *livetables.Engine {
	w.t.Helper()
	if storetest.Driver() != ddl.Postgres {
		return w.engine
	}
	ctx := context.WithoutCancel(w.t.Context())
	store, err := w.place.OpenStore(ctx)
	require.NoError(w.t, err)
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	keys, err := livetables.LoadKeys(w.dir + "/key")
	require.NoError(w.t, err)
	e, err := livetables.New(livetables.Options{Store: db, Sealer: keys, Files: w.t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	run, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- e.Run(run) }()
	w.t.Cleanup(func() {
		stop()
		require.NoError(w.t, <-ended)
		require.NoError(w.t, e.Close())
		require.NoError(w.t, db.Close())
		require.NoError(w.t, store.Close())
	})
	return e
}

// count is how many rows of a table a principal reads.
func count(t *testing.T, a *livetables.Access, workspace, table string) (n int, err error) {
	t.Helper()
	rows, err := a.Query(t.Context(), workspace, &lqp.Query{From: lqp.Source{Table: table}})
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

// TestTwoEnginesShareOnePolicy: a right that is taken away through one engine is gone in the other with its next request,
// whatever that has in memory. There is no time in which it would go by the old one.
func TestTwoEnginesShareOnePolicy(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other := w.second()
	viewer := other.As(rbac.Principal{ID: "viewer"})
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Secret", Type: minidb.TextColumn})
	w.insert(w.owner, tbl, []string{"1", "a"}, []string{"2", "b"}, []string{"3", "c"})
	for i := range 10 {
		n, err := count(t, viewer, w.workspace, tbl.ID)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.NoError(t, w.owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Table: tbl.ID}, Role: rbac.Viewer,
			Read: expr(t, "N < 3"), Columns: map[string]rbac.Access{tbl.Columns[1].ID: rbac.Hidden}}))
		n, err = count(t, viewer, w.workspace, tbl.ID)
		require.NoError(t, err)
		require.Equal(t, 2, n, "round %d", i)
		_, err = viewer.Query(ctx, w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: []lqp.Named{{Name: "s", Expr: lqp.Ref("", "Secret")}}})
		require.Error(t, err, "round %d", i)
		require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "viewer"))
		_, err = count(t, viewer, w.workspace, tbl.ID)
		require.ErrorIs(t, err, livetables.ErrNotFound, "round %d", i)
		_, err = w.owner.SetMember(ctx, w.workspace, "viewer", rbac.Viewer)
		require.NoError(t, err)
		require.NoError(t, w.owner.DeleteRule(ctx, w.workspace, rbac.TableRef{Table: tbl.ID}, rbac.Viewer))
	}
}

// TestTwoEnginesRevokeEachOther: readers of one engine ask without pause while the other takes the right away and gives it
// back. No request that began after a revocation had returned is answered.
func TestTwoEnginesRevokeEachOther(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	viewer := w.second().As(rbac.Principal{ID: "viewer"})
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	w.insert(w.owner, tbl, []string{"1"})
	type standing struct {
		member, changing, ended bool
		change                  int
	}
	var mu sync.RWMutex
	now := standing{member: true}
	look := func() standing {
		mu.RLock()
		defer mu.RUnlock()
		return now
	}
	set := func(s standing) {
		mu.Lock()
		now = s
		mu.Unlock()
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				before := look()
				if before.ended {
					return
				}
				_, err := count(t, viewer, w.workspace, tbl.ID)
				if before.changing || look() != before {
					continue // it changed meanwhile: either answer is right
				}
				assert.Equal(t, before.member, err == nil, "%v", err)
			}
		})
	}
	for i := range 20 {
		set(standing{changing: true, change: i})
		if i%2 == 0 {
			require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "viewer"))
		} else {
			_, err := w.owner.SetMember(ctx, w.workspace, "viewer", rbac.Viewer)
			require.NoError(t, err)
		}
		set(standing{member: i%2 == 1, change: i})
		time.Sleep(10 * time.Millisecond)
	}
	set(standing{ended: true})
	wg.Wait()
}

// TestTwoEnginesTellTheirSubscribers: who listens at one engine hears what is written through the other, every change once
// and in order and soon, and no longer once the right to it was taken away there.
func TestTwoEnginesTellTheirSubscribers(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other := w.second()
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	sub, err := other.As(rbac.Principal{ID: "viewer"}).Subscribe(ctx, tbl.ID, nil)
	require.NoError(t, err)
	defer sub.Close()
	ids := w.insert(w.owner, tbl, []string{"0"})
	require.Equal(t, ids[0], next(t, sub).Ops[0].ID) // both are awake now
	var want []string
	began := time.Now()
	for i := range 20 {
		want = append(want, w.insert(w.owner, tbl, []string{strconv.Itoa(i)})...)
	}
	for i := range want {
		f := next(t, sub)
		require.Equal(t, want[i], f.Ops[0].ID)
		require.EqualValues(t, i+2, f.Position.Offset)
	}
	t.Logf("20 changes written and heard in %v", time.Since(began))
	require.NoError(t, w.owner.RemoveMember(ctx, w.workspace, "viewer"))
	w.insert(w.owner, tbl, []string{"9"})
	_, err = sub.Next(ctx)
	require.ErrorIs(t, err, livetables.ErrRevoked)
}
