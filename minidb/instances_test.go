package minidb_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Two DBs on one PostgreSQL database are two processes of one installation. An SQLite file belongs to one process.

func secondInstance(t *testing.T, f *fixture) *minidb.DB {
	t.Helper()
	if storetest.Driver() != ddl.Postgres {
		require.NotEmpty(t, f.place.File)
		return f.DB // which is the one that there may be, and must pass as well
	}
	return openAt(t, f.place, minidb.Options{})
}

// TestInstancesSeeEachOther: what a verb of one instance has returned from, every call of the other goes by, whatever it
// had in memory.
func TestInstancesSeeEachOther(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	g := f.table(goods)
	for i := range 20 {
		user := fmt.Sprintf("usr_%d", i)
		_, err := f.SetMember(f.ctx, alice, f.workspace.ID, user, rbac.Editor)
		require.NoError(t, err)
		s, err := other.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.Equal(t, rbac.Editor, s.Members[user])
		require.NoError(t, other.RemoveMember(f.ctx, alice, f.workspace.ID, user))
		s, err = f.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		require.NotContains(t, s.Members, user)
		_, err = other.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: user, Type: minidb.TextColumn}, 0)
		require.NoError(t, err)
		g.reload()
		require.Len(t, g.Columns, len(goods.Columns)+i+1)
	}
	base, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "Passing"})
	require.NoError(t, err)
	workspace, err := other.WorkspaceOf(f.ctx, base.ID)
	require.NoError(t, err)
	require.Equal(t, f.workspace.ID, workspace)
	s, err := other.Locate(f.ctx, base.ID)
	require.NoError(t, err)
	require.Equal(t, "Passing", s.Bases[len(s.Bases)-2].Name)
	require.NoError(t, f.DeleteBase(f.ctx, alice, base.ID, 0))
	_, err = other.Locate(f.ctx, base.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	_, err = other.Snapshot(f.ctx, f.workspace.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
}

// TestInstancesNeverAnswerFromBefore: readers of one instance never get a catalogue from before a change of the other that
// had returned when they asked.
func TestInstancesNeverAnswerFromBefore(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	const changes, readers = 30, 6
	var mu sync.Mutex
	done := 0 // changes that have returned
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range changes {
			if _, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: fmt.Sprint("b", i)}); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			done = i + 1
			mu.Unlock()
		}
	})
	for range readers {
		wg.Go(func() {
			for had := 0; had < changes && !t.Failed(); {
				mu.Lock()
				had = done
				mu.Unlock()
				s, err := other.Snapshot(f.ctx, f.workspace.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if n := len(s.Bases) - 1; n < had {
					t.Errorf("%d changes had returned, the catalogue has %d", had, n)
				}
			}
		})
	}
	wg.Wait()
}

// TestInstancesCountOn: entries of both are dense, in order and in one chain.
func TestInstancesCountOn(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	g := f.table(goods)
	twin := &table{fixture: &fixture{TB: t, DB: other, ctx: f.ctx, place: f.place, workspace: f.workspace, base: f.base}, Table: g.Table}
	twin.reload()
	var wg sync.WaitGroup
	for i, at := range []*table{g, twin, g, twin} {
		wg.Go(func() {
			for k := range 25 {
				if _, err := at.try(at.insert(values{"Name": text("n"), "Code": text(fmt.Sprint(i, "-", k))}), minidb.Guard{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, twin.stored(), 100)
	require.EqualValues(t, chained(f), f.count(`SELECT count(*) FROM lt_change`))
	offset, err := other.TableOffset(f.ctx, g.ID)
	require.NoError(t, err)
	require.EqualValues(t, 101, offset)
	_, err = twin.try(twin.insert(values{"Name": text("n"), "Code": text("0-0")}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, err))
}

// TestInstancesWakeEachOther: a commit of one instance wakes the consumers of the other long before they would poll.
func TestInstancesWakeEachOther(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	woken, stop := other.Committed()
	defer stop()
	g := f.table(goods)
	var slowest time.Duration
	for i := range 10 {
		drained := time.After(30 * time.Millisecond)
		for quiet := false; !quiet; {
			select {
			case <-woken:
			case <-drained:
				quiet = true
			}
		}
		began := time.Now()
		g.add(values{"Name": text(strconv.Itoa(i))})
		select {
		case <-woken:
			slowest = max(slowest, time.Since(began))
		case <-time.After(20 * time.Second):
			t.Fatal("nobody was woken")
		}
	}
	t.Logf("slowest wake-up %v", slowest)
}

// TestPurgeOfTwoInstances: both remove the same deleted workspaces at once, and neither trips over the other.
func TestPurgeOfTwoInstances(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	other := secondInstance(t, f)
	for i := range 3 {
		w, err := f.CreateWorkspace(f.ctx, alice, fmt.Sprint("doomed ", i))
		require.NoError(t, err)
		own := *f
		own.workspace = w
		own.base, err = f.CreateBase(f.ctx, alice, w.ID, minidb.BaseSpec{Name: "b"})
		require.NoError(t, err)
		for range 3 {
			spec := goods
			spec.Name = minidb.NewID("x")
			own.table(spec).add(values{"Name": text("x")})
		}
		require.NoError(t, f.DeleteWorkspace(f.ctx, alice, w.ID, 0))
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, db := range []*minidb.DB{f.DB, other} {
		wg.Go(func() { errs[i] = db.Purge(f.ctx, nil) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Empty(t, f.relations("tbl"))
	left, err := other.Doomed(f.ctx)
	require.NoError(t, err)
	require.False(t, left)
}
